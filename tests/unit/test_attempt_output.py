"""What a worker writes down of what an attempt prints."""

from flowerpower.job_queue.worker.attempt import RECORD_BAR_EVERY, RECORD_EVERY, Attempt
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
