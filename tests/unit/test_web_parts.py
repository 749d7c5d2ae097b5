"""Parts of the pages without a server: colours of logs, the timeline, hosts, the end of a log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flowerpower.jobs.job import Job, JobStatus, LogChunk
from flowerpower_cli.web.ansi import colored
from flowerpower_cli.web.pages.job import log_end, outputs, timeline
from flowerpower_cli.web.security import Rules

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m not", '<span class="ansi-red">red</span> not'),
        (
            "\x1b[1;92mok\x1b[39m!",
            '<span class="bold ansi-green">ok</span><span class="bold">!</span>',
        ),
        ("\x1b[mx", "x"),
        ("\x1b[38;5;31mx", "x"),
        ("\x1b[38;2;31;32;33mx", "x"),
        ("\x1b[38mx", "x"),
        ("\x1b[31m<b>&", '<span class="ansi-red">&lt;b&gt;&amp;</span>'),
        ("\x1b]8;;http://evil\x07x", "\\x1b]8;;http://evil\\x07x"),
        ("\x1b[2Kx\x1b[1A", "\\x1b[2Kx\\x1b[1A"),
        ("10%\r20%\r\n", "10%\n20%\n"),
        ("\u202eevil", "\\u202eevil"),
        ("password=hunter2", "password=***"),
        ("\x1b[" + "1;" * 500 + "1mx", '<span class="bold">x</span>'),
        ("\x1b[99999999999999999999mx", "x"),
    ],
)
def test_colours_are_classes_and_nothing_else_is_html(text: str, html: str) -> None:
    """Other control characters are shown as escapes."""
    assert colored(text) == html


def job(status: JobStatus = JobStatus.FINISHED, **fields: Any) -> Job:
    return Job("one", "report", "default", status, NOON, NOON, **fields)


def node(state: str, after: float, seconds: Any) -> dict[str, Any]:
    started = (NOON + timedelta(seconds=after)).isoformat()
    return {"state": state, "started_at": started, "seconds": seconds}


def placed(record: Job, now: datetime = NOON) -> list[tuple[str, float, float]]:
    return [(bar.name, bar.left, bar.width) for bar in timeline(record, now)]


def test_the_timeline_has_each_node_in_its_time() -> None:
    """In percent of the run."""
    nodes = {"a": node("finished", 0, 1.0), "b": node("finished", 1, 3.0)}
    assert placed(job(progress={"nodes": nodes})) == [("a", 0.0, 25.0), ("b", 25.0, 75.0)]


def test_a_node_that_runs_goes_on_until_now() -> None:
    """And one that did when its job ended, until then."""
    nodes = {"a": node("finished", 0, 5.0), "b": node("running", 5, None)}
    at_10 = NOON + timedelta(seconds=10)
    assert placed(job(JobStatus.RUNNING, progress={"nodes": nodes}), at_10)[1] == ("b", 50.0, 50.0)
    ended = job(JobStatus.FAILED, ended_at=at_10, progress={"nodes": nodes})
    assert placed(ended, at_10 + timedelta(hours=1))[1] == ("b", 50.0, 50.0)


def test_a_node_that_took_no_time_can_be_seen() -> None:
    """Also the last one, and the only one."""
    nodes = {"a": node("finished", 0, 10.0), "b": node("finished", 10, 0.0)}
    assert placed(job(progress={"nodes": nodes}))[1] == ("b", 99.5, 0.5)
    assert placed(job(progress={"nodes": {"a": node("finished", 0, 0.0)}})) == [("a", 0.0, 0.5)]


@pytest.mark.parametrize(
    "nodes", [None, [], "x", {"a": None}, {"a": {"started_at": 5}}, {"a": {"seconds": "x"}}]
)
def test_a_damaged_progress_breaks_nothing(nodes: Any) -> None:
    """What can be read is shown."""
    assert all(bar.name == "a" for bar in timeline(job(progress={"nodes": nodes}), NOON))


def test_the_end_of_a_log_is_kept() -> None:
    """As much as fits, cut in the midst of a piece; the number of the last is known."""
    chunks = [LogChunk(1, seq, text) for seq, text in ((4, "aaaa"), (5, "bbbb"), (7, "cc"))]
    assert (log_end(chunks).text, log_end(chunks).is_cut) == ("aaaabbbbcc", False)
    assert (log_end(chunks, 4).text, log_end(chunks, 4).is_cut) == ("bbcc", True)
    assert (log_end(chunks, 6).text, log_end(chunks, 6).is_cut) == ("bbbbcc", True)
    assert (log_end(chunks, 10).is_cut, log_end(chunks).last) == (False, 7)
    assert (log_end([]).text, log_end([]).last, log_end([]).is_cut) == ("", 0, False)


def test_outputs_are_tables_or_texts() -> None:
    """A mapping of a user's that looks like a table, and is none, is a text."""
    table = {"summary_of": "DataFrame", "shape": [9, 1], "columns": ["a"], "rows": [{"a": 1.5}]}
    shown = {
        output.name: output for output in outputs({"t": table, "n": 1, "f": {**table, "rows": 3}})
    }
    assert (shown["t"].text, shown["t"].columns, shown["t"].rows) == (
        "DataFrame 9 x 1", ["a"], [["1.5"]],
    )  # fmt: skip
    assert (shown["n"].text, shown["n"].columns) == ("1", ())
    assert '"rows": 3' in shown["f"].text


def test_the_rules_are_not_shown() -> None:
    """Neither the token nor the key, in whatever prints the object."""
    assert "a-token-of-some-length" not in repr(Rules(1, "a-token-of-some-length"))
    assert "_key" not in repr(Rules(1))
