"""Redis users who may not do everything: what is enough, and what is said of less."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from flowerpower.errors import BackendUnreachable
from flowerpower.job_queue import JobQueueManager
from flowerpower.job_queue.rq.connection import RIGHTS
from flowerpower.job_queue.worker_options import WorkerEvent, WorkerOptions
from flowerpower.jobs.job import JobStatus
from tests.conftest import MakeProject
from tests.contract.fake_worker import FakeWorker, spec
from tests.servers import PASSWORD, RedisServer

MakeUser = Callable[..., str]
"""Makes the user `ann` with these rights; gives her URL."""
KEYS = ("~rq:*", "~flowerpower:*")


@pytest.fixture(scope="module")
def own_server() -> Iterator[RedisServer]:
    """A Redis of these tests' own, which has no other users and keys."""
    server = RedisServer()
    yield server
    server.close()


@pytest.fixture
def admin(own_server: RedisServer) -> Iterator[redis.Redis]:
    """The default user, who may do everything, of an empty Redis."""
    with redis.Redis.from_url(own_server.url()) as client:
        client.flushall()
        yield client


@pytest.fixture
def make_user(own_server: RedisServer, admin: redis.Redis) -> MakeUser:
    def make(*rights: str) -> str:
        admin.execute_command("ACL", "SETUSER", "ann", "reset", "on", f">{PASSWORD}", *rights)
        return own_server.url().replace("redis://:", "redis://ann:")

    return make


@pytest.mark.parametrize("rights", [RIGHTS.split(), [*KEYS, "+@all", "-@dangerous"]])
def test_a_user_without_dangerous_commands_is_enough(
    make_user: MakeUser, make_project: MakeProject, rights: list[str]
) -> None:
    """A worker and a scheduler work; what INFO would say is unknown, and no fault."""
    root = make_project(report=("run: {}\n", "def total() -> int:\n    return 42\n"))
    with JobQueueManager(type="rq", base_dir=root, url=make_user(*rights)) as backend:
        backend.add_job(spec("subject"))
        events: list[WorkerEvent] = []
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            options = WorkerOptions(burst=True, with_scheduler=True)
            assert backend.run_worker(options, events.append) == 1
        assert backend.get_job("subject").status is JobStatus.FINISHED
        assert [event.facts for event in events if event.kind == "trouble"] == []
        said = backend.check()
        assert said["persistence"] == "unknown: the user of Redis may not run INFO"
        assert said["version"].split()[0] in ("Redis", "Valkey")
        assert said["version"].split()[1][0].isdigit()


@pytest.mark.parametrize(
    ("rights", "expected"),
    [
        (["~rq:*", "+@all"], "on the keys flowerpower:default:*"),
        (["~flowerpower:*", "+@all"], "may not use the keys rq:*"),
        (["~flowerpower:*", "~rq:job:*", "~rq:queue*", "+@all"], "may not use the keys rq:*"),
        ([*KEYS, "+@all", "-@scripting"], "'evalsha'"),
        ([*KEYS, "+@all", "-@sortedset"], "the command ZRANGEBYSCORE"),
        ([*KEYS, "+@all", "-@write"], "the command SET"),
        ([*KEYS, "+@all", "-@list"], "the command LINDEX"),
        ([*KEYS, "+@all", "-del"], "the command DEL"),
        ([*KEYS, "+@all", "-@connection"], "'ping'"),
        (KEYS, "'ping'"),
        ([], "'ping'"),
    ],
)
def test_a_missing_right_is_named_before_anything_is_written(
    make_user: MakeUser, admin: redis.Redis, rights: list[str], expected: str
) -> None:
    """The error names what the user may not do, and the line that would do; no key is left."""
    with (
        pytest.raises(BackendUnreachable) as refused,
        JobQueueManager(type="rq", url=make_user(*rights)) as backend,
    ):
        backend.add_job(spec("subject"))
    assert expected in refused.value.message
    assert f"ACL SETUSER ann {RIGHTS}" in str(refused.value.hint)
    assert PASSWORD not in refused.value.message
    assert admin.keys("*") == []


def test_a_right_that_is_given_later_is_used(make_user: MakeUser, admin: redis.Redis) -> None:
    """A manager that was refused works as soon as the user may do it."""
    with JobQueueManager(type="rq", url=make_user("~rq:*", "+@all")) as backend:
        with pytest.raises(BackendUnreachable):
            backend.add_job(spec("subject"))
        admin.execute_command("ACL", "SETUSER", "ann", "~flowerpower:*")
        assert backend.add_job(spec("subject")).created
        assert FakeWorker(backend).take().job_id == "subject"


def test_the_first_script_of_a_full_redis_is_refused_whole(
    own_server: RedisServer, admin: redis.Redis, tmp_path: Path
) -> None:
    """Trying the rights is no write after which Redis would take more than it has memory for."""
    admin.config_set("maxmemory", 1)
    try:
        with (
            pytest.raises(BackendUnreachable, match="it is full"),
            JobQueueManager(type="rq", base_dir=tmp_path, url=own_server.url()) as backend,
        ):
            backend.add_job(spec("subject"))
    finally:
        admin.config_set("maxmemory", 0)
    assert admin.keys("*") == []


def test_trying_the_rights_changes_nothing(own_server: RedisServer, admin: redis.Redis) -> None:
    """What only reads is no change for Redis, also the first time."""
    before = admin.info("persistence")["rdb_changes_since_last_save"]
    with JobQueueManager(type="rq", url=own_server.url()) as backend:
        assert backend.next_due_in(["default"]) is None
    assert admin.info("persistence")["rdb_changes_since_last_save"] == before
    assert admin.keys("*") == []
