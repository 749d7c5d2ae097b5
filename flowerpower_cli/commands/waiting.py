"""Waiting for jobs: their progress as it comes, what became of them, the exit code."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from flowerpower.errors import RunFailed, WaitTimeout
from flowerpower.jobs.job import Job, JobStatus
from flowerpower.jobs.run import NodeEvent, RunError
from flowerpower.triggers import clock
from flowerpower.triggers.clock import format_duration
from flowerpower_cli.command import CommandContext
from flowerpower_cli.reconnect import Reconnect
from flowerpower_cli.views.jobs import SILENT_AFTER, error_text, job_data, local, short_id
from flowerpower_cli.views.pipelines import finished_line, outputs_view, told_lines
from flowerpower_cli.views.progress import Bar, shown_bars
from flowerpower_cli.views.tables import Line, Shape, cell

LOOK_EVERY = 0.15
"""Seconds."""


def wait_and_show(
    context: CommandContext,
    jobs: list[Job],
    *,
    timeout: float | None = None,
    wanted: bool,
    one: bool = False,
) -> None:
    """Wait for jobs and show what became of them; with `one`, the JSON is that of a single job.

    Raises:
        RunFailed: if one has failed or was cancelled.
        WaitTimeout: if `timeout` seconds were over before.
    """
    context.learn_secrets(*(job.pipeline for job in jobs))
    warn_if_unattended(context, jobs)
    ended = _waited(context, jobs, timeout, wanted)
    data: list[dict[str, Any]] = [
        job_data(job) | ({"created": before.created} if one else {})
        for before, job in zip(jobs, ended, strict=True)
    ]
    finished = [job for job in ended if job.status is JobStatus.FINISHED]
    context.output.result(
        data[0] if one else data,
        lambda: _results(finished, titled=len(jobs) > 1),
        [job.id for job in finished],
    )
    for job in finished:
        _tell_notes(context, job)
        if len(jobs) == 1:
            context.output.message(_finished(job))
    _raise_for(context, [job for job in ended if job.status is not JobStatus.FINISHED], len(ended))


def warn_if_unattended(context: CommandContext, jobs: list[Job]) -> None:
    """Say so if nobody is there to do the jobs that wait."""
    warn_if_no_worker(context, {job.queue for job in jobs if not job.status.is_ended})


def warn_if_no_worker(context: CommandContext, queues: set[str]) -> None:
    """Say so if there are queues that no worker takes jobs from."""
    if context.output.quiet or context.output.json:
        return
    now = clock.now()
    workers = [
        each
        for each in context.job_queue.backend.list_workers()
        if (now - (each.beat_at or each.started_at)).total_seconds() < SILENT_AFTER
    ]
    alone = sorted(queues - {queue for each in workers for queue in each.queues})
    if alone:
        context.output.message(
            f"No worker takes jobs from {', '.join(alone)}; start one: "
            "flowerpower job-queue start-worker"
        )


def warn_if_no_scheduler(context: CommandContext) -> None:
    """Say so if nobody looks for what is due; where every worker does, that is told already."""
    job_queue = context.job_queue
    if context.output.quiet or context.output.json or job_queue.type != "rq":
        return
    if not job_queue.backend.schedules.has_scheduler():
        context.output.message(
            "No scheduler fires schedules; start one: flowerpower job-queue start-scheduler"
        )


def _waited(
    context: CommandContext, jobs: list[Job], timeout: float | None, wanted: bool
) -> list[Job]:
    backend = context.job_queue.backend
    deadline = None if timeout is None else clock.monotonic() + timeout
    several = len(jobs) > 1
    titles = [f"{job.pipeline} {short_id(job.id)}" if several else job.pipeline for job in jobs]
    latest = {job.id: job for job in jobs}
    with shown_bars(context.output, titles, wanted=wanted) as bars:
        followed = [_Followed(bar) for bar in bars]
        reconnect = Reconnect(context.output)

        def look() -> None:
            for job in latest.values():
                if not job.status.is_ended:
                    latest[job.id] = backend.get_job(job.id)

        while True:
            reconnect.try_to(look)
            for each, job in zip(followed, latest.values(), strict=False):
                each.show(job)
            left = [job for job in latest.values() if not job.status.is_ended]
            if not left:
                return list(latest.values())
            if deadline is not None and clock.monotonic() >= deadline:
                raise _timed_out(left, timeout or 0.0)
            time.sleep(LOOK_EVERY)


class _Followed:
    """Turns what is known of a job, again and again, into what its bar is told."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._attempt = 0
        self._told: dict[str, str] = {}

    def show(self, job: Job) -> None:
        if job.attempt != self._attempt:
            self._attempt, self._told = job.attempt, {}
        progress = job.progress or {}
        total, done = progress.get("total") or 0, 0
        for name, node in (progress.get("nodes") or {}).items():
            state = node.get("state")
            done += state == "finished"
            if self._told.get(name) != state:
                self._told[name] = state
                self._bar.on_event(NodeEvent(name, state, done, total, node.get("seconds")))
        if not job.status.is_ended and job.status is not JobStatus.RUNNING:
            self._bar.note(_waits_for(job))


def _waits_for(job: Job) -> str:
    if job.status is JobStatus.QUEUED:
        return "queued"
    seconds = max((job.run_at - clock.now()).total_seconds(), 0.0)
    begins = format_duration(round(seconds))
    return f"{error_text(job.error)}; again in {begins}" if job.error else f"due in {begins}"


def _timed_out(left: list[Job], timeout: float) -> WaitTimeout:
    after = format_duration(timeout)
    states = [f"{job.id} ({job.pipeline}) is {job.status}" for job in left]
    if len(left) == 1:
        return WaitTimeout(f"After {after} the job {states[0]}.", hint=_hint(left[0]))
    return WaitTimeout(f"After {after} {len(left)} jobs have not ended:", details=states)


def _hint(job: Job) -> str | None:
    if job.status is JobStatus.QUEUED:
        return "Is there a worker? See `flowerpower job-queue workers`."
    return None


def _results(jobs: list[Job], *, titled: bool) -> Iterator[Shape]:
    for job in jobs:
        if titled:
            told = f"  {_finished(job)}"
            yield Line((cell(job.id, "bold"), cell(told, "dim")), True)
        if job.result is not None:
            yield from outputs_view(job.result.get("outputs") or {})


def _tell_notes(context: CommandContext, job: Job) -> None:
    output = context.output
    for text in told_lines(job.result or {}):
        output.message(text)
    for note in (job.result or {}).get("notes") or []:
        if not note["note"].startswith("summarised") or output.verbose:
            output.message(f"{note['output']}: {note['note']}")
    if job.result_expired_at is not None:
        zone = clock.timezone(context.manager.project.timezone)
        output.message(f"The result of {job.id} expired at {local(job.result_expired_at, zone)}.")


def _finished(job: Job) -> str:
    nodes = len((job.progress or {}).get("nodes") or {})
    cached = len((job.result or {}).get("cached") or ())
    return finished_line(job.pipeline, nodes, _seconds(job), cached)


def _seconds(job: Job) -> float:
    if job.started_at is None or job.ended_at is None:
        return 0.0
    return (job.ended_at - job.started_at).total_seconds()


def _raise_for(context: CommandContext, jobs: list[Job], of: int) -> None:
    """Raise what is to be said of jobs that have not finished.

    Raises:
        RunFailed: if there are any.
    """
    for job in jobs:
        if context.output.verbose and job.error and job.error.get("traceback"):
            context.output.plain_line(str(job.error["traceback"]).rstrip())
    if len(jobs) == 1 and of == 1:
        error = jobs[0].error or {}
        raise RunFailed(
            _sentence(jobs[0]), hint=error.get("hint"), details=error.get("details") or ()
        )
    if jobs:
        raise RunFailed(
            f"{len(jobs)} of {of} jobs have not finished:",
            details=[f"{job.id}: {_sentence(job)}" for job in jobs],
        )


def _sentence(job: Job) -> str:
    from flowerpower.pipeline.failures import failure_sentence

    if job.error is None:
        return f"The job {job.id} of {job.pipeline} was {job.status}."
    known = {key: job.error[key] for key in RunError.__dataclass_fields__ if key in job.error}
    return failure_sentence(job.pipeline, RunError(**{"type": "error", "message": "", **known}))
