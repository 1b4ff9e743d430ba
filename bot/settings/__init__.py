"""The configuration file: YAML and environment to validated settings.

`yamlfile` reads the text, `placeholders` fills in what the environment holds, `model` and its
sections say what may stand where, `references` what must fit together, `policies` makes the values
that the program uses, `loading` does all that in turn, `checks` looks at a valid file critically.
"""

from bot.settings.loading import Source, load, parse
from bot.settings.secret import Secret
from bot.settings.values import (
    AccountSettings,
    AkSkAuth,
    Auth,
    HeartbeatSettings,
    HttpSettings,
    LogSettings,
    MetadataAuth,
    Operators,
    PasswordAuth,
    Settings,
    SlackMode,
    SlackSettings,
    StoreSettings,
    TokenAuth,
)

__all__ = [
    "AccountSettings",
    "AkSkAuth",
    "Auth",
    "HeartbeatSettings",
    "HttpSettings",
    "LogSettings",
    "MetadataAuth",
    "Operators",
    "PasswordAuth",
    "Secret",
    "Settings",
    "SlackMode",
    "SlackSettings",
    "Source",
    "StoreSettings",
    "TokenAuth",
    "load",
    "parse",
]
