"""From the settings of an account to what its client needs."""

from __future__ import annotations

from datetime import timedelta

from bot.adapters.dms.account import (
    METADATA_ENDPOINT,
    AccountConfig,
    AkSk,
    CredentialsConfig,
    Metadata,
    Password,
    Token,
)
from bot.settings.values import (
    AccountSettings,
    AkSkAuth,
    Auth,
    MetadataAuth,
    PasswordAuth,
    TokenAuth,
)

REQUEST_TIMEOUT = timedelta(seconds=10)


def account_config(
    account: AccountSettings, *, timeout: timedelta = REQUEST_TIMEOUT
) -> AccountConfig:
    """What the client of an account needs. `timeout` counts where the file gives none."""
    metadata = account.auth.endpoint if isinstance(account.auth, MetadataAuth) else None
    return AccountConfig(
        name=account.name,
        endpoint=account.endpoint,
        project_id=account.project_id,
        credentials=_credentials(account.auth),
        iam_endpoint=account.iam_endpoint or "",
        requests_per_second=account.requests_per_second,
        concurrency=account.concurrency,
        timeout=account.timeout or timeout,
        ca_file=account.ca_file,
        proxy=account.proxy.reveal() if account.proxy else None,
        metadata_endpoint=metadata or METADATA_ENDPOINT,
    )


def _credentials(auth: Auth) -> CredentialsConfig:
    match auth:
        case AkSkAuth():
            token = auth.security_token
            return AkSk(
                auth.access_key.reveal(),
                auth.secret_key.reveal(),
                token.reveal() if token else None,
            )
        case TokenAuth():
            return Token(auth.token.reveal())
        case PasswordAuth():
            return Password(auth.domain, auth.user, auth.password.reveal())
        case MetadataAuth():
            return Metadata()
