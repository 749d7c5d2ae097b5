"""APScheduler's loop over our job store: it gets due jobs, and hands them to the slots."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.executors.base import BaseExecutor
from apscheduler.job import Job as ApsJob
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import STATE_RUNNING
from apscheduler.triggers.base import BaseTrigger

from flowerpower.job_queue.worker.worker import Worker

POLL_EVERY = 0.05
"""Seconds between two looks at the database; nothing wakes a loop across processes."""


class _Polling(BaseTrigger):  # type: ignore[misc] # the package ships no types
    def get_next_fire_time(self, previous_fire_time: Any, now: datetime) -> datetime:
        return now + timedelta(seconds=POLL_EVERY)


class _Store(MemoryJobStore):  # type: ignore[misc] # the package ships no types
    """For APScheduler a store with two jobs, due at every poll: "fire" and "claim"."""

    # Nothing here raises: after an exception the loop would wait for seconds. The trigger never
    # ends, so the loop never removes a job, which raises while the scheduler shuts down.

    def __init__(self, worker: Worker) -> None:
        super().__init__()
        self._worker = worker

    def get_due_jobs(self, now: datetime) -> list[ApsJob]:
        # While it shuts down, the loop makes one more pass.
        if self._scheduler.state != STATE_RUNNING:
            return []
        due = [self._job("fire", self._worker.firing.step, now)]
        if self._worker.free_slots():
            due.append(self._job("claim", self._worker.claim_and_begin, now))
        return due

    def _job(self, name: str, function: Callable[[], object], now: datetime) -> ApsJob:
        return ApsJob(
            self._scheduler,
            id=name,
            func=function,
            args=(),
            kwargs={},
            trigger=_Polling(),
            executor="claims",
            misfire_grace_time=None,
            coalesce=True,
            max_instances=1,
            next_run_time=now,
        )

    def get_next_run_time(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=POLL_EVERY)

    def update_job(self, job: ApsJob) -> None:
        pass


class _Executor(BaseExecutor):  # type: ignore[misc] # the package ships no types
    """Runs them in the loop's own thread, because they are short; attempts run in the slots."""

    def _do_submit_job(self, job: ApsJob, run_times: list[datetime]) -> None:
        job.func()
        self._run_job_success(job.id, [])


class ApsLoop:
    """A BackgroundScheduler that claims for one worker."""

    def __init__(self, worker: Worker) -> None:
        logging.getLogger("apscheduler").setLevel(logging.WARNING)
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            jobstores={"default": _Store(worker)},
            executors={"claims": _Executor()},
            jobstore_retry_interval=0.5,
        )

    def start(self) -> None:
        """Begin to claim, in a thread of its own."""
        self._scheduler.start()

    def wake(self) -> None:
        """Look for jobs at once, because a slot is free."""
        if self._scheduler.running:
            self._scheduler.wakeup()

    def stop(self) -> None:
        """Claim no more; return once nothing is being claimed."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)
