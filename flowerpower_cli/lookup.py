"""From names on the command line to jobs and schedules; acting on many, collecting errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from flowerpower.errors import FlowerpowerError, JobNotFound

if TYPE_CHECKING:
    from flowerpower.jobs.job import Job
    from flowerpower.jobs.schedule import Schedule
    from flowerpower.pipeline.job_queue import PipelineJobQueue

MAX_SEARCHED = 10_000
_SHORT_ID = re.compile(r"[0-9a-f]{8}", re.ASCII)

Record = TypeVar("Record", "Job", "Schedule")
Result = TypeVar("Result")


def find_job(job_queue: PipelineJobQueue, name: str) -> Job:
    """The job with this id, or the only one whose short id it is (see `views.jobs.short_id`).

    Raises:
        JobNotFound: if there is none.
    """
    from flowerpower.jobs.job import JobFilter
    from flowerpower_cli.views.jobs import short_id

    try:
        return job_queue.get_job(name)
    except JobNotFound:
        if not _SHORT_ID.fullmatch(name):
            raise
        jobs = job_queue.list_jobs(JobFilter(limit=MAX_SEARCHED))
        ids = [job.id for job in jobs if short_id(job.id) == name]
        if len(ids) != 1:
            raise
        # A listed job has no result.
        return job_queue.get_job(ids[0])


def for_each_job(
    job_queue: PipelineJobQueue, names: Iterable[str], act: Callable[[Job], Result]
) -> tuple[list[Result], list[FlowerpowerError]]:
    """As `for_each`, of jobs."""
    return for_each(names, lambda name: find_job(job_queue, name), act)


def for_each(
    names: Iterable[str], find: Callable[[str], Record], act: Callable[[Record], Result]
) -> tuple[list[Result], list[FlowerpowerError]]:
    """What `act` returns for each record that `find` finds, and the errors of the others.

    A record that is named twice, as by its id and its short id, is acted on once.
    """
    results: dict[str, Result] = {}
    errors: list[FlowerpowerError] = []
    for name in dict.fromkeys(names):
        try:
            record = find(name)
            if record.id not in results:
                results[record.id] = act(record)
        except FlowerpowerError as error:
            errors.append(error)
    return list(results.values()), errors


def raise_errors(errors: list[FlowerpowerError], what: str = "jobs") -> None:
    """Raise the errors as one, if there are any; `what` they are about.

    Raises:
        FlowerpowerError: of the class of the first.
    """
    if len(errors) == 1:
        raise errors[0]
    if errors:
        first = errors[0]
        raise type(first)(
            f"The command failed for {len(errors)} {what}:",
            details=[error.message for error in errors],
            hint=first.hint,
        )
