"""What connects the sections of a file: names that refer to each other, and what must agree.

These look at the file as it is written, not at validated sections, so that they speak together
with everything else that is wrong, and keep silent about values that cannot be read anyway.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from bot.domain.policy import BUILT_IN, RuleType
from bot.services.poller import BUDGET_SHARE
from bot.settings import scalars
from bot.settings.problems import Path, Problems, did_you_mean, dotted, listed, quoted
from bot.settings.yamlfile import Scalar, Tree

EVERY = "*"


def check(tree: dict[str, Tree], problems: Problems) -> None:
    """Reports references that lead nowhere and sections that contradict each other."""
    _accounts(tree, problems)
    _rule_names(tree, problems)
    _same_tasks(tree, problems)
    _last_route(tree, problems)
    _deadlines(tree, problems)
    if not tree.get("tasks") and tree.get("discovery") == []:
        right = "an entry of one of the two, or no discovery key (which means everything),"
        problems.add(("discovery",), f"no tasks are watched, {right} would be right")


def _mapping(tree: dict[str, Tree], key: str) -> dict[str, Tree]:
    value = tree.get(key)
    return value if isinstance(value, dict) else {}


def _items(tree: dict[str, Tree], key: str) -> Iterator[tuple[Path, dict[str, Tree]]]:
    """The mappings of a list or a mapping of entries, with their places."""
    value = tree.get(key)
    if isinstance(value, dict):
        yield from (((key, name), one) for name, one in value.items() if isinstance(one, dict))
    elif isinstance(value, list):
        yield from (((key, n), one) for n, one in enumerate(value) if isinstance(one, dict))


def _scalars(entry: dict[str, Tree], key: str) -> list[Scalar]:
    """The scalar of a key, or those of its list, as far as their values are known."""
    value = entry.get(key)
    several = value if isinstance(value, list) else [value]
    return [one for one in several if isinstance(one, Scalar) and one.text and not one.missing]


def _text(entry: dict[str, Tree], key: str) -> str | None:
    found = _scalars(entry, key)
    return found[0].text if found else None


def _accounts(tree: dict[str, Tree], problems: Problems) -> None:
    accounts = list(_mapping(tree, "accounts"))
    if not accounts:
        return
    for path, entry in [*_items(tree, "tasks"), *_items(tree, "discovery")]:
        every = {EVERY} if path[0] == "discovery" else set()
        for name in _scalars(entry, "account"):
            if name.text not in {*accounts, *every}:
                found = f"no account is called {quoted(name.written)}"
                hint = did_you_mean(name.written, accounts)
                right = f"{listed(map(quoted, accounts[:5]))} would be right"
                problems.add((*path, "account"), f"{found}, {right}{hint}")


def _rule_names(tree: dict[str, Tree], problems: Problems) -> None:
    """Names of rules are unique; a built-in has the name of its type, and no other rule has it."""
    first: dict[str, Path] = {}
    built_in = {rule.name for rule in BUILT_IN}
    for path, rule in _items(tree, "rules"):
        for name in _scalars(rule, "name"):
            place = (*path, "name")
            found = f"found {quoted(name.written)}"
            if name.text in built_in:
                problems.add(place, f"{found}, a built-in rule's name; another would be right")
            elif name.text in set(RuleType) and name.text != _text(rule, "type"):
                problems.add(place, f"{found}, another type's name; another would be right")
            elif name.text in first:
                line = problems.line_of(first[name.text])
                problems.add(place, f"{found} as in line {line}; another would be right")
            first.setdefault(name.text, place)


def _same_tasks(tree: dict[str, Tree], problems: Problems) -> None:
    seen: dict[tuple[str | None, ...], Path] = {}
    for path, task in _items(tree, "tasks"):
        ids = (_text(task, "account"), _text(task, "connector_id"), _text(task, "task_id"))
        if ids[0] and ids[2]:
            other = seen.setdefault(ids, path)
            if other != path:
                what = f"has the ids of {dotted(other)}, one entry for a task would be right"
                problems.add(path, what)


def _last_route(tree: dict[str, Tree], problems: Problems) -> None:
    routes = list(_items(tree, "routes"))
    if routes and _mapping(routes[-1][1], "match"):
        place = (*routes[-1][0], "match")
        what = "found in the last route, which must take what is left; none would be right"
        problems.add(place, what)


# --- deadlines ---------------------------------------------------------------------------------


def _deadlines(tree: dict[str, Tree], problems: Problems) -> None:
    """A request must end within its poll, and a poll within its share of the interval."""
    for path, account in _items(tree, "accounts"):
        timeout = _duration(account, "timeout")
        for place, interval in _intervals(tree, str(path[-1])):
            if timeout is not None and timeout > interval * BUDGET_SHARE:
                most = scalars.duration_text(interval * BUDGET_SHARE)
                found = quoted(_scalars(account, "timeout")[0].written)
                limit = f"at most {most} ({BUDGET_SHARE} of {dotted(place)})"
                problems.add((*path, "timeout"), f"found {found}, {limit} would be right")


def _intervals(tree: dict[str, Tree], account: str) -> Iterator[tuple[Path, timedelta]]:
    """The poll intervals that the file gives for the tasks of an account."""
    places: list[tuple[Path, dict[str, Tree]]] = [(("poll",), _mapping(tree, "poll"))]
    places += [one for one in _items(tree, "tasks") if _text(one[1], "account") == account]
    for path, entry in places:
        interval = _duration(entry, "interval")
        if interval is not None:
            yield (*path, "interval"), interval


def _duration(entry: dict[str, Tree], key: str) -> timedelta | None:
    text = _text(entry, key)
    try:
        return None if text is None else scalars.duration(text)
    except scalars.Wrong:
        return None
