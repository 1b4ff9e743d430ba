"""Answers about what people do, for people and for machines."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.domain.alerts import Acknowledgement
from bot.domain.cards import Notice, Reason
from bot.domain.silences import Cover, Silence
from bot.presenters import answers, plain, slack
from bot.presenters.answer import Answer, Column, Entries, Facts, Name, Person, Table
from bot.presenters.answer_json import as_json
from bot.presenters.incident_lines import record
from tests.builders import a_key, a_view, an_incident, at

ACK = Acknowledgement("U0ADA", at(90), at(9_000), "on it & <all>")


def a_silence(number: int = 1, **changes: object) -> Silence:
    made = Silence(
        f"s-{number}", Cover(key=a_key()), "orders", at(0), at(7_200), "U0ADA", at(0), "deploy"
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # as the test says


def test_a_card_says_who_has_it_and_what_keeps_it_quiet() -> None:
    incident = replace(an_incident(at(0)), acknowledged=ACK)
    notice = Notice(
        Reason.ACKNOWLEDGED,
        at(120),
        a_view(),
        (incident,),
        silences={incident.id: a_silence()},
    )
    card = str(slack.card(notice).blocks)
    assert "Acknowledged by <@U0ADA>, until" in card
    assert "on it &amp; &lt;all&gt;" in card
    assert "silenced until" in card
    assert "(`s-1`): deploy" in card


def test_a_record_says_how_long_it_took_and_who_had_it() -> None:
    ended = replace(an_incident(at(0)), acknowledged=ACK, resolved_at=at(600))
    assert "; acknowledged after 1 min 30 s by @U0ADA" in plain.line(record(ended))


def test_somebody_who_is_no_user_of_slack_is_no_mention() -> None:
    answer = Answer(("By ", Person("root <!here>")), (("by ", Person("root <!here>")),))
    shown = slack.render(answer)
    assert "<!here>" not in str(shown.blocks)
    assert "By @root" in str(shown.blocks)
    assert "`@root &lt;!here&gt;`" in shown.text


def test_long_lists_are_cut_and_counted() -> None:
    incident = an_incident(at(0))
    preview = answers.would_silence(
        a_silence(), [f"task-{n}" for n in range(40)], [incident], line="silence x yes", now=at(0)
    )
    assert "… and 25 more tasks" in plain.render(preview)
    many = answers.silence_list([a_silence(n) for n in range(30)], at(0), every=False)
    assert "… and 10 more" in plain.render(many)
    looked = answers.Looked(at(0) - timedelta(days=1))
    past = [a_silence(n, ended_at=at(50), ended_by="U0EVE") for n in range(20)]
    told = plain.render(answers.history((), past, looked))
    assert "ended the silence of orders (s-0) by @U0EVE" in told
    assert "10 earlier entries not shown" in told


def test_an_answer_for_machines_has_every_kind_of_part() -> None:
    answer = Answer(
        ("Title of ", Name("orders")),
        (
            ("a line",),
            Facts((("Lag", ("5",)),)),
            Entries(((("head",), ("body",)),)),
            Table((Column("a"), Column("b")), (("1", "2"),), more=3),
        ),
        ("note",),
    )
    assert as_json(answer) == {
        "title": "Title of orders",
        "parts": [
            {"text": "a line"},
            {"facts": {"Lag": "5"}},
            {"entries": [["head", "body"]]},
            {"rows": [{"a": "1", "b": "2"}], "more": 3},
        ],
        "note": "note",
        "refused": False,
    }


def test_what_flaps_is_said_to_be_told_no_more_and_when_it_has_settled() -> None:
    going = an_incident(at(0))
    flaps = Notice(Reason.FLAPPING, at(60), a_view(), (going,))
    assert "Flapping, told no more until it settles, warning: " in slack.reply(flaps).text
    settled = Notice(Reason.SETTLED, at(60), a_view(), (replace(going, resolved_at=at(30)),))
    text = slack.reply(settled).text
    assert text.startswith("Settled: ")
    assert "which came back again and again" in text
