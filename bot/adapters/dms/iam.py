"""IAM: a token of project scope for a user's password.

`POST /v3/auth/tokens?nocatalog=true` (IAM API reference, "Obtaining a User Token Through Password
Authentication") answers 201 with the token in the header X-Subject-Token, which may well have 9,120
characters, and its end in the body. It lives for 24 hours. Repeated wrong
passwords lock the user, so any refusal is `CloudDenied`, which `tokens.Renewing` does not repeat
for a long time. The time-out of a login is that of a request.
"""

from __future__ import annotations

import asyncio

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError
from yarl import URL

from bot.adapters.dms.account import AccountConfig, Password
from bot.adapters.dms.errors import Refusal, complaint_of, error_of, request_id_of, safe_text
from bot.adapters.dms.signing import fits_header
from bot.adapters.dms.tokens import Lent, life_until
from bot.adapters.dms.transport import Answer, Request, Transport
from bot.ports import Clock, CloudDenied, CloudError, CloudProtocolError

_ADVICE = (
    "a wrong password is not tried again for an hour, because repeated ones lock the user; correct"
    " domain, user and password in the configuration, which is then used at once. It must be an IAM"
    " user with programmatic access"
)


class _TokenShape(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")

    expires_at: str | None = None


class _BodyShape(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")

    token: _TokenShape | None = None


class Iam:
    """The login of one account."""

    def __init__(
        self, config: AccountConfig, password: Password, *, transport: Transport, clock: Clock
    ) -> None:
        self._config = config
        self._password = password
        self._transport = transport
        self._clock = clock

    async def login(self) -> Lent[str]:
        """A new token; earlier ones stay good. Raises: CloudError."""
        deadline = asyncio.get_running_loop().time() + self._config.timeout.total_seconds()
        answer = await self._transport.exchange(self._request(), deadline)
        if answer.status != 201:
            raise self._refused(answer)
        token = answer.headers.get("X-Subject-Token", "")
        if not fits_header(token):
            raise CloudProtocolError(
                "IAM answered without a usable X-Subject-Token",
                request_id=request_id_of(answer.headers),
            )
        return Lent(token, life_until(_end_in(answer.body), self._clock.now()))

    def _request(self) -> Request:
        return Request(
            method="POST",
            url=URL(self._config.iam_endpoint.rstrip("/") + "/v3/auth/tokens?nocatalog=true"),
            headers={"Content-Type": "application/json;charset=utf8"},
            body=orjson.dumps(self._wish()),
            accept=201,
        )

    def _wish(self) -> dict[str, object]:
        user = {
            "name": self._password.user,
            "password": self._password.password,
            "domain": {"name": self._password.domain},
        }
        identity = {"methods": ["password"], "password": {"user": user}}
        scope = {"project": {"id": self._config.project_id}}
        return {"auth": {"identity": identity, "scope": scope}}

    def _refused(self, answer: Answer) -> CloudError:
        refusal = Refusal(answer.status, answer.headers, answer.body, self._clock.now())
        hidden = (self._password.password,)
        error = error_of(refusal, hidden=hidden)
        if answer.status not in {400, 401, 403}:
            error.detail = f"IAM: {error.detail}"
            return error
        said = safe_text(complaint_of(answer.body).message, hidden)
        who = f"user {self._password.user!r} of domain {self._password.domain!r}"
        text = f"IAM refused {who}: HTTP {answer.status}{said and f': {said}'} ({_ADVICE})"
        return CloudDenied(text, request_id=error.request_id)


def _end_in(body: bytes) -> str | None:
    try:
        token = _BodyShape.model_validate_json(body).token
    except ValidationError:
        return None
    return token.expires_at if token else None
