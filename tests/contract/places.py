"""What the contract suite knows of a backend: how to build it, and how to damage its records."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from flowerpower.job_queue import JobQueueManager
from flowerpower.job_queue.base import JobQueueBackend


class Place(ABC):
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

        Parts: payload, status, result, error, progress.
        """

    @abstractmethod
    def fill(self, backend: JobQueueBackend, job_id: str, count: int) -> None:
        """Make `count` copies of a queued job quickly, as JOB_ID-1 and so on."""

    def open(self, **more: Any) -> JobQueueBackend:
        """A manager of this queue, with further options."""
        return JobQueueManager(**{**self.options, **more})


class SqlPlace(Place):
    """What the two dialects have in common."""

    url_refused = "No database driver takes"

    def overwrite(self, backend: JobQueueBackend, job_id: str, part: str, text: str) -> None:
        database = backend.database  # type: ignore[attr-defined]
        with database.write() as transaction:
            _, changed = transaction.execute(
                f"UPDATE flowerpower_jobs SET {part} = :text "
                "WHERE id = :id AND namespace = :namespace",
                {"text": text, "id": job_id, "namespace": self.options["namespace"]},
            )
        assert changed == 1

    def fill(self, backend: JobQueueBackend, job_id: str, count: int) -> None:
        columns = "pipeline, queue, payload, status, run_at, created_at, result_ttl"
        with backend.database.write() as transaction:  # type: ignore[attr-defined]
            transaction.execute(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count) "
                f"INSERT INTO flowerpower_jobs (namespace, id, {columns}) "
                f"SELECT namespace, id || '-' || i, {columns} "
                "FROM flowerpower_jobs, n WHERE id = :id",
                {"count": count, "id": job_id},
            )
