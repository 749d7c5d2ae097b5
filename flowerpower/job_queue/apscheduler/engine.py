"""APScheduler's loop over our job store: it asks for due jobs, and hands them to the slots."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.executors.base import BaseExecutor
from apscheduler.job import Job as ApsJob
from apscheduler.jobstores.base import BaseJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import STATE_RUNNING
from apscheduler.triggers.base import BaseTrigger

from flowerpower.job_queue.worker import Worker

POLL_EVERY = 0.05
"""Seconds between two looks at the database; nothing wakes a loop across processes."""


class _Polling(BaseTrigger):  # type: ignore[misc] # the package ships no types
    def get_next_fire_time(self, previous_fire_time: Any, now: datetime) -> datetime:
        return now + timedelta(seconds=POLL_EVERY)


class _Store(BaseJobStore):  # type: ignore[misc] # the package ships no types
    """What APScheduler takes for a store with one job: "claim what is due", due at every poll.

    It never raises: an exception would make the loop deaf for seconds. The job comes again and
    again, so the loop never removes it, which it would look up elsewhere while it shuts down.
    """

    def __init__(self, worker: Worker) -> None:
        super().__init__()
        self._worker = worker

    def get_due_jobs(self, now: datetime) -> list[ApsJob]:
        # Shutting down, the loop makes one more pass.
        if self._scheduler.state != STATE_RUNNING or not self._worker.free_slots():
            return []
        return [
            ApsJob(
                self._scheduler,
                id="claim",
                func=self._worker.claim_and_begin,
                args=(),
                kwargs={},
                trigger=_Polling(),
                executor="claims",
                misfire_grace_time=None,
                coalesce=True,
                max_instances=1,
                next_run_time=now,
            )
        ]

    def get_next_run_time(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=POLL_EVERY)

    def lookup_job(self, job_id: str) -> None:
        return None

    def get_all_jobs(self) -> list[ApsJob]:
        return []

    def add_job(self, job: ApsJob) -> None:
        pass

    def update_job(self, job: ApsJob) -> None:
        pass

    def remove_job(self, job_id: str) -> None:
        pass

    def remove_all_jobs(self) -> None:
        pass


class _Executor(BaseExecutor):  # type: ignore[misc] # the package ships no types
    """Runs the claim in the loop's own thread: the slots are where work is done."""

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
        """A slot is free: look at once."""
        if self._scheduler.running:
            self._scheduler.wakeup()

    def stop(self) -> None:
        """Claim no more; returns once nothing is being claimed."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)
