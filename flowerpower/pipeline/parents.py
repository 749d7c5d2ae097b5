"""The jobs that a new job is to run after: from what a caller names to what a queue stores."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, TypeAlias

from flowerpower.errors import JobNotFound, Refused, UsageError
from flowerpower.jobs.chain import ENDS_MET, NOT_MET, WANTED, AfterCondition
from flowerpower.jobs.job import Job as JobRecord
from flowerpower.jobs.job import JobStatus
from flowerpower.jobs.job_spec import JobSpec
from flowerpower.text import did_you_mean, shortened

if TYPE_CHECKING:
    from flowerpower.job_queue.base import JobQueueBackend


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


Parents: TypeAlias = "_HasId | str | Iterable[_HasId | str] | None"
"""Jobs, as handles, records or ids: one of them, or several."""
_CONDITIONS = [condition.value for condition in AfterCondition]


def with_parents(spec: JobSpec, after: Parents, on: str) -> JobSpec:
    """The request, to run after these jobs once they have ended as `on` says.

    Raises:
        UsageError: if one of them is neither an id nor a job, or there is no such end; if `on`
            stands without jobs.
    """
    ids, condition = _parent_ids(after), _condition_of(on)
    if not ids and condition is not AfterCondition.SUCCESS:
        raise UsageError("on says how the jobs of after must end; expected after too.")
    return replace(spec, after=ids, after_on=condition)


def _parent_ids(after: Parents) -> tuple[str, ...]:
    if after is None:
        return ()
    jobs = after if isinstance(after, Iterable) and not isinstance(after, str) else (after,)
    ids: list[str] = []
    for job in jobs:
        job_id = getattr(job, "id", job)
        if not isinstance(job_id, str):
            shown = shortened(repr(job_id), 40)
            raise UsageError(f"after holds {shown}: expected jobs, or their ids.")
        ids.append(job_id)
    return tuple(ids)


def _condition_of(on: str) -> AfterCondition:
    if on not in _CONDITIONS:
        raise UsageError(
            f"on is {shortened(str(on), 40)!r}: expected one of {', '.join(_CONDITIONS)}."
            f"{did_you_mean(str(on), _CONDITIONS)}"
        )
    return AfterCondition(on)


def with_time_of_parents(backend: JobQueueBackend, spec: JobSpec, *, is_new: bool) -> JobSpec:
    """The request, with the time of the fire that all its parents are of, if there is one.

    Unless it `is_new`, there may be a job of its id already; then its parents may have ended.

    Raises:
        JobNotFound: if one of the parents has no record, with the nearest id.
        Refused: if one of the parents has ended otherwise than the request says.
    """
    if not is_new:
        try:
            return replace(spec, scheduled_for=backend.get_job(spec.id).scheduled_for)
        except JobNotFound:
            pass
    parents = [backend.get_job(parent) for parent in spec.after]
    for parent in parents:
        if parent.status.is_ended and parent.status not in ENDS_MET[spec.after_on]:
            raise _never_runs(parent, spec)
    times = {parent.scheduled_for for parent in parents}
    return replace(spec, scheduled_for=times.pop() if len(times) == 1 else None)


def check_not_cancelled(job: JobRecord) -> None:
    """Raise Refused if a job that was just added is cancelled, because a parent ended meanwhile."""
    error = job.error or {}
    if job.status is JobStatus.CANCELLED and error.get("code") == NOT_MET:
        raise Refused(
            f"The job {job.id} was added, and cancelled at once: {error.get('message') or ''}",
            hint=f"`flowerpower job-queue retry-job {error.get('after')}` brings it back.",
        )


def _never_runs(parent: JobRecord, spec: JobSpec) -> Refused:
    if parent.status is JobStatus.FINISHED:
        hint = "Without --on, or with on='success', it would run at once."
    else:
        retry = f"`flowerpower job-queue retry-job {parent.id}` queues it again"
        hint = f"{retry}; --on end, or on='end', waits for any end."
    return Refused(
        f"The job {parent.id} of {parent.pipeline} is {parent.status}: a job that runs once it "
        f"{WANTED[spec.after_on]} would never run.",
        hint=hint,
    )
