"""Why a job does not run yet: the reason, and the sentence, of each case."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flowerpower.jobs.chain import AfterCondition
from flowerpower.jobs.claim import WorkerInfo
from flowerpower.jobs.job import Job, JobStatus
from flowerpower.jobs.limits import Limit, Limits, LimitUse
from flowerpower.jobs.problem import Problem
from flowerpower.jobs.snapshot import QueueState, Snapshot
from flowerpower.pipeline.limit_states import LimitState, limit_states
from flowerpower.pipeline.problems import limit_problems, parent_problems
from flowerpower.pipeline.waiting import QueueView, WaitReason, waits_for

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
S = JobStatus
WORKER = WorkerInfo("w", "host", 1, ("default",), 2, NOW, 1, NOW, ())


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def job(status: JobStatus, job_id: str = "job", **fields: Any) -> Job:
    times = {"created_at": ago(60), "run_at": ago(60)}
    return Job(**{"id": job_id, "pipeline": "report", "queue": "default", "status": status}
               | times | fields)  # fmt: skip


def limit(
    at_once: int | None = None, rate: int | None = None, name: str = "warehouse", **use: Any
) -> LimitState:
    used = LimitUse(**use)
    return LimitState(name, Limit(at_once, rate, 60.0 if rate else 0.0), ("report",), used)


def view(*limits: LimitState, **fields: Any) -> QueueView:
    return QueueView(**{"now": NOW, "workers": [WORKER], "limits": limits} | fields)


def message(waiting: Job, queue: QueueView | None = None) -> str:
    reason = waits_for(waiting, queue or view())
    assert reason is not None
    return reason.message


@pytest.mark.parametrize("status", [S.RUNNING, S.FINISHED, S.FAILED, S.CANCELLED])
def test_what_runs_or_has_ended_waits_for_nothing(status: JobStatus) -> None:
    """None, whatever else is so."""
    assert waits_for(job(status, after={"a": None}), view(paused=["default"])) is None


def test_a_child_waits_for_the_parents_that_have_not_ended() -> None:
    """By the condition; of many the first are named."""
    child = job(S.WAITING, after={"a": "finished", "b": None}, after_on=AfterCondition.SUCCESS)
    reason = waits_for(child, view())
    assert reason is not None
    assert (reason.reason, reason.jobs) == (WaitReason.PARENTS, ("b",))
    assert reason.message == "waits for the job b to finish"
    for condition, verb in (("failure", "fail"), ("end", "end")):
        waiting = job(S.WAITING, after={"a": None, "b": None}, after_on=AfterCondition(condition))
        assert message(waiting) == f"waits for 2 jobs to {verb}: a and b"
    many = job(S.WAITING, after=dict.fromkeys("abcde"), after_on=AfterCondition.SUCCESS)
    assert message(many) == "waits for 5 jobs to finish: a, b, c and 2 more"


def test_a_scheduled_job_waits_for_its_time_or_its_schedule() -> None:
    """When it is due, is tried again, or which others it waits for."""
    later = NOW + timedelta(minutes=10)
    reason = waits_for(job(S.SCHEDULED, run_at=later), view())
    assert reason is not None
    assert (reason.reason, reason.until) == (WaitReason.TIME, later)
    assert reason.message == "is due in 10m"
    assert message(job(S.SCHEDULED, run_at=later, error={"type": "E"})) == "is tried again in 10m"
    blocked = job(S.SCHEDULED, blocked=True, max_parallel=2, concurrency_key="s")
    assert message(blocked) == "waits for other jobs of the schedule: at most 2 at once"
    backfill = job(S.SCHEDULED, blocked=True, max_parallel=1, concurrency_key="s:backfill")
    assert message(backfill) == "waits for other jobs of the backfill: at most 1 at once"


def test_a_queued_job_waits_for_whoever_takes_it() -> None:
    """A paused queue comes first, then workers that are none or suspended; last its turn."""
    queued, full = job(S.QUEUED), limit(1, running=("a",))
    cases = (
        (view(full, paused=["default"], workers=[]), WaitReason.PAUSED),
        (view(full, workers=[]), WaitReason.NO_WORKER),
        (view(paused=["other"], workers=[WORKER]), WaitReason.QUEUE),
        (view(full, workers=None), WaitReason.LIMIT),
        (view(), WaitReason.QUEUE),
    )
    for queue, expected in cases:
        reason = waits_for(queued, queue)
        assert reason is not None
        assert reason.reason is expected
    other = job(S.QUEUED, queue="other")
    assert (
        message(other) == "waits for a worker that takes jobs from the queue other: there is none"
    )


def test_a_full_limit_is_named_with_those_that_have_its_places() -> None:
    """And how many it holds back, if there are others; a limit with room keeps nobody."""
    queued = job(S.QUEUED)
    assert message(queued, view(limit(2, running=("a",)))) == "waits in the queue default"
    full = view(limit(2, running=("a", "b"), parked=1))
    assert message(queued, full) == "waits for the limit warehouse, 2 at once: a and b run"
    reason = waits_for(queued, view(limit(2, running=("a", "b"), parked=7)))
    assert reason is not None
    assert (reason.limit, reason.jobs, reason.parked) == ("warehouse", ("a", "b"), 7)
    assert reason.message.endswith("a and b run; 7 jobs wait for it")
    alone = view(limit(1, name="pipeline:report", running=("a",)))
    assert message(queued, alone) == "waits for max_running of report, 1 at once: a runs"
    assert message(job(S.QUEUED, pipeline="other"), full) == "waits in the queue default"


def test_a_rate_says_when_there_is_room() -> None:
    """Also where the places of the same limit, or of another one, are taken too."""
    rate = limit(1, 60, "api", running=("a",), starts=60, next_start_in=12.0)
    reason = waits_for(job(S.QUEUED), view(limit(1, running=("b",)), rate))
    assert reason is not None
    assert (reason.reason, reason.limit) == (WaitReason.RATE, "api")
    assert reason.message == "waits for the limit api, 60 in 1m: the next starts in 12s"
    assert reason.until == NOW + timedelta(seconds=12)
    body = json.loads(json.dumps(reason.to_json()))
    assert body == {
        "reason": "rate", "message": reason.message, "jobs": ["a"], "limit": "api", "parked": 0,
        "until": "2026-11-29T12:00:12+00:00",
    }  # fmt: skip


def test_limits_come_with_their_use() -> None:
    """Those that some pipeline has: the project's first, then those of single pipelines."""
    limits = Limits(
        {"pipeline:a": Limit(1), "w": Limit(2), "unused": Limit(9)},
        {"a": ("pipeline:a", "w"), "b": ("w",)},
    )
    first, second = limit_states(limits, {"w": LimitUse(("x", "y"), parked=3)})
    assert (first.name, first.pipelines, first.is_full) == ("w", ("a", "b"), True)
    assert (second.name, second.is_full, second.rate) == ("pipeline:a", False, "")
    assert first.to_json() == {
        "name": "w", "pipelines": ["a", "b"], "at_once": 2, "starts": None, "seconds": None,
        "running": ["x", "y"], "started": 0, "next_start_in": 0.0, "parked": 3,
    }  # fmt: skip


def snapshot(*queues: QueueState) -> Snapshot:
    return Snapshot(NOW, {queue.name: queue for queue in queues}, [], [], [WORKER])


def queue(name: str = "default", **counts: int) -> QueueState:
    numbers = {**dict.fromkeys(S, 0), **{S(status): n for status, n in counts.items()}}
    return QueueState(name, numbers, oldest_due=ago(100) if counts.get("queued") else None)


def test_a_limit_with_room_that_holds_back_jobs_is_a_problem() -> None:
    """Not while it is full, waits for a rate, or nobody takes jobs at all; nor at once."""
    held = limit(2, parked=5)
    (problem,) = limit_problems(snapshot(queue(queued=5)), [held])
    assert problem.code == "limit_unused"
    assert problem.message == "5 jobs wait for the limit warehouse, though it has room."
    fresh = QueueState("default", queue(queued=5).counts, oldest_due=ago(1))
    for now, limits in (
        (snapshot(queue(queued=5)), [limit(1, running=("a",), parked=5)]),
        (snapshot(queue(queued=5)), [held, limit(1, name="other", running=("a",))]),
        (snapshot(queue(queued=5)), [limit(None, 9, starts=9, next_start_in=1.0, parked=5)]),
        (snapshot(queue(queued=5)), [limit(2)]),
        (snapshot(queue("nobody", queued=5)), [held]),
        (snapshot(fresh), [held]),
    ):
        assert list(limit_problems(now, limits)) == []


def test_parents_that_nobody_runs_are_a_problem() -> None:
    """Of a queue without a worker, and only if jobs wait for them."""

    def problems(*queues: QueueState) -> list[Problem]:
        children = [job(S.WAITING, "a"), job(S.WAITING, "b"), job(S.FINISHED, "c")]
        return list(
            parent_problems(snapshot(*queues), lambda _: [job(S.QUEUED)], lambda _: children)
        )

    (problem,) = problems(queue("nobody", queued=1), queue(waiting=2))
    assert problem.code == "parents_stuck"
    assert problem.message == "2 jobs wait for jobs of the queue nobody, which has no worker."
    assert "--status waiting" in str(problem.hint)
    assert problems(queue(queued=1, waiting=2)) == []
    assert problems(queue("nobody", queued=1)) == []
