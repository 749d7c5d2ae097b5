"""What the contract suite knows of a backend: how to build it, and how to damage its records."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime
from typing import Any, ClassVar

from flowerpower.job_queue import JobQueueManager
from flowerpower.job_queue.base import JobQueueBackend


class BackendSetup(ABC):
    """Where the queue of one test lives. A backend is fit for the suite once it has one."""

    is_shared: ClassVar[bool] = True
    """Whether other managers and processes reach the same queue."""
    url_refused: ClassVar[str]
    """What is said of a URL of another kind."""

    @property
    @abstractmethod
    def options(self) -> dict[str, Any]:
        """What JobQueueManager takes to open this queue; JSON, so that it travels."""

    @abstractmethod
    def overwrite(self, backend: JobQueueBackend, job_id: str, part: str, text: str) -> None:
        """Put `text` into a job's record behind the backend's back.

        Parts: payload, status, result, error, progress, after_parents.
        """

    @abstractmethod
    def vanish(self, backend: JobQueueBackend, job_id: str) -> None:
        """Delete a job's record behind the backend's back."""

    @abstractmethod
    def fill(self, backend: JobQueueBackend, job_id: str, count: int) -> None:
        """Make `count` copies of a queued job quickly, as JOB_ID-1 and so on."""

    @abstractmethod
    def age(self, backend: JobQueueBackend, schedule_id: str, seconds: float) -> None:
        """Let a schedule have been added so many seconds earlier; its next fire too."""

    @abstractmethod
    def set_next_fire(self, backend: JobQueueBackend, schedule_id: str, moment: datetime) -> None:
        """Let a schedule's next fire be that one, without jitter."""

    @abstractmethod
    def set_last_fire(self, backend: JobQueueBackend, schedule_id: str, moment: datetime) -> None:
        """Let a schedule's last fire have been that one."""

    @abstractmethod
    def damage_schedule(self, backend: JobQueueBackend, schedule_id: str, text: str) -> None:
        """Put `text` in the place of a schedule's definition."""

    def open(self, **more: Any) -> JobQueueBackend:
        """A manager of this queue, with further options."""
        return JobQueueManager(**{**self.options, **more})


class SqlBackendSetup(BackendSetup):
    """What the two dialects have in common."""

    url_refused = "apscheduler takes sqlite:"

    def overwrite(self, backend: JobQueueBackend, job_id: str, part: str, text: str) -> None:
        database = backend.database  # type: ignore[attr-defined]
        with database.write() as transaction:
            _, changed = transaction.execute(
                f"UPDATE flowerpower_jobs SET {part} = :text "
                "WHERE id = :id AND namespace = :namespace",
                {"text": text, "id": job_id, "namespace": self.options["namespace"]},
            )
        assert changed == 1

    def vanish(self, backend: JobQueueBackend, job_id: str) -> None:
        with backend.database.write() as transaction:  # type: ignore[attr-defined]
            transaction.execute(
                "DELETE FROM flowerpower_jobs WHERE id = :id AND namespace = :namespace",
                {"id": job_id, "namespace": self.options["namespace"]},
            )

    def fill(self, backend: JobQueueBackend, job_id: str, count: int) -> None:
        columns = "pipeline, queue, payload, status, run_at, created_at, result_ttl, priority"
        with backend.database.write() as transaction:  # type: ignore[attr-defined]
            transaction.execute(
                # MATERIALIZED: PostgreSQL may else search the whole table for the job each time.
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count), "
                "job AS MATERIALIZED ("
                "SELECT * FROM flowerpower_jobs WHERE id = :id AND namespace = :namespace) "
                f"INSERT INTO flowerpower_jobs (namespace, id, {columns}) "
                f"SELECT namespace, id || '-' || i, {columns} FROM job, n",
                {"count": count, "id": job_id, "namespace": self.options["namespace"]},
            )

    def age(self, backend: JobQueueBackend, schedule_id: str, seconds: float) -> None:
        moved = ", ".join(
            f"{column} = {column} - :seconds"
            for column in ("anchor", "next_fire", "due_at", "created_at")
        )
        self._update_schedule(backend, schedule_id, moved, {"seconds": seconds})

    def set_next_fire(self, backend: JobQueueBackend, schedule_id: str, moment: datetime) -> None:
        self._update_schedule(
            backend, schedule_id, "next_fire = :at, due_at = :at", {"at": moment.timestamp()}
        )

    def set_last_fire(self, backend: JobQueueBackend, schedule_id: str, moment: datetime) -> None:
        self._update_schedule(backend, schedule_id, "last_fire = :at", {"at": moment.timestamp()})

    def damage_schedule(self, backend: JobQueueBackend, schedule_id: str, text: str) -> None:
        self._update_schedule(backend, schedule_id, "definition = :text", {"text": text})

    def _update_schedule(
        self, backend: JobQueueBackend, schedule_id: str, change: str, given: dict[str, Any]
    ) -> None:
        with backend.database.write() as transaction:  # type: ignore[attr-defined]
            _, changed = transaction.execute(
                f"UPDATE flowerpower_schedules SET {change} "
                "WHERE id = :id AND namespace = :namespace",
                {"id": schedule_id, "namespace": self.options["namespace"], **given},
            )
        assert changed == 1
