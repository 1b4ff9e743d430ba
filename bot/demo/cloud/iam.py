"""The cloud's Identity and Access Management, as far as a client of DMS needs it.

`POST /v3/auth/tokens` with a password gives a token in the header X-Subject-Token, valid for 24
hours; a new token leaves the old ones valid. Tokens have the 9,120 characters of the vendor's
published sample. Five wrong passwords in a row lock the user for a quarter of an hour, and while
locked the right password is refused as well. (Body, header and status as in the vendor's IAM
reference, "Obtaining a User Token Through Password Authentication"; it says that repeated failures
lock the user, but prints neither the number nor the text, which are the simulator's own here.)
"""

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.demo.cloud.errors import (
    TOKEN_EXPIRED,
    TOKEN_INVALID,
    TOKEN_MISSING,
    TOKEN_OF_OTHER_PROJECT,
    Refused,
    keystone,
)
from bot.demo.scenario.seed import hex_for

LOCK_AFTER_FAILURES = 5
LOCK_LASTS = timedelta(minutes=15)

_TIME_FORM = "%Y-%m-%dT%H:%M:%S.%fZ"
_TOKEN_HEAD = base64.b64decode("MIIatAYJ")
_TOKEN_BYTES = 6840
_WRONG_PASSWORD = "The username or password is wrong."  # noqa: S105 - a sentence
_LOCKED = "The account is locked."


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """The one account of the simulated cloud and its credentials, made up and not secret."""

    access_key: str = "AKDEMO0SIMULATED0001"
    secret_key: str = field(default=hex_for(1, "secret key"), repr=False)
    domain: str = "demo-domain"
    user: str = "demo-monitor"
    password: str = field(default=hex_for(1, "password"), repr=False)
    project_name: str = "eu-west-101"


@dataclass(frozen=True, slots=True)
class Login:
    """A token and the body that comes with it."""

    token: str = field(repr=False)
    document: dict[str, object]


@dataclass(frozen=True, slots=True)
class _Issued:
    project_id: str | None
    expires_at: datetime


def written_time(moment: datetime) -> str:
    """A moment as IAM writes it: UTC with microseconds and a Z."""
    return moment.strftime(_TIME_FORM)


@dataclass(slots=True, kw_only=True)
class Iam:
    """Tokens and the lock of the one user."""

    tenant: Tenant
    project_id: str
    clock: Callable[[], datetime]
    token_lifetime: timedelta = timedelta(hours=24)
    logins: int = 0
    failures_in_a_row: int = 0
    _locked_until: datetime | None = None
    _issued: dict[str, _Issued] = field(default_factory=dict, repr=False)

    def login(self, request: object, *, with_catalog: bool = True) -> Login:
        """Answer a token request, given its JSON.

        Raises:
            Refused: it is not a password login, the password is wrong, or the user is locked.
        """
        auth = _member(request, "auth")
        identity = _member(auth, "identity")
        if identity.get("methods") != ["password"]:
            raise Refused(keystone(400, "auth.identity.methods must be [password]."))
        self._check_password(_member(_member(identity, "password"), "user"))
        return self._issue(self._scope(auth), with_catalog=with_catalog)

    def check(self, token: str | None, project_id: str) -> str:
        """The user of a token that is valid for the project.

        Raises:
            Refused: the token is absent, unknown, expired, or of another project.
        """
        if not token:
            raise Refused(TOKEN_MISSING)
        issued = self._issued.get(token)
        if issued is None:
            raise Refused(TOKEN_INVALID)
        if self.clock() >= issued.expires_at:
            raise Refused(TOKEN_EXPIRED)
        if issued.project_id != project_id:
            raise Refused(TOKEN_OF_OTHER_PROJECT)
        return self.tenant.user

    def revoke_tokens(self) -> None:
        """Make all tokens invalid, as a change of the password or of permissions does."""
        self._issued.clear()

    def _check_password(self, user: Mapping[str, object]) -> None:
        now = self.clock()
        if self._locked_until is not None and now < self._locked_until:
            raise Refused(keystone(401, _LOCKED))
        given = (_member(user, "domain").get("name"), user.get("name"), user.get("password"))
        if given == (self.tenant.domain, self.tenant.user, self.tenant.password):
            self.failures_in_a_row = 0
            return
        self.failures_in_a_row += 1
        if self.failures_in_a_row >= LOCK_AFTER_FAILURES:
            self._locked_until = now + LOCK_LASTS
        raise Refused(keystone(401, _WRONG_PASSWORD))

    def _scope(self, auth: Mapping[str, object]) -> str | None:
        """The project of the scope; None for a token of the whole domain or of no scope."""
        scope = auth.get("scope")
        if not isinstance(scope, Mapping) or "project" not in scope:
            return None
        project = _member(scope, "project")
        if project.get("id") == self.project_id or project.get("name") == self.tenant.project_name:
            return self.project_id
        raise Refused(keystone(401, "The project of the scope cannot be used."))

    def _issue(self, project_id: str | None, *, with_catalog: bool) -> Login:
        now = self.clock()
        self.logins += 1
        token = _token_text(self.logins)
        expires_at = now + self.token_lifetime
        self._issued[token] = _Issued(project_id, expires_at)
        body = self._body(project_id)
        body |= {"issued_at": written_time(now), "expires_at": written_time(expires_at)}
        if with_catalog:
            body["catalog"] = self._catalog()
        return Login(token, {"token": body})

    def _body(self, project_id: str | None) -> dict[str, object]:
        domain = {"id": hex_for(1, "domain"), "name": self.tenant.domain}
        body: dict[str, object] = {
            "methods": ["password"],
            "user": {"id": hex_for(1, "user"), "name": self.tenant.user, "domain": domain},
            "roles": [{"id": "0", "name": "te_admin"}],
        }
        if project_id is not None:
            body["project"] = {
                "id": project_id,
                "name": self.tenant.project_name,
                "domain": domain,
            }
        return body

    def _catalog(self) -> list[dict[str, object]]:
        region = self.tenant.project_name
        url = f"https://dms.{region}.myhuaweicloud.eu/v1.0"
        endpoint = {"id": hex_for(1, "endpoint"), "interface": "public", "region": region}
        return [
            {
                "id": hex_for(1, "service"),
                "name": "dms",
                "type": "dms",
                "endpoints": [{**endpoint, "region_id": region, "url": url}],
            }
        ]


def _token_text(number: int) -> str:
    noise = hashlib.shake_256(f"token {number}".encode())
    body = _TOKEN_HEAD + noise.digest(_TOKEN_BYTES - len(_TOKEN_HEAD))
    return base64.b64encode(body).decode()


def _member(outer: object, name: str) -> Mapping[str, object]:
    inner = outer.get(name) if isinstance(outer, Mapping) else None
    if not isinstance(inner, Mapping):
        raise Refused(keystone(400, f"The request body needs the object {name}."))
    return inner
