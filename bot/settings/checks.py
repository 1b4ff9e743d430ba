"""A critical look at a valid configuration: what each task gets, and what is probably not meant.

Nothing is asked of the outside. Tasks are the configured ones and those that discovery last
stored; what depends on more is listed as not judged, never passed over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from bot.domain.checkup import CheckReport, TaskCheck
from bot.domain.discovery import discovered_tasks
from bot.domain.history import TaskHistory
from bot.domain.matching import Match
from bot.domain.model import Severity, WatchedTask
from bot.domain.names import watched_tasks
from bot.domain.peaks import LowLevel
from bot.domain.policy import AnyRule, LagRule, Route, RuleType, View
from bot.domain.rules import rules_for
from bot.ports import Snapshot
from bot.services.poller import BUDGET_SHARE
from bot.settings.addresses import is_loopback
from bot.settings.patterns import Known, misses
from bot.settings.problems import did_you_mean, listed
from bot.settings.regions import KNOWN
from bot.settings.scalars import duration_text
from bot.settings.values import Settings, SlackMode

NAMES_SHOWN = 5


def check_report(
    settings: Settings,
    stored: Snapshot | None = None,
    *,
    unreadable: str = "",
    low_levels: Mapping[str, Sequence[LowLevel]] | None = None,
) -> CheckReport:
    """Looks at a configuration.

    `stored` is what the store knows, None where there is none yet or it cannot be read;
    `unreadable` says why it cannot. `low_levels` is what stored samples say of levels, by the
    task's name; None where there are none.
    """
    snapshot = stored or Snapshot()
    tasks = watched_tasks(
        settings.tasks,
        discovered_tasks(settings.discovery, snapshot.discovered),
        labels=settings.labels,
        interval=settings.policies.poll.interval,
    )
    rows = tuple(_row(task, settings, snapshot.windows.get(task.key)) for task in tasks)
    known = Known(
        accounts=tuple(settings.accounts),
        tasks=tasks,
        listed=snapshot.discovered,
        topics={key: tuple(window.topics) for key, window in snapshot.windows.items()},
        complete=bool(snapshot.discovered) or not settings.discovery,
    )
    missed = misses(settings, known)
    warnings = [
        *_regions(settings),
        *_twins(settings),
        *_pace(rows),
        *_rates(settings, tasks),
        *_timeouts(settings, tasks),
        *missed.certain,
        *_unreached(settings.policies.routes),
        *_page(settings),
        *_low(low_levels or {}),
    ]
    return CheckReport(
        rows,
        warnings=tuple(warnings),
        notes=(
            *_silences(settings.policies.routes),
            *_alerts_only(settings),
            *_weight(settings, tasks, snapshot),
            *_not_used(settings),
        ),
        not_judged=(
            *_not_judged(settings, known, unreadable, learned=low_levels is not None),
            *missed.open,
        ),
    )


# --- what a task gets --------------------------------------------------------------------------


def _row(task: WatchedTask, settings: Settings, window: TaskHistory | None) -> TaskCheck:
    poll_deadline = task.interval * BUDGET_SHARE
    account = settings.accounts[task.key.account]
    return TaskCheck(
        task,
        poll_deadline=poll_deadline,
        request_deadline=min(account.request_timeout, poll_deadline),
        rules=tuple(_deciding(task, settings.policies.rules)),
        routes=tuple(_taking(task, settings.policies.routes)),
        delivery_interval=window.sample.destination.deliver_interval
        if window and window.sample
        else None,
    )


def _deciding(task: WatchedTask, rules: Sequence[AnyRule]) -> Iterator[AnyRule]:
    """Of each type the last rule, and before it none; those for some topics beside it."""
    fitting = rules_for(task, rules).rules
    for rule_type in RuleType:
        found: list[AnyRule] = []
        for rule in reversed(fitting.get(rule_type, ())):
            found.append(rule)
            if not rule.match.topic.globs:
                break
        yield from (rule for rule in reversed(found) if rule.enabled)


def _taking(task: WatchedTask, routes: Sequence[Route]) -> Iterator[Route]:
    for route in routes:
        if route.match.hits_task(task):
            yield route
            whole = not (route.match.rule.globs or route.match.severity.globs)
            if whole and not route.continues:
                return


# --- warnings ----------------------------------------------------------------------------------


def _some(names: Sequence[str]) -> str:
    """The first few of many names."""
    more = len(names) - NAMES_SHOWN
    return ", ".join(names[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _regions(settings: Settings) -> Iterator[str]:
    for account in settings.accounts.values():
        if account.region is not None and account.region not in KNOWN:
            hint = did_you_mean(account.region, KNOWN)
            yield f"accounts.{account.name}: no known region is called {account.region}{hint}"


def _pace(rows: Sequence[TaskCheck]) -> Iterator[str]:
    """Polls that are too rare for the delivery interval, gathered by the two intervals."""
    groups: dict[tuple[timedelta, timedelta], list[str]] = {}
    for row in rows:
        delivery = row.delivery_interval
        if delivery is not None and row.task.interval > delivery / 2:
            groups.setdefault((row.task.interval, delivery), []).append(row.task.name)
    for (interval, delivery), names in groups.items():
        polled, delivered = duration_text(interval), duration_text(delivery)
        half = duration_text(delivery / 2)
        if interval == delivery:
            why = "so readings meet the same point of each delivery"
        else:
            why = "so a delivery may pass unseen between two readings"
        yield (
            f"{_some(names)}: polled every {polled} and delivered every {delivered}, {why};"
            f" an interval of at most {half} would be right"
        )


def _rates(settings: Settings, tasks: Sequence[WatchedTask]) -> Iterator[str]:
    counts = Counter(task.key.account for task in tasks)
    rates = dict.fromkeys(counts, 0.0)
    for task in tasks:
        rates[task.key.account] += 1 / task.interval.total_seconds()
    for name, rate in rates.items():
        allowed = settings.accounts[name].requests_per_second
        if rate > allowed:
            yield (
                f"accounts.{name}: {counts[name]} tasks at their intervals need {rate:.3g} requests"
                f" a second, and requests_per_second is {allowed:g}: polls will come late"
            )


def _timeouts(settings: Settings, tasks: Sequence[WatchedTask]) -> Iterator[str]:
    """Timeouts that never run out, because the poll ends before them."""
    shortest: dict[str, timedelta] = {}
    for task in tasks:
        before = shortest.get(task.key.account, task.interval)
        shortest[task.key.account] = min(before, task.interval)
    for name, interval in shortest.items():
        timeout, deadline = settings.accounts[name].timeout, interval * BUDGET_SHARE
        if timeout is not None and timeout > deadline:
            yield (
                f"accounts.{name}.timeout: {duration_text(timeout)} is more than a poll may take"
                f" ({duration_text(deadline)} of {duration_text(interval)}), which ends it earlier"
            )


def _unreached(routes: Sequence[Route]) -> Iterator[str]:
    for place, route in enumerate(routes[:-1]):
        if not route.continues and _takes_everything(route):
            behind = "routes behind it are" if place + 2 < len(routes) else "route behind it is"
            yield f"routes[{place}] ({route.channel}): takes everything, the {behind} never asked"
            return


def _takes_everything(route: Route) -> bool:
    return route.match == Match()


def _low(found: Mapping[str, Sequence[LowLevel]]) -> Iterator[str]:
    """Levels that a healthy sawtooth crosses."""
    for task, lows in found.items():
        for low in lows:
            yield (
                f"{low.rule.name}: the level of {low.level:,} lies below the normal peak of {task}"
                f" ({low.peak:,} messages in {low.subject}): it is crossed about"
                f" {low.crossings_per_day:,.0f} times a day; view: trough, or a level above the"
                " peak would be right"
            )


def _page(settings: Settings) -> Iterator[str]:
    http = settings.http
    if is_loopback(http.host) or http.token is not None or http.admin_port is not None:
        return
    yield (
        f"http: the page and /api are open to everybody who reaches {http.host}:{http.port};"
        " a token, an admin_port, or a host of 127.0.0.1 would be right"
    )


# --- notes, and what was not judged ------------------------------------------------------------


def _silences(routes: Sequence[Route]) -> Iterator[str]:
    """What a route keeps to itself by its min_severity."""
    for place, route in enumerate(routes):
        matched = [s for s in Severity if route.match.severity.hit(s.word)]
        below = [s.word for s in matched if s < route.min_severity]
        if below and not route.continues:
            yield (
                f"routes[{place}] ({route.channel}): of what it matches {listed(below)} is told"
                " nowhere, no later route is asked"
            )


SAMPLE_BYTES, PARTITION_BYTES = 30, 3
"""What a stored sample weighs, and each of its partitions (measured, and rounded up)."""


def _weight(settings: Settings, tasks: Sequence[WatchedTask], snapshot: Snapshot) -> Iterator[str]:
    """What the samples of the tasks that are known will weigh."""
    per_day = partitions = 0.0
    for task in tasks:
        window = snapshot.windows.get(task.key)
        count = sum(len(topic.partitions) for topic in window.topics.values()) if window else 0
        partitions += count
        per_day += (SAMPLE_BYTES + PARTITION_BYTES * count) * (timedelta(days=1) / task.interval)
    if partitions:
        kept = per_day * (settings.store.samples / timedelta(days=1))
        yield (
            f"store: {duration_text(settings.store.samples)} of samples of {partitions:,.0f}"
            f" partitions will weigh about {_size(kept)}"
        )


def _size(weight: float) -> str:
    """`2.1 GB`."""
    unit, divisor = next(
        ((unit, divisor) for unit, divisor in _SIZES if weight >= divisor), ("kB", 1e3)
    )
    share = weight / divisor
    return f"{share:.1f} {unit}" if share < 10 else f"{share:,.0f} {unit}"


_SIZES = (("TB", 1e12), ("GB", 1e9), ("MB", 1e6))


def _alerts_only(settings: Settings) -> Iterator[str]:
    if settings.slack.modes == (SlackMode.ALERTS_ONLY,):
        yield (
            "slack: neither app_token nor signing_secret is given, so alerts are sent,"
            " and commands and buttons do not work"
        )


def _twins(settings: Settings) -> Iterator[str]:
    """Accounts that are one project: each of its tasks would be polled and told twice."""
    places: dict[tuple[str, str], list[str]] = {}
    for name, account in settings.accounts.items():
        url = urlsplit(account.endpoint)
        port = url.port or {"http": 80}.get(url.scheme, 443)
        place = (f"{url.scheme}://{url.hostname}:{port}", account.project_id)
        places.setdefault(place, []).append(name)
    for names in places.values():
        if len(names) > 1:
            yield (
                f"accounts {listed(names, 'and')}: the same endpoint and project_id, so that one"
                " task may be watched and told twice; one account would be right"
            )


UNUSED: Mapping[str, tuple[str, ...]] = {
    "http": ("public_url",),
    "alerts": ("storm_tasks", "storm_window"),
}
"""Keys by section that are read and checked, and of which nothing comes in this version; beside
it `slack.app_token`, which has a sentence of its own."""


def _not_used(settings: Settings) -> Iterator[str]:
    """The keys of these that the file sets to anything but their default."""
    policies = settings.policies
    sections: Mapping[str, Any] = {
        "http": settings.http,
        "alerts": policies.alerts,
    }
    for section, keys in UNUSED.items():
        usual = {field.name: field.default for field in fields(sections[section])}
        for key in keys:
            if getattr(sections[section], key) != usual[key]:
                yield f"{section}.{key}: this version does not use it yet"
    if settings.slack.app_token is not None:
        yield (
            "slack.app_token: this version has no Socket Mode yet; commands come by HTTP, with"
            " slack.signing_secret"
        )


def _not_judged(
    settings: Settings, known: Known, unreadable: str, *, learned: bool
) -> Iterator[str]:
    yield from settings.missing
    if unreadable:
        yield f"what the store knows: {unreadable}"
    elif not known.complete:
        yield "tasks that discovery finds: none are stored yet, they are known once the bot has run"
    rules = settings.policies.rules
    instant = [r for r in rules if isinstance(r, LagRule) and r.view is View.INSTANT]
    if instant and not learned:
        yield "levels of lag against each task's own normal peak: that needs stored readings"
