"""Small configurations for tests: a valid file, with what a test cares about put into it."""

from __future__ import annotations

from bot.domain.policy import AnyRule
from bot.settings import AccountSettings, Settings, Source, parse

PROJECT = "0123456789abcdef0123456789abcdef"
ACCOUNTS = f"accounts: {{eu: {{region: eu-west-101, project_id: {PROJECT}}}}}\n"
ROUTES = "routes: [{channel: C0DATA}]\n"
SLACK = 'slack: {bot_token: "${SLACK_BOT_TOKEN}"}\n'
ENVIRON = {
    "SLACK_BOT_TOKEN": "xoxb-1234",
    "HUAWEICLOUD_SDK_AK": "AKEXAMPLE",
    "HUAWEICLOUD_SDK_SK": "SKEXAMPLE",
}


def settings(
    more: str = "",
    *,
    accounts: str = ACCOUNTS,
    routes: str = ROUTES,
    slack: str = SLACK,
    environ: dict[str, str] | None = None,
) -> Settings:
    """The settings of a file with one account, one route and a token, and `more` behind them."""
    text = accounts + routes + slack + more
    return parse(Source(text, "bot.yaml", {**ENVIRON, **(environ or {})}))


def account(keys: str, **environ: str) -> AccountSettings:
    """An account `a` with these keys; credentials are in the environment."""
    made = settings(accounts=f"accounts: {{a: {{project_id: 1, {keys}}}}}\n", environ=environ)
    return made.accounts["a"]


def rule(keys: str) -> AnyRule:
    """A rule `r` with these keys."""
    return settings(f"rules: [{{name: r, {keys}}}]\n").policies.rules[-1]
