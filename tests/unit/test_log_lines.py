"""What a job's log says of its lines, and what of them is shown."""

import json
import logging
import re
import sys
from typing import Any

import pytest

from flowerpower.jobs import log_context
from flowerpower.jobs.log_lines import (
    EntryReader,
    LineFormatter,
    LineReader,
    LogEntry,
    as_shown,
    shown,
)

TIME = "2026-11-29T08:00:00.123+01:00"
RAISED = 'Traceback (most recent call last):\n  File "a.py", line 1, in f\n    1/0\nZeroDivisionError: no\n'


def entries(text: str, size: int = 7) -> list[LogEntry]:
    """The entries of a text that comes in pieces."""
    reader = EntryReader()
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    found = [entry for piece in pieces for entry in reader.feed(piece)]
    found += reader.close()
    assert "".join(entry.text for entry in found) == text
    return found


def record(message: str, *arguments: object, **fields: Any) -> str:
    """A record as a job's log has it."""
    made = logging.LogRecord(
        "my.app",
        fields.pop("level", 30),
        "a.py",
        1,
        message,
        arguments,
        fields.pop("exc_info", None),
    )
    vars(made).update(fields)
    return LineFormatter().format(made)


def test_a_record_is_read_as_it_was_written() -> None:
    """Time with offset, level, logger, node and message, with its further lines."""
    text = record("two\nlines %s", 5, flowerpower_node="total")
    assert text.endswith("[total] WARNING my.app: two\n\tlines 5")
    (entry,) = entries(text + "\n")
    assert (entry.level, entry.logger, entry.node) == ("warning", "my.app", "total")
    assert entry.message == "two\nlines 5"
    assert entry.time is not None
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d", entry.time)
    (entry,) = entries(record("no node") + "\n")
    assert (entry.node, entry.message) == (None, "no node")


def test_a_traceback_belongs_to_its_record() -> None:
    """What is printed after it does not."""
    try:
        raise ValueError("no such region")
    except ValueError:
        text = record("it broke", level=40, exc_info=sys.exc_info())
    first, second = entries(f"{text}\nand on\n")
    assert first.message.startswith("it broke\nTraceback (most recent call last):\n  File ")
    assert first.message.endswith("\nValueError: no such region")
    assert (first.level, second.level, second.message) == ("error", None, "and on")


CHAIN = f"{RAISED}\nDuring handling of the above exception, another exception occurred:\n\n{RAISED}"


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        (RAISED + "next\n", [RAISED, "next\n"]),
        (
            f"Exception in thread T-1 (f):\n{RAISED}\nnext\n",
            [f"Exception in thread T-1 (f):\n{RAISED}", "\n", "next\n"],
        ),
        (f"a line\n{RAISED}", ["a line\n", RAISED]),
        (CHAIN + "next\n", [CHAIN, "next\n"]),
        (
            "a.py:3: UserWarning: old\n  warn('old')\n  mine\n",
            ["a.py:3: UserWarning: old\n  warn('old')\n", "  mine\n"],
        ),
        ("\tindented\n\tmore\n", ["\tindented\n", "\tmore\n"]),
        ("one\n\n\ntwo", ["one\n", "\n", "\n", "two"]),
    ],
)
def test_lines_that_belong_together_are_one_entry(text: str, messages: list[str]) -> None:
    """Tracebacks, chains of them, and a warning with its line; all else is a line each."""
    assert [entry.text for entry in entries(text)] == messages


@pytest.mark.parametrize(
    ("line", "level", "logger"),
    [
        ("2026-11-29 08:00:00.123 | ERROR    | app:run:3 - text", "error", "app"),
        ("2026-11-29 08:00:00 [warning  ] text    key=1", "warning", None),
        ("INFO:my.app:text", "info", "my.app"),
        ("2026-11-29 08:00:00,123 - my.app - DEBUG - text", "debug", "my.app"),
        ("2026-11-29 08:00:00,123 INFO text", "info", None),
        ("/a/b.py:12: DeprecationWarning: old", "warning", "py.warnings"),
        ("ERROR text", None, None),
        ("Region: north", None, None),
    ],
)
def test_the_level_of_other_loggers_is_found(
    line: str, level: str | None, logger: str | None
) -> None:
    """Where their usual form says it; the message is the whole line then."""
    (entry,) = entries(line + "\n")
    assert (entry.level, entry.logger, entry.message) == (level, logger, line)


@pytest.mark.parametrize(
    ("text", "visible"),
    [
        ("\r  0%|  | 0/3\r 66%|# | 2/3\r100%|##| 3/3\n", "100%|##| 3/3\n"),
        ("10%\r20%\r", "20%"),
        ("\rbar 50%\r       \rdone\n", "done\n"),
        ("windows\r\nlines\r\n", "windows\nlines\n"),
        ("a: 0%\n\rb: 0%\x1b[A\ra: 50%\n\rb: 9%\x1b[A\ra: 100%\nend\n", "a: 100%\nend\n"),
        ("\x1b[?25l\x1b[2K\rworking\x1b[K\n\x1b[?25h", "working\n"),
        ("\x1b[32m2026\x1b[0m | \x1b[1mINFO\x1b[0m\n", "2026 | INFO\n"),
        ("\x1b[31m red without end\n", "\\x1b[31m red without end\n"),
        ("\x1b]0;title\x07\n", "\\x1b]0;title\\x07\n"),
        ("plain \u202e\n", "plain \\u202e\n"),
    ],
)
def test_the_last_state_is_shown(text: str, visible: str) -> None:
    """Of a progress bar; colours are left out, and what may act on a terminal is escaped."""
    assert shown(text) == visible
    assert "".join(shown(entry.text) for entry in entries(text, 1000)) == visible


def test_a_bar_below_another_is_overwritten_however_it_is_cut() -> None:
    """Once it has moved up, a line may go on in the next piece; all of the log comes in the end."""
    text = "a: 0%\n\rb: 0%\x1b[A" + "\ra: 50%\n\rb: 9%\x1b[A" * 3 + "\ra: 100%\nend\nlast\n"
    first = text.index("\x1b[A") + 3
    for cut in range(first, len(text)):
        reader = LineReader()
        pieces = (text[:first], text[first:cut], text[cut:], "")
        lines = [line for piece in pieces for line in reader.feed(piece)]
        lines += reader.close()
        assert "".join(lines) == text
        assert [shown(line) for line in lines] == ["a: 100%\n", "end\n", "last\n"]


def test_long_lines_take_no_time() -> None:
    """Whatever they hold: a million characters that look like the begin of something."""
    for part in (":1: W", "\x1b[A\n", "2026-11-29 08:00:00 ", "\r ", "error:", "\x1b[1m"):
        text = part * (1_000_000 // len(part))
        assert (
            len("".join(entry.text for entry in EntryReader().feed(text + "\n"))) <= len(text) + 1
        )
        as_shown(text)


def test_an_entry_is_json() -> None:
    """With the names of its job."""
    (entry,) = entries(f"{TIME} [total] INFO my.app: text\n")
    body = json.loads(json.dumps(entry.to_json(pipeline="report", job="j", attempt=2)))
    assert body == {
        "time": TIME, "event": "log", "level": "info", "logger": "my.app", "pipeline": "report",
        "job": "j", "attempt": 2, "node": "total", "message": "text",
    }  # fmt: skip


def test_records_say_which_run_and_node_they_are_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a process that runs jobs: for any handler, in any thread."""
    factory = logging.getLogRecordFactory()
    monkeypatch.setattr(logging, "_logRecordFactory", factory)
    monkeypatch.setattr(log_context, "_run", {})
    log_context.add_fields_to_records()
    log_context.add_fields_to_records()
    log_context.set_run("report", "job-1", 2)

    def fields() -> tuple[object, ...]:
        made = logging.getLogger("x").makeRecord("x", 20, "a.py", 1, "text", (), None)
        return tuple(
            getattr(made, f"flowerpower_{name}") for name in ("pipeline", "job", "attempt", "node")
        )

    assert fields() == ("report", "job-1", 2, None)
    log_context.node_begins("total")
    assert fields() == ("report", "job-1", 2, "total")
    log_context.node_ends("total")
    log_context.set_run("other", {"a": 1}, "x")
    assert fields() == ("other", None, None, None)
