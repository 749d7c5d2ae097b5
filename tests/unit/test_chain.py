"""Chains: what the ends of parents make of a child."""

import itertools

import pytest

from flowerpower.jobs.chain import (
    DELETED,
    ENDS_MET,
    GONE,
    AfterCondition,
    is_due,
    not_met_error,
    obstacle,
)

ENDS = (None, "finished", "failed", "cancelled", DELETED, GONE)


@pytest.mark.parametrize("condition", list(AfterCondition))
def test_a_child_is_due_or_has_an_obstacle_or_waits(condition: AfterCondition) -> None:
    """Of every pair of ends exactly one of the three is so."""
    for one, two in itertools.product(ENDS, ENDS):
        parents = {"one": one, "two": two}
        unmet = [name for name, end in parents.items() if end and end not in ENDS_MET[condition]]
        assert obstacle(condition, parents) == (unmet[0] if unmet else None)
        assert is_due(condition, parents) == (not unmet and one is not None and two is not None)


def test_each_condition_is_met_by_its_ends() -> None:
    """A cancelled parent has neither succeeded nor failed."""
    met = {condition.value: sorted(ends) for condition, ends in ENDS_MET.items()}
    assert met == {
        "success": ["finished"],
        "failure": ["failed"],
        "end": ["cancelled", "deleted", "failed", "finished", "gone"],
    }


@pytest.mark.parametrize("end", ENDS[1:])
def test_the_error_says_what_was_wanted_and_what_came(end: str) -> None:
    error = not_met_error(AfterCondition.SUCCESS, "nightly-1", end)
    assert "nightly-1" in error["message"]
    assert error["after"] == "nightly-1"
    assert "has finished, but that" in error["message"]
