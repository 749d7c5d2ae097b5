"""Reads what the screen of `watch` shows, in a thread of its own: a backend may hang."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flowerpower.errors import BackendUnreachable, FlowerpowerError, JobNotFound
from flowerpower.jobs.job import Job, JobFilter, JobStatus
from flowerpower.triggers import clock
from flowerpower_cli.watch.reader import QueueReader
from flowerpower_cli.watch.screens import Picture
from flowerpower_cli.watch.state import MAX_JOBS, Action

if TYPE_CHECKING:
    from flowerpower.pipeline.job_queue import PipelineJobQueue
    from flowerpower.pipeline.status import ProjectStatus
    from flowerpower_cli.command import CommandContext

RELOAD_AFTER = 10.0
"""Seconds after which all is read again, though nothing has happened."""
MAX_SHARE = 0.1
"""How much of the time may be spent on reading what takes long."""
STATUS_LIMIT = 5
LOG_KEPT = 1_000_000
"""Characters, as a log has at most."""


@dataclass(frozen=True)
class Wanted:
    """What the screen shows: which jobs, and the id of the job that is opened."""

    filter: JobFilter | None = None
    opened: str | None = None


class Feed:
    """Looks at the queue every `interval` seconds; `on_change` is called from its thread.

    Attributes:
        picture: the latest one.
    """

    picture: Picture

    def __init__(
        self, context: CommandContext, interval: float, on_change: Callable[[], None]
    ) -> None:
        self._context = context
        self._job_queue = context.job_queue
        self._interval = interval
        self._on_change = on_change
        self._lock = threading.Lock()
        self._wanted = Wanted()
        self._actions: list[Action] = []
        self._messages: list[str] = []
        self._failure: Exception | None = None
        self._begin = threading.Event()
        self._is_stopped = False
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        # The first look must work: a wrong URL is an error.
        self._reader = QueueReader(context.job_queue)
        self._latest = _Latest()
        self._log = _Log(context.job_queue)
        self._look(Wanted())

    def start(self) -> None:
        """Look again and again, until it is stopped."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more; a read that hangs is waited for only a moment."""
        self._is_stopped = True
        self._begin.set()
        self._thread.join(1.0)

    def show(self, wanted: Wanted) -> None:
        """Read this from now on."""
        with self._lock:
            is_new, self._wanted = wanted != self._wanted, wanted
        if is_new:
            self._begin.set()

    def act(self, action: Action) -> None:
        """Do that to a job or a queue; what came of it is a message."""
        with self._lock:
            self._actions.append(action)
        self._begin.set()

    def messages(self) -> list[str]:
        """What there is to say since the last call.

        Raises:
            Exception: whatever unexpected has ended the thread.
        """
        if self._failure is not None:
            raise self._failure
        with self._lock:
            messages, self._messages = self._messages, []
        return messages

    def _run(self) -> None:
        try:
            while not self._is_stopped:
                self._begin.wait(self._interval)
                self._begin.clear()
                with self._lock:
                    actions, self._actions = self._actions, []
                    wanted = self._wanted
                for action in actions:
                    self._do(action)
                if not self._is_stopped:
                    self._try_to_look(wanted)
                    self._on_change()
        except Exception as error:  # noqa: BLE001 - the caller's thread raises it
            self._failure = error
            self._on_change()

    def _do(self, action: Action) -> None:
        queue, target = self._job_queue, action.target
        calls: dict[str, Callable[[], object]] = {
            "retry": lambda: queue.retry_job(target),
            "cancel": lambda: queue.cancel_job(target),
            "pause": lambda: queue.pause_queue(target),
            "resume": lambda: queue.resume_queue(target),
        }
        done = {
            "retry": f"The job {target} is queued again.",
            "cancel": f"The job {target} is cancelled, or is being ended.",
            "pause": f"The queue {target} is paused.",
            "resume": f"The queue {target} is no longer paused.",
        }
        try:
            calls[action.verb]()
            message = done[action.verb]
        except FlowerpowerError as error:
            message = error.message
        self._latest.load_soon()
        with self._lock:
            self._messages.append(message)

    def _try_to_look(self, wanted: Wanted) -> None:
        try:
            self._look(wanted)
        except BackendUnreachable as error:
            self.picture = replace(self.picture, away=error.message)

    def _look(self, wanted: Wanted) -> None:
        latest = self._latest
        latest.is_stale |= bool(self._reader.look())
        if latest.must_load(wanted.filter):
            latest.load(self._context, wanted.filter)
        latest.add(self._reader.last.jobs)
        job = self._opened(wanted.opened)
        children = self._job_queue.children_of([job.id]) if job is not None else []
        jobs = latest.jobs(wanted.filter)
        self._context.learn_secrets(*(known.pipeline for known in jobs))
        self.picture = Picture(
            latest.status,
            self._reader.last.taken_at,
            jobs,
            clock.monotonic(),
            wanted.opened,
            job,
            self._log.text,
            children,
        )

    def _opened(self, job_id: str | None) -> Job | None:
        """The job that is opened, with its result; None if it is gone."""
        if job_id is None:
            return None
        try:
            job = self._job_queue.get_job(job_id)
            self._context.learn_secrets(job.pipeline)
            self._log.read(job)
        except JobNotFound:
            return None
        return job


class _Latest:
    """What takes longer to read, and so is read only when something has happened."""

    status: ProjectStatus

    def __init__(self) -> None:
        self.is_stale = True
        self._filter: JobFilter | None = None
        self._jobs: dict[str, Job] = {}
        self._filtered: list[Job] = []
        self._next_at = self._again_at = 0.0

    def must_load(self, job_filter: JobFilter | None) -> bool:
        """Whether it is time to read it."""
        now = clock.monotonic()
        is_due = now >= self._next_at
        return job_filter != self._filter or (self.is_stale and is_due) or now >= self._again_at

    def load(self, context: CommandContext, job_filter: JobFilter | None) -> None:
        """Read the status and the jobs of the list."""
        began = clock.monotonic()
        self.status = context.manager.status(STATUS_LIMIT)
        if job_filter is None:
            jobs = context.job_queue.changed_jobs(limit=MAX_JOBS).jobs
            self._jobs = {job.id: job for job in jobs}
        else:
            self._filtered = context.job_queue.list_jobs(job_filter)
        now = clock.monotonic()
        self.is_stale, self._filter = False, job_filter
        self._next_at = now + (now - began) / MAX_SHARE
        self._again_at = max(now + RELOAD_AFTER, self._next_at)

    def load_soon(self) -> None:
        """Read it with the next look."""
        self.is_stale, self._next_at = True, 0.0

    def add(self, jobs: Iterable[Job]) -> None:
        """Put in what has changed since it was read."""
        self._jobs.update((job.id, job) for job in jobs)
        latest = sorted(self._jobs.values(), key=_order)[:MAX_JOBS]
        self._jobs = {job.id: job for job in latest}

    def jobs(self, job_filter: JobFilter | None) -> list[Job]:
        """Those of the list: what runs, then what has changed last; or what meets the filter."""
        if job_filter is None:
            return list(self._jobs.values())
        jobs = (self._jobs.get(job.id, job) for job in self._filtered)
        return [job for job in jobs if not job_filter.statuses or job.status in job_filter.statuses]


def _order(job: Job) -> tuple[bool, float]:
    runs, changed_at = job.status is JobStatus.RUNNING, job.changed_at.timestamp()
    # What has run the longest is first of what runs.
    return not runs, changed_at if runs else -changed_at


class _Log:
    """The log of one attempt, as far as it has been read."""

    def __init__(self, job_queue: PipelineJobQueue) -> None:
        self._job_queue = job_queue
        self._attempt = ("", 0)
        self._last_seq = 0
        self.text = ""

    def read(self, job: Job) -> None:
        """Read what the last attempt of that job has printed since."""
        if self._attempt != (attempt := (job.id, max(job.attempt, 1))):
            self._attempt, self._last_seq, self.text = attempt, 0, ""
        for chunk in self._job_queue.read_log(*attempt, self._last_seq):
            self._last_seq = chunk.seq
            self.text = (self.text + chunk.text)[-LOG_KEPT:]
