"""The lines of logs: how ours are written, and what is known of each line of a job's log.

A job prints to one pipe whatever it likes. What Python's logging writes there, where the pipeline
has not set it up, has the form of `LineFormatter`, and so can be read again.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flowerpower.jobs.log_context import log_zone
from flowerpower.text import mask, mask_values, visible
from flowerpower.triggers import clock

LOG_FORMAT_VARIABLE = "FLOWERPOWER_LOG_FORMAT"
"""The variable of the environment that says how a worker logs: text or json."""
CONTINUED = "\t"
"""What the further lines of one record begin with: nothing else that is printed does, mostly."""


class LineFormatter(logging.Formatter):
    """Writes `2026-11-29T08:00:00.123+01:00 [node] WARNING logger: message`.

    The time is in the project's zone, once that is known. Without a node there are no brackets.
    Further lines of the message and the traceback begin with a tab.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line, and its traceback as further ones."""
        text = record_text(record, self)
        node = getattr(record, "flowerpower_node", None)
        place = f"[{node}] " if node else ""
        lines = f"{place}{record.levelname} {record.name}: {text}".replace("\n", f"\n{CONTINUED}")
        return f"{local_time(record.created)} {lines}"


class JsonFormatter(logging.Formatter):
    """Writes records as `json_line` does; a traceback is part of the message."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        text = record_text(record, self)
        level = record.levelname.lower()
        return json_line("log", level, text, logger=record.name, timestamp=record.created)


def json_line(
    event: str,
    level: str,
    message: str,
    facts: Mapping[str, Any] | None = None,
    *,
    logger: str = "flowerpower",
    timestamp: float | None = None,
) -> str:
    """A line of a worker's or scheduler's log as JSON, with secrets masked; by default of now."""
    moment = clock.now() if timestamp is None else datetime.fromtimestamp(timestamp, UTC)
    body = {
        "time": clock.format_time(moment),
        "event": event,
        "level": level,
        "logger": logger,
        "message": mask(message),
    }
    return json.dumps(mask_values({**body, **(facts or {})}))


def local_time(timestamp: float) -> str:
    """RFC 3339 to the millisecond, in the zone of this process's logs."""
    moment = datetime.fromtimestamp(timestamp, UTC).astimezone(log_zone())
    return moment.isoformat(timespec="milliseconds")


def record_text(record: logging.LogRecord, formatter: logging.Formatter) -> str:
    """The message of a record, its traceback and its stack."""
    parts = [record.getMessage()]
    if record.exc_info and not record.exc_text:
        record.exc_text = formatter.formatException(record.exc_info)
    if record.exc_text:
        parts.append(record.exc_text)
    if record.stack_info:
        parts.append(formatter.formatStack(record.stack_info))
    return "\n".join(parts).rstrip("\n")


# Reading

_LEVEL = r"(?P<level>[A-Z][A-Za-z]*(?: \d+)?)"
_OWN = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+[+-]\d\d:\d\d(?::\d\d)?) "
    rf"(?:\[(?P<node>[^\]\s]+)\] )?{_LEVEL} (?P<logger>\S+): (?P<message>.*)",
    re.DOTALL,
)
_TIME = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*"
_LEVELS = "DEBUG|INFO|WARNING|ERROR|CRITICAL"
_OTHERS = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (
        # loguru; structlog; logging.basicConfig() and what most people write instead of it.
        rf"{_TIME} \| {_LEVEL} *\| (?P<logger>[^\s:]+):",
        rf"{_TIME} \[(?P<level>[a-z]+) *\] ",
        rf"(?P<level>{_LEVELS}):(?P<logger>[^\s:]+):",
        rf"{_TIME} (?:- )?(?:(?P<logger>[\w.]+) (?:- )?)?\[?(?P<level>{_LEVELS})\b",
    )
)
_WARNED = re.compile(r"\S.*:\d+: \w*Warning: ")
_TRACEBACK = re.compile(
    r"(?:  \+ Exception Group )?Traceback \(most recent call last\):|╭.* Traceback "
)
_CHAINED = (
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
)
_ANNOUNCES = re.compile(r"error|exception|critical|fatal|fail|warning|:$", re.IGNORECASE)
_DRAWN = tuple(" \t|>╭│╰+\n")

# What a terminal does: move up a line, clear it, hide the cursor, colour.
_UP = "\x1b[A"
_OVERWRITTEN_BELOW = re.compile(r"\n\r?[^\n]*?\x1b\[A")
_LINE_END = re.compile(r"\n(?!\r?[^\n]*?\x1b\[A)")
_CLEARED = re.compile(r"\x1b\[(?:[0-2]?K|\?25[hl])")
_COLOUR = re.compile(r"\x1b\[([\d;:]*)m")
_COLOUR_ENDS = ("", "0", "00", "39", "49", "22")


@dataclass(frozen=True)
class LogEntry:
    """A line of a log, with the lines of its traceback if it has one.

    `text` is what was printed, to the letter; `message` is the same without time, level and
    logger, as far as these are known, and as a terminal would show it at the end. `level` is in
    small letters. `node` is that of a record of Python's logging.
    """

    text: str
    message: str
    time: str | None = None
    level: str | None = None
    logger: str | None = None
    node: str | None = None

    def to_json(self, *, pipeline: str, job: str, attempt: int) -> dict[str, Any]:
        """The entry as a worker prints it with --log-format json, and `logs --json`."""
        return {
            "time": self.time,
            "event": "log",
            "level": self.level,
            "logger": self.logger,
            "pipeline": pipeline,
            "job": job,
            "attempt": attempt,
            "node": self.node,
            "message": self.message,
        }

    @classmethod
    def of(cls, text: str) -> LogEntry:
        """What a text says of itself."""
        shown = as_shown(text).rstrip("\n")
        begin = shown[:1000]
        if own := _OWN.match(shown):
            message = own["message"].replace(f"\n{CONTINUED}", "\n")
            return cls(text, message, own["time"], own["level"].lower(), own["logger"], own["node"])
        if _WARNED.match(begin):
            return cls(text, shown, level="warning", logger="py.warnings")
        for pattern in _OTHERS:
            if other := pattern.match(begin):
                fields = other.groupdict()
                return cls(text, shown, level=fields["level"].lower(), logger=fields.get("logger"))
        return cls(text, shown)


class LineReader:
    """Cuts a log, which comes in pieces, into lines; secrets in them are masked."""

    def __init__(self) -> None:
        self.unfinished = ""
        """What has no end yet, not masked."""
        self._moved_up = False

    def feed(self, piece: str) -> list[str]:
        """The lines that end in this piece."""
        text, moved_up = self.unfinished + piece, self._moved_up
        self._moved_up = _UP in piece
        # Most logs have no such thing, and to look behind each line takes its time.
        lines = _LINE_END.split(text) if _UP in text else text.split("\n")
        self.unfinished = lines.pop()
        if (moved_up or self._moved_up) and lines and self.unfinished[:1] in ("", "\r"):
            # The next piece may move up again: then this was not the end of the line.
            self.unfinished = f"{lines.pop()}\n{self.unfinished}"
        return [mask(line) + "\n" for line in lines]

    def close(self) -> list[str]:
        """What is left at the end of the log."""
        *lines, last = _LINE_END.split(self.unfinished)
        self.unfinished = ""
        return [mask(line) + "\n" for line in lines] + ([mask(last)] if last else [])


class EntryReader:
    """Cuts a log, which comes in pieces, into entries; secrets in them are masked."""

    def __init__(self) -> None:
        self._reader = LineReader()
        self._lines: list[str] = []
        self._blank: list[str] = []
        self._in_traceback = False
        self._has_traceback = False

    def feed(self, piece: str) -> Iterator[LogEntry]:
        """The entries that are complete with this piece: the last one may go on."""
        for line in self._reader.feed(piece):
            yield from self._add(line)

    def flush(self) -> Iterator[LogEntry]:
        """The entry that may go on, if there is one, as it is now."""
        if self._lines:
            yield LogEntry.of("".join(self._lines))
        yield from map(LogEntry.of, self._blank)
        self._lines, self._blank = [], []
        self._in_traceback = self._has_traceback = False

    def close(self) -> Iterator[LogEntry]:
        """What is left at the end of the log."""
        for line in self._reader.close():
            yield from self._add(line)
        yield from self.flush()

    def _add(self, line: str) -> Iterator[LogEntry]:
        if self._has_traceback and not self._in_traceback and not line.strip():
            # It belongs to this one only if another traceback follows.
            self._blank.append(line)
            return
        if self._continues(line):
            self._lines += [*self._blank, line]
            self._blank = []
        else:
            yield from self.flush()
            self._lines = [line]
        if _TRACEBACK.match(line):
            self._in_traceback = self._has_traceback = True

    def _continues(self, line: str) -> bool:
        if not self._lines:
            return False
        if self._in_traceback:
            # The first line that is not indented is the exception.
            self._in_traceback = line.startswith(_DRAWN)
            return True
        if self._has_traceback:
            is_chained = line.startswith(_CHAINED) or self._lines[-1].startswith(_CHAINED)
            return is_chained or bool(self._blank and _TRACEBACK.match(line))
        first = self._lines[0]
        if line.startswith(CONTINUED):
            return _OWN.match(first) is not None
        if _TRACEBACK.match(line):
            return _ANNOUNCES.search(self._lines[-1].rstrip()) is not None
        return len(self._lines) == 1 and line.startswith("  ") and bool(_WARNED.match(first[:1000]))


def as_shown(text: str) -> str:
    """The text as a terminal shows it at the end: of a progress bar only its last state.

    Colours are left out where they are switched off again. All other control characters stay.
    """
    if "\x1b" in text:
        text = _CLEARED.sub("", _OVERWRITTEN_BELOW.sub("", text))
    if "\r" in text:
        text = "\n".join(map(_last_state, text.replace("\r\n", "\n").split("\n")))
    colours = _COLOUR.findall(text)
    if colours and colours[-1] in _COLOUR_ENDS:
        text = _COLOUR.sub("", text)
    return text


def _last_state(line: str) -> str:
    return next((part for part in reversed(line.split("\r")) if part.strip()), "")


def shown(text: str) -> str:
    """As `as_shown`, with all other control characters as escapes: for a terminal."""
    return visible(as_shown(text))
