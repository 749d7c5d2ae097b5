"""APSManager: the job queue that needs no server, on SQLite, PostgreSQL, or in memory."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowerpower.config.queue_settings import DEFAULT_URLS, check_backend_url
from flowerpower.errors import ConfigError, FlowerpowerError, JobNotFound
from flowerpower.job_queue import records
from flowerpower.job_queue.apscheduler import adding
from flowerpower.job_queue.apscheduler.database import Database, Scope, Transaction
from flowerpower.job_queue.apscheduler.worker_store import SqlWorkerStore
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.job_queue.worker_options import EVENT_ALL, Watcher, WorkerOptions
from flowerpower.jobs.job import Job, JobFilter, JobVerb, LogChunk
from flowerpower.jobs.job_spec import JobSpec
from flowerpower.text import check_name

if TYPE_CHECKING:
    from flowerpower.job_queue.migration_store import MigrationStore
    from flowerpower.job_queue.notice_store import NoticeStore
    from flowerpower.job_queue.schedule_store import ScheduleStore
    from flowerpower.jobs.claim import WorkerInfo
    from flowerpower.jobs.counter import Counter
    from flowerpower.jobs.event import Event
    from flowerpower.jobs.problem import Problem
    from flowerpower.jobs.snapshot import ChangedJobs, Snapshot

# What only other verbs need is imported in these: `add-job` and `list-jobs` are as fast as they
# are because they import little.
MEMORY = "memory"


class APSManager(SqlWorkerStore, JobQueueBackend):
    """A job queue in a SQL database; see `JobQueueBackend`.

    `url` is `sqlite:///FILE`, relative to `base_dir`, `postgresql://…`, or `memory`: a private
    SQLite file that lives as long as this manager. An existing file that cannot be used is not
    changed.
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
        super().__init__(base_dir, namespace, result_ttl, history_ttl)
        url = url or DEFAULT_URLS["apscheduler"]
        self._delete_private: Callable[[], object] = lambda: None
        if url == MEMORY:
            import shutil
            import tempfile

            folder = tempfile.mkdtemp(prefix="flowerpower-")
            self._delete_private = weakref.finalize(self, shutil.rmtree, folder, True)
            url = f"sqlite:///{folder}/jobs.db"
        self._listeners: list[tuple[Callable[[Any], object], int]] = []
        scope = Scope(namespace, result_ttl, history_ttl)
        self.database = _open_database(url, base_dir, scope)

    def check(self) -> Mapping[str, Any]:
        version = self.database.version()
        return {"backend": "apscheduler", "url": self.database.url, "version": version}

    def clock(self) -> datetime:
        with self.database.read() as tx:
            return records.moment_of(tx.clock())

    def setup_problems(self) -> list[Problem]:
        return list(self.database.setup_problems())

    def close(self) -> None:
        self.database.close()
        self._delete_private()

    # For callers

    def add_jobs(self, specs: Sequence[JobSpec]) -> list[Job]:
        def add(tx: Transaction) -> list[Job]:
            # An expired record no longer holds its id.
            tx.run("delete_expired")
            if tx.rows("get_note", kind="closed", id="only"):
                return self._existing_jobs(tx, specs)
            return adding.add_jobs(tx, specs)

        return self.database.run(add)

    def _existing_jobs(self, tx: Transaction, specs: Sequence[JobSpec]) -> list[Job]:
        """The jobs that are there; others are not added to a queue that was moved away."""
        from flowerpower.job_queue.apscheduler.migration import closed_queue

        try:
            return [adding.existing_job(tx, spec) for spec in specs]
        except JobNotFound:
            if (closed := closed_queue(tx)) is None:
                raise
            raise closed.error() from None

    def get_job(self, job_id: str) -> Job:
        with self.database.read() as tx:
            return tx.job(job_id)

    def list_jobs(self, wanted: JobFilter) -> list[Job]:
        with self.database.read() as tx:
            now, rows = tx.now, tx.rows_of(wanted)
        # After the transaction: PostgreSQL ends one that is idle for some seconds, and thousands of
        # records take as long on a busy machine.
        return [records.job_of(row, now) for row in rows]

    def children_of(self, job_ids: Sequence[str], limit: int = 100) -> list[Job]:
        from flowerpower.job_queue.apscheduler import observing

        with self.database.read() as tx:
            return observing.children_of(tx, job_ids, limit)

    def change_jobs(self, verb: JobVerb, job_ids: Sequence[str]) -> list[Job | FlowerpowerError]:
        from flowerpower.job_queue.apscheduler.job_changes import CHANGE_PAGE, change_page

        ids = list(dict.fromkeys(job_ids))
        changed: dict[str, Job | FlowerpowerError] = {}
        for start in range(0, len(ids), CHANGE_PAGE):
            page = ids[start : start + CHANGE_PAGE]
            jobs = self.database.run(partial(change_page, verb=verb, ids=page))
            changed |= zip(page, jobs, strict=True)
        return [changed[job_id] for job_id in job_ids]

    def prune(self, *, everything_ended: bool = False, dry_run: bool = False) -> int:
        if dry_run:
            with self.database.read() as tx:
                (row,) = tx.rows("count_prunable", everything=int(everything_ended))
                return int(row["count"])
        return self.database.run(partial(_prune, everything_ended=everything_ended))

    def read_log(self, job_id: str, attempt: int, after: int = 0) -> list[LogChunk]:
        with self.database.read() as tx:
            tx.row("has_job", job_id)
            rows = tx.rows("read_log", id=job_id, attempt=attempt, after=after)
        return [LogChunk(row["attempt"], row["seq"], row["text"]) for row in rows]

    def list_workers(self) -> list[WorkerInfo]:
        with self.database.read() as tx:
            return tx.workers()

    def snapshot(self, limit: int = 20) -> Snapshot:
        from flowerpower.job_queue.apscheduler import observing

        with self.database.read() as tx:
            return observing.snapshot(tx, limit)

    def changed_jobs(self, since: datetime | None = None, limit: int = 1000) -> ChangedJobs:
        from flowerpower.job_queue.apscheduler import observing

        with self.database.read() as tx:
            return observing.changed_jobs(tx, since, limit)

    def counters(self) -> list[Counter]:
        from flowerpower.job_queue.apscheduler import observing

        with self.database.read() as tx:
            return observing.counters(tx)

    def events(self, limit: int = 100) -> list[Event]:
        from flowerpower.job_queue.observing import events_of

        with self.database.read() as tx:
            return list(events_of(tx.rows("events", limit=max(0, limit))))

    def pause_queue(self, name: str) -> bool:
        check_name("name of a queue", name)
        with self.database.write() as tx:
            return bool(tx.run("pause_queue", queue=name))

    def resume_queue(self, name: str) -> bool:
        check_name("name of a queue", name)
        with self.database.write() as tx:
            return bool(tx.run("resume_queue", queue=name))

    def paused_queues(self) -> dict[str, datetime]:
        with self.database.read() as tx:
            return tx.paused_queues()

    # Workers

    def run_worker(self, options: WorkerOptions, on_event: Watcher = None) -> int:
        from flowerpower.job_queue.apscheduler.engine import ApsEngine
        from flowerpower.job_queue.worker.events import Events
        from flowerpower.job_queue.worker.worker import Worker

        listeners = tuple(self._listeners)
        events = Events(on_event, has_listeners=bool(listeners))

        def make_engine(worker: Worker) -> ApsEngine:
            return ApsEngine(worker, listeners)

        return Worker(self, options, make_engine, events).run()

    def add_listener(self, callback: Callable[[Any], object], mask: int = EVENT_ALL) -> None:
        self._listeners.append((callback, mask))

    # Schedules

    @cached_property
    def schedules(self) -> ScheduleStore:
        from flowerpower.job_queue.apscheduler.schedules import SqlSchedules

        return SqlSchedules(self.database, lambda spec: self.with_followers(spec))

    @cached_property
    def notices(self) -> NoticeStore:
        from flowerpower.job_queue.apscheduler.notices import SqlNotices

        return SqlNotices(self.database)

    @cached_property
    def migration(self) -> MigrationStore:
        from flowerpower.job_queue.apscheduler.migration import SqlMigration

        return SqlMigration(self.database)

    def run_scheduler(self, on_event: Watcher = None) -> None:
        from flowerpower.job_queue.worker.scheduler import Scheduler

        Scheduler(self, on_event).run()


def _prune(tx: Transaction, *, everything_ended: bool) -> int:
    from flowerpower.job_queue.apscheduler import ending
    from flowerpower.job_queue.apscheduler.limits import OLDEST_START

    before = tx.now - tx.scope.history_ttl
    tx.run("delete_expired_results")
    tx.run("delete_old_fires", before=before)
    tx.run("delete_given_up", before=before)
    # A rate deletes its own at each start; these are of rates that are no more.
    tx.run("delete_old_starts", before=tx.now - OLDEST_START)
    deleted = tx.run("delete_expired")
    deleted += tx.run("delete_ended") if everything_ended else 0
    # What a queue that was moved away has lost may be elsewhere.
    if not tx.rows("get_note", kind="closed", id="only"):
        ending.note_vanished_parents(tx)
    return deleted


def _open_database(url: str, root: Path, scope: Scope) -> Database:
    try:
        check_backend_url("apscheduler", url)
    except ValueError as error:
        raise ConfigError(f"url: {error}") from None
    # A driver is imported only where a URL wants it: it is an extra, or slow.
    if url.startswith("sqlite:///"):
        from flowerpower.job_queue.apscheduler.sqlite import Sqlite

        return Sqlite(root / url.removeprefix("sqlite:///"), scope)
    try:
        from flowerpower.job_queue.apscheduler.postgres import Postgres
    except ImportError:
        raise ConfigError(
            "PostgreSQL needs an extra that is not installed.",
            hint="pip install 'flowerpower-cli[postgresql]'",
        ) from None
    return Postgres(url, scope)
