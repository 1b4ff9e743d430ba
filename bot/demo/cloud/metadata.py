"""Temporary access keys as a server finds them at its metadata address.

`GET /openstack/latest/securitykey` gives keys with a security token, valid for 24 hours and
exchanged 6 hours before their end; the old and the new both work in between (ECS user guide,
"Obtaining Metadata"). In the guarded form a token must be fetched first, by
`PUT /meta-data/latest/api/token` with a life in seconds, and sent along as X-Metadata-Token; where
that form is absent the PUT is answered 404, 405 or 503.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from bot.demo.cloud.iam import written_time
from bot.demo.scenario.seed import hex_for

KEY_PATH = "/openstack/latest/securitykey"
TOKEN_PATH = "/meta-data/latest/api/token"  # noqa: S105 - a path
NO_AGENCY = "Please configure Cloud Service Agency first"

_EXCHANGED_BEFORE_END = timedelta(hours=6)
_LONGEST_TOKEN_SECONDS = 21600


class MetadataForm(StrEnum):
    """How the metadata address answers."""

    OPEN = "open"
    GUARDED = "guarded"
    NO_AGENCY = "no_agency"


@dataclass(frozen=True, slots=True)
class TemporaryKey:
    """An access key with its secret and its security token."""

    access_key: str
    secret_key: str = field(repr=False)
    security_token: str = field(repr=False)
    expires_at: datetime


@dataclass(slots=True, kw_only=True)
class Metadata:
    """The metadata address of one server. `put_status` is what the open form answers a PUT."""

    clock: Callable[[], datetime]
    form: MetadataForm = MetadataForm.OPEN
    put_status: int = 404
    key_lifetime: timedelta = timedelta(hours=24)
    _keys: list[TemporaryKey] = field(default_factory=list, repr=False)
    _tokens: dict[str, datetime] = field(default_factory=dict, repr=False)

    def current(self) -> TemporaryKey:
        """The keys to hand out now; new ones when the last are about to end."""
        if not self._keys or self.clock() >= self._keys[-1].expires_at - self._margin():
            self.rotate()
        return self._keys[-1]

    def rotate(self) -> TemporaryKey:
        """Hand out new keys from now on; those before stay valid until their end."""
        number = len(self._keys) + 1
        key = TemporaryKey(
            access_key=f"AKTEMP{hex_for(number, 'temporary access key')[:14].upper()}",
            secret_key=hex_for(number, "temporary secret key"),
            security_token=hex_for(number, "security token") * 12 + "==",
            expires_at=self.clock() + self.key_lifetime,
        )
        self._keys.append(key)
        return key

    def find(self, access_key: str) -> TemporaryKey | None:
        """The keys of that id when they are still valid."""
        now = self.clock()
        for key in self._keys:
            if key.access_key == access_key and now < key.expires_at:
                return key
        return None

    def document(self) -> dict[str, object]:
        """The answer with the keys."""
        key = self.current()
        return {
            "credential": {
                "access": key.access_key,
                "secret": key.secret_key,
                "securitytoken": key.security_token,
                "expires_at": written_time(key.expires_at),
            }
        }

    def open_door(self, life: str | None) -> str | None:
        """A token of the guarded form for `life` seconds; None when the life is not acceptable."""
        if life is None or not life.isdecimal() or not 1 <= int(life) <= _LONGEST_TOKEN_SECONDS:
            return None
        token = hex_for(len(self._tokens), "metadata token")
        self._tokens[token] = self.clock() + timedelta(seconds=int(life))
        return token

    def admits(self, token: str | None) -> bool:
        """Whether this form answers a request with that X-Metadata-Token."""
        if self.form is not MetadataForm.GUARDED:
            return True
        return self.clock() < self._tokens.get(token or "", self.clock())

    def _margin(self) -> timedelta:
        """A quarter of the life, which is 6 hours of 24."""
        return min(_EXCHANGED_BEFORE_END, self.key_lifetime / 4)
