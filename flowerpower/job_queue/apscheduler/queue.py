"""APSManager: the job queue that needs no server, on SQLite, PostgreSQL, or in memory."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flowerpower.job_queue.apscheduler.databases import open_database
from flowerpower.job_queue.apscheduler.store import SqlStore
from flowerpower.job_queue.base import WorkerEvent, WorkerOptions
from flowerpower.job_queue.schedule_store import ScheduleStore
from flowerpower.jobs.job import check_ttl
from flowerpower.text import check_name
from flowerpower.triggers import clock

DEFAULT_URL = "sqlite:///.flowerpower/jobs.db"
MEMORY = "memory"


class APSManager(SqlStore):
    """A job queue in a SQL database.

    Args:
        base_dir: the project's folder; a relative SQLite URL is below it, and jobs run in it.
        url: `sqlite:///FILE`, `postgresql://…`, or `memory`: a private SQLite file that lives as
            long as this manager.
        namespace: what parts this project's jobs from others' in the same database.
        result_ttl: seconds a result is kept where a job does not say; history_ttl: an ended
            job's record.

    Raises:
        UsageError: if the namespace is no name, or a time to live is out of range.
        ConfigError: if no driver takes the URL.
        BackendUnreachable: if the database cannot be opened; nothing is written over.
    """

    def __init__(
        self,
        base_dir: Path,
        url: str | None = None,
        *,
        namespace: str = "default",
        result_ttl: float = 120.0,
        history_ttl: float = 7 * 86_400.0,
    ) -> None:
        self.base_dir = base_dir
        check_name("namespace", namespace)
        check_ttl("result_ttl", result_ttl)
        clock.parse_duration(history_ttl)
        url = url or DEFAULT_URL
        self._forget_private: Callable[[], object] = lambda: None
        if url == MEMORY:
            import shutil
            import tempfile

            private = tempfile.mkdtemp(prefix="flowerpower-")
            self._forget_private = weakref.finalize(self, shutil.rmtree, private, True)
            url = f"sqlite:///{private}/jobs.db"
        database = open_database(url, base_dir)
        super().__init__(database, namespace, result_ttl, history_ttl)

    def check(self) -> Mapping[str, Any]:
        return {
            "backend": "apscheduler",
            "url": self.database.url,
            "version": self.database.version(),
        }

    def close(self) -> None:
        self.database.close()
        self._forget_private()

    def run_worker(
        self, options: WorkerOptions, on_event: Callable[[WorkerEvent], None] | None = None
    ) -> int:
        from flowerpower.job_queue.apscheduler.worker import work

        return work(self, self.base_dir, options, on_event)

    def _open_schedules(self) -> ScheduleStore:
        from flowerpower.job_queue.apscheduler.schedules import SqlSchedules

        return SqlSchedules(self)

    def run_scheduler(self, on_event: Callable[[WorkerEvent], None] | None = None) -> None:
        from flowerpower.job_queue.worker.scheduler import Scheduler

        Scheduler(self, on_event).run()
