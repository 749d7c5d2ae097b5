"""RQManager: the job queue on Redis, for many workers on many machines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowerpower.errors import ConfigError, FlowerpowerError
from flowerpower.job_queue import records
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.job_queue.rq.connection import Connection, make_url
from flowerpower.job_queue.rq.fields import RQ_KEY_PREFIX
from flowerpower.job_queue.rq.new_jobs import NewJobs
from flowerpower.job_queue.rq.sent_ahead import SentScript, sent_ahead
from flowerpower.job_queue.rq.store import PAGE, RedisStore, closed_error, row_of_answer
from flowerpower.job_queue.rq.worker_store import RedisWorkerStore
from flowerpower.job_queue.worker_options import Watcher, WorkerOptions
from flowerpower.jobs.job import Job, JobFilter, JobVerb, LogChunk
from flowerpower.jobs.job_spec import JobSpec
from flowerpower.text import JOB_ID_LIMIT, check_name, is_job_id, is_name
from flowerpower.triggers import clock

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
ADD_PAGE = 50
"""Jobs that one script adds. If its place is in the midst of a long queue, each costs one or two
milliseconds, and while a script runs, Redis does nothing else."""
_Page = tuple[Sequence[JobSpec], NewJobs, list[str] | None, list[dict[str, Any]]]
"""Requests, what is sent once, and how they are sent: if they are alike, or else."""


class RQManager(RedisWorkerStore, JobQueueBackend):
    """A job queue in a Redis; see `JobQueueBackend`.

    `url` is `redis://…`, `rediss://…`, `unix://…` or `redis+sentinel://…`; `host` to `password` may
    stand instead of it.
    """

    def __init__(
        self,
        base_dir: Path,
        url: str | None = None,
        *,
        host: str | None = None,
        port: int | None = None,
        database: int | None = None,
        username: str | None = None,
        password: str | None = None,
        namespace: str = "default",
        result_ttl: float = 120.0,
        history_ttl: float = 7 * 86_400.0,
    ) -> None:
        super().__init__(base_dir, namespace, result_ttl, history_ttl)
        if "--" in namespace or namespace.endswith("-"):
            raise ConfigError(
                f"The namespace {namespace!r} contains '--' or ends with '-'; on Redis '--' "
                "separates namespaces from ids.",
                hint="Set job_queue.namespace in conf/project.yml.",
            )
        self.connection = Connection(make_url(url, host, port, database, username, password))
        self._store = RedisStore(self.connection, namespace, result_ttl, history_ttl)
        try:
            self.connection.greet()
        except BaseException:
            self.connection.close()
            raise

    def check(self) -> Mapping[str, Any]:
        from flowerpower.job_queue.rq import setup

        info = self.connection.info()
        if info is None:
            self._store.command("ping")
        return {
            "backend": "rq",
            "url": self.connection.url,
            "version": self.connection.version(info),
            "persistence": setup.persistence(info),
        }

    def clock(self) -> datetime:
        seconds, microseconds = self._store.command("time")
        return records.moment_of(seconds + microseconds / 1e6)

    def setup_problems(self) -> list[Problem]:
        from flowerpower.job_queue.rq import setup

        return list(setup.problems(self.connection.info()))

    def close(self) -> None:
        self.connection.close()

    # For callers

    def add_jobs(self, specs: Sequence[JobSpec]) -> list[Job]:
        added: list[Job] = []
        pages = map(
            self._page_of,
            (specs[start : start + ADD_PAGE] for start in range(0, len(specs), ADD_PAGE)),
        )
        for page, answer in sent_ahead(self._send_new, self._store.answer_of, pages):
            if answer[0] is None:
                raise closed_error(answer[1])
            added += self._added(page, *answer)
        return added

    def _page_of(self, specs: Sequence[JobSpec]) -> _Page:
        new = self._store.new_jobs()
        alike = new.alike(specs)
        return specs, new, alike, [] if alike else [new.as_sent(spec) for spec in specs]

    def _send_new(self, page: _Page) -> SentScript:
        _, new, alike, jobs = page
        if alike:
            return self._store.send("add_jobs", alike, kinds=new.kinds)
        return self._store.send("add_jobs", jobs=jobs, kinds=new.kinds)

    def _added(self, page: _Page, answers: bytes, more: list[Any]) -> Iterator[Job]:
        """The jobs that lua/add_jobs.lua has answered for."""
        specs, new, alike, jobs = page
        if alike and not answers:
            due, *created = more
            for spec, payload, created_at in zip(specs, alike[1::2], created, strict=True):
                yield new.as_added(spec, payload, ("queued", due, created_at, ""))
            return
        to_read = iter(more)
        payloads = alike[1::2] if alike else [job["payload"] for job in jobs]
        keys = [None] * len(specs) if alike else [job.get("unique_key") for job in jobs]
        for spec, payload, key, (is_new, content) in zip(
            specs, payloads, keys, json.loads(answers), strict=True
        ):
            if isinstance(content, list):
                yield new.as_added(spec, payload, content, key)
            else:
                yield records.job_of(*row_of_answer(content, next(to_read)), created=bool(is_new))

    def get_job(self, job_id: str) -> Job:
        return records.job_of(*self._store.read_job(job_id))

    def list_jobs(self, wanted: JobFilter) -> list[Job]:
        filters = {name: value for name in ("pipeline", "queue", "schedule_id")
                   if (value := getattr(wanted, name)) is not None}  # fmt: skip
        if wanted.limit < 1 or not all(is_name(name, JOB_ID_LIMIT) for name in filters.values()):
            return []
        jobs: list[Job] = []
        for row, now in self._store.newest_jobs(wanted):
            if wanted.statuses and records.status_of(row) not in wanted.statuses:
                continue
            if all(row[name] == value for name, value in filters.items()):
                jobs.append(records.job_of(row, now))
                # Here, because to ask for one more row may read one more page.
                if len(jobs) == wanted.limit:
                    break
        return jobs

    def children_of(self, job_ids: Sequence[str], limit: int = 100) -> list[Job]:
        from flowerpower.job_queue.rq import observing

        return observing.children_of(self._store, job_ids, limit)

    def change_jobs(self, verb: JobVerb, job_ids: Sequence[str]) -> list[Job | FlowerpowerError]:
        from flowerpower.job_queue.rq.job_changes import change_jobs

        return change_jobs(self._store, verb, job_ids)

    def prune(self, *, everything_ended: bool = False, dry_run: bool = False) -> int:
        if dry_run and everything_ended:
            jobs = self._store.newest_jobs(JobFilter(limit=PAGE))
            return sum(records.status_of(row).is_ended for row, _ in jobs)
        if dry_run:
            now = clock.now().timestamp()
            return int(self._store.command("zcount", self._store.key("expiry"), "-inf", now))
        return self._store.prune(everything_ended=everything_ended)

    def read_log(self, job_id: str, attempt: int, after: int = 0) -> list[LogChunk]:
        args = {"id": job_id, "attempt": attempt, "after": after}
        pieces = self._store.run("read_log", **args) if is_job_id(job_id) else None
        if pieces is None:
            raise self._store.job_not_found(job_id)
        return [
            LogChunk(attempt, int(seq), text.decode("utf-8", "replace")) for seq, text in pieces
        ]

    def list_workers(self) -> list[WorkerInfo]:
        rows, running = self._store.worker_rows()
        # As RQ does it: `rq suspend` suspends all workers on this Redis.
        is_suspended = bool(self._store.command("exists", f"{RQ_KEY_PREFIX}:suspended"))
        workers = [replace(records.worker_of(row, running), suspended=is_suspended) for row in rows]
        return sorted(workers, key=lambda worker: worker.started_at)

    def snapshot(self, limit: int = 20) -> Snapshot:
        from flowerpower.job_queue.rq import observing

        return observing.snapshot(self._store, self.list_workers(), limit)

    def changed_jobs(self, since: datetime | None = None, limit: int = 1000) -> ChangedJobs:
        from flowerpower.job_queue.rq import observing

        return observing.changed_jobs(self._store, since, limit)

    def counters(self) -> list[Counter]:
        from flowerpower.job_queue.rq import observing

        return observing.counters(self._store)

    def events(self, limit: int = 100) -> list[Event]:
        from flowerpower.job_queue.rq import observing

        return observing.events(self._store, limit)

    def pause_queue(self, name: str) -> bool:
        check_name("name of a queue", name)
        return bool(self._store.run("pause_queue", name=name))

    def resume_queue(self, name: str) -> bool:
        check_name("name of a queue", name)
        return bool(self._store.run("pause_queue", name=name, resume=True))

    def paused_queues(self) -> dict[str, datetime]:
        from flowerpower.job_queue.rq import observing

        return observing.paused_queues(self._store)

    # Workers

    def run_worker(self, options: WorkerOptions, on_event: Watcher = None) -> int:
        from flowerpower.job_queue.rq.worker import work

        return work(self, self._store, options, on_event)

    # Schedules

    @cached_property
    def schedules(self) -> ScheduleStore:
        from flowerpower.job_queue.rq.schedules import RedisSchedules

        return RedisSchedules(self._store, lambda spec: self.with_followers(spec))

    @cached_property
    def notices(self) -> NoticeStore:
        from flowerpower.job_queue.rq.notices import RedisNotices

        return RedisNotices(self._store)

    @cached_property
    def migration(self) -> MigrationStore:
        from flowerpower.job_queue.rq.migration import RedisMigration

        return RedisMigration(self._store)

    def run_scheduler(self, on_event: Watcher = None) -> None:
        from flowerpower.job_queue.worker.scheduler import Scheduler

        Scheduler(self, on_event).run()
