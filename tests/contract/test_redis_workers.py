"""A worker of ours beside RQ's own tools, and what it says of the Redis it works on."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import rq.suspension
from rq import Worker
from rq.registry import StartedJobRegistry

from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.job_queue.worker_options import WorkerEvent, WorkerOptions
from flowerpower.jobs.job import JobFilter, JobStatus
from tests.conditions import WAIT_LIMIT, eventually
from tests.conftest import MakeProject
from tests.contract.fake_worker import spec
from tests.contract.on_redis import OnRedis
from tests.servers import RedisServer
from tests.terminal import Cli

NAPPING = """
import time
from pathlib import Path

def total() -> int:
    Path("begun").touch()
    while not Path("end").exists():
        time.sleep(0.01)
    return 42
"""


@pytest.fixture
def own_server() -> Iterator[RedisServer]:
    """A Redis of the test's own, whose settings it may change."""
    server = RedisServer()
    yield server
    server.close()


class Working:
    """A worker in a thread, until the file `end` is there."""

    def __init__(self, backend: JobQueueBackend, options: WorkerOptions) -> None:
        self.events: list[WorkerEvent] = []
        self._thread = threading.Thread(
            target=backend.run_worker, args=(options, self.events.append)
        )

    def __enter__(self) -> list[WorkerEvent]:
        self._thread.start()
        return self.events

    def __exit__(self, *_: object) -> None:
        self._thread.join(WAIT_LIMIT)
        assert not self._thread.is_alive()


def test_rqs_tools_show_a_worker_of_ours(
    own_server: RedisServer, make_project: MakeProject
) -> None:
    """Worker.all has it while it works, with its queue and state; `rq info` names its queue."""
    root = make_project(report=("run: {}\n", NAPPING))
    setup = OnRedis(root, own_server.url())
    name = f"{setup.options['namespace']}.default"
    with setup.open() as backend, redis.Redis.from_url(own_server.url()) as client:
        backend.add_job(spec("subject"))

        def mine() -> list[Worker]:
            return [
                worker for worker in Worker.all(connection=client) if name in worker.queue_names()
            ]

        with Working(backend, WorkerOptions(burst=True)):
            try:
                eventually((root / "begun").exists)
                (worker,) = eventually(mine)
                (info,) = backend.list_workers()
                assert (worker.name, worker.pid) == (info.id, os.getpid())
                eventually(lambda: mine()[0].get_state() == "busy")
                assert StartedJobRegistry(name, client).count == 1
                info_command = subprocess.run(
                    [Path(sys.executable).parent / "rq", "info", "--url", own_server.url()],
                    capture_output=True, text=True, timeout=30, check=False,
                )  # fmt: skip
            finally:
                (root / "end").touch()
        assert info_command.returncode == 0, info_command.stderr
        assert name in info_command.stdout
        assert info.id in info_command.stdout
        assert mine() == []
        assert backend.get_job("subject").status is JobStatus.FINISHED


def test_rq_suspend_is_heeded(own_server: RedisServer, make_project: MakeProject) -> None:
    """While RQ's workers are suspended nothing is claimed, and that is said; then all goes on."""
    root = make_project(report=("run: {}\n", NAPPING))
    (root / "end").touch()
    setup = OnRedis(root, own_server.url())
    with setup.open() as backend, redis.Redis.from_url(own_server.url()) as client:
        rq.suspension.suspend(client)
        backend.add_job(spec("subject"))
        with Working(backend, WorkerOptions(max_jobs=1)) as events:

            def states() -> list[str]:
                return [str(worker.get_state()) for worker in Worker.all(connection=client)]

            try:
                eventually(lambda: states() == ["suspended"])
                assert [worker.suspended for worker in backend.list_workers()] == [True]
                beat = next(iter(backend.beats().values()))
                eventually(lambda: next(iter(backend.beats().values())) > beat)
                assert backend.get_job("subject").status is JobStatus.QUEUED
            finally:
                rq.suspension.resume(client)
            eventually(lambda: [worker.suspended for worker in backend.list_workers()] != [True])
        assert backend.get_job("subject").status is JobStatus.FINISHED
    said = [(event.kind, event.facts) for event in events if "su" in event.kind]
    assert said == [("suspended", {"ends": False}), ("resumed", {})]


def test_a_worker_at_rest_is_suspended_too(
    own_server: RedisServer, make_project: MakeProject
) -> None:
    """A worker that waits for jobs takes none after `rq suspend`: RQ's own would take one more."""
    root = make_project(report=("run: {}\n", NAPPING))
    (root / "end").touch()
    setup = OnRedis(root, own_server.url())
    with setup.open() as backend, redis.Redis.from_url(own_server.url()) as client:
        with Working(backend, WorkerOptions(max_jobs=1)) as events:
            eventually(lambda: [worker.get_state() for worker in Worker.all(connection=client)]
                       == ["idle"])  # fmt: skip
            rq.suspension.suspend(client)
            eventually(lambda: "suspended" in [event.kind for event in events])
            backend.add_job(spec("subject"))
            beat = next(iter(backend.beats().values()))
            eventually(lambda: next(iter(backend.beats().values())) > beat)
            assert backend.get_job("subject").status is JobStatus.QUEUED
            rq.suspension.resume(client)
        assert backend.get_job("subject").status is JobStatus.FINISHED


def test_a_suspended_burst_ends_and_says_so(
    own_server: RedisServer, make_project: MakeProject
) -> None:
    """With burst a suspended worker waits for nobody: it ends, and the job stays queued."""
    root = make_project(report=("run: {}\n", NAPPING))
    setup = OnRedis(root, own_server.url())
    with setup.open() as backend, redis.Redis.from_url(own_server.url()) as client:
        rq.suspension.suspend(client)
        backend.add_job(spec("subject"))
        events: list[WorkerEvent] = []
        assert backend.run_worker(WorkerOptions(burst=True), events.append) == 0
        assert backend.get_job("subject").status is JobStatus.QUEUED
        assert backend.list_workers() == []
    said = [(event.kind, event.facts) for event in events if event.kind not in ("trouble", "stop")]
    assert [kind for kind, _ in said] == ["start", "suspended"]
    assert said[-1][1] == {"ends": True}


def test_the_command_line_shows_a_suspension(
    own_server: RedisServer, make_project: MakeProject, cli: Cli
) -> None:
    """A burst ends with a sentence; `workers` shows who is suspended, as a table and as JSON."""
    queue = f"{{type: rq, backend: {{url: '{own_server.url()}'}}}}"
    make_project(f"name: demo\njob_queue: {queue}\n", report=("run: {}\n", NAPPING))
    with redis.Redis.from_url(own_server.url()) as client:
        rq.suspension.suspend(client)
        cli.run("job-queue", "add-job", "report", code=0)
        ended = cli.run("job-queue", "start-worker", "--burst", code=0)
        sentence = (
            "suspended (rq suspend): the worker ends, and leaves what is queued until `rq resume`."
        )
        assert sentence in " ".join(ended.stderr.split())
        with cli.start("job-queue", "start-worker") as worker:
            try:
                eventually(lambda: cli.run("job-queue", "workers", "--json").json)
                (shown,) = cli.run("job-queue", "workers", "--json", code=0).json
                assert shown["suspended"] is True
                assert "0 of 2, suspended" in cli.run("job-queue", "workers", code=0).stdout
            finally:
                worker.terminate()
            errors = worker.communicate(timeout=WAIT_LIMIT)[1]
        assert worker.returncode == 0
        assert "no job is taken until `rq resume`." in " ".join(errors.split())


def test_rqs_own_writes_do_not_grow_with_the_jobs(
    own_server: RedisServer, make_project: MakeProject
) -> None:
    """RQ's loop states what its worker does, and beats, for each job: here only now and then."""
    root = make_project(report=("run: {}\n", "def total() -> int:\n    return 42\n"))
    setup = OnRedis(root, own_server.url())
    with setup.open() as backend, redis.Redis.from_url(own_server.url()) as client:
        backend.add_jobs([spec(f"n-{number}") for number in range(60)])
        commands: list[str] = []
        with client.monitor() as monitor:
            options = WorkerOptions(burst=True, jobs_per_child=100)
            with Working(backend, options):
                for command in monitor.listen():
                    # What scripts write is one round trip, whatever it is.
                    if command["client_type"] != "lua":
                        commands.append(command["command"])
                    if "death" in command["command"]:
                        break
        assert len(backend.list_jobs(JobFilter(frozenset({JobStatus.FINISHED})))) == 60
        of_worker = [command for command in commands if command.startswith("HSET rq:worker:")]
        assert 0 < len(of_worker) < 30, of_worker


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("maxmemory-policy", "allkeys-lru", "maxmemory-policy is allkeys-lru, not noeviction"),
        ("appendonly", "no", "no append-only file"),
        (None, None, None),
    ],
)
def test_a_redis_that_may_lose_jobs_is_told(
    own_server: RedisServer, tmp_path: Path, setting: str | None, value: str, expected: str | None
) -> None:
    """A worker warns of eviction and of a Redis without an append-only file, and works."""
    with redis.Redis.from_url(own_server.url()) as client:
        if setting is not None:
            client.config_set(setting, value)
    with OnRedis(tmp_path, own_server.url()).open() as backend:
        events: list[WorkerEvent] = []
        assert backend.run_worker(WorkerOptions(burst=True), events.append) == 0
    troubles = [event.facts["reason"] for event in events if event.kind == "trouble"]
    assert len(troubles) == (0 if expected is None else 1)
    assert expected is None or expected in troubles[0]


@pytest.mark.fault("redis-emptied")
def test_a_redis_that_has_forgotten_everything_is_worked_on(
    own_server: RedisServer, make_project: MakeProject
) -> None:
    """After FLUSHALL the worker is known again, to RQ's tools too, and does what is queued."""
    root = make_project(report=("run: {}\n", "def total() -> int:\n    return 42\n"))
    setup = OnRedis(root, own_server.url())
    with setup.open() as backend, redis.Redis.from_url(own_server.url()) as client:
        options = WorkerOptions(max_jobs=2, lease=2.5)
        with Working(backend, options) as events:
            backend.add_job(spec("before"))
            eventually(lambda: backend.get_job("before").status is JobStatus.FINISHED)
            client.flushall()
            eventually(backend.list_workers)
            eventually(lambda: Worker.all(connection=client))
            backend.add_job(spec("after"))
            eventually(lambda: backend.get_job("after").status is JobStatus.FINISHED)
        assert not [event for event in events if event.kind == "trouble"]
