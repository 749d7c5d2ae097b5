"""When the command line lets garbage be collected."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from flowerpower_cli.garbage import collect_later


@pytest.fixture(autouse=True)
def usual() -> Iterator[tuple[int, int, int]]:
    """Python's own thresholds, which are put back."""
    thresholds, callbacks = gc.get_threshold(), list(gc.callbacks)
    yield thresholds
    gc.set_threshold(*thresholds)
    gc.callbacks[:] = callbacks


def test_after_the_first_collection_all_are_as_usual(usual: tuple[int, int, int]) -> None:
    """A command that runs for days makes more garbage before its first collection alone."""
    listeners = list(gc.callbacks)

    collect_later(1_000_000)
    assert gc.get_threshold()[0] >= 1_000_000
    assert gc.get_threshold()[1:] == usual[1:]

    gc.collect()
    assert gc.get_threshold() == usual
    assert gc.callbacks == listeners


def test_later_is_counted_from_now_on() -> None:
    """A second call, before the first collection, decides."""
    collect_later(1_000_000)
    collect_later(5_000)
    assert gc.get_count()[0] < gc.get_threshold()[0] <= gc.get_count()[0] + 6_000


def test_thresholds_that_somebody_else_has_set_stay() -> None:
    """A module of a pipeline may set them when it is imported: before the first node, or later."""
    collect_later(1_000_000)
    gc.set_threshold(1234, 5, 6)
    collect_later(5_000)
    assert gc.get_threshold() == (1234, 5, 6)
    gc.collect()
    assert gc.get_threshold() == (1234, 5, 6)
