"""What people do from a command: who hears changes, and it is written who did it."""

from __future__ import annotations

import re

import pytest

from bot.domain.alerts import EventKind
from bot.domain.cards import Form, Reason
from bot.ports import StoreUnavailable
from tests.builders import a_key, at
from tests.component.asking import SOMEBODY, STRANGER, Asking


async def sick() -> Asking:
    """`orders` and `payments` lag, told and posted; the others are well."""
    asking = Asking()
    await asking.read_all(0)
    for second in (60, 120, 600):
        await asking.watching.lag(second, 200_000, task="orders")
        await asking.watching.lag(second, 300_000, task="payments")
    return asking


def id_in(answer: str, letter: str) -> str:
    found = re.search(rf"\b{letter}-[0-9A-Z]+", answer)
    assert found is not None, answer
    return found[0]


def acts(asking: Asking) -> list[tuple[EventKind, str, str]]:
    """What the store has of what people did."""
    kept = asking.store.kept.events
    return [(e.kind, e.by, e.note) for e in kept if e.by]


async def test_an_acknowledgement_is_said_shown_and_written() -> None:
    asking = await sick()
    answer = await asking.say("ack orders on it")
    assert "Acknowledged: orders" in answer
    assert "Undo: unack i-" in answer
    assert acts(asking) == [(EventKind.ACKNOWLEDGED, "U0ADA", "on it")]
    (incident,) = asking.watching.open_here()
    assert incident.acknowledged is not None
    assert incident.acknowledged.until == at(600 + 86_400)
    last = asking.watching.intents()[-1]
    assert (last.form, last.notice.reason, last.rings) == (
        Form.CARD,
        Reason.ACKNOWLEDGED,
        False,
    )
    assert "@U0ADA" in await asking.say(f"incident {id_in(answer, 'i')}")


async def test_an_acknowledgement_outlasts_a_restart_and_can_be_taken_back() -> None:
    asking = await sick()
    shown = id_in(await asking.say("ack orders"), "i")
    again = await asking.watching.restarted()
    (incident,) = again.open_here()
    assert incident.acknowledged is not None
    assert "Reminders come again." in await asking.say(f"unack {shown.lower()}")
    assert [kind for kind, _, _ in acts(asking)] == [
        EventKind.ACKNOWLEDGED,
        EventKind.UNACKNOWLEDGED,
    ]
    assert "Nobody has acknowledged orders." in await asking.say("unack orders")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("ack orders-eu", "Nothing is open of orders-eu."),
        ("ack i-ZZZZ", 'No open incident has an id that begins with "i-ZZZZ".'),
        ("unack i-ZZZZ", 'No open incident has an id that begins with "i-ZZZZ".'),
        ("ack ordres", "orders"),
        ("unsilence s-ZZZZ", 'No silence that goes on has an id that begins with "s-ZZZZ"'),
        ("silence ordres 2h", "orders"),
        ("silence orders until 2020-01-01", "That would be over before it begins."),
        ("history ordres", "orders"),
        ("history i-ZZZZ", "No one incident"),
        ("silences", "Nothing is silenced."),
        ("history 1m", "Nothing."),
    ],
)
async def test_what_cannot_be_done_says_why(text: str, answer: str) -> None:
    asking = await sick()
    asking.clock.time = at(700)
    assert answer in await asking.say(text)
    assert acts(asking) == []


async def test_one_task_is_silenced_at_once_and_the_undo_line_ends_it() -> None:
    asking = await sick()
    answer = await asking.say("silence orders 2h deploy of v3")
    assert "Silenced: orders" in answer
    assert "Quiet now: 1 open alert." in answer
    assert acts(asking) == [(EventKind.SILENCED, "U0ADA", "deploy of v3")]
    assert "deploy of v3" in await asking.say("silences")
    undo = f"unsilence {id_in(answer, 's')}"
    assert undo in answer
    assert "Not silenced any more: orders" in await asking.say(undo)
    assert "Nothing is silenced." in await asking.say("silences")
    assert "over since" in await asking.say("silences all")
    assert [kind for kind, _, _ in acts(asking)] == [EventKind.SILENCED, EventKind.UNSILENCED]


async def test_what_opens_under_a_silence_speaks_when_that_is_over() -> None:
    asking = await sick()
    await asking.say("silence orders-eu 10m")
    before = len(asking.watching.intents())
    await asking.watching.lag(660, 500_000, task="orders-eu")
    assert len(asking.watching.intents()) == before
    asking.clock.time = at(1_201)
    await asking.watching.lag(1_201, 500_000, task="orders-eu")
    (opened,) = asking.watching.intents()[before:]
    assert opened.notice.reason is Reason.OPENED


async def test_a_silence_outlasts_a_restart() -> None:
    asking = await sick()
    await asking.say("silence orders-eu 10m")
    again = await asking.watching.restarted()
    await again.silencing.read()
    await again.lag(660, 500_000, task="orders-eu")
    assert again.intents() == []


async def test_many_tasks_are_shown_first_and_silenced_by_the_line_that_ends_in_yes() -> None:
    asking = await sick()
    answer = await asking.say("silence team=shop 2h")
    assert "That covers 2 tasks: team=shop" in answer
    assert "orders-eu" in answer
    assert "Nothing is silenced yet." in answer
    assert "Nothing is silenced." in await asking.say("silences")
    assert "To do it: silence team=shop 2h yes" in answer
    assert "Silenced: team=shop" in await asking.say("silence team=shop 2h yes")
    assert acts(asking) == [(EventKind.SILENCED, "U0ADA", "")]


async def test_a_pattern_that_fits_one_task_needs_no_yes_and_one_that_fits_none_does() -> None:
    asking = await sick()
    assert "Silenced: task=audit*" in await asking.say("silence task=audit* 2h")
    assert "No task fits now" in await asking.say("silence task=nothing* 2h")
    assert "Silenced: task=nothing*" in await asking.say("silence task=nothing* 2h yes")


async def test_maintenance_begins_later() -> None:
    asking = await sick()
    answer = await asking.say("maintenance orders from tomorrow 9:00 for 2h")
    assert "Will be silenced: orders" in answer
    assert "from 2026-03-03 08:00 UTC until 2026-03-03 10:00 UTC" in answer
    assert acts(asking) == []
    assert "from 2026-03-03 08:00 UTC" in await asking.say("silences")


async def test_history_says_who_did_what() -> None:
    asking = await sick()
    await asking.say("ack orders on it")
    await asking.say("silence payments 2h")
    everything = await asking.say("history")
    assert "acknowledged by @U0ADA: on it" in everything
    assert "silenced payments (s-" in everything
    assert "opened, warning" in everything
    of_orders = await asking.say("history orders")
    assert "on it" in of_orders
    assert "payments" not in of_orders
    by_person = await asking.say("history @U0ADA 12h")
    assert "on it" in by_person
    assert "opened" not in by_person
    assert "Nothing." in await asking.say("history @U0EVE")
    (incident,) = asking.watching.open_here()
    assert "on it" in await asking.say(f"history {incident.id}")


async def test_who_may_not_is_told_so_and_nothing_changes() -> None:
    asking = await sick()
    for text in ("ack orders", "silence orders 2h", "silence team=shop 2h yes"):
        assert "You may not." in await asking.say(text, STRANGER)
    assert acts(asking) == []
    silence = id_in(await asking.say("silence orders 2h", SOMEBODY), "s")
    assert "You may not." in await asking.say(f"unsilence {silence}", STRANGER)
    assert "That covers 2 tasks" in await asking.say("silence team=shop 2h", STRANGER)


async def test_a_store_that_is_away_is_said_and_nothing_is_half_done() -> None:
    asking = await sick()
    asking.store.failing = StoreUnavailable("disk full")
    for text in ("ack orders", "silence orders 2h"):
        assert "That could not be saved" in await asking.say(text)
    assert "The store does not answer" in await asking.say("history")
    asking.store.failing = None
    (incident,) = asking.watching.open_here()
    assert incident.acknowledged is None
    assert "Nothing is silenced." in await asking.say("silences")


async def test_an_account_as_a_whole_can_be_acknowledged_and_silenced() -> None:
    asking = Asking()
    for second in (0, 60, 120, 180):
        for task in asking.tasks:
            await asking.watching.failure(second, task=task.task_name)
    (incident,) = asking.watching.fleet.accounts["prod"].alerts.incidents()
    assert "Acknowledged: prod" in await asking.say(f"ack {incident.id}")
    assert "Silenced: account=prod" in await asking.say("silence account=prod 2h yes")
    assert [kind for kind, _, _ in acts(asking)] == [EventKind.ACKNOWLEDGED, EventKind.SILENCED]
    assert a_key("orders") not in {e.incident.key for e in asking.store.kept.events if e.by}
