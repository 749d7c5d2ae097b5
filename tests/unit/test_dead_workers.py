"""Which workers are dead, by beats and our own clock alone."""

from __future__ import annotations

import random

import pytest

from flowerpower.job_queue.worker.scheduler import Reaper
from flowerpower.triggers import clock


def look(reaper: Reaper, beats: list[dict[str, int]], start: float = 1000.0) -> list[set[str]]:
    """Who is dead at each of the looks, one a second."""
    return [set(reaper.dead(seen, start + second)) for second, seen in enumerate(beats)]


def test_a_worker_that_stands_still_for_a_lease_is_dead() -> None:
    """Dead after ten seconds of one beat, not before, and with that beat named."""
    reaper = Reaper(10.0)
    dead = look(reaper, [{"a": 7}] * 12)
    assert dead == [set()] * 10 + [{"a"}] * 2
    assert reaper.dead({"a": 7}, 1012.0) == {"a": 7}


def test_a_worker_that_beats_is_alive() -> None:
    """One beat within every lease is enough, whichever way the number goes."""
    beats = [{"a": second // 9, "b": -(second // 9)} for second in range(60)]
    assert look(Reaper(10.0), beats) == [set()] * 60


def test_a_worker_is_judged_from_the_first_look(dice_start: float) -> None:
    """Whatever the clock shows at first, a worker has a full lease from when it was first seen."""
    beats = [{"a": 1}] * 5 + [{"a": 1, "b": 1}] * 10
    dead = look(Reaper(10.0), beats, dice_start)
    assert [second for second, names in enumerate(dead) if "a" in names] == [10, 11, 12, 13, 14]
    assert all("b" not in names for names in dead)


@pytest.fixture
def dice_start() -> float:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    return float(random.Random(seed).randrange(10**6))


def test_a_worker_that_comes_back_begins_anew() -> None:
    """Gone from the list and there again, a worker has a full lease again."""
    reaper = Reaper(10.0)
    assert look(reaper, [{"a": 1}] * 9 + [{}] + [{"a": 1}] * 10) == [set()] * 20


def test_after_an_outage_everyone_has_a_full_lease() -> None:
    """forget, for a backend that was away: nobody could beat, so nobody is dead of it."""
    reaper = Reaper(10.0)
    look(reaper, [{"a": 1}] * 9)
    reaper.forget()
    assert look(reaper, [{"a": 1}] * 10, 1009.0) == [set()] * 10
    assert reaper.dead({"a": 1}, 1019.0) == {"a": 1}


def test_a_watcher_that_looked_away_gives_a_full_lease() -> None:
    """After a gap of more than half a lease between two looks, what was seen before is forgotten."""
    reaper = Reaper(10.0)
    look(reaper, [{"a": 1}] * 9)
    assert reaper.dead({"a": 1}, 1100.0) == {}
    assert reaper.dead({"a": 1}, 1105.0) == {}
    assert reaper.dead({"a": 1}, 1109.9) == {}
    assert reaper.dead({"a": 1}, 1110.0) == {"a": 1}


def test_a_jump_of_the_wall_clock_kills_nobody() -> None:
    """With the wall clock set a day forward and back, who is dead is the same."""
    reaper = Reaper(10.0)
    try:
        for second in range(60):
            clock.set_source(lambda second=second: 1e9 + (-1) ** second * 86_400.0)
            assert reaper.dead({"a": second // 3}, 1000.0 + second) == {}
    finally:
        clock.set_source(None)
