"""What a command names: schedules by their ids, jobs also by the digits a terminal is shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from flowerpower.errors import FlowerpowerError, JobNotFound

if TYPE_CHECKING:
    from flowerpower.job_queue.base import JobQueueBackend
    from flowerpower.jobs.job import Job
    from flowerpower.jobs.schedule import Schedule

SEARCHED = 10_000
_SHORT_ID = re.compile(r"[0-9a-f]{8}", re.ASCII)

Named = TypeVar("Named", "Job", "Schedule")
Done = TypeVar("Done")


def found_job(backend: JobQueueBackend, name: str) -> Job:
    """The job of that id, or the only one whose id is given as `job_views.short_id` shows it.

    Raises:
        JobNotFound: if there is none.
    """
    from flowerpower.jobs.job import JobFilter
    from flowerpower_cli.views.jobs import short_id

    try:
        return backend.get_job(name)
    except JobNotFound:
        if not _SHORT_ID.fullmatch(name):
            raise
        listed = backend.list_jobs(JobFilter(limit=SEARCHED))
        ids = [job.id for job in listed if short_id(job.id) == name]
        if len(ids) != 1:
            raise
        return backend.get_job(ids[0])


def each_of(
    backend: JobQueueBackend, names: Iterable[str], act: Callable[[Job], Done]
) -> tuple[list[Done], list[FlowerpowerError]]:
    """What `act` gives for each job, and the errors of those for which it gives nothing."""
    return each_named(names, lambda name: found_job(backend, name), act)


def each_named(
    names: Iterable[str], find: Callable[[str], Named], act: Callable[[Named], Done]
) -> tuple[list[Done], list[FlowerpowerError]]:
    """What `act` gives for each that `find` finds, once, and the errors of the others."""
    done: dict[str, Done] = {}
    errors: list[FlowerpowerError] = []
    for name in dict.fromkeys(names):
        try:
            found = find(name)
            if found.id not in done:
                done[found.id] = act(found)
        except FlowerpowerError as error:
            errors.append(error)
    return list(done.values()), errors


def raise_all(errors: list[FlowerpowerError], what: str = "jobs") -> None:
    """Raise the errors as one, if there are any; `what` they are about.

    Raises:
        FlowerpowerError: of the class of the first.
    """
    if len(errors) == 1:
        raise errors[0]
    if errors:
        first = errors[0]
        raise type(first)(
            f"It could not be done for {len(errors)} {what}:",
            details=[error.message for error in errors],
            hint=first.hint,
        )
