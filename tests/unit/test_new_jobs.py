"""What new jobs have in common is made once and sent once: see rq/new_jobs.py."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from flowerpower.job_queue.rq import new_jobs
from flowerpower.job_queue.rq.new_jobs import KindsOfJobs, NewJobs
from flowerpower.jobs.job import JobStatus
from flowerpower.jobs.job_spec import JobSpec


def test_jobs_that_differ_in_payload_and_time_are_of_one_kind() -> None:
    """The kind is sent once; a job of another priority is of another kind."""
    new = NewJobs(KindsOfJobs("project", 120.0))
    later = datetime(2027, 1, 1, tzinfo=UTC)
    specs = [JobSpec("report"), JobSpec("report", run_at=later), JobSpec("report", priority=1)]
    assert [new.as_sent(spec)["kind"] for spec in specs] == [1, 1, 2]
    assert [kind["priority"] for kind in new.kinds] == [0, 1]


def test_a_kind_is_made_once_for_all_calls() -> None:
    """Also where another call has other kinds before it."""
    known = KindsOfJobs("project", 120.0)
    first, second = NewJobs(known), NewJobs(known)
    first.as_sent(JobSpec("report"))
    second.as_sent(JobSpec("other"))
    assert second.as_sent(JobSpec("report"))["kind"] == 2
    assert second.kinds[1] is first.kinds[0]


def test_kinds_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fires have a time each, and so a kind each; a call that has begun keeps those that it has."""
    monkeypatch.setattr(new_jobs, "KINDS_KEPT", 2)
    known = KindsOfJobs("project", 120.0)
    new = NewJobs(known)
    for number in range(5):
        new.as_sent(JobSpec("report", priority=number))
    assert [kind["priority"] for kind in new.kinds] == [0, 1, 2, 3, 4]
    assert len(known._kinds) <= 2


def test_jobs_share_nothing_that_can_change() -> None:
    """A caller may change what it got of one job."""
    new = NewJobs(KindsOfJobs("project", 120.0))
    answer = ["queued", "1764000000.000000", "1764000000.000001", ""]
    one, other = (
        new.as_added(spec, new.as_sent(spec)["payload"], answer)
        for spec in (JobSpec("report"), JobSpec("report"))
    )
    assert (one.status, one.created_at.microsecond) == (JobStatus.QUEUED, 1)
    one.after["parent"] = None
    one.attempts.append({})
    one.payload["overrides"]["inputs"] = {}
    assert (other.after, other.attempts, other.payload["overrides"]) == ({}, [], {})
