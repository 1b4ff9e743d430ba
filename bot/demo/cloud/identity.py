"""The HTTP of IAM and of the metadata address; what they say is decided in `iam` and `metadata`."""

import json

from aiohttp import web

from bot.demo.cloud.errors import Refused, keystone
from bot.demo.cloud.gateway import CLOUD
from bot.demo.cloud.metadata import KEY_PATH, NO_AGENCY, TOKEN_PATH, MetadataForm


def routes() -> list[web.RouteDef]:
    """The calls."""
    return [
        web.post("/v3/auth/tokens", _make_token),
        web.get(KEY_PATH, _show_keys, allow_head=False),
        web.put(TOKEN_PATH, _open_metadata),
    ]


async def _make_token(request: web.Request) -> web.Response:
    cloud = request.app[CLOUD]
    try:
        body: object = json.loads(await request.read())
    except ValueError:
        raise Refused(keystone(400, "The request body is not JSON.")) from None
    if cloud.revoked():
        raise Refused(keystone(401, "The username or password is wrong."))
    login = cloud.iam.login(body, with_catalog=not request.query.get("nocatalog"))
    return web.json_response(login.document, status=201, headers={"X-Subject-Token": login.token})


async def _show_keys(request: web.Request) -> web.Response:
    metadata = request.app[CLOUD].metadata
    if metadata.form is MetadataForm.NO_AGENCY:
        return web.Response(status=401, text=NO_AGENCY)
    if not metadata.admits(request.headers.get("X-Metadata-Token")):
        return web.Response(status=401, text="Unauthorized")
    return web.json_response(metadata.document())


async def _open_metadata(request: web.Request) -> web.Response:
    metadata = request.app[CLOUD].metadata
    if metadata.form is not MetadataForm.GUARDED:
        return web.Response(status=metadata.put_status)
    token = metadata.open_door(request.headers.get("X-Metadata-Token-Ttl-Seconds"))
    if token is None:
        return web.Response(status=400, text="X-Metadata-Token-Ttl-Seconds must be 1 to 21600")
    return web.Response(text=token)
