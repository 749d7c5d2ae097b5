"""How many jobs a worker may claim, by what its slots hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flowerpower.config.project_source import LocalSource
from flowerpower.job_queue.worker.attempt import Attempt, StopReason
from flowerpower.job_queue.worker.child_pool import ChildPool
from flowerpower.job_queue.worker.events import Events
from flowerpower.job_queue.worker.prefetch import HORIZON, MAX_PREFETCH
from flowerpower.job_queue.worker.slots import MAX_HELD, Slots
from flowerpower.job_queue.worker_options import WorkerOptions
from flowerpower.jobs import attempt_result
from flowerpower.jobs.claim import Claim

SLOTS = 2
FREE = SLOTS + MAX_PREFETCH
"""What a worker of very short jobs may claim while it holds nothing."""


@pytest.fixture
def slots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slots]:
    """Slots of a worker that keeps its children, and whose jobs were very short until now."""
    monkeypatch.setattr(ChildPool, "can_start", True)
    options = WorkerOptions(num_workers=SLOTS, jobs_per_child=100)
    slots = Slots(LocalSource(tmp_path), options, Events(None))
    for _ in range(100):
        slots.prefetch.observe(0.0001)
    yield slots
    slots.children.close()
    slots.children.close_wakeups()


def waiting(slots: Slots, count: int) -> list[Attempt]:
    """Attempts that wait for a child."""
    held = len(slots.attempts())
    return slots.add([Claim(f"{held + n}", "me", 1, "p", {}) for n in range(count)])


def ended(slots: Slots, count: int) -> list[Attempt]:
    """Attempts that have ended, which is not recorded yet."""
    attempts = waiting(slots, count)
    for attempt in attempts:
        # They took no time, however busy this machine is.
        attempt.ended = attempt.began
        attempt.end(attempt_result.cancelled(attempt.claim))
    return attempts


def test_what_waits_counts_and_half_of_it_is_enough(slots: Slots) -> None:
    """One claim is for many jobs: the next one is made when half of what may wait has begun."""
    assert slots.count_free() == FREE
    waiting(slots, MAX_PREFETCH // 2)
    assert slots.count_free() == FREE - MAX_PREFETCH // 2
    waiting(slots, 1)
    assert slots.count_free() == 0


def test_what_is_only_to_be_recorded_does_not_count_as_claimed_ahead(slots: Slots) -> None:
    """Attempts that have ended, with a result or without, take no child's time any more."""
    ended(slots, MAX_PREFETCH)
    for attempt in waiting(slots, 100):
        attempt.end(None, StopReason.RELEASE)
    assert slots.count_free() == FREE
    waiting(slots, 10)
    assert slots.count_free() == FREE - 10


def test_what_is_only_to_be_recorded_does_not_pile_up(slots: Slots) -> None:
    """Where that is slow, no more than MAX_HELD times what may be claimed ahead is held."""
    most = SLOTS + MAX_HELD * MAX_PREFETCH
    attempts = ended(slots, most - 3)
    assert slots.count_free() == 3
    ended(slots, 3)
    assert slots.count_free() == 0
    for attempt in attempts[:50]:
        slots.remove(attempt)
    assert slots.count_free() == 50


def test_a_slot_with_a_long_attempt_has_none_wait_behind_it(slots: Slots) -> None:
    """Only for slots whose attempts are short more is claimed; one that has ended is not long."""
    first, second, *_ = waiting(slots, SLOTS)
    for attempt in (first, second):
        attempt.begin(1, lambda: None)
        attempt.began -= 2 * HORIZON
    assert slots.count_free() == 0
    second.end(attempt_result.cancelled(second.claim))
    assert slots.count_free() == SLOTS - 1 + slots.prefetch.limit(1)
