"""How many jobs a worker claims ahead."""

import pytest

from flowerpower.job_queue.worker.prefetch import BATCH_DELAY, MAX_AHEAD, MAX_PREFETCH, Prefetch
from flowerpower.job_queue.worker_options import WorkerOptions


def ahead(*seconds: float, **options: int) -> Prefetch:
    prefetch = Prefetch(WorkerOptions(num_workers=2, **{"jobs_per_child": 100, **options}))
    for duration in seconds:
        prefetch.observe(duration)
    return prefetch


def test_nothing_is_claimed_ahead_before_jobs_are_known_to_be_short() -> None:
    """A new worker takes what it has slots for."""
    assert (ahead().limit(2), ahead().batch_delay) == (0, 0.0)


def test_short_jobs_are_claimed_ahead_for_a_tenth_of_a_second() -> None:
    """Once jobs take 10 ms, two slots have work for about 0.1 s, and their ends are gathered."""
    known = ahead(*[0.01] * 50)
    assert known.limit(2) in (17, 18)
    assert known.limit(1) in (8, 9)
    assert known.limit(0) == 0, "all slots hold long ones"
    assert known.batch_delay == BATCH_DELAY
    assert ahead(*[0.00001] * 100).limit(2) == MAX_PREFETCH


def test_one_long_job_ends_it_at_once() -> None:
    """After a long one nothing waits behind another until many short ones have come."""
    assert ahead(*[0.01] * 50, 3.0).limit(2) == 0
    assert ahead(*[0.01] * 50, 3.0, 0.01, 0.01, 0.01).limit(2) == 0


@pytest.mark.parametrize("options", [{"jobs_per_child": 1}, {"max_jobs": 7}])
def test_fresh_children_and_counted_jobs_are_not_claimed_ahead(options: dict[str, int]) -> None:
    """With a fresh child each, or a number of jobs to make, only free slots are filled."""
    assert ahead(*[0.01] * 50, **options).limit(2) == 0


def test_few_attempts_wait_in_a_child_and_only_short_ones() -> None:
    """For about 20 ms of work; not before jobs are known to be short, nor after a long one."""
    assert ahead().ahead() == 0
    assert ahead(*[0.001] * 50).ahead() == MAX_AHEAD
    assert ahead(*[0.005] * 100).ahead() in (3, 4)
    assert ahead(*[0.05] * 50).ahead() == 0
    assert ahead(*[0.001] * 50, 3.0).ahead() == 0
    assert ahead(*[0.001] * 50, max_jobs=7).ahead() == 0
