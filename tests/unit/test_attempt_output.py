"""What a worker writes down of what an attempt prints."""

from typing import Any

import pytest

from flowerpower.job_queue.worker.attempt import RECORD_BAR_EVERY, RECORD_EVERY, Attempt
from flowerpower.job_queue.worker.json_lines import to_line, without_early_events
from flowerpower.jobs.claim import Claim


def attempt() -> Attempt:
    return Attempt(Claim("job", "worker", 1, "report", {}), 0.0)


def test_of_a_progress_bar_the_last_state_is_written() -> None:
    """And less often than anything else: a bar would fill the log of a job that takes hours."""
    running = attempt()
    running.add_log(b"\r 1%|x\r 2%|x")
    assert running.record_every == RECORD_BAR_EVERY
    assert running.take_output().log == "\r 2%|x"
    running.add_log(b"\r 3%|x")
    running.add_log(b"\r 4%|x\r\nnext\r\n")
    assert running.record_every == RECORD_EVERY
    assert running.take_output().log == "\r 4%|x\r\nnext\r\n"
    nested = b"\ra: 1%\n\rb: 9%\r    \r\x1b[A\ra: 2%"
    running.add_log(nested)
    assert running.take_output().log == "\ra: 1%\n\r\x1b[A\ra: 2%"


def test_what_is_no_bar_is_written_as_it_is() -> None:
    """Lines, and a line without an end; a node's end is never late."""
    running = attempt()
    running.add_log(b"10%")
    assert running.record_every == RECORD_EVERY
    assert running.take_output().log == "10%"
    running.add_log(b"\r20%")
    running.add_node_event({"node": "total", "state": "finished"})
    assert running.record_every == RECORD_EVERY


def outcome(*records: object, status: str = "finished") -> dict[str, Any]:
    return {"type": "outcome", "outcome": {"status": status, "nodes": [*records]}}


def test_the_last_message_of_a_child_has_the_progress_of_its_nodes() -> None:
    """So the events of a short run need not be read; the last one has the counts."""
    running = attempt()
    node = {"started_at": "2026-11-29T08:00:00Z", "state": "finished", "seconds": 0.5}
    cached = {**node, "from_cache": True}
    records = [{"name": "a", **node, "error": None}, {"name": "b", **cached}]
    assert running.take_nodes(outcome(*records))
    running.add_node_event(
        {"node": "b", "state": "finished", "done": 2, "total": 2, "seconds": 0.5}
    )
    assert running.take_output().progress == {
        "nodes": {"a": node, "b": cached}, "done": 2, "total": 2, "current": "b"
    }  # fmt: skip


@pytest.mark.parametrize(
    "last",
    [
        outcome({"name": "a", "state": "finished"}, status="failed"),
        outcome({"name": "a", "state": "finished"}, {"name": "a", "state": "finished"}),
        outcome("a"),
        outcome({"name": 1}),
        outcome(),
        {"type": "outcome", "outcome": 5},
        {"type": "stale"},
    ],
)
def test_else_its_events_say_the_progress(last: dict[str, Any]) -> None:
    """Of a run that failed, of a node that ran for many items, and of what nobody can read."""
    running = attempt()
    assert not running.take_nodes(last)
    assert running.progress == {}


def test_of_events_of_nodes_the_last_one_is_read() -> None:
    """What else a child has sent is read too, in its order."""
    events = [to_line({"type": "node", "node": name}) for name in "abc"]
    lines = [to_line({"type": "settings"}), *events[:2], to_line({"type": "imported"}), events[2]]
    assert without_early_events(lines) == [lines[0], lines[3], lines[4]]


def test_output_without_an_answer_is_sent_again_as_it_was() -> None:
    """It may be stored; what was refused is not, and comes before what was printed since."""
    running = attempt()
    running.add_log(b"one\n")
    first = running.unconfirmed = running.take_output()
    running.note_failed_write(first, is_answered=False)
    running.add_log(b"two\n")
    second = running.take_output()
    running.note_failed_write(second, is_answered=False)
    assert (running.unconfirmed, running.take_output().log) == (first, "two\n")
    running.put_back_output(second)
    running.note_failed_write(running.take_output(), is_answered=True)
    assert (running.unconfirmed, running.take_output().log) == (None, "one\ntwo\n")
    assert running.failed_writes == 3
