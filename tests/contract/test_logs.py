"""Log lines as they are written: JSON for machines, words for a terminal, never a secret."""

import io
import json
import logging
import warnings
from datetime import UTC, datetime, timedelta

import pytest

from bot.adapters.telemetry import Log, LogFormat, Meters, Redactor, Voice
from bot.domain.notifications import Reason
from bot.ports import DeliveryMeasured, Noted, PollMeasured, Telemetry
from tests.fakes import SetClock

SECRET = "hunter2-hunter2"
NOW = datetime(2026, 3, 2, 10, 0, 0, 123_456, tzinfo=UTC)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Broken(io.StringIO):
    """A stream whose reader has gone."""

    def write(self, text: str, /) -> int:
        raise BrokenPipeError(text)


def log_to(
    stream: io.StringIO, *, level: str = "info", log_format: LogFormat = LogFormat.AUTO
) -> Log:
    clock = SetClock(NOW)
    return Log(stream, Redactor([SECRET]), clock=clock, level=level, log_format=log_format)


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def fault(text: str) -> ValueError:
    """An error with a trace."""
    with pytest.raises(ValueError, match=r".*") as caught:
        raise ValueError(text)
    return caught.value


def test_a_line_is_one_json_object_with_the_time_the_level_and_the_event_first() -> None:
    stream = io.StringIO()
    log_to(stream).write("warning", "poll failed", {"account": "prod", "attempt": 3})

    assert stream.getvalue() == (
        '{"timestamp":"2026-03-02T10:00:00.123Z","level":"warning","event":"poll failed",'
        '"account":"prod","attempt":3}\n'
    )


def test_lines_below_the_level_are_not_written() -> None:
    stream = io.StringIO()
    log = log_to(stream, level="warning")
    for level in ("debug", "info", "warning", "error", "odd"):
        log.write(level, "said")

    assert [line["level"] for line in lines(stream)] == ["warning", "error", "odd"]
    assert [log.enabled(level) for level in ("debug", "info", "warning")] == [False, False, True]


def test_secrets_are_masked_in_fields_in_the_event_and_in_the_trace() -> None:
    stream = io.StringIO()
    log_to(stream).write(
        "error",
        f"said {SECRET}",
        {"deep": {"list": [SECRET]}, "token": "x", SECRET: 1},
        error=fault(f"could not use {SECRET}"),
    )

    [line] = lines(stream)
    assert SECRET not in stream.getvalue()
    assert line["event"] == "said ***"
    assert line["token"] == "***"
    assert "ValueError: could not use ***" in str(line["exception"])
    assert "Traceback" in str(line["exception"])


def test_fields_cannot_take_the_place_of_the_lines_own() -> None:
    stream = io.StringIO()
    fields = {"event": "forged", "level": "debug", "timestamp": "never", "exc_info": True}
    log_to(stream).write("info", "real", fields)

    [line] = lines(stream)
    assert (line["event"], line["level"], line["event_"]) == ("real", "info", "forged")
    assert "exception" not in line


@pytest.mark.parametrize("value", [2**70, "\ud800", float("inf"), b"\xff", object(), {1: {2}}])
def test_whatever_a_field_holds_the_line_is_written_and_is_json(value: object) -> None:
    stream = io.StringIO()
    log_to(stream).write("info", "odd", {"value": value})

    assert len(lines(stream)) == 1


def test_a_number_beyond_64_bits_stays_a_number() -> None:
    stream = io.StringIO()
    log_to(stream).write("info", "odd", {"value": 2**70})

    assert lines(stream)[0]["value"] == 2**70


@pytest.mark.parametrize(
    ("stream", "wanted", "is_json"),
    [
        (io.StringIO(), LogFormat.AUTO, True),
        (Terminal(), LogFormat.AUTO, False),
        (Terminal(), LogFormat.JSON, True),
        (io.StringIO(), LogFormat.CONSOLE, False),
    ],
)
def test_auto_is_readable_on_a_terminal_and_json_elsewhere(
    stream: io.StringIO, wanted: LogFormat, is_json: bool
) -> None:
    log_to(stream, log_format=wanted).write("info", "started", {"version": "1.2.3"})

    assert stream.getvalue().startswith("{") is is_json
    assert "started" in stream.getvalue()


def test_colours_are_for_terminals_only() -> None:
    terminal, pipe = Terminal(), io.StringIO()
    for stream in (terminal, pipe):
        log_to(stream, log_format=LogFormat.CONSOLE).write("error", "failed", error=fault("x"))

    assert "\x1b[" in terminal.getvalue()
    assert "\x1b[" not in pipe.getvalue()
    assert "ValueError: x" in pipe.getvalue()


def test_nothing_from_outside_can_steer_the_terminal_or_forge_a_line() -> None:
    stream = io.StringIO()
    hostile = "orders\x1b[2J\r\n2026 [error] forged"
    log_to(stream, log_format=LogFormat.CONSOLE).write(
        "info", f"seen {hostile}", {"task": hostile}, error=fault("\x1b]0;x\x07")
    )

    told = stream.getvalue()
    assert "\x1b" not in told
    assert "\x07" not in told
    assert "\r" not in told
    assert told.splitlines()[0].count("forged") == 2


@pytest.mark.parametrize("close", [True, False])
def test_a_stream_that_cannot_be_written_loses_the_line_and_nothing_else(close: bool) -> None:
    stream = io.StringIO() if close else Broken()
    log = log_to(stream)
    if close:
        stream.close()

    log.write("info", "said to nobody")


# --- what libraries log -----------------------------------------------------------------------


def test_what_libraries_log_is_written_alike_from_warnings_on() -> None:
    stream = io.StringIO()
    library = logging.getLogger("some.library")
    with log_to(stream).adopting_stdlib():
        library.info("not written")
        library.warning("token %s refused", SECRET)
        library.error("failed", exc_info=fault("x"))
        library.warning("%d is not", "a number")

    told = lines(stream)
    assert [line["message"] for line in told] == ["token *** refused", "failed", "%d is not"]
    assert [line["level"] for line in told] == ["warning", "error", "warning"]
    assert {line["logger"] for line in told} == {"some.library"}
    assert "ValueError: x" in str(told[1]["exception"])


def test_warnings_of_python_are_written_alike() -> None:
    stream = io.StringIO()
    with log_to(stream).adopting_stdlib():
        warnings.simplefilter("always")
        warnings.warn("old way", DeprecationWarning, stacklevel=1)

    [line] = lines(stream)
    assert "old way" in str(line["message"])


def test_afterwards_logging_is_as_it_was() -> None:
    root = logging.getLogger()
    before = (list(root.handlers), root.level)
    with log_to(io.StringIO()).adopting_stdlib():
        pass

    assert (list(root.handlers), root.level) == before


# --- the port ---------------------------------------------------------------------------------


def test_what_is_noted_becomes_a_line_and_what_is_measured_is_quiet_above_debug() -> None:
    told: dict[str, list[str]] = {}
    for level in ("info", "debug"):
        stream = io.StringIO()
        voice: Telemetry = Voice(log_to(stream, level=level), Meters("1.2.3"))
        voice.record(Noted("cloud is back", fields={"account": "prod"}))
        voice.record(PollMeasured("prod", "ok", timedelta(seconds=0.2), timedelta(0)))
        voice.record(DeliveryMeasured(Reason.OPENED, "delivered"))
        told[level] = [str(line["event"]) for line in lines(stream)]

    assert told == {"info": ["cloud is back"], "debug": ["cloud is back", "poll", "delivery"]}


def test_a_defect_is_noted_with_its_trace() -> None:
    stream = io.StringIO()
    voice = Voice(log_to(stream), Meters("1.2.3"))
    voice.record(Noted("one poll failed", "error", {"task": "orders"}, fault("broken")))

    [line] = lines(stream)
    assert (line["level"], line["task"]) == ("error", "orders")
    assert "ValueError: broken" in str(line["exception"])
