"""Where an incident goes when it opens."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.matching import Match, Patterns
from bot.domain.model import Severity, TaskKey
from bot.domain.notifications import tellings
from bot.domain.policy import Route
from tests.builders import a_task, an_incident
from tests.unit.telling import CRITICAL, WARNING, lag, status

ALL = Route("C0DATA")


def match(
    *, task: str = "", account: str = "", rule: str = "", severity: str = "", team: str = ""
) -> Match:
    def one(glob: str) -> Patterns:
        return Patterns((glob,) if glob else ())

    return Match(
        task=one(task),
        account=one(account),
        rule=one(rule),
        severity=one(severity),
        labels={"team": one(team)} if team else {},
    )


def test_the_first_route_that_matches_decides() -> None:
    routes = [
        Route("C0RETURNS", match(task="returns*")),
        Route("C0ORDERS", match(team="orders")),
        ALL,
    ]
    told = tellings(routes, lag(), a_task(team="orders"))
    assert [channel for channel, _ in told] == ["C0ORDERS"]
    assert [channel for channel, _ in tellings(routes, lag(), a_task())] == ["C0DATA"]


def test_a_route_that_continues_lets_the_next_one_speak_too() -> None:
    routes = [
        Route("C0ORDERS", match(task="orders"), continues=True),
        Route("C0OTHER", match(task="payments")),
        ALL,
        Route("C0NEVER"),
    ]
    assert [channel for channel, _ in tellings(routes, lag(), a_task())] == ["C0ORDERS", "C0DATA"]


def test_a_channel_is_told_once_by_the_first_route_that_names_it() -> None:
    strict = replace(ALL, min_severity=CRITICAL, continues=True)
    ((channel, told),) = tellings([strict, ALL], lag(), a_task())
    assert (channel, told.min_severity, told.incident_id) == ("C0DATA", CRITICAL, lag().id)


def test_below_its_min_severity_the_first_match_still_decides() -> None:
    strict = Route("C0ORDERS", min_severity=CRITICAL)
    assert [channel for channel, _ in tellings([strict, ALL], lag(), a_task())] == ["C0ORDERS"]


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [
        (match(rule="lag"), True),
        (match(rule="partition_*"), True),
        (match(rule="status"), False),
        (match(severity="warning"), True),
        (match(severity="critical"), False),
        (match(rule="lag", severity="critical"), False),
    ],
)
def test_routes_may_ask_for_rule_name_or_type_and_severity(*, wanted: Match, taken: bool) -> None:
    assert bool(tellings([Route("C0DATA", wanted)], lag(), a_task())) is taken


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [
        (Match(), True),
        (match(account="prod"), True),
        (match(account="staging"), False),
        (match(rule="lag", severity="warning"), True),
        (match(task="*"), False),
        (match(team="*"), False),
        (Match(connector_id=Patterns(("*",))), False),
        (Match(topic=Patterns(("*",))), False),
    ],
)
def test_an_account_goes_only_by_routes_that_ask_for_account_rule_and_severity(
    *, wanted: Match, taken: bool
) -> None:
    incident = an_incident(key=TaskKey("prod"), severity=WARNING)
    assert bool(tellings([Route("C0DATA", wanted)], incident, None)) is taken


def test_no_route_no_telling() -> None:
    assert tellings([], status(Severity.INFO), a_task()) == ()
