"""RQManager: the job queue on Redis, for many workers on many machines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowerpower.errors import ConfigError, FlowerpowerError
from flowerpower.job_queue import records
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.job_queue.rq import observing, setup
from flowerpower.job_queue.rq.claims import (
    claim_of,
    ended_attempt,
    expired_job,
    fence,
    limits_json,
    use_of,
)
from flowerpower.job_queue.rq.connection import Connection, make_url
from flowerpower.job_queue.rq.fields import RQ_KEY_PREFIX, row_of_new
from flowerpower.job_queue.rq.job_changes import change_jobs
from flowerpower.job_queue.rq.sent_ahead import sent_ahead
from flowerpower.job_queue.rq.store import PAGE, RedisStore, closed_error, loss, row_of_answer
from flowerpower.job_queue.worker_options import Watcher, WorkerOptions
from flowerpower.job_queue.worker_store import EXPIRE_BATCH, OnExpired
from flowerpower.jobs.claim import Claim, ExpiredJob, FinishRequest, Heartbeat, WorkerInfo
from flowerpower.jobs.counter import Counter
from flowerpower.jobs.event import Event
from flowerpower.jobs.job import Job, JobFilter, JobVerb, LogChunk
from flowerpower.jobs.job_spec import JobSpec
from flowerpower.jobs.limits import NO_LIMITS, Limits, LimitUse
from flowerpower.jobs.problem import Problem
from flowerpower.jobs.snapshot import ChangedJobs, Snapshot
from flowerpower.text import JOB_ID_LIMIT, check_name, is_job_id, is_name
from flowerpower.triggers import clock

if TYPE_CHECKING:
    from flowerpower.job_queue.migration_store import MigrationStore
    from flowerpower.job_queue.notice_store import NoticeStore
    from flowerpower.job_queue.schedule_store import ScheduleStore

ADD_PAGE = 50
"""Jobs that one script adds. If its place is in the midst of a long queue, each costs one or two
milliseconds, and while a script runs, Redis does nothing else."""


class RQManager(JobQueueBackend):
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
        return list(setup.problems(self.connection.info()))

    def close(self) -> None:
        self.connection.close()

    # For callers

    def add_jobs(self, specs: Sequence[JobSpec]) -> list[Job]:
        starts = range(0, len(specs), ADD_PAGE)
        pages = (
            [self._store.job_record(spec) for spec in specs[start : start + ADD_PAGE]]
            for start in starts
        )
        added: list[Job] = []
        for jobs, answer in sent_ahead(self._send_new, pages):
            if answer[0] is None:
                raise closed_error(answer[1])
            to_read, now = iter(answer[1]), clock.now().timestamp()
            for job, (is_new, content) in zip(jobs, json.loads(answer[0]), strict=True):
                if isinstance(content, list):
                    row, time = row_of_new(job["id"], job["record"], content), now
                else:
                    row, time = row_of_answer(content, next(to_read))
                added.append(records.job_of(row, time, created=bool(is_new)))
        return added

    def _send_new(self, jobs: list[dict[str, Any]]) -> Any:
        return self._store.run("add_jobs", jobs=jobs, constant=self._store.constant_fields)

    def get_job(self, job_id: str) -> Job:
        return records.job_of(*self._store.read_job(job_id))

    def list_jobs(self, wanted: JobFilter) -> list[Job]:
        filters = {name: value for name in ("pipeline", "queue", "schedule_id")
                   if (value := getattr(wanted, name)) is not None}  # fmt: skip
        if not all(is_name(value, JOB_ID_LIMIT) for value in filters.values()):
            return []
        jobs: list[Job] = []
        for row, now in self._store.newest_jobs(wanted):
            if len(jobs) >= wanted.limit:
                break
            if wanted.statuses and records.status_of(row) not in wanted.statuses:
                continue
            if all(row[name] == value for name, value in filters.items()):
                jobs.append(records.job_of(row, now))
        return jobs

    def children_of(self, job_ids: Sequence[str], limit: int = 100) -> list[Job]:
        return observing.children_of(self._store, job_ids, limit)

    def change_jobs(self, verb: JobVerb, job_ids: Sequence[str]) -> list[Job | FlowerpowerError]:
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
        return observing.snapshot(self._store, self.list_workers(), limit)

    def changed_jobs(self, since: datetime | None = None, limit: int = 1000) -> ChangedJobs:
        return observing.changed_jobs(self._store, since, limit)

    def counters(self) -> list[Counter]:
        return observing.counters(self._store)

    def events(self, limit: int = 100) -> list[Event]:
        return observing.events(self._store, limit)

    def pause_queue(self, name: str) -> bool:
        check_name("name of a queue", name)
        return bool(self._store.run("pause_queue", name=name))

    def resume_queue(self, name: str) -> bool:
        check_name("name of a queue", name)
        return bool(self._store.run("pause_queue", name=name, resume=True))

    def paused_queues(self) -> dict[str, datetime]:
        return observing.paused_queues(self._store)

    # For workers

    def register_worker(self, worker: WorkerInfo) -> None:
        columns = records.worker_columns(worker)
        info = {**columns, "started_at": worker.started_at.timestamp()}
        self._store.run("register_worker", worker=worker.id, info=json.dumps(info))

    def unregister_worker(self, worker_id: str) -> None:
        self._store.run("remove_worker", worker=worker_id, **loss(records.WORKER_WENT))

    def requeue_lost_jobs_of(self, worker_id: str, beat: int) -> int:
        lost = loss(records.WORKER_DIED)
        return int(self._store.run("remove_worker", worker=worker_id, beat=beat, **lost))

    def claim(
        self,
        worker_id: str,
        count: int,
        queues: Iterable[str],
        on_expired: OnExpired = None,
        limits: Limits = NO_LIMITS,
    ) -> list[Claim]:
        names = list(queues)
        if not names or count < 1:
            return []
        # Once: a repeated script would claim other jobs. Those of a claim whose answer was lost
        # are found by the next heartbeat.
        claimed, expired = self._store.run_once(
            "claim_jobs",
            worker=worker_id,
            count=count,
            queues=names,
            limits=limits_json(limits),
            expire_limit=EXPIRE_BATCH,
        )
        if on_expired is not None:
            for values in expired:
                on_expired(expired_job(values))
        return [
            claim_of(worker_id, job_id.decode(), attempt, values)
            for job_id, attempt, *values in claimed
        ]

    def expire_jobs(self) -> list[ExpiredJob]:
        expired = self._store.run("expire_jobs", expire_limit=EXPIRE_BATCH)
        return [expired_job(values) for values in expired]

    def next_due_in(self, queues: Iterable[str], limits: Limits = NO_LIMITS) -> float | None:
        names = list(queues)
        if not names:
            return None
        seconds = self._store.run("next_due_in", queues=names, limits=limits_json(limits))
        return None if seconds is None else float(seconds)

    def limit_use(self, limits: Limits) -> dict[str, LimitUse]:
        answers = self._store.run("limit_use", limits=limits_json(limits))
        # One that no pipeline has is not asked for.
        return {name: LimitUse() for name in limits.by_name} | dict(
            use_of(*answer) for answer in answers
        )

    def heartbeat(self, worker_id: str) -> Heartbeat:
        is_known, *held = self._store.run("heartbeat", worker=worker_id)
        return Heartbeat(
            bool(is_known),
            {job_id.decode(): (int(attempt), cancel == b"1") for job_id, attempt, cancel in held},
        )

    def beats(self) -> dict[str, int]:
        beats = self._store.command("hgetall", self._store.key("beats"))
        return {name.decode("utf-8", "replace"): int(beat) for name, beat in beats.items()}

    def record(self, claim: Claim, log: str, progress: Mapping[str, Any] | None) -> bool:
        is_held = self._store.run(
            "record_progress",
            **fence(claim),
            progress=records.as_json(progress),
            log=records.log_pieces(log),
        )
        return bool(is_held)

    def finish_many(self, ended: Sequence[FinishRequest]) -> list[bool]:
        if not ended:
            return []
        attempts = [ended_attempt(request) for request in ended]
        return [bool(is_held) for is_held in self._store.run("finish_attempts", ended=attempts)]

    def release(self, claim: Claim) -> bool:
        return bool(self._store.run("requeue_job", **fence(claim)))

    def requeue_lost(self, claim: Claim, reason: str) -> bool:
        return bool(self._store.run("requeue_job", **fence(claim), **loss(reason)))

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
