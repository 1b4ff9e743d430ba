"""Log lines: JSON on one line each, or readable ones with colours on a terminal.

Every line has `timestamp`, `level` and `event`, a fixed phrase; what varies stands in fields of its
own. Everything passes the redactor before it is written. What libraries log through `logging`
comes out the same way, from warnings on.

A log that cannot be written (a closed pipe, a full disk) is no reason for the bot to stop, so such
a line is lost.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from enum import StrEnum
from typing import TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from bot.adapters.telemetry.redaction import Redactor
from bot.ports import Clock
from bot.presenters.escape import clean

LEVELS: Mapping[str, int] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
_OWN_FIELDS = frozenset({"timestamp", "level", "event", "exc_info", "exception"})


class LogFormat(StrEnum):
    """How lines look; `auto` is console on a terminal and JSON otherwise."""

    AUTO = "auto"
    JSON = "json"
    CONSOLE = "console"

    def for_stream(self, stream: TextIO) -> LogFormat:
        """The format that `auto` means for this stream."""
        if self is not LogFormat.AUTO:
            return self
        return LogFormat.CONSOLE if _is_terminal(stream) else LogFormat.JSON


def _is_terminal(stream: TextIO) -> bool:
    return not stream.closed and stream.isatty()


class Log:
    """Writes lines to a stream."""

    def __init__(
        self,
        stream: TextIO,
        redactor: Redactor,
        *,
        clock: Clock,
        level: str = "info",
        log_format: LogFormat = LogFormat.AUTO,
    ) -> None:
        self._least = LEVELS[level]
        shape = log_format.for_stream(stream)
        self._logger = structlog.wrap_logger(
            _Stream(stream),
            processors=[
                _stamped(clock),
                structlog.processors.format_exc_info,
                _redacted(redactor),
                *_rendered(shape, colours=_is_terminal(stream)),
            ],
            wrapper_class=structlog.BoundLogger,
            context_class=dict,
        )

    def set_level(self, level: str) -> None:
        """Writes lines from this level on."""
        self._least = LEVELS[level]

    def enabled(self, level: str) -> bool:
        """Whether lines of this level are written at all."""
        return LEVELS.get(level, logging.ERROR) >= self._least

    def write(
        self,
        level: str,
        event: str,
        fields: Mapping[str, object] | None = None,
        *,
        error: BaseException | None = None,
    ) -> None:
        """Writes one line; `error` with its trace."""
        if not self.enabled(level):
            return
        named = {_field_name(name): value for name, value in (fields or {}).items()}
        if error is not None:
            named["exc_info"] = error
        self._logger.msg(event, level=level, **named)

    @contextmanager
    def adopting_stdlib(self) -> Iterator[None]:
        """While it lasts, warnings and what libraries log from warnings on are written here."""
        root, adopted = logging.getLogger(), _Adopted(self)
        before, level_before = list(root.handlers), root.level
        root.handlers[:] = [adopted]
        root.setLevel(logging.WARNING)
        logging.captureWarnings(capture=True)
        try:
            with warnings.catch_warnings():
                yield
        finally:
            logging.captureWarnings(capture=False)
            root.handlers[:] = before
            root.setLevel(level_before)


def _field_name(name: str) -> str:
    return f"{name}_" if name in _OWN_FIELDS else name


class _Stream:
    """The end of the line: writes it, or loses it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            # Nothing is left to say it to.
            return


class _Adopted(logging.Handler):
    """What a library logs, as a line of ours."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            message = str(record.msg)
        level = "error" if record.levelno >= logging.ERROR else "warning"
        error = record.exc_info[1] if record.exc_info else None
        fields = {"logger": record.name, "message": message}
        self._log.write(level, "a library says", fields, error=error)


# --- processors ------------------------------------------------------------------------------


def _stamped(clock: Clock) -> Processor:
    def stamp(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        now = clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {"timestamp": now, **event}

    return stamp


def _redacted(redactor: Redactor) -> Processor:
    def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {redactor.text(name): redactor.field(name, value) for name, value in event.items()}

    return redact


def _rendered(shape: LogFormat, *, colours: bool) -> list[Processor]:
    if shape is LogFormat.JSON:
        return [_ordered, structlog.processors.JSONRenderer(serializer=_json)]
    console = structlog.dev.ConsoleRenderer(
        colors=colours, exception_formatter=structlog.dev.plain_traceback
    )
    return [_printable, console]


def _ordered(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    first = ("timestamp", "level", "event")
    rest = (name for name in event if name not in first)
    return {name: event[name] for name in (*first, *rest)}


def _json(event: object, **_options: object) -> str:
    try:
        return orjson.dumps(event).decode()
    except TypeError:
        # Numbers beyond 64 bits, and text that is no Unicode.
        return json.dumps(event, default=str)


def _printable(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Nothing from outside may move the cursor of the terminal it is shown on."""
    shown: MutableMapping[str, object] = {}
    for name, value in event.items():
        if name == "exception":
            shown[name] = "\n".join(_visible(line) for line in str(value).split("\n"))
        else:
            shown[clean(name)] = clean(value) if isinstance(value, str) else value
    return shown


def _visible(line: str) -> str:
    return "".join(char if char.isprintable() else " " for char in line)
