"""How a worker works, and what it tells of its work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flowerpower.config.queue_settings import DEFAULT_QUEUE
from flowerpower.jobs.limits import Limits

LEASE = 10.0
"""Seconds; a worker whose beat another has seen unchanged for this long is dead."""
EVENT_ALL = 2**17 - 1
"""Every event of APScheduler: its constant, which would cost an import here."""
DISCONNECT_GRACE = 600.0
"""Seconds that running jobs continue while their worker cannot reach the backend."""


@dataclass(frozen=True)
class WorkerOptions:
    """How a worker works.

    Attributes:
        num_workers: attempts at once.
        queues: the queues it takes jobs from, the first one first: see `claim`.
        burst: end when nothing is due and nothing runs.
        max_jobs: end after this many attempts; None for no limit.
        jobs_per_child: attempts that one child process makes before it is replaced.
        lease: see LEASE. It should be the same for all workers of a queue, because each worker
            judges the others by its own.
        tell_logs: emit an event of each piece of a log that was recorded.
        with_scheduler: fire schedules too; on apscheduler every worker does.
        disconnect_grace: see DISCONNECT_GRACE. After it the jobs are ended, and released once the
            backend answers again.
        limits: called before each claim, so that it can follow the configuration; quick. None: the
            `limits` of the backend, which are those of the project's files.
    """

    num_workers: int = 2
    queues: tuple[str, ...] = (DEFAULT_QUEUE,)
    burst: bool = False
    max_jobs: int | None = None
    jobs_per_child: int = 1
    lease: float = LEASE
    disconnect_grace: float = DISCONNECT_GRACE
    with_scheduler: bool = False
    tell_logs: bool = False
    limits: Callable[[], Limits] | None = None


@dataclass(frozen=True)
class WorkerEvent:
    """Something that a worker did, for its watchers; `facts` are JSON.

    Kinds: start, log (a piece of an attempt's log was recorded; only if the options say so), job
    (an attempt ended, after its log), fire (of a schedule), expired (a job waited too long), lost
    (an attempt; `status` is what its job is then, None if that is not known), worker_died,
    unreachable, reachable, suspended (by `rq suspend`; `ends` says whether the worker ends),
    resumed, queue_paused, queue_resumed (each with the `queues` of this worker that have become
    so), trouble (the worker had an unexpected error and continues), stopping, forced, stop. Events
    are sent one after another from a thread of their own, so a watcher that blocks or fails stops
    no work.
    """

    kind: str
    facts: dict[str, Any]


Watcher = Callable[[WorkerEvent], None] | None
