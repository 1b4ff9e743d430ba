"""Who asks: four kinds of credentials behind one small protocol.

`headers` gives what a request needs to be accepted, at once where it can; `renewed` is asked once
when the API answers 401 and says whether another try has a chance. Keys that sign cannot be
renewed, nor can a given token. A password's token and a server's keys can, within the bounds of
`tokens.Renewing`, so that a refused password is never tried in a loop.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol, assert_never

from bot.adapters.dms.account import (
    AccountConfig,
    AkSk,
    CredentialsConfig,
    Metadata,
    Password,
    Token,
)
from bot.adapters.dms.calls import Call
from bot.adapters.dms.iam import Iam
from bot.adapters.dms.metadata import MetadataService
from bot.adapters.dms.signing import CONTENT_TYPE, DateStamp, Signer, fits_header
from bot.adapters.dms.tokens import Lent, Renewing
from bot.adapters.dms.transport import Transport
from bot.ports import Clock, ConfigError

__all__ = [
    "AkSk",
    "Credentials",
    "CredentialsConfig",
    "Metadata",
    "Password",
    "Token",
    "credentials_of",
]

_TOKEN_MARGIN = timedelta(minutes=30)
_KEYS_MARGIN = timedelta(minutes=40)
"""As the vendor's SDK."""
_AFTER_WRONG_PASSWORD = timedelta(hours=1)
_AFTER_NO_AGENCY = timedelta(minutes=1)
"""Nothing locks here, and somebody may be setting the agency just now."""


_NOT_CARRIED = (
    "is empty, or has a blank, a line break or a character beyond ASCII, which no HTTP header"
    " carries; give it exactly as it was issued"
)


class Credentials(Protocol):
    """Makes requests acceptable."""

    def headers(self, call: Call) -> dict[str, str] | None:
        """The headers that let this call in, now. None when `fetch` must be awaited first."""
        ...

    async def fetch(self) -> None:
        """Gets what `headers` lacks. Raises: CloudError."""
        ...

    async def renewed(self, refused: Mapping[str, str]) -> bool:
        """After a 401 to these headers: whether new ones have a chance. Raises: CloudError."""
        ...

    def secrets(self) -> tuple[str, ...]:
        """What no text may show."""
        ...

    async def close(self) -> None:
        """Ends what runs in the background."""
        ...


class _Keys:
    """AK/SK."""

    def __init__(self, keys: AkSk, clock: Clock) -> None:
        self._signer = Signer(keys)
        self._clock = clock
        self._stamp = DateStamp()

    def headers(self, call: Call) -> dict[str, str] | None:
        return self._signer.headers(call.seal, self._stamp.of(self._clock.now()))

    async def fetch(self) -> None:
        pass

    async def renewed(self, refused: Mapping[str, str]) -> bool:  # noqa: ARG002 - the protocol's
        return False

    def secrets(self) -> tuple[str, ...]:
        return _secrets_of(self._signer.keys)

    async def close(self) -> None:
        pass


class _GivenToken:
    """A token from the configuration."""

    def __init__(self, token: str) -> None:
        self._token = token

    def headers(self, call: Call) -> dict[str, str] | None:  # noqa: ARG002 - the protocol's
        return _token_headers(self._token)

    async def fetch(self) -> None:
        pass

    async def renewed(self, refused: Mapping[str, str]) -> bool:  # noqa: ARG002 - the protocol's
        return False

    def secrets(self) -> tuple[str, ...]:
        return (self._token,)

    async def close(self) -> None:
        pass


class _PasswordToken:
    """A token that IAM gives for a password."""

    def __init__(self, iam: Iam) -> None:
        self._tokens = Renewing(
            iam.login, margin=_TOKEN_MARGIN, after_refusal=_AFTER_WRONG_PASSWORD
        )

    def headers(self, call: Call) -> dict[str, str] | None:  # noqa: ARG002 - the protocol's
        token = self._tokens.ready()
        return None if token is None else _token_headers(token)

    async def fetch(self) -> None:
        await self._tokens.current()

    async def renewed(self, refused: Mapping[str, str]) -> bool:
        old = refused.get("X-Auth-Token")
        return await self._tokens.replace(lambda token: token == old)

    def secrets(self) -> tuple[str, ...]:
        token = self._tokens.held
        return () if token is None else (token,)

    async def close(self) -> None:
        await self._tokens.close()


class _ServerKeys:
    """Temporary keys of the server's agency."""

    def __init__(self, service: MetadataService, clock: Clock) -> None:
        self._service = service
        self._signers = Renewing(self._fetch, margin=_KEYS_MARGIN, after_refusal=_AFTER_NO_AGENCY)
        self._clock = clock
        self._stamp = DateStamp()

    def headers(self, call: Call) -> dict[str, str] | None:
        signer = self._signers.ready()
        if signer is None:
            return None
        return signer.headers(call.seal, self._stamp.of(self._clock.now()))

    async def fetch(self) -> None:
        await self._signers.current()

    async def renewed(self, refused: Mapping[str, str]) -> bool:
        signed, token = refused.get("Authorization", ""), refused.get("X-Security-Token")

        def is_refused(signer: Signer) -> bool:
            keys = signer.keys
            return f"Access={keys.access_key}," in signed and keys.security_token == token

        return await self._signers.replace(is_refused)

    def secrets(self) -> tuple[str, ...]:
        signer = self._signers.held
        return () if signer is None else _secrets_of(signer.keys)

    async def close(self) -> None:
        await self._signers.close()

    async def _fetch(self) -> Lent[Signer]:
        lent = await self._service.keys()
        return Lent(Signer(lent.value), lent.life)


def credentials_of(config: AccountConfig, *, transport: Transport, clock: Clock) -> Credentials:
    """The credentials of an account; nothing is asked yet.

    Raises: ConfigError for what no request can carry.
    """
    match config.credentials:
        case AkSk() as keys:
            _check_carried(config, "access_key", keys.access_key)
            _check_carried(config, "security_token", keys.security_token or "-")
            return _Keys(keys, clock)
        case Token(token):
            _check_carried(config, "token", token)
            return _GivenToken(token)
        case Password() as password:
            if not config.iam_endpoint:
                raise ConfigError([f"accounts.{config.name}.iam_endpoint: needed for a password"])
            return _PasswordToken(Iam(config, password, transport=transport, clock=clock))
        case Metadata():
            return _ServerKeys(MetadataService(config, transport=transport, clock=clock), clock)
        case unknown:
            assert_never(unknown)


def _check_carried(config: AccountConfig, key: str, value: str) -> None:
    if not fits_header(value):
        place = f"accounts.{config.name}.auth.{key}"
        raise ConfigError([f"{place}: {_NOT_CARRIED}"])


def _token_headers(token: str) -> dict[str, str]:
    return {"Content-Type": CONTENT_TYPE, "X-Auth-Token": token}


def _secrets_of(keys: AkSk) -> tuple[str, ...]:
    return (keys.access_key, keys.secret_key, keys.security_token or "")
