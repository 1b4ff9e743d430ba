"""Control of the simulator over HTTP, for tests in another process.

    POST   /_demo/faults                    one fault or a list:
                                            {"does": {"kind": "reply", "status": 503},
                                             "path": "*/sink-tasks/*", "times": 2}
    GET    /_demo/faults                    those that can still befall a request
    DELETE /_demo/faults                    let all go well again
    GET    /_demo/requests?path=PATTERN     what was asked, oldest first
    DELETE /_demo/requests                  forget it
    POST   /_demo/tasks/{task_id}/behaviours   something befalls a task from now on, in scenario
                                            time: {"kind": "stall", "window": {"end": 600}}
    POST   /_demo/tasks/{task_id}/relief    end what holds it back

The kinds and their fields are those of `faults` and of the scenario's behaviours; times are
seconds. These paths exist in the simulator only, never in the program it is a world for. They
answer loopback addresses, and only with the header `X-Demo-Control: 1`, which a web page of
elsewhere cannot send without asking first; all others get 403. They are neither journalled nor
befallen by faults.
"""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from ipaddress import ip_address
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from bot.demo.cloud.faults import Fault, Misdeed
from bot.demo.cloud.gateway import CLOUD
from bot.demo.cloud.journal import Asked
from bot.demo.scenario.behaviours import Behaviour

CONTROL_HEADER = "X-Demo-Control"


class _AskedFault(BaseModel, extra="forbid"):
    does: Annotated[Misdeed, Field(discriminator="kind")]
    path: str = "*"
    method: str = "*"
    times: int | None = None
    seconds: float | None = None

    def fault(self) -> Fault:
        return Fault(
            does=self.does,
            path=self.path,
            method=self.method,
            times=self.times,
            seconds=self.seconds,
        )


_ASKED_FAULTS: TypeAdapter[list[_AskedFault]] = TypeAdapter(list[_AskedFault])
_FAULTS: TypeAdapter[list[Fault]] = TypeAdapter(list[Fault])
_BEHAVIOUR: TypeAdapter[Behaviour] = TypeAdapter(Annotated[Behaviour, Field(discriminator="kind")])

Answer = Callable[[web.Request], Awaitable[web.Response]]


def routes() -> list[web.RouteDef]:
    """The calls, each behind the guard."""
    task = "/_demo/tasks/{task_id}"
    return [
        web.post("/_demo/faults", _guarded(_program)),
        web.get("/_demo/faults", _guarded(_live_faults), allow_head=False),
        web.delete("/_demo/faults", _guarded(_clear_faults)),
        web.get("/_demo/requests", _guarded(_requests), allow_head=False),
        web.delete("/_demo/requests", _guarded(_forget_requests)),
        web.post(task + "/behaviours", _guarded(_befall)),
        web.post(task + "/relief", _guarded(_relieve)),
    ]


def _guarded(answer: Answer) -> Answer:
    async def guarded(request: web.Request) -> web.Response:
        if not _from_loopback(request) or request.headers.get(CONTROL_HEADER) != "1":
            return web.json_response(
                {"error": f"control needs a loopback address and {CONTROL_HEADER}: 1"}, status=403
            )
        try:
            return await answer(request)
        except ValidationError as error:
            return web.json_response({"error": _told(error)}, status=400)
        except KeyError as error:
            return web.json_response({"error": f"there is no task {error}"}, status=404)

    return guarded


def _from_loopback(request: web.Request) -> bool:
    return request.remote is not None and ip_address(request.remote).is_loopback


def _told(error: ValidationError) -> list[str]:
    return [
        f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors()
    ]


async def _program(request: web.Request) -> web.Response:
    body = (await request.read()).strip()
    asked = _ASKED_FAULTS.validate_json(b"[" + body + b"]" if body.startswith(b"{") else body)
    request.app[CLOUD].faults.program(*(each.fault() for each in asked))
    return web.json_response({"programmed": len(asked)}, status=201)


async def _live_faults(request: web.Request) -> web.Response:
    live = list(request.app[CLOUD].faults.live())
    return web.json_response({"faults": _FAULTS.dump_python(live, mode="json")})


async def _clear_faults(request: web.Request) -> web.Response:
    request.app[CLOUD].faults.clear()
    return web.Response(status=204)


async def _requests(request: web.Request) -> web.Response:
    asked = request.app[CLOUD].journal.matching(request.query.get("path", "*"))
    return web.json_response({"requests": [_told_of(each) for each in asked]})


def _told_of(asked: Asked) -> dict[str, object]:
    return {**asdict(asked), "at": asked.at.isoformat()}


async def _forget_requests(request: web.Request) -> web.Response:
    request.app[CLOUD].journal.clear()
    return web.Response(status=204)


async def _befall(request: web.Request) -> web.Response:
    behaviour = _BEHAVIOUR.validate_json(await request.read())
    request.app[CLOUD].befall(request.match_info["task_id"], behaviour)
    return web.Response(status=204)


async def _relieve(request: web.Request) -> web.Response:
    request.app[CLOUD].relieve(request.match_info["task_id"])
    return web.Response(status=204)
