"""Jobs that are added alike, by few commands, are as those that are added one after another."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import redis

from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.job_queue.rq.new_jobs import NewJobs
from flowerpower.jobs.job import Job, JobFilter
from flowerpower.jobs.job_spec import JobSpec
from tests.contract.fake_worker import FakeWorker, in_seconds, spec, with_inputs
from tests.contract.on_redis import OnRedis
from tests.servers import RedisServer

_CHANGES = re.compile(rb"\d{4}-\d\d-\d\dT[\d:.]+Z|\d{10}\.\d+|\b[0-9a-f]{32}\b")
"""Times and tokens."""
Before = Callable[[JobQueueBackend, Any, str], object]


def _content(client: Any, namespace: str) -> dict[bytes, Any]:
    """All keys of a namespace but counts, with what is in them, without times and tokens."""
    found: dict[bytes, Any] = {}
    for key in client.scan_iter(match=f"*{namespace}*", count=1000):
        if key.endswith((b":counts", b":workers", b":beats", b":beat_at")):
            continue
        reads: dict[bytes, Callable[[], Any]] = {
            b"hash": lambda key=key: sorted(client.hgetall(key).items()),
            b"list": lambda key=key: client.lrange(key, 0, -1),
            b"zset": lambda key=key: client.zrange(key, 0, -1),
            b"set": lambda key=key: sorted(client.smembers(key)),
            b"string": lambda key=key: client.get(key),
        }
        text = repr((reads[client.type(key)](), client.pttl(key) > 0)).encode()
        found[key.replace(namespace.encode(), b"NS")] = _CHANGES.sub(
            b"TIME", text.replace(namespace.encode(), b"NS")
        )
    return found


def _added(
    root: Path, server: RedisServer, specs: Sequence[JobSpec], before: Before
) -> tuple[list[Job], dict[bytes, Any], bool]:
    """The answers and what is in Redis, once they are added; and whether they were added alike."""
    setup = OnRedis(root, server.url())
    with setup.open() as backend, redis.Redis.from_url(server.url()) as client:
        namespace = setup.options["namespace"]
        # The first script of a process tries all commands.
        backend.resume_queue("default")
        before(backend, client, namespace)
        client.config_resetstat()
        added = backend.add_jobs(specs)
        is_alike = "cmdstat_copy" in client.info("commandstats")
        for job in added:
            assert backend.get_job(job.id) == job or not job.created
        return added, _content(client, namespace), is_alike


def _nothing(_: JobQueueBackend, __: Any, ___: str) -> None:
    pass


def _an_earlier_job(backend: JobQueueBackend, _: Any, __: str) -> None:
    backend.add_job(spec("n-7", pipeline="other", run_at=in_seconds(5000)))


def _a_job_that_comes_later(backend: JobQueueBackend, _: Any, __: str) -> None:
    backend.add_job(spec("last", priority=-5))


def _a_job_that_comes_first(backend: JobQueueBackend, _: Any, __: str) -> None:
    backend.add_job(spec("first", priority=5))


def _an_expired_record(backend: JobQueueBackend, client: Any, namespace: str) -> None:
    """Its record is gone, and what it was is in its queue and in the set."""
    backend.add_job(spec("n-3"))
    client.delete(f"rq:job:{namespace}--n-3")


def _only_in_the_set(_: JobQueueBackend, client: Any, namespace: str) -> None:
    client.zadd(f"flowerpower:{namespace}:jobs", {"n-3": 5})
    client.set(f"flowerpower:{namespace}:progress:n-3", "{}")


def _a_key_of_another_type(_: JobQueueBackend, client: Any, namespace: str) -> None:
    client.set(f"rq:job:{namespace}--n-3", "text")


@pytest.mark.parametrize(
    ("before", "is_alike"),
    [
        (_nothing, True), (_a_job_that_comes_first, True), (_a_job_that_comes_later, False),
        (_an_earlier_job, False), (_an_expired_record, False), (_only_in_the_set, False),
        (_a_key_of_another_type, False),
    ],
)  # fmt: skip
def test_what_is_added_alike_is_what_each_would_be(
    redis_server: RedisServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    before: Before,
    is_alike: bool,
) -> None:
    """Every key of Redis is the same, and each answer but for its times."""
    specs = [spec(f"n-{number}", overrides=with_inputs(n=number)) for number in range(20)]
    jobs, content, was_alike = _added(tmp_path / "alike", redis_server, specs, before)
    assert was_alike == is_alike
    monkeypatch.setattr(NewJobs, "alike", lambda _self, _specs: None)
    others, expected, was_alike = _added(tmp_path / "each", redis_server, specs, before)
    assert not was_alike
    assert content == expected
    assert len(content) > 20
    for job, other in zip(jobs, others, strict=True):
        assert (job.id, job.created, job.payload) == (other.id, other.created, other.payload)
        assert job.status is other.status
    created = [job.created_at for job in jobs if job.created]
    assert created == sorted(set(created))


def test_an_id_that_comes_twice_is_one_job(redis_server: RedisServer, tmp_path: Path) -> None:
    """The second is the first one's answer."""
    specs = [spec("a"), spec("b"), spec("a", overrides=with_inputs(n=1))]
    jobs, content, _ = _added(tmp_path, redis_server, specs, _nothing)
    assert [(job.id, job.created) for job in jobs] == [("a", True), ("b", True), ("a", False)]
    assert jobs[2].payload == jobs[0].payload
    assert b"NS--a', b'NS--b'" in content[b"rq:queue:NS.default"]


@pytest.mark.parametrize(
    "other",
    [
        {"pipeline": "other"}, {"queue": "slow"}, {"priority": 1}, {"run_at": in_seconds(100)},
        {"expires": 60.0}, {"unique": True}, {"after": ("n-0",)}, {"result_ttl": 5.0},
        {"followers": (spec("f", after=("b",)),)}, {"schedule_id": "s"},
        {"schedule_id": "s", "max_parallel": 1},
    ],
)  # fmt: skip
def test_jobs_that_differ_are_added_as_they_are(
    redis_server: RedisServer, tmp_path: Path, other: dict[str, Any]
) -> None:
    """What one job has for itself is not lost, and is no other job's."""
    specs = [spec("n-0"), spec("n-1"), spec("b", **other)]
    jobs, _, was_alike = _added(tmp_path, redis_server, specs, _nothing)
    assert not was_alike
    assert all(job.created for job in jobs)
    alone, _, _ = _added(tmp_path / "alone", redis_server, specs[:2], _nothing)
    assert [vars(job).keys() for job in jobs[:2]] == [vars(job).keys() for job in alone]
    for name, value in other.items():
        if name not in ("after", "unique", "followers"):
            assert getattr(jobs[2], name) == value
    assert (jobs[2].unique_key is not None) == ("unique" in other)
    assert tuple(jobs[2].after) == other.get("after", ())


def test_jobs_that_are_blocked_or_expire_are_not_added_alike(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    """Although all of them are: each has more keys than its record."""
    for more in ({"expires": 60.0}, {"schedule_id": "s"}, {"schedule_id": "s", "max_parallel": 1}):
        specs = [spec(f"n-{number}", **more) for number in range(3)]
        assert not _added(tmp_path / "more", redis_server, specs, _nothing)[2]


def test_pages_of_jobs_come_in_order(redis_server: RedisServer, tmp_path: Path) -> None:
    """Of many pages, some of them alike, each job is there once, in the order of adding."""
    specs = [
        spec(f"n-{number}", priority=-1 if 120 <= number < 130 else 0) for number in range(300)
    ]
    setup = OnRedis(tmp_path, redis_server.url())
    with setup.open() as backend:
        backend.add_jobs(specs)
        assert len(backend.list_jobs(JobFilter(limit=1000))) == 300
        claimed = [claim.job_id for claim in FakeWorker(backend).claim(1000)]
    numbers = [*range(120), *range(130, 300), *range(120, 130)]
    assert claimed == [f"n-{number}" for number in numbers]
