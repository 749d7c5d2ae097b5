"""A job under a given id is the one that was asked for, or what differs is said."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from flowerpower.config.overrides import RunOverrides
from flowerpower.errors import Refused
from flowerpower.jobs.job import Job, JobStatus
from flowerpower.jobs.job_spec import JobSpec
from flowerpower.pipeline.given_ids import check_same
from flowerpower.triggers import clock


def request(**fields: Any) -> JobSpec:
    inputs = fields.pop("inputs", {"rows": [1, 2], "region": "north"})
    return JobSpec(id="one", pipeline=fields.pop("pipeline", "report"),
                   overrides=RunOverrides(inputs=inputs), **fields)  # fmt: skip


def job_of(spec: JobSpec) -> Job:
    now = clock.now()
    return Job("one", spec.pipeline, spec.queue, JobStatus.FINISHED, now, now, spec.payload(),
               priority=spec.priority)  # fmt: skip


def difference(existing: JobSpec, wanted: JobSpec) -> str:
    with pytest.raises(Refused) as refused:
        check_same(job_of(existing), wanted)
    assert "show-job one" in str(refused.value.hint)
    return refused.value.message.partition("a different one: ")[2]


def test_the_same_request_is_the_same_job() -> None:
    """Whenever it comes, and however its inputs are ordered."""
    later = request(run_at=clock.now() + timedelta(hours=1), result_ttl=5.0)
    check_same(job_of(request()), later)
    check_same(job_of(request()), request(inputs={"region": "north", "rows": [1, 2]}))


def test_what_differs_is_named() -> None:
    """By its path, with both values; what only one has, too."""
    wanted = request(inputs={"rows": [1, 3], "region": "north"}, queue="slow", priority=2)
    assert difference(request(), wanted) == (
        "inputs.rows is [1, 2] there and [1, 3] here; priority is 0 there and 2 here; "
        'queue is "default" there and "slow" here.'
    )
    assert difference(request(), request(inputs={"rows": [1, 2]})) == (
        'inputs.region is "north" there and not given here.'
    )
    assert difference(request(), request(pipeline="other")).startswith('pipeline is "report" there')


def test_secrets_and_long_values_are_not_shown() -> None:
    """An input whose name is that of a secret is masked, a long one is cut."""
    existing = request(inputs={"api_token": "tulip", "text": "x" * 500})
    shown = difference(existing, request(inputs={"api_token": "crocus", "text": "y" * 500}))
    assert "tulip" not in shown
    assert "crocus" not in shown
    assert "api_token" in shown
    assert len(shown) < 300


def test_of_many_differences_some_are_named() -> None:
    """And how many more there are."""
    inputs = {f"i{number}": number for number in range(9)}
    shown = difference(request(inputs={}), request(inputs=inputs))
    assert shown.count(" there and ") == 5
    assert shown.endswith("; and 4 more.")


def test_a_damaged_record_is_not_judged() -> None:
    """Its worker fails it."""
    check_same(replace(job_of(request()), payload=None), request(inputs={"rows": 9}))
