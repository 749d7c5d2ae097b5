"""Jobs as data: the table of transitions, and what a stored payload gives back."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest

from flowerpower.config.overrides import RunOverrides
from flowerpower.errors import FlowerpowerError, InvalidName, Refused
from flowerpower.jobs.claim import WorkerInfo
from flowerpower.jobs.job import ENDED, TRANSITIONS, Job, JobStatus, check_transition
from flowerpower.jobs.job_spec import JobSpec, overrides_of
from flowerpower.triggers import clock

S = JobStatus
LEGAL = {
    (S.WAITING, S.SCHEDULED),
    (S.WAITING, S.QUEUED),
    (S.WAITING, S.CANCELLED),
    (S.SCHEDULED, S.QUEUED),
    (S.SCHEDULED, S.RUNNING),
    (S.SCHEDULED, S.CANCELLED),
    (S.SCHEDULED, S.WAITING),
    (S.QUEUED, S.WAITING),
    (S.QUEUED, S.RUNNING),
    (S.QUEUED, S.CANCELLED),
    (S.RUNNING, S.FINISHED),
    (S.RUNNING, S.FAILED),
    (S.RUNNING, S.CANCELLED),
    (S.RUNNING, S.SCHEDULED),
    (S.RUNNING, S.QUEUED),
    (S.FAILED, S.QUEUED),
    (S.CANCELLED, S.QUEUED),
    (S.CANCELLED, S.WAITING),
}


@pytest.mark.parametrize(("before", "after"), list(product(S, S)))
def test_every_pair_of_states_is_legal_or_refused(before: JobStatus, after: JobStatus) -> None:
    """A job goes from one state to another as the table says; all else is refused by name."""
    if (before, after) in LEGAL:
        check_transition("a", before, after)
    else:
        with pytest.raises(Refused, match=f"The job a is {before}; it cannot become {after}"):
            check_transition("a", before, after)


def test_a_finished_job_stays_finished() -> None:
    """Nothing leads out of finished, and only a person leads out of failed and cancelled."""
    assert set(TRANSITIONS) == set(JobStatus)
    assert TRANSITIONS[S.FINISHED] == frozenset()
    assert {status for status in JobStatus if status.is_ended} == ENDED
    assert {after for status in ENDED for after in TRANSITIONS[status]} == {
        S.QUEUED,
        S.WAITING,
    }


def test_a_payload_gives_its_overrides_back() -> None:
    """What a spec stores is JSON with its version, and reads as what was asked."""
    overrides = RunOverrides(inputs={"a": [1, {"b": None}]}, final_vars=["x"], timeout=5.0)
    payload = json.loads(json.dumps(JobSpec("report", overrides).payload()))
    assert payload["v"] == 1
    assert payload["pipeline"] == "report"
    assert overrides_of(payload) == overrides


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (None, "damaged"),
        ([], "damaged"),
        ({}, "damaged"),
        ({"v": 2}, "another version of flowerpower .payload 2, this one reads 1"),
        ({"v": "1"}, "another version"),
        ({"v": None}, "another version"),
        ({"v": 1, "overrides": {"colour": "red"}}, "damaged: (.|\n)*colour"),
        ({"v": 1, "overrides": {"inputs": 7}}, "damaged: (.|\n)*inputs"),
        ({"v": 1, "overrides": "x"}, "damaged"),
    ],
)
def test_a_payload_that_cannot_be_run_says_why(payload: Any, reason: str) -> None:
    """Another version's or a damaged payload is refused with what is wrong with it."""
    with pytest.raises(FlowerpowerError, match=reason):
        overrides_of(payload)


@pytest.mark.parametrize("field", ["pipeline", "queue"])
@pytest.mark.parametrize("name", ["", "a.b", "../x", "a b", "x" * 101, "-rf"])
def test_names_in_a_spec_keep_the_rule(field: str, name: str) -> None:
    """A pipeline's and a queue's name are names."""
    with pytest.raises(InvalidName, match=f"name of a {field}"):
        JobSpec(**{"pipeline": "report", field: name})


def test_jobs_and_workers_are_json() -> None:
    """Records print as JSON, times with their offset; a job's text is its id."""
    now = clock.now()
    job = Job("a", "report", "default", S.QUEUED, now, now, {"v": 1, "overrides": {"inputs": {}}})
    body = json.loads(json.dumps(job.to_json()))
    assert str(job) == "a"
    assert body["created_at"] == clock.format_time(now)
    assert body["overrides"] == {"inputs": {}}
    assert "payload" not in body
    worker = WorkerInfo("w", "host", 1, ("default",), 2, now, running=("a",))
    assert json.loads(json.dumps(worker.to_json()))["running"] == ["a"]


@pytest.mark.parametrize("payload", [None, [], "x", {"overrides": None}])
def test_a_job_with_a_damaged_payload_is_json_too(payload: Any) -> None:
    """A payload that makes no sense shows no overrides."""
    now = clock.now()
    assert Job("a", "r", "q", S.QUEUED, now, now, payload).to_json()["overrides"] == {}


def test_specs_without_an_id_have_ids_of_their_own() -> None:
    """The default id is a new one each time."""
    assert len({JobSpec("report").id for _ in range(100)}) == 100
