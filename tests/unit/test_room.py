"""Room: which jobs a claim may start, offered in their order."""

import random

from flowerpower.jobs.limits import Limit, Limits, Room

SHARED = Limits(
    {"a": Limit(1), "b": Limit(1), "r": Limit(starts=2, seconds=60)},
    {"both": ("a", "b"), "only-a": ("a",), "only-b": ("b",), "rated": ("r", "a")},
)


def _taken(
    limits: Limits, running: dict[str, int], starts: dict[str, int], *jobs: str
) -> list[str]:
    room = Room(limits, running, starts)
    return [pipeline for pipeline in jobs if room.take(pipeline)]


def test_a_job_without_limits_always_starts() -> None:
    assert _taken(SHARED, {"only-a": 5}, {}, "free", "free") == ["free", "free"]


def test_what_runs_takes_places_of_every_pipeline_that_shares_them() -> None:
    assert _taken(SHARED, {"only-a": 1}, {}, "only-a", "rated", "only-b") == ["only-b"]
    assert _taken(SHARED, {"both": 1}, {}, "only-a", "only-b") == []


def test_more_may_run_than_the_limit_says_now() -> None:
    assert _taken(SHARED, {"only-a": 7}, {}, "only-a", "only-b") == ["only-b"]


def test_the_first_that_waits_reserves_its_places() -> None:
    """B is free, but the older job needs it as soon as A is."""
    assert _taken(SHARED, {"only-a": 1}, {}, "both", "only-b") == []
    assert _taken(SHARED, {"only-a": 1}, {}, "only-b", "both") == ["only-b"]


def test_who_waits_for_a_rate_reserves_nothing() -> None:
    assert _taken(SHARED, {}, {"r": 2}, "rated", "only-a") == ["only-a"]


def test_each_pipeline_reserves_once() -> None:
    limits = Limits({"a": Limit(1), "b": Limit(3)}, {"both": ("a", "b"), "only-b": ("b",)})
    jobs = ["both"] * 5 + ["only-b"] * 5
    assert _taken(limits, {"both": 1}, {}, *jobs) == ["only-b"]


def test_starts_count_beside_places() -> None:
    limits = Limits({"r": Limit(starts=2, seconds=60)}, {"rated": ("r",)})
    assert _taken(limits, {"rated": 9}, {}, *["rated"] * 4) == ["rated", "rated"]
    assert _taken(limits, {}, {"r": 1}, *["rated"] * 4) == ["rated"]


def test_whatever_runs_no_limit_is_exceeded_and_the_first_in_line_comes() -> None:
    """Random streams of jobs that need one limit never keep one waiting that needs two."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    for _ in range(200):
        running: list[str] = []
        waiting = [dice.choice(("only-a", "only-b")) for _ in range(4)] + ["both"]
        for _ in range(100):
            waiting += [dice.choice(("only-a", "only-b"))]
            counts = {name: running.count(name) for name in set(running)}
            room = Room(SHARED, counts, {})
            started = [position for position, name in enumerate(waiting) if room.take(name)]
            running += [waiting[position] for position in started]
            waiting = [name for position, name in enumerate(waiting) if position not in started]
            used = {"a": 0, "b": 0}
            for name in running:
                for limit in SHARED.of_pipeline[name]:
                    used[limit] += 1
            assert max(used.values()) <= 1
            if running:
                running.pop(dice.randrange(len(running)))
            if "both" not in waiting:
                break
        else:
            raise AssertionError("the job that needs both limits has starved")


def test_a_claim_need_not_look_further_if_the_others_have_more_than_enough() -> None:
    """Room for all of it, and for what those without room may reserve."""
    limits = Limits({"a": Limit(1), "b": Limit(4)}, {"both": ("a", "b"), "only-b": ("b",)})
    assert Room(limits, {}, {}).closed(1) == []
    assert Room(limits, {}, {}).closed(2) is None
    assert Room(limits, {"both": 1}, {}).closed(2) == ["both"]
    assert Room(limits, {"both": 1}, {}).closed(3) is None
    assert Room(limits, {"both": 1, "only-b": 3}, {}).closed(9) == ["both", "only-b"]
    rated = Limits({"r": Limit(starts=2, seconds=60)}, {"rated": ("r",)})
    assert Room(rated, {}, {"r": 2}).closed(5) == ["rated"]
    assert Room(rated, {}, {"r": 1}).closed(2) is None
