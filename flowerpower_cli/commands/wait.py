"""Waiting for jobs: their progress as it comes, their results, the exit code.

For `job-queue wait` and `add-job --wait`, which load this only when they run: it needs a good part
of the library, and the help of the group does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from flowerpower.errors import RunFailed, WaitTimeout
from flowerpower.jobs.job import Job, JobStatus
from flowerpower.jobs.run import NodeEvent
from flowerpower.pipeline.run_errors import cancelled_error, job_error
from flowerpower.pipeline.waiting import QueueView, WaitsFor, read_view, waits_for
from flowerpower.triggers import clock
from flowerpower.triggers.clock import format_duration
from flowerpower_cli.command import CommandContext
from flowerpower_cli.lookup import poll
from flowerpower_cli.views.jobs import error_summary, local_time, record_data, short_id
from flowerpower_cli.views.pipelines import finished_message, outputs_view, run_messages
from flowerpower_cli.views.progress import Bar, progress_bars
from flowerpower_cli.views.tables import Block, section_title

POLL_INTERVAL = 0.15
"""Seconds."""
REASON_INTERVAL = 1.0
"""Seconds."""


def wait_and_show(
    context: CommandContext,
    jobs: list[Job],
    *,
    timeout: float | None = None,
    progress: bool,
    as_list: bool = True,
) -> None:
    """Wait for jobs and show their results; JSON of the one job unless `as_list`.

    Raises:
        RunFailed: if one has failed or was cancelled.
        WaitTimeout: if they have not ended after `timeout` seconds.
    """
    context.learn_secrets(*(job.pipeline for job in jobs))
    context.warn_if_jobs_wait(jobs)
    ended = _wait(context, jobs, timeout, progress=progress)
    finished = [job for job in ended if job.status is JobStatus.FINISHED]
    data = [record_data(job) for job in ended]
    context.output.result(
        data if as_list else data[0] | {"created": jobs[0].created},
        lambda: _results_view(finished, titled=len(jobs) > 1),
        [job.id for job in finished],
    )
    for job in finished:
        _print_messages(context, job)
        if len(jobs) == 1:
            context.output.message(_finished_message(job))
    _raise_for_unfinished(context, ended)


def _wait(
    context: CommandContext, jobs: list[Job], timeout: float | None, *, progress: bool
) -> list[Job]:
    several = len(jobs) > 1
    titles = [f"{job.pipeline} {short_id(job.id)}" if several else job.pipeline for job in jobs]
    latest = list(jobs)
    with progress_bars(context.output, titles, enabled=progress) as bars:
        reasons = _Reasons(context)
        updates = [_ProgressUpdates(bar, reasons) for bar in bars]

        def have_all_ended() -> bool:
            for index, job in enumerate(latest):
                if not job.status.is_ended:
                    latest[index] = context.job_queue.get_job(job.id)
                if updates:
                    updates[index].show(latest[index])
            return all(job.status.is_ended for job in latest)

        deadline = None if timeout is None else clock.monotonic() + timeout
        if poll(have_all_ended, context.output, interval=POLL_INTERVAL, deadline=deadline):
            return latest
    raise _wait_timeout([job for job in latest if not job.status.is_ended], timeout or 0.0)


class _ProgressUpdates:
    """Turns a job's stored progress, read again and again, into the events of its bar."""

    def __init__(self, bar: Bar, reasons: _Reasons) -> None:
        self._bar = bar
        self._reasons = reasons
        self._attempt = 0
        self._states: dict[str, str] = {}

    def show(self, job: Job) -> None:
        """Show what has changed since the last time."""
        # A new attempt begins all nodes again.
        if job.attempt != self._attempt:
            self._attempt, self._states = job.attempt, {}
        progress = job.progress or {}
        total, done = progress.get("total") or 0, 0
        for name, node in (progress.get("nodes") or {}).items():
            state = node.get("state")
            done += state == "finished"
            if self._states.get(name) != state:
                self._states[name] = state
                self._bar.on_event(NodeEvent(name, state, done, total, node.get("seconds")))
        reason = self._reasons.of(job)
        if reason is not None:
            why = error_summary(job.error)
            self._bar.note(": ".join(filter(None, [reason.message, why])), reason)


class _Reasons:
    """Why jobs do not run yet; what is read for that is read again every few seconds."""

    def __init__(self, context: CommandContext) -> None:
        self._job_queue = context.job_queue
        self._view = QueueView()
        # Most jobs begin before that, and then nothing was read for nothing.
        self._read_at = clock.monotonic() + REASON_INTERVAL

    def of(self, job: Job) -> WaitsFor | None:
        """What a job waits for; None once it runs."""
        if job.status is JobStatus.QUEUED and clock.monotonic() >= self._read_at:
            self._view = read_view(self._job_queue, [job])
            self._read_at = clock.monotonic() + REASON_INTERVAL
        return waits_for(job, replace(self._view, now=clock.now()))


def _wait_timeout(jobs: list[Job], timeout: float) -> WaitTimeout:
    after = format_duration(timeout)
    states = [f"{job.id} ({job.pipeline}) is {job.status}" for job in jobs]
    if len(jobs) > 1:
        return WaitTimeout(f"After {after} {len(jobs)} jobs have not ended:", details=states)
    hint = "Is there a worker? See `flowerpower job-queue workers`."
    return WaitTimeout(
        f"After {after} the job {states[0]}.",
        hint=hint if jobs[0].status is JobStatus.QUEUED else None,
    )


def _results_view(jobs: list[Job], *, titled: bool) -> Iterator[Block]:
    for job in jobs:
        if titled:
            yield section_title(job.id, f"  {_finished_message(job)}")
        if job.result is not None:
            yield from outputs_view(job.result.get("outputs") or {})


def _print_messages(context: CommandContext, job: Job) -> None:
    for message in run_messages(job.result or {}, verbose=bool(context.output.verbose)):
        context.output.message(message)
    if job.result_expired_at is not None:
        time = local_time(job.result_expired_at, clock.timezone(context.timezone))
        context.output.message(f"The result of {job.id} expired at {time}.")


def _finished_message(job: Job) -> str:
    nodes = len((job.progress or {}).get("nodes") or {})
    cached = len((job.result or {}).get("cached") or ())
    return finished_message(job.pipeline, nodes, job.seconds or 0.0, cached)


def _raise_for_unfinished(context: CommandContext, jobs: list[Job]) -> None:
    """Raise RunFailed if jobs have failed or were cancelled."""
    unfinished = [job for job in jobs if job.status is not JobStatus.FINISHED]
    for job in unfinished:
        if context.output.verbose and job.error and job.error.get("traceback"):
            context.output.plain_line(str(job.error["traceback"]).rstrip())
    if len(jobs) == 1 and unfinished and jobs[0].status is JobStatus.CANCELLED:
        raise cancelled_error(jobs[0])
    if len(jobs) == 1 and unfinished:
        error = jobs[0].error or {}
        raise RunFailed(
            _failure_message(jobs[0]), hint=error.get("hint"), details=error.get("details") or ()
        )
    if unfinished:
        raise RunFailed(
            f"{len(unfinished)} of {len(jobs)} jobs have not finished:",
            details=[f"{job.id}: {_failure_message(job)}" for job in unfinished],
        )


def _failure_message(job: Job) -> str:
    if job.status is JobStatus.CANCELLED:
        return cancelled_error(job).message
    if job.error is None:
        return f"The job {job.id} of {job.pipeline} was {job.status}."
    return job_error(job.pipeline, job.error).message
