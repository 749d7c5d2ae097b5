"""The overrides of a stored job as a child is sent them."""

from typing import Any

import pytest

from flowerpower.errors import FlowerpowerError
from flowerpower.jobs.job_spec import checked_overrides, overrides_json, overrides_of

PLAIN = {"a": "x", "b": 1, "c": -1.5, "d": True, "e": None, "f": 10**30, "g": 2**63}


def payload(**overrides: Any) -> dict[str, Any]:
    return {"v": 1, "pipeline": "report", "overrides": overrides}


@pytest.mark.parametrize(
    "stored",
    [
        payload(),
        payload(inputs={}),
        payload(inputs=PLAIN),
        payload(inputs={"x": [1, {"y": [None]}]}),
        payload(inputs={"x": 1}, written={"x": "1"}),
        payload(inputs={"x": 1}, config={"region": "eu"}, timeout=3.0),
        payload(inputs=None, retry={"max_retries": 2}),
    ],
)
def test_they_are_what_was_stored(stored: dict[str, Any]) -> None:
    """As if they were made anew of the record, which takes longer."""
    assert checked_overrides(stored) == overrides_json(overrides_of(stored))


@pytest.mark.parametrize(
    "stored",
    [
        None,
        [],
        {"pipeline": "report"},
        {"v": 2, "overrides": {"inputs": {"x": 1}}},
        payload(inputs={"x": float("nan")}),
        payload(inputs={"x": float("inf")}),
        payload(inputs={"x": 10**5000}),
        payload(inputs=[1]),
        payload(inputs={"x": 1}, unknown=1),
        payload(inputs={"x": 1}, custom_adapters=["os.system"]),
    ],
)
def test_what_cannot_be_run_is_refused_in_the_same_words(stored: Any) -> None:
    """A record may be damaged or forged."""
    with pytest.raises(FlowerpowerError) as refused:
        checked_overrides(stored)
    with pytest.raises(FlowerpowerError) as expected:
        overrides_json(overrides_of(stored))
    assert refused.value.message == expected.value.message
