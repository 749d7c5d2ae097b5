"""Jobs of one namespace in Redis, in RQ's own queues, records and registries.

Each change is one Lua script: an atomic step, on Redis's own clock.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flowerpower.errors import JobNotFound, Refused
from flowerpower.job_queue import records
from flowerpower.job_queue.rq.connection import Connection
from flowerpower.job_queue.rq.fields import (
    FIELDS,
    RQ_KEY_PREFIX,
    ids_of,
    pairs_of,
    present,
    row_of,
    rq_stamp,
)
from flowerpower.job_queue.rq.new_jobs import KindsOfJobs, NewJobs
from flowerpower.job_queue.rq.results import error_text, packed
from flowerpower.job_queue.rq.scripts import script_text
from flowerpower.job_queue.rq.sent_ahead import SentScript, sent_ahead
from flowerpower.jobs.job import JobFilter
from flowerpower.text import is_job_id
from flowerpower.triggers import clock

PAGE = 500
"""Records that one call reads or writes."""
TAKEN_LIMIT = 60.0
"""Seconds that RQ's own worker may take to begin what it has taken from a queue, as in RQ."""
# Not `json.dumps`, which makes an encoder for each call.
_encode = json.JSONEncoder(ensure_ascii=False).encode
_FIELD_NAMES = [name.decode() for name in FIELDS]
RQ_WORKER_DIED = "RQ's own worker that ran it died; its jobs have no lease and are not run again"


class RedisStore:
    """What RQManager, its schedules and its worker read and write in one namespace.

    `result_ttl` and `history_ttl` are the project's, in seconds.
    """

    def __init__(
        self, connection: Connection, namespace: str, result_ttl: float, history_ttl: float
    ) -> None:
        self.connection = connection
        self.namespace = namespace
        self.history_ttl = history_ttl
        self._kinds = KindsOfJobs(namespace, result_ttl)
        self._registered: dict[tuple[str, int], Any] = {}
        self._is_permitted = False

    def run(self, script: str, **args: Any) -> Any:
        """Run `lua/SCRIPT.lua`, which may be sent again if its answer is lost.

        Every script gets a `token` too, which is the same if it is sent again.
        """
        return self._run(self.connection.client, script, args)

    def run_once(self, script: str, **args: Any) -> Any:
        """Run a script that must not run twice."""
        return self._run(self.connection.once, script, args)

    def _run(self, client: Any, script: str, args: Mapping[str, Any]) -> Any:
        registered, sent = self._prepared(client, script, args)
        with self.connection.errors():
            answer = registered(args=sent)
        self._is_permitted = True
        return answer

    def send(self, script: str, more: Sequence[str] = (), **args: Any) -> SentScript:
        """Send a script like `run`, whose answer is read later by `answer_of`.

        `more` are arguments behind those that every script has.
        """
        registered, sent = self._prepared(self.connection.client, script, args)
        with self.connection.errors():
            return SentScript(registered, [*sent, *more])

    def answer_of(self, sent: SentScript) -> Any:
        """Wait for the answer."""
        with self.connection.errors():
            answer = sent.answer()
        self._is_permitted = True
        return answer

    def _prepared(
        self, client: Any, script: str, args: Mapping[str, Any]
    ) -> tuple[Any, list[str | bytes]]:
        """A script that `client` knows, and its arguments as Redis takes them."""
        key = (script, id(client))
        if key not in self._registered:
            self._registered[key] = client.register_script(script_text(script))
        args = {**args, "history_ttl": self.history_ttl, "token": os.urandom(16).hex()}
        if not self._is_permitted:
            # The first script of this process tries what all scripts need; see lua/permissions.lua.
            args["check_permissions"] = True
        # What was read from a damaged record may not be UTF-8; it goes back as the same bytes.
        text = _encode(present(args)).encode("utf-8", "surrogateescape")
        stamp = rq_stamp(clock.now()) or ""
        return self._registered[key], [RQ_KEY_PREFIX, self.namespace, stamp, text]

    def key(self, *parts: str) -> str:
        """A key of our own in this namespace."""
        return ":".join(("flowerpower", self.namespace, *parts))

    def command(self, name: str, *args: Any) -> Any:
        """Send one command of Redis."""
        with self.connection.errors():
            return getattr(self.connection.client, name)(*args)

    def pages(self, name: str) -> list[list[str]]:
        """All ids in a sorted set of ours, by pages."""
        ids = ids_of(self.command("zrange", self.key(name), 0, -1))
        return [ids[start : start + PAGE] for start in range(0, len(ids), PAGE)]

    # Jobs

    def new_jobs(self) -> NewJobs:
        """What the new jobs of one call are put into; the script gets its `kinds` too."""
        return NewJobs(self._kinds)

    def read_job(self, job_id: str) -> tuple[records.Row, float]:
        """The record of a job, and the time that it was read at; JobNotFound if there is none."""
        answer = self.run("read_job", id=job_id) if is_job_id(job_id) else None
        if answer and answer[0]:
            return row_of_answer(job_id, answer)
        raise self.job_not_found(job_id)

    def job_not_found(self, job_id: str) -> JobNotFound:
        """The error, with the nearest id."""
        return records.job_not_found(job_id, self.newest_ids())

    def newest_ids(self) -> list[str]:
        """The ids of the newest jobs, among which one may be meant that does not exist."""
        return ids_of(self.command("zrevrange", self.key("jobs"), 0, 999))

    def newest_jobs(self, wanted: JobFilter) -> Iterator[tuple[records.Row, float]]:
        """Records of all jobs from `wanted.since` until `wanted.until`, the newest first.

        Each comes without its result, and with the time that it was read at; the rest of the filter
        is not applied.
        """
        pages = self._newest_ids(wanted)
        # The next page is on its way while one is read; none is that may not be needed.
        ahead = sent_ahead(self._send_ids, self.answer_of, _first_pages(pages, wanted.limit))
        for ids, answers in ahead:
            now = clock.now().timestamp()
            for row in _rows(ids, answers):
                yield row, now
        # Records of some of these were gone, or the rest of the filter leaves some out.
        for ids in pages:
            now = clock.now().timestamp()
            for row in self.rows_of(ids):
                yield row, now

    def _newest_ids(self, wanted: JobFilter) -> Iterator[list[str]]:
        client = self.connection.client
        since: Any = "-inf" if wanted.since is None else wanted.since.timestamp()
        until = "+inf" if wanted.until is None else f"({wanted.until.timestamp()!r}"
        start, page, seen = 0, min(PAGE, max(1, wanted.limit)), set()
        while True:
            with self.connection.errors():
                names = client.zrevrangebyscore(self.key("jobs"), until, since, start, page)
            if not names:
                return
            # New jobs shift the others, so some come again on the next page.
            yield ids_of(name for name in names if name not in seen)
            seen.update(names)
            start, page = start + len(names), PAGE

    def prune(self, *, everything_ended: bool) -> int:
        """Delete expired fires and records, or all ended jobs; return the number of jobs."""
        before = clock.now().timestamp() - self.history_ttl
        for ids in self.pages("schedules"):
            self.run("trim_fires", ids=ids, before=before)
        count = 0
        while deleted := int(self.run("prune_jobs")):
            count += deleted
        for ids in self.pages("jobs") if everything_ended else []:
            count += int(self.run("prune_jobs", ids=ids))
        error = {"type": "WorkerLost", "message": RQ_WORKER_DIED, "code": "worker_lost"}
        self.run("tidy_up", taken_limit=TAKEN_LIMIT, **for_both(json.dumps(error)))
        return count

    def rows_of(self, ids: Sequence[str]) -> list[records.Row]:
        """The records of the jobs that still exist, without results, in that order."""
        return _rows(ids, self.answer_of(self._send_ids(ids)))

    def _send_ids(self, ids: Sequence[str]) -> SentScript:
        return self.send("list_jobs", ids=ids, fields=_FIELD_NAMES)

    # Workers

    def worker_rows(self) -> tuple[list[records.Row], dict[str, list[str]]]:
        """The records of all workers, and the ids of the jobs that each holds."""
        with self.connection.errors():
            pipeline = self.connection.client.pipeline(transaction=True)
            for name in ("workers", "beats", "beat_at"):
                pipeline.hgetall(self.key(name))
            infos, beats, beat_times = pipeline.execute()
            ids = {name: name.decode("utf-8", "replace") for name in infos}
            pipeline = self.connection.client.pipeline(transaction=False)
            for worker_id in ids.values():
                pipeline.hkeys(self.key("held", worker_id))
            held = pipeline.execute()
        rows: list[records.Row] = []
        columns = ("host", "pid", "queues", "slots", "started_at")
        for name, worker_id in ids.items():
            info = records.json_object(infos[name]) or {}
            beat, beat_at = int(beats.get(name) or 0), float(beat_times.get(name) or 0)
            row = {column: info.get(column) for column in columns}
            rows.append({**row, "id": worker_id, "beat": beat, "beat_at": beat_at})
        running = zip(ids.values(), held, strict=True)
        return rows, {worker_id: ids_of(jobs) for worker_id, jobs in running}


def _rows(ids: Sequence[str], answers: Sequence[Any]) -> list[records.Row]:
    """The records that lua/list_jobs.lua gives of these jobs."""
    found: list[records.Row] = []
    for job_id, (values, progress) in zip(ids, answers, strict=True):
        fields = {name: v for name, v in zip(FIELDS, values, strict=False) if v is not None}
        # None: the record has expired, or its key is damaged.
        if fields:
            found.append(row_of(job_id, fields, None, progress))
    return found


def _first_pages(pages: Iterator[list[str]], count: int) -> Iterator[list[str]]:
    """Pages until they have so many ids; the others are left in `pages`."""
    for ids in pages:
        yield ids
        count -= len(ids)
        if count <= 0:
            return


def for_both(error: str) -> dict[str, str]:
    """An error (JSON) as scripts take it that may fail a job: for us, and as RQ keeps it."""
    return {"error": error, "exc_string": packed(error_text(json.loads(error)))}


def loss(reason: str) -> dict[str, str]:
    """Why a job's worker was lost, as scripts take it that may fail the job."""
    return {"reason": reason, **for_both(records.lost_error(reason))}


def closed_error(closed: bytes) -> Refused:
    """The error of who adds to a queue that was moved away; `closed` says where to."""
    from flowerpower.job_queue.migration_store import ClosedQueue

    return ClosedQueue.from_json(json.loads(closed)).error()


def row_of_answer(job_id: str, answer: Sequence[Any]) -> tuple[records.Row, float]:
    """The record of a job as `read_job` in lua/common.lua gives it, and the time."""
    fields, result, progress, now, entry = answer
    return row_of(job_id, pairs_of(fields), result, progress, pairs_of(entry)), float(now)
