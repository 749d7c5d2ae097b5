"""From names on the command line to jobs and schedules; acting on many; polling a backend."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from flowerpower.errors import BackendUnreachable, FlowerpowerError, JobNotFound, UsageError
from flowerpower_cli.inputs import choices, words
from flowerpower_cli.views.tables import counted, line

if TYPE_CHECKING:
    from flowerpower.jobs.job import Job, JobFilter
    from flowerpower.jobs.schedule import Schedule
    from flowerpower.pipeline.job_queue import PipelineJobQueue
    from flowerpower_cli.command import CommandContext
    from flowerpower_cli.options import JobSelection
    from flowerpower_cli.views.output import Output
    from flowerpower_cli.views.tables import Block

MAX_SEARCHED = 10_000
ALL_JOBS = 1_000_000
_SHORT_ID = "[0-9a-f]{8}"
AWAY_LIMIT = 60.0
"""Seconds that a backend may be away, once it has been there."""
RETRY_INTERVAL = 1.0

Record = TypeVar("Record", "Job", "Schedule")
Result = TypeVar("Result")


def find_job(job_queue: PipelineJobQueue, name: str) -> Job:
    """The job with this id, or the only one whose short id it is; JobNotFound if there is none."""
    from flowerpower.jobs.job import JobFilter
    from flowerpower_cli.views.jobs import short_id

    try:
        return job_queue.get_job(name)
    except JobNotFound:
        if not re.fullmatch(_SHORT_ID, name):
            raise
        jobs = job_queue.list_jobs(JobFilter(limit=MAX_SEARCHED))
        ids = [job.id for job in jobs if short_id(job.id) == name]
        if len(ids) != 1:
            raise
        # A listed job has no result.
        return job_queue.get_job(ids[0])


def parents_from(
    context: CommandContext, names: list[str] | None, condition: str | None
) -> list[str]:
    """The ids of the jobs of --after; UsageError if there are none, or a --on without them."""
    if names is None and condition is not None:
        raise UsageError("--on says how the jobs of --after must end; expected --after too.")
    parents = words(names)
    if names is not None and not parents:
        raise UsageError("--after names no job.")
    if names is not None and len(parents) < sum(text.count(",") + 1 for text in names):
        raise UsageError(f"--after {','.join(names)[:60]!r} has an empty name.")
    return [find_job(context.job_queue, name).id for name in parents]


def check_attempt(job: Job, attempt: int | None, *, may_come: bool = False) -> None:
    """Raise UsageError if the job has had no attempt of that number.

    `may_come`: before the first attempt, that one is meant.
    """
    last = max(job.attempt, 1) if may_come else job.attempt
    if attempt is not None and not 1 <= attempt <= last:
        raise UsageError(f"--attempt {attempt}: the job {job.id} has had {job.attempt}.")


def filter_from(context: CommandContext, selection: JobSelection, limit: int) -> JobFilter:
    """The conditions of a command line; UsageError names a status that there is not."""
    from flowerpower.jobs.job import JobFilter, JobStatus
    from flowerpower.pipeline.overrides import due_time

    statuses = choices("--status", selection.status, [known.value for known in JobStatus])
    return JobFilter(
        frozenset(map(JobStatus, statuses)),
        selection.pipeline,
        selection.queue,
        selection.schedule,
        due_time(context.manager.project, selection.since),
        limit,
        due_time(context.manager.project, selection.until),
    )


def for_each_job(
    context: CommandContext, names: Iterable[str], act: Callable[[Job], Result]
) -> tuple[list[Result], list[FlowerpowerError]]:
    """As `for_each`, of jobs."""
    job_queue = context.job_queue
    return for_each(context, "jobs", names, lambda name: find_job(job_queue, name), act)


def for_each(
    context: CommandContext,
    what: str,
    names: Iterable[str],
    find: Callable[[str], Record],
    act: Callable[[Record], Result],
) -> tuple[list[Result], list[FlowerpowerError]]:
    """What `act` returns for each record that `find` finds, and the errors of the others.

    A record that is named twice, as by its id and its short id, is acted on once. A backend that
    does not answer, and Ctrl-C, end it: which were done and which were not is said.

    Raises:
        FlowerpowerError: as `raise_errors`, if there are errors and nothing else.
    """
    results: dict[str, Result] = {}
    errors: list[FlowerpowerError] = []
    waiting = list(dict.fromkeys(names))
    while waiting:
        try:
            record = find(waiting[0])
            if record.id not in results:
                results[record.id] = act(record)
        except BackendUnreachable as error:
            errors.append(error)
            if results:
                error.details += _progress(results, waiting)
            break
        except FlowerpowerError as error:
            errors.append(error)
        except KeyboardInterrupt:
            for text in _progress(results, waiting):
                context.output.plain_line(text)
            raise
        del waiting[0]
    if not results:
        raise_errors(errors, what)
    return list(results.values()), errors


def _progress(done: Iterable[str], waiting: list[str]) -> list[str]:
    """What a command that was ended half-way has done, and what it has not."""
    return [f"done: {', '.join(done) or 'none'}", f"not done: {', '.join(waiting)}"]


def raise_errors(errors: list[FlowerpowerError], what: str = "jobs", *, end: str = "") -> None:
    """Raise the errors, if there are any, as one of the class of the first; `what` failed.

    `end` is a sentence below the message.
    """
    if len(errors) == 1 and not end:
        raise errors[0]
    if not errors:
        return
    first, message = errors[0], f"The command failed for {len(errors)} {what}:"
    details = [line for error in errors for line in str(error).splitlines()]
    if len(errors) == 1:
        message, details = first.message, first.details
    raise type(first)(message, details=[*details, end] if end else details, hint=first.hint)


def delete_each(
    context: CommandContext,
    what: str,
    names: list[str],
    find: Callable[[str], Record],
    delete: Callable[[str], object],
    *,
    lost: str,
    yes: bool,
    dry_run: bool,
) -> None:
    """Delete the jobs or schedules of these names after a question, which says what is `lost`."""

    def delete_one(record: Record) -> str:
        if not dry_run:
            delete(record.id)
        return record.id

    # All names are looked up before the question: a wrong one must not cost half of the records.
    if names:
        ids, errors = for_each(context, what, names, find, lambda record: record.id)
        raise_errors(errors, what, end="Nothing was deleted.")
    else:
        ids = []
    if ids and not dry_run:
        context.output.confirm(f"This deletes {counted(len(ids), what[:-1])}, {lost}.", yes=yes)
    deleted, errors = for_each(context, what, ids, find, delete_one)
    show_deleted(context, what, deleted, len(deleted), dry_run=dry_run)
    raise_errors(errors, what)


def show_deleted(
    context: CommandContext,
    what: str,
    ids: list[str],
    count: int,
    *,
    dry_run: bool,
    view: Callable[[], Iterable[Block]] | None = None,
    more: Mapping[str, Any] | None = None,
) -> None:
    """Show the ids of what was deleted, or would be, and say how many there are.

    For people it is what `view` yields, if there is one; `more` is for JSON.
    """
    data = {what: ids, "count": count, "deleted": not dry_run, **(more or {})}
    context.output.result(data, view or (lambda: map(line, ids)), ids)
    number = counted(count, what[:-1]) if count else f"No {what}"
    context.output.message(f"{number} {'would be ' if dry_run else ''}deleted.")


def poll(
    is_done: Callable[[], bool], output: Output, *, interval: float, deadline: float | None = None
) -> bool:
    """Call `is_done` every `interval` seconds until it is true; False if `deadline` comes first.

    While the backend does not answer it is called again, after one warning. `deadline` is a time
    of `clock.monotonic`.

    Raises:
        BackendUnreachable: if the backend has been away for AWAY_LIMIT.
    """
    # Not at the top, as in the commands: their help needs no clock, and no time zones.
    from flowerpower.triggers import clock

    away_since: float | None = None
    while True:
        try:
            if is_done():
                return True
            away_since, pause = None, interval
        except BackendUnreachable as error:
            now = clock.monotonic()
            if away_since is None:
                away_since = now
                output.warning(f"{error.message} Trying again.")
            if now - away_since > AWAY_LIMIT:
                raise
            pause = RETRY_INTERVAL
        if deadline is not None and clock.monotonic() >= deadline:
            return False
        time.sleep(pause)
