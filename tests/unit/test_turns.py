"""Which limits a worker leaves to workers of other queues after one of its attempts."""

import pytest

from flowerpower.job_queue.worker.turns import LONGEST, SHARE, Turns
from flowerpower.jobs.claim import WorkerInfo
from flowerpower.jobs.limits import NO_LIMITS, Limit, Limits
from flowerpower.triggers import clock

LIMITS = Limits(
    {"one": Limit(1), "two": Limit(2, 60, 60.0), "rate": Limit(None, 5, 60.0)},
    {"load": ("one", "two", "rate"), "other": ("two",)},
)


def info(*queues: str) -> WorkerInfo:
    return WorkerInfo("w", "here", 1, queues, 1, clock.now())


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic time, which moves by hand."""
    moment = [1000.0]
    monkeypatch.setattr(clock, "monotonic", lambda: moment[0])
    return moment


def turns(*workers: WorkerInfo) -> Turns:
    made = Turns(("a",))
    made.look(workers)
    return made


@pytest.mark.parametrize(
    ("seconds", "left"), [(0.5, 0.5 * SHARE), (60.0, LONGEST)], ids=["short", "long"]
)
def test_the_place_is_left_for_a_tenth_of_the_attempt(
    now: list[float], seconds: float, left: float
) -> None:
    """At most for LONGEST; a rate has no place, and stays as it is."""
    two = turns(info("a"), info("b"))
    two.note_end("load", seconds)
    now[0] += left * 0.9
    closed = two.without_others_turn(LIMITS)
    assert closed.by_name == {
        "one": Limit(0), "two": Limit(0, 60, 60.0), "rate": LIMITS.by_name["rate"]
    }  # fmt: skip
    assert closed.of_pipeline == LIMITS.of_pipeline
    now[0] += left * 0.2
    assert two.without_others_turn(LIMITS) is LIMITS


def test_nothing_is_left_where_all_take_the_same_queues(now: list[float]) -> None:
    """Nor to pipelines without limits."""
    alone = turns(info("a"), info("a"))
    alone.note_end("load", 60.0)
    assert alone.without_others_turn(LIMITS) is LIMITS
    two = turns(info("b"))
    two.note_end("free", 60.0)
    assert two.without_others_turn(LIMITS) is LIMITS
    assert two.without_others_turn(NO_LIMITS) is NO_LIMITS
