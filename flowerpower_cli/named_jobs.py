"""Jobs that a command names: by their ids, or by the eight digits that a terminal is shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from flowerpower.errors import FlowerpowerError, JobNotFound

if TYPE_CHECKING:
    from flowerpower.job_queue.base import JobQueueBackend
    from flowerpower.jobs import Job

SEARCHED = 10_000
_SHORT_ID = re.compile(r"[0-9a-f]{8}", re.ASCII)

Done = TypeVar("Done")


def found_job(backend: JobQueueBackend, name: str) -> Job:
    """The job of that id, or the only one whose id is given as `job_views.short_id` shows it.

    Raises:
        JobNotFound: if there is none.
    """
    from flowerpower.jobs import JobFilter
    from flowerpower_cli.job_views import short_id

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
    done: dict[str, Done] = {}
    errors: list[FlowerpowerError] = []
    for name in dict.fromkeys(names):
        try:
            job = found_job(backend, name)
            if job.id not in done:
                done[job.id] = act(job)
        except FlowerpowerError as error:
            errors.append(error)
    return list(done.values()), errors


def raise_all(errors: list[FlowerpowerError]) -> None:
    """Raise the errors as one, if there are any.

    Raises:
        FlowerpowerError: of the class of the first.
    """
    if len(errors) == 1:
        raise errors[0]
    if errors:
        first = errors[0]
        raise type(first)(
            f"It could not be done for {len(errors)} jobs:",
            details=[error.message for error in errors],
            hint=first.hint,
        )
