"""The simulated cloud as one aiohttp application: DMS, IAM, the metadata address, the control.

In the world these are different hosts; their paths differ, so here one port serves them all.
"""

from aiohttp import web

from bot.demo.cloud import control, dms, identity
from bot.demo.cloud.gateway import CLOUD, gateway, stamp
from bot.demo.cloud.iam import Tenant
from bot.demo.cloud.simulated import Clock, SimulatedCloud, Terms, steady_clock
from bot.demo.scenario import Scenario


def make_cloud(
    scenario: Scenario,
    *,
    clock: Clock | None = None,
    speed: float = 1.0,
    tenant: Tenant | None = None,
    terms: Terms | None = None,
) -> web.Application:
    """A cloud that starts now, by its clock. `app[CLOUD]` is its control surface.

    Serve it with `bot.demo.serving.serve`, whose header bound takes IAM's long tokens.
    """
    cloud = SimulatedCloud(
        scenario,
        clock or steady_clock(),
        speed,
        tenant or Tenant(),
        terms or Terms(),
    )
    return application(cloud)


def application(cloud: SimulatedCloud) -> web.Application:
    """The HTTP of a cloud that exists already."""
    app = web.Application(middlewares=[gateway])
    app[CLOUD] = cloud
    app.on_response_prepare.append(stamp)
    app.on_shutdown.append(_close)
    app.add_routes([*dms.routes(), *identity.routes(), *control.routes()])
    return app


async def _close(app: web.Application) -> None:
    app[CLOUD].closing.set()
