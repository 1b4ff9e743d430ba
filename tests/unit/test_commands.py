"""The /dumptask language, as people, phones and Slack write it."""

from __future__ import annotations

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from bot.domain.commands import (
    ByLabel,
    ByName,
    ByState,
    Command,
    Health,
    Help,
    LagOf,
    ListTasks,
    NotYet,
    Overview,
    Refresh,
    ShowIncident,
    ShowIncidents,
    Status,
    TaskFilter,
    Top,
    fits,
    from_slack,
    near_commands,
    parse,
)
from bot.domain.model import TaskKey, TaskState
from bot.domain.quoting import from_arguments, quoted
from bot.domain.reports import TaskView
from bot.domain.syntax import CommandSyntaxError
from bot.domain.verbs import VERBS


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("", Overview()),
        (" \n\t ", Overview()),
        ("help", Help()),
        ("HELP", Help()),
        ("help lag", Help("lag")),
        ("help Mute", Help("silence")),
        ("list", ListTasks()),
        ("list critical", ListTasks((ByState(TaskState.CRITICAL),), "critical")),
        ("List PAUSED", ListTasks((ByState(TaskState.PAUSED),), "PAUSED")),
        ("list team=orders", ListTasks((ByLabel("team", "orders"),), "team=orders")),
        ("list team=", ListTasks((ByLabel("team", ""),), "team=")),
        ("list =x", ListTasks((ByName("=x"),), "=x")),
        ("list orders-*", ListTasks((ByName("orders-*"),), "orders-*")),
        (
            'list ok team="big orders"',
            ListTasks(
                (ByState(TaskState.OK), ByLabel("team", "big orders")), 'ok "team=big orders"'
            ),
        ),
        ("status orders", Status("orders")),
        ("Status Orders", Status("Orders")),
        ("status list", Status("list")),
        ("status my task", Status("my task")),
        ("orders", Status("orders")),
        ("my own task", Status("my own task")),
        ("eu/orders#3f1c9b2d", Status("eu/orders#3f1c9b2d")),
        ("lag orders", LagOf("orders")),
        ("lag orders payments", LagOf("orders", "payments")),
        ('lag "my task" "a topic"', LagOf("my task", "a topic")),
        ("top", Top()),
        ("top 3", Top(3)),
        ("top 100", Top(100)),
        ("incidents", ShowIncidents()),
        ("incidents open", ShowIncidents()),
        ("incidents ALL", ShowIncidents(open_only=False)),
        ("incidents orders", ShowIncidents(task="orders")),
        ("incidents all orders", ShowIncidents(open_only=False, task="orders")),
        ("incidents orders all", ShowIncidents(open_only=False, task="orders")),
        ("incidents open all", ShowIncidents(task="all")),
        ("incident i-7kq2", ShowIncident("i-7kq2")),
        ("health", Health()),
        ("refresh orders", Refresh("orders")),
        ("refresh my task", Refresh("my task")),
    ],
)
def test_every_command_of_the_language_is_understood(text: str, command: Command) -> None:
    assert parse(text) == command


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("chart orders 6h", "chart"),
        ("TEST", "test"),
    ],
)
def test_a_command_of_a_later_version_is_not_taken_for_a_task(text: str, word: str) -> None:
    assert parse(text) == NotYet(word)


@pytest.mark.parametrize(
    ("text", "problem", "usage"),
    [
        ("status", '"status" needs the name of a task; "list" shows them.', "status TASK"),
        ("refresh ''", '"refresh" needs the name of a task; "list" shows them.', "refresh TASK"),
        ("lag", '"lag" needs the name of a task; "list" shows them.', "lag TASK [TOPIC]"),
        (
            "lag a b c",
            '"lag" takes two words after it; put a name with spaces in quotes.',
            "lag TASK [TOPIC]",
        ),
        ("top many", '"top" takes a whole number from 1 to 100, not "many".', "top [N]"),
        ("top 0", '"top" takes a whole number from 1 to 100, not "0".', "top [N]"),
        ("top 101", '"top" takes a whole number from 1 to 100, not "101".', "top [N]"),
        ("top -1", '"top" takes a whole number from 1 to 100, not "-1".', "top [N]"),
        ("top ٣", '"top" takes a whole number from 1 to 100, not "٣".', "top [N]"),
        ("top 99999999", '"top" takes a whole number from 1 to 100, not "99999999".', "top [N]"),
        (
            "top 1 2",
            '"top" takes one word after it; put a name with spaces in quotes.',
            "top [N]",
        ),
        ("health now", '"health" takes nothing after it.', "health"),
        (
            "incident",
            '"incident" needs an id such as i-7KQ2; "incidents" shows them.',
            "incident ID",
        ),
        (
            "incident ''",
            '"incident" needs an id such as i-7KQ2; "incidents" shows them.',
            "incident ID",
        ),
        (
            "incidents my task",
            '"incidents" takes one task; put a name with spaces in quotes: "my task".',
            "incidents [open|all] [TASK]",
        ),
        ("help me please", None, "help [command]"),
        ("help ordes", 'There is no command "ordes".', "help [command]"),
        ("orders lag", 'The command comes first: "lag orders".', "lag TASK [TOPIC]"),
        ('status "my task', "The quote before my task is not closed.", None),
        ("'", "The quote at the end is not closed.", None),
        ("status “my task", "The quote before my task is not closed.", None),
    ],
)
def test_a_wrong_command_says_what_is_wrong_and_the_usage(
    text: str, problem: str | None, usage: str | None
) -> None:
    with pytest.raises(CommandSyntaxError) as caught:
        parse(text)
    assert caught.value.usage == usage
    if problem is not None:
        assert caught.value.problem == str(caught.value) == problem


@pytest.mark.parametrize(
    ("text", "suggestions"),
    [
        ("status", ("list",)),
        ("incident", ("incidents",)),
        ("orders lag", ("lag orders",)),
        ('"my task" lag', ('lag "my task"',)),
        ("help staus", ("help status",)),
        ("help xyzzy", ()),
        ("top x", ()),
    ],
)
def test_an_error_suggests_commands_that_may_have_been_meant(
    text: str, suggestions: tuple[str, ...]
) -> None:
    with pytest.raises(CommandSyntaxError) as caught:
        parse(text)
    assert caught.value.suggestions == suggestions


@pytest.mark.parametrize(
    "typed",
    [
        '"my task"',
        "'my task'",
        "“my task”",
        "”my task”",
        "„my task“",
        "«my task»",
        "»my task«",
        "‘my task’",
        "’my task’",
        "‚my task‘",
        "`my task`",
        '"my task”',
    ],
)
def test_a_name_may_stand_in_any_quotes_that_a_phone_writes(typed: str) -> None:
    assert parse(f"lag {typed} topic") == LagOf("my task", "topic")


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("bob's-task", "bob's-task"),
        ('a"b', 'a"b'),
        ("\u2068orders\u2069", "orders"),
        ("\ufefforders", "orders"),
        ("or\u200bders", "orders"),
        ("\u00a0orders\u3000", "orders"),
        ("'it is \"it\"'", 'it is "it"'),
    ],
)
def test_a_name_is_taken_as_it_was_meant(typed: str, name: str) -> None:
    assert parse(f"refresh {typed}") == Refresh(name)


def test_a_quoted_first_word_is_a_task_even_if_it_is_a_command() -> None:
    assert parse('"list"') == Status("list")
    assert parse('orders "lag"') == Status("orders lag")


@pytest.mark.parametrize(
    ("sent", "typed"),
    [
        ("status a &lt;b&gt; &amp; c", "status a <b> & c"),
        ("status &amp;lt;", "status &lt;"),
        ("status <#C1|orders>", "status #orders"),
        ("status <#C1|#orders>", "status #orders"),
        ("status <#C1>", "status #C1"),
        ("status <#C1|>", "status #C1"),
        ("history <@U1|bob>", "history @bob"),
        ("history <@U1>", "history @U1"),
        ("test <!subteam^S1|@oncall>", "test @oncall"),
        ("test <!here>", "test @here"),
        ("status <http://orders.example|orders.example>", "status orders.example"),
        (
            "status <https://orders.example/a?b=1&amp;c=2>",
            "status https://orders.example/a?b=1&c=2",
        ),
        ("status <mailto:a@b.example|a@b.example>", "status a@b.example"),
        ("status a<b", "status a<b"),
        ("status <>", "status "),
        ("lag 5 &copy;", "lag 5 &copy;"),
    ],
)
def test_what_slack_made_of_a_text_is_taken_back(sent: str, typed: str) -> None:
    assert from_slack(sent) == typed


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@given(st.text(max_size=80))
def test_text_without_links_comes_through_slack_unchanged(text: str) -> None:
    assert from_slack(_escaped(text)) == text


@given(st.text(max_size=120))
def test_whatever_is_typed_gives_a_command_or_a_syntax_error(text: str) -> None:
    assert isinstance(_outcome(from_slack(text)), Command | CommandSyntaxError)


def _outcome(text: str) -> Command | CommandSyntaxError:
    try:
        return parse(text)
    except CommandSyntaxError as error:
        return error


@given(st.text(st.sampled_from("ab= é“”„‘’‚«\"'`"), min_size=1, max_size=12).map(str.strip))
@example('a="b')
@example('a “b" c')
def test_a_name_written_as_one_word_is_read_as_that_name(name: str) -> None:
    assume(name)
    assert parse(f"lag {quoted(name)}") == LagOf(name)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["list"], "list"),
        (["status orders"], "status orders"),
        (["status", "my task"], 'status "my task"'),
        (["status", 'a "b"'], "status 'a \"b\"'"),
        (["lag", "", "x"], 'lag "" x'),
        ([], ""),
    ],
)
def test_arguments_of_a_shell_keep_their_bounds(arguments: list[str], text: str) -> None:
    assert from_arguments(arguments) == text


@pytest.mark.parametrize(
    ("typed", "near"),
    [
        ("staus orders", "status orders"),
        ("STATSU", "status"),
        ("incidnets all", "incidents all"),
        ("aknowledge i-7KQ2", "acknowledge i-7KQ2"),
    ],
)
def test_a_misspelt_command_is_near_the_one_that_was_meant(typed: str, near: str) -> None:
    assert near_commands(typed)[0] == near


def test_a_word_like_no_command_is_near_none() -> None:
    assert near_commands("xyzzy orders") == ()


@pytest.mark.parametrize(
    ("wanted", "fitting"),
    [
        (ByState(TaskState.PAUSED), True),
        (ByState(TaskState.OK), False),
        (ByLabel("Team", "orders"), True),
        (ByLabel("team", "ord*"), True),
        (ByLabel("team", "pay*"), False),
        (ByLabel("env", "*"), False),
        (ByName("orders-eu"), True),
        (ByName("ORDERS-*"), True),
        (ByName("prod/orders-*"), True),
        (ByName("orders"), False),
    ],
)
def test_a_filter_takes_states_labels_and_whole_names_without_case(
    wanted: TaskFilter, fitting: bool
) -> None:
    view = TaskView(
        TaskKey("prod", "c", "t"), "Orders-EU", labels={"team": "Orders"}, state=TaskState.PAUSED
    )
    assert fits(wanted, view) is fitting


def test_every_word_of_the_language_has_its_place() -> None:
    words = [word for verb in VERBS for word in (verb.word, *verb.aliases)]
    assert len(words) == len(set(words))
    for verb in VERBS:
        assert verb.usage.split()[0] == verb.word
        assert parse(f"help {verb.word}") == Help(verb.word)
