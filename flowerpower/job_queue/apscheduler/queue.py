"""APSManager: the job queue that needs no server, on SQLite, PostgreSQL, or in memory."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowerpower.config.project import DEFAULT_URLS, check_backend_url
from flowerpower.errors import ConfigError, FlowerpowerError, JobNotFound
from flowerpower.job_queue import records
from flowerpower.job_queue.apscheduler import adding, attempts, claiming, ending, observing
from flowerpower.job_queue.apscheduler.database import Database, Scope, Transaction
from flowerpower.job_queue.apscheduler.job_changes import CHANGE_PAGE, change_page
from flowerpower.job_queue.apscheduler.limits import OLDEST_START, FreedPipelines, limit_use
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.job_queue.observing import events_of
from flowerpower.job_queue.worker_options import EVENT_ALL, Watcher, WorkerOptions
from flowerpower.job_queue.worker_store import EXPIRE_BATCH, OnExpired
from flowerpower.jobs.claim import Claim, ExpiredJob, FinishRequest, Heartbeat, WorkerInfo
from flowerpower.jobs.counter import Counter
from flowerpower.jobs.event import Event
from flowerpower.jobs.job import Job, JobFilter, JobVerb, LogChunk
from flowerpower.jobs.job_spec import JobSpec
from flowerpower.jobs.limits import NO_LIMITS, Limits, LimitUse
from flowerpower.jobs.problem import Problem
from flowerpower.jobs.snapshot import ChangedJobs, Snapshot
from flowerpower.text import check_name

if TYPE_CHECKING:
    from flowerpower.job_queue.migration_store import MigrationStore
    from flowerpower.job_queue.notice_store import NoticeStore
    from flowerpower.job_queue.schedule_store import ScheduleStore

MEMORY = "memory"


class APSManager(JobQueueBackend):
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
        self._freed = FreedPipelines()
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
            return [records.job_of(row, tx.now) for row in tx.rows_of(wanted)]

    def children_of(self, job_ids: Sequence[str], limit: int = 100) -> list[Job]:
        with self.database.read() as tx:
            return observing.children_of(tx, job_ids, limit)

    def change_jobs(self, verb: JobVerb, job_ids: Sequence[str]) -> list[Job | FlowerpowerError]:
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
        with self.database.read() as tx:
            return observing.snapshot(tx, limit)

    def changed_jobs(self, since: datetime | None = None, limit: int = 1000) -> ChangedJobs:
        with self.database.read() as tx:
            return observing.changed_jobs(tx, since, limit)

    def counters(self) -> list[Counter]:
        with self.database.read() as tx:
            return observing.counters(tx)

    def events(self, limit: int = 100) -> list[Event]:
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
            return observing.paused_queues(tx)

    # For workers

    def register_worker(self, worker: WorkerInfo) -> None:
        with self.database.write() as tx:
            tx.run("register_worker", worker=worker.id, **records.worker_columns(worker))

    def unregister_worker(self, worker_id: str) -> None:
        def unregister(tx: Transaction) -> None:
            tx.run("unregister_worker", worker=worker_id)
            attempts.requeue_lost(tx, records.WORKER_WENT, worker_id)

        self.database.run(unregister)

    def claim(
        self,
        worker_id: str,
        count: int,
        queues: Iterable[str],
        on_expired: OnExpired = None,
        limits: Limits = NO_LIMITS,
    ) -> list[Claim]:
        names = list(dict.fromkeys(queues))
        if not names or count < 1:
            return []
        claims, expired = self.database.run(
            lambda tx: claiming.claim(tx, worker_id, count, names, limits, self._freed)
        )
        if on_expired is not None:
            for job in expired:
                on_expired(job)
        return claims

    def expire_jobs(self) -> list[ExpiredJob]:
        with self.database.read() as tx:
            if not tx.rows("expired", {"skip_locked": ""}, count=1):
                return []
        return self.database.run(lambda tx: ending.expire_jobs(tx, EXPIRE_BATCH))

    def next_due_in(self, queues: Iterable[str], limits: Limits = NO_LIMITS) -> float | None:
        if not (names := list(queues)):
            return None
        with self.database.read() as tx:
            return claiming.next_due_in(tx, names, limits)

    def limit_use(self, limits: Limits) -> dict[str, LimitUse]:
        with self.database.read() as tx:
            return limit_use(tx, limits)

    def heartbeat(self, worker_id: str) -> Heartbeat:
        with self.database.write() as tx:
            # Before the beat: a claim that comes after it must not look lost.
            held = tx.rows("held_jobs", worker=worker_id)
            is_known = tx.run("beat", worker=worker_id)
        return Heartbeat(
            bool(is_known), {row["id"]: (row["attempt"], bool(row["cancel"])) for row in held}
        )

    def record(self, claim: Claim, log: str, progress: Mapping[str, Any] | None) -> bool:
        with self.database.write() as tx:
            is_held = tx.run(
                "record_progress", **attempts.fence(claim), progress=records.as_json(progress)
            )
            if is_held:
                attempts.append_log(tx, claim, log)
            return bool(is_held)

    def finish_many(self, ended: Sequence[FinishRequest]) -> list[bool]:
        return self.database.run(lambda tx: attempts.finish_many(tx, ended))

    def release(self, claim: Claim) -> bool:
        return self.database.run(lambda tx: attempts.release(tx, claim))

    def requeue_lost(self, claim: Claim, reason: str) -> bool:
        fence = attempts.fence(claim)
        return bool(self.database.run(lambda tx: attempts.requeue_lost(tx, reason, **fence)))

    def beats(self) -> dict[str, int]:
        with self.database.read() as tx:
            return {row["id"]: row["beat"] for row in tx.rows("beats")}

    def requeue_lost_jobs_of(self, worker_id: str, beat: int) -> int:
        def requeue(tx: Transaction) -> int:
            if not tx.run("remove_silent_worker", worker=worker_id, beat=beat):
                return 0
            return attempts.requeue_lost(tx, records.WORKER_DIED, worker_id)

        return self.database.run(requeue)

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
