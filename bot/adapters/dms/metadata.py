"""Temporary keys from the metadata service of a cloud server.

The server must have an agency (ECS user guide, "Obtaining Metadata"). The service comes in two
forms: the newer wants a token, got by PUT, with every GET; 404, 405 or 503 to that PUT is the older
form, which wants none. The keys live for 24 hours and are exchanged by the service 6 hours before
their end. Their fields are spelt in three ways, at the top or inside `credential` or `credentials`.
"""

from __future__ import annotations

import asyncio

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError
from yarl import URL

from bot.adapters.dms.account import AccountConfig, AkSk
from bot.adapters.dms.errors import Refusal, error_of
from bot.adapters.dms.signing import fits_header
from bot.adapters.dms.tokens import Lent, life_until
from bot.adapters.dms.transport import Answer, Request, Transport
from bot.ports import Clock, CloudDenied, CloudError, CloudProtocolError, CloudUnavailable

_TOKEN_PATH = "/meta-data/latest/api/token"  # noqa: S105 - an address, not a token
_KEYS_PATH = "/openstack/latest/securitykey"
_TOKEN_SECONDS = 21_600
_UNGUARDED = frozenset({404, 405, 503})
_LONGEST_WAIT_SECONDS = 3.0
"""The service is on the same host as the server; the vendor's SDK waits as long."""
_NO_AGENCY = "configure cloud service agency"
_AGENCY_ADVICE = (
    "this server has no agency: create one for ECS with read access to DMS and set it on the"
    " server, or use another kind of credentials"
)


class _KeysShape(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)

    access: str = Field(
        min_length=1,
        validation_alias=AliasChoices("access", "accessKeyId", "access_key_id"),
    )
    secret: str = Field(
        min_length=1,
        validation_alias=AliasChoices("secret", "secretAccessKey", "secret_access_key"),
    )
    token: str | None = Field(
        default=None,
        validation_alias=AliasChoices("securitytoken", "securityToken", "security_token"),
    )
    end: str | None = Field(
        default=None, validation_alias=AliasChoices("expires_at", "expiration", "expiresAt")
    )


class _WrappedShape(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)

    keys: _KeysShape = Field(validation_alias=AliasChoices("credential", "credentials"))


class MetadataService:
    """The metadata service as seen from this server."""

    def __init__(self, config: AccountConfig, *, transport: Transport, clock: Clock) -> None:
        self._endpoint = config.metadata_endpoint.rstrip("/")
        self._seconds = min(config.timeout.total_seconds(), _LONGEST_WAIT_SECONDS)
        self._transport = transport
        self._clock = clock

    async def keys(self) -> Lent[AkSk]:
        """The keys of now. Raises: CloudError."""
        answer = await self._ask("GET", _KEYS_PATH, await self._guard())
        if answer.status != 200:
            raise self._refused(answer)
        found = _keys_in(answer.body)
        keys = AkSk(found.access, found.secret, found.token or None)
        return Lent(keys, life_until(found.end, self._clock.now()))

    async def _guard(self) -> dict[str, str]:
        wish = {"X-Metadata-Token-Ttl-Seconds": str(_TOKEN_SECONDS)}
        answer = await self._ask("PUT", _TOKEN_PATH, wish)
        if answer.status in _UNGUARDED:
            return {}
        if answer.status != 200:
            raise self._refused(answer)
        token = answer.body.decode("utf-8", "replace").strip()
        if not fits_header(token):
            raise CloudProtocolError("the metadata service gave a token that no header can carry")
        return {"X-Metadata-Token": token}

    async def _ask(self, method: str, path: str, headers: dict[str, str]) -> Answer:
        request = Request(method, URL(self._endpoint + path), headers, direct=True)
        deadline = asyncio.get_running_loop().time() + self._seconds
        try:
            return await self._transport.exchange(request, deadline)
        except CloudUnavailable as error:
            raise CloudUnavailable(
                f"metadata service: {error.detail} (it exists only on a cloud server)"
            ) from error

    def _refused(self, answer: Answer) -> CloudError:
        if answer.status == 401 and _NO_AGENCY in answer.body.decode("utf-8", "replace").lower():
            return CloudDenied(f"metadata service: HTTP 401 ({_AGENCY_ADVICE})")
        refusal = Refusal(answer.status, answer.headers, answer.body, self._clock.now())
        error = error_of(refusal)
        error.detail = f"metadata service: {error.detail}"
        return error


def _keys_in(body: bytes) -> _KeysShape:
    for shape in (_WrappedShape, _KeysShape):
        try:
            found = shape.model_validate_json(body)
        except ValidationError:
            continue
        keys = found.keys if isinstance(found, _WrappedShape) else found
        if fits_header(keys.access) and fits_header(keys.token or "-"):
            return keys
    raise CloudProtocolError("the metadata service's answer has no usable access and secret key")
