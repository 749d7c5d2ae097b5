"""record and read_log: what a job printed, a piece at a time."""

import random

import pytest

from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.job_queue.records import LOG_LIMIT, LOG_PIECE, log_pieces
from flowerpower.jobs.claim import Claim
from flowerpower.jobs.job import JobStatus
from tests.contract.fake_worker import FINISHED, FakeWorker


def claimed(fake_worker: FakeWorker) -> Claim:
    claim = fake_worker.make(JobStatus.RUNNING)
    assert claim is not None
    return claim


@pytest.mark.in_memory
def test_a_log_is_appended_and_read_in_order(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """Pieces come back in the order they were told, numbered upwards."""
    claim = claimed(fake_worker)
    lines = [f"line {number}\n" for number in range(20)]
    for line in lines:
        assert backend.record(claim, line, None)
    chunks = backend.read_log(claim.job_id, 1)
    assert "".join(chunk.text for chunk in chunks) == "".join(lines)
    numbers = [chunk.seq for chunk in chunks]
    assert numbers == sorted(set(numbers))
    assert numbers[0] > 0
    assert {chunk.attempt for chunk in chunks} == {1}


def test_a_log_is_followed_by_the_last_number(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """A reader that names the last number it saw is given what came since, the end too."""
    claim = claimed(fake_worker)
    backend.record(claim, "one\n", None)
    seen = backend.read_log(claim.job_id, 1)
    assert backend.read_log(claim.job_id, 1, seen[-1].seq) == []
    backend.record(claim, "two\n", None)
    fake_worker.finish(claim, FINISHED, "three\n")
    more = backend.read_log(claim.job_id, 1, seen[-1].seq)
    assert "".join(chunk.text for chunk in more) == "two\nthree\n"


def test_an_empty_log_is_no_chunk(backend: JobQueueBackend, fake_worker: FakeWorker) -> None:
    """A job that prints nothing, or has not begun, has an empty log."""
    claim = claimed(fake_worker)
    backend.record(claim, "", {"done": 1})
    assert backend.read_log(claim.job_id, 1) == []
    assert backend.read_log(claim.job_id, 7) == []


def test_each_attempt_has_a_log_of_its_own(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """What one attempt printed is not in the next one's log."""
    first = claimed(fake_worker)
    backend.record(first, "first\n", None)
    backend.release(first)
    second = fake_worker.take()
    fake_worker.finish(second, FINISHED, "second\n")
    assert fake_worker.log("subject", 1) == "first\n"
    assert fake_worker.log("subject", 2) == "second\n"


def test_the_end_of_a_long_log_is_kept(backend: JobQueueBackend, fake_worker: FakeWorker) -> None:
    """Of a log over its limit the end is kept, nearly all that fits, and in order."""
    claim = claimed(fake_worker)
    lines = [f"{number:09d}\n" for number in range(250_000)]
    for start in range(0, len(lines), 25_000):
        assert backend.record(claim, "".join(lines[start : start + 25_000]), None)
    assert backend.record(claim, "the end\n", None)
    kept = fake_worker.log(claim)
    assert len(kept) <= LOG_LIMIT
    assert len(kept) > 0.9 * LOG_LIMIT
    assert ("".join(lines) + "the end\n").endswith(kept)


def test_one_huge_piece_is_cut_to_its_end(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """A piece larger than the limit leaves its end, with no character cut in two."""
    claim = claimed(fake_worker)
    text = "🌷ä" * 300_000
    fake_worker.finish(claim, FINISHED, text)
    kept = fake_worker.log(claim)
    assert 0.9 * LOG_LIMIT < len(kept.encode()) <= LOG_LIMIT
    assert text.endswith(kept)


def test_any_text_survives(
    backend: JobQueueBackend, fake_worker: FakeWorker, dice: random.Random
) -> None:
    """NUL and what is not Unicode come back as escapes, all else as it was."""
    claim = claimed(fake_worker)
    hostile = "\x00 \ud800 \x1b[31m \u202e \r\n [/] ' -- ; 🌷"
    backend.record(claim, hostile, None)
    characters = [*range(1, 0xD800), *range(0xE000, 0x11000)]
    any_text = "".join(map(chr, dice.choices(characters, k=60_000)))
    backend.record(claim, any_text, None)
    expected = hostile.replace("\x00", "\\x00").replace("\ud800", "\\ud800")
    assert fake_worker.log(claim) == expected + any_text


def test_a_piece_that_is_sent_again_is_not_doubled(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """Whoever says how much is stored may send a piece again; what comes next is behind it."""
    claim = claimed(fake_worker)
    long = "x" * (2 * LOG_PIECE)
    sent = 0
    for text in ("one\n", long, "two\n"):
        for _ in range(2):
            assert backend.record(claim, text, {"done": sent}, sent)
        sent += len(log_pieces(text))
    assert fake_worker.log(claim.job_id) == f"one\n{long}two\n"
    assert fake_worker.finish(claim, FINISHED)
    assert not backend.record(claim, "late\n", None, sent)
