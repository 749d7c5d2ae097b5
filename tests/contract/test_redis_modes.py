"""Redis behind Sentinels, which replace it when it fails; and as a cluster, which is refused."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
import redis

from flowerpower.errors import BackendUnreachable, ConfigError
from flowerpower.job_queue import JobQueueManager
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.job_queue.rq.connection import Connection, make_url
from flowerpower.job_queue.rq.sentinel import SentinelAddress
from flowerpower.job_queue.worker_options import WorkerOptions
from flowerpower.jobs.job import JobFilter, JobStatus
from tests.acceptance.fault_records import compared
from tests.conditions import eventually, slowed
from tests.conftest import MakeProject
from tests.contract.fake_worker import spec, with_inputs
from tests.contract.on_redis import OnRedis
from tests.contract.test_redis_workers import Working
from tests.servers import (
    PASSWORD,
    SENTINEL_PASSWORD,
    SERVICE,
    RedisServer,
    SentinelServer,
    free_port,
)
from tests.terminal import Cli

REPORT = """
import os, time
from pathlib import Path

def total(name: str, waits: bool = False) -> int:
    file = os.open("ran", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, (name + "\\n").encode())
    os.close(file)
    while waits and not Path("end").exists():
        time.sleep(0.01)
    return 42
"""


class Replicated(NamedTuple):
    """A master with a replica, and a Sentinel that watches them."""

    master: RedisServer
    replica: RedisServer
    sentinel: SentinelServer


@pytest.fixture
def replicated() -> Iterator[Replicated]:
    # As documented: else a master that is replaced while it lives would take writes for a while.
    master = RedisServer(
        "--masterauth", PASSWORD, "--min-replicas-to-write", "1", "--repl-diskless-sync-delay", "0"
    )
    replica = RedisServer("--masterauth", PASSWORD, "--replicaof", "127.0.0.1", str(master.port))
    sentinel = SentinelServer(master)
    with redis.Redis.from_url(sentinel.url()) as client:
        eventually(lambda: client.sentinel_master(SERVICE)["num-slaves"] == 1)
        eventually(lambda: client.sentinel_slaves(SERVICE)[0]["master-link-status"] == "ok")
    yield Replicated(master, replica, sentinel)
    for server in (sentinel, replica, master):
        server.close()


def kill(servers: Replicated) -> None:
    servers.master.kill()


def demote(servers: Replicated) -> None:
    with redis.Redis.from_url(servers.sentinel.url()) as client:
        client.sentinel_failover(SERVICE)


@pytest.mark.fault("redis-failed-over")
@pytest.mark.parametrize("fail_over", [kill, demote])
def test_a_worker_goes_on_with_the_new_master(
    replicated: Replicated, make_project: MakeProject, fail_over: Callable[[Replicated], None]
) -> None:
    """All that was replicated is done, once; what ran goes on; and new jobs come through."""
    root = make_project(report=("run: {}\n", REPORT))
    # The first Sentinel does not answer: the second is asked.
    setup = OnRedis(root, replicated.sentinel.master_url(before=f"127.0.0.1:{free_port()},"))

    def add(backend: JobQueueBackend, name: str, **inputs: Any) -> None:
        backend.add_job(spec(name, overrides=with_inputs(name=name, **inputs)))

    def reaches_replica(backend: JobQueueBackend) -> bool:
        client = backend.connection.client  # type: ignore[attr-defined]
        try:
            info = client.info()
        except redis.RedisError:
            return False
        return info["tcp_port"] == replicated.replica.port and info["role"] == "master"

    with setup.open() as backend:
        add(backend, "running", waits=True)
        with Working(backend, WorkerOptions(num_workers=1, max_jobs=22)):
            eventually((root / "ran").exists)
            for number in range(20):
                add(backend, f"waiting-{number}")
            with redis.Redis.from_url(replicated.master.url()) as client:
                assert client.wait(1, 60_000) == 1
            fail_over(replicated)
            eventually(lambda: reaches_replica(backend))
            add(backend, "after")
            (root / "end").touch()
        jobs = backend.list_jobs(JobFilter(limit=100))
        assert {job.status for job in jobs} == {JobStatus.FINISHED}
        assert {job.attempt for job in jobs} == {1}
        ran = (root / "ran").read_text().split()
        compared((job.id for job in jobs), ran)
        assert sorted(ran) == sorted(job.id for job in jobs)
        assert len(ran) == 22


def test_a_master_that_is_down_is_said_to_be(replicated: Replicated) -> None:
    """While there is none to replace it, a command ends soon and names Sentinels and service."""
    replicated.replica.stop()
    replicated.master.kill()
    url = replicated.sentinel.master_url()

    def is_down() -> bool:
        began = time.monotonic()
        with pytest.raises(BackendUnreachable) as unreachable:
            JobQueueManager(type="rq", url=url)
        assert time.monotonic() - began < slowed(10)
        assert f"127.0.0.1:{replicated.sentinel.port}/{SERVICE}" in unreachable.value.message
        return f"the master of '{SERVICE}' is down" in unreachable.value.message

    eventually(is_down)


@pytest.fixture(scope="module")
def sentinel() -> Iterator[SentinelServer]:
    """A Sentinel of a master without replicas."""
    master = RedisServer()
    server = SentinelServer(master)
    yield server
    server.close()
    master.close()


def refusal(url: str) -> str:
    """What is said of a Redis that cannot be used: soon, in a line, without a secret."""
    began = time.monotonic()
    with pytest.raises(BackendUnreachable) as refused:
        JobQueueManager(type="rq", url=url)
    assert time.monotonic() - began < slowed(10)
    text = f"{refused.value.message} Hint: {refused.value.hint}"
    assert "\n" not in text
    assert PASSWORD not in text
    assert SENTINEL_PASSWORD not in text
    return text


def test_what_sentinels_do_not_know_is_told(sentinel: SentinelServer) -> None:
    """Each wrong part of the URL is told: service, the Sentinels' password, their addresses."""
    good = sentinel.master_url()
    assert f"no service 'mymaster', only {SERVICE}" in refusal(
        sentinel.master_url(service="mymaster")
    )
    assert "their own password is sentinel_password" in refusal(good.partition("?")[0])
    dead = free_port()
    nobody = refusal(f"redis+sentinel://127.0.0.1:{dead},127.0.0.1:{dead}/{SERVICE}")
    assert nobody.count(f"127.0.0.1:{dead}: Error 111") == 2
    assert "invalid username-password" in refusal(good.replace(PASSWORD, "wrong-secret"))


def test_a_sentinel_and_a_redis_are_told_apart(
    sentinel: SentinelServer, redis_server: RedisServer
) -> None:
    """Each at the place of the other is refused, with the URL to write."""
    assert "redis+sentinel://" in refusal(sentinel.url())
    url = f"redis+sentinel://127.0.0.1:{redis_server.port}/{SERVICE}?sentinel_password={PASSWORD}"
    assert "unknown command" in refusal(url)


@pytest.mark.parametrize(
    ("url", "hosts", "service", "master_url", "login"),
    [
        ("redis+sentinel://h/s", [("h", 26379)], "s", "redis://HOST/", {}),
        ("redis+sentinel://u:p%40@h:1,[::1]:2/my%2Fs/3?sentinel_username=a&sentinel_password=b%20c",
         [("h", 1), ("::1", 2)], "my/s", "redis://u:p%40@HOST/3", {"username": "a", "password": "b c"}),
        ("rediss+sentinel://:p@h,k/s/0?ssl_cert_reqs=none&sentinel_password=x",
         [("h", 26379), ("k", 26379)], "s", "rediss://:p@HOST/0?ssl_cert_reqs=none", {"password": "x"}),
    ],
)  # fmt: skip
def test_the_parts_of_a_url_with_sentinels(
    url: str, hosts: list[Any], service: str, master_url: str, login: dict[str, str]
) -> None:
    """Hosts, service and the Sentinels' own login; the rest is as in a URL without Sentinels."""
    address = SentinelAddress(make_url(url))
    assert address.hosts == hosts
    assert (address.service, address.master_url, address.login) == (service, master_url, login)


def test_options_reach_the_master_and_the_sentinels() -> None:
    """The master's login and database go to the master; TLS to both."""
    url = "rediss+sentinel://ann:p%40@h:1/s/3?ssl_cert_reqs=none&sentinel_password=topZZsecret"
    connection = Connection(make_url(url))
    pool = connection.client.connection_pool
    options = pool.connection_kwargs
    assert (options["username"], options["password"], options["db"]) == ("ann", "p@", 3)
    (client,) = pool.sentinel_manager.sentinels
    of_sentinel = client.connection_pool.connection_kwargs
    assert (of_sentinel["host"], of_sentinel["port"]) == ("h", 1)
    assert of_sentinel["password"] == "topZZsecret"
    assert of_sentinel["ssl_cert_reqs"] == options["ssl_cert_reqs"] == "none"
    assert "topZZsecret" not in connection.url
    connection.close()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis+sentinel://:topZZsecret@h/", "does not name the service"),
        ("redis+sentinel://:topZZsecret@h", "does not name the service"),
        ("redis+sentinel://:topZZsecret@/s", "expected HOST:PORT of each Sentinel"),
        ("redis+sentinel://:topZZsecret@h,/s", "expected HOST:PORT of each Sentinel"),
        ("redis+sentinel://:topZZsecret@h:0/s", "expected HOST:PORT of each Sentinel"),
        ("redis+sentinel://:topZZsecret@h:99999/s", "expected HOST:PORT of each Sentinel"),
        ("redis+sentinel://:topZZsecret@h:x/s", "expected HOST:PORT of each Sentinel"),
        ("redis+sentinel://h/s/jobs", "has the database 'jobs'; expected a number"),
        ("redis+sentinel://h/s?sentinel_pasword=topZZsecret", "Did you mean 'sentinel_password'"),
        ("redis://h?sentinel_password=topZZsecret", "has the option 'sentinel_password'"),
        ("redis+sentinal://h/s", "is not a Redis URL"),
    ],
)
def test_a_url_with_sentinels_that_cannot_be_is_refused(url: str, expected: str) -> None:
    """Before anything is opened: what is wrong, and no secret."""
    with pytest.raises(ConfigError) as refused:
        make_url(url)
    assert expected in refused.value.message
    assert "secret" not in str(refused.value) + str(refused.value.hint)


@pytest.fixture(scope="module")
def cluster() -> Iterator[RedisServer]:
    """A Redis Cluster of one node, which has all slots."""
    # Its nodes speak to each other at a port that is higher by 10,000.
    port = next(port for port in iter(free_port, None) if port < 55_000)
    server = RedisServer("--cluster-enabled", "yes", port=port)
    with redis.Redis.from_url(server.url()) as client:
        client.execute_command("CLUSTER", "ADDSLOTS", *range(16384))
        eventually(lambda: b"cluster_state:ok" in client.execute_command("CLUSTER", "INFO"))
    yield server
    server.close()


@pytest.mark.parametrize(
    "command",
    [
        ("job-queue", "add-job", "report"),
        ("schedule", "add", "report", "--cron", "0 8 * * *"),
        ("job-queue", "start-worker", "--burst"),
        ("job-queue", "list-jobs"),
    ],
)
def test_a_cluster_is_refused_before_anything_is_written(
    cluster: RedisServer, cli: Cli, make_project: MakeProject, command: tuple[str, ...]
) -> None:
    """One sentence and exit code 5; no key is left, and nothing is said to be done."""
    make_project(report=("run: {}\n", "def total() -> int:\n    return 42\n"))
    environ = {"FLOWERPOWER_JOB_QUEUE_TYPE": "rq", "FLOWERPOWER_JOB_QUEUE_URL": cluster.url()}
    ended = cli.run(*command, **environ)
    assert ended.code == 5
    assert "it is a Redis Cluster" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""
    with redis.Redis.from_url(cluster.url()) as client:
        assert client.dbsize() == 0
