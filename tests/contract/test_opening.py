"""JobQueueManager, check, close: how a queue is opened and what it says of itself."""

import random
from pathlib import Path
from typing import Any

import pytest

from flowerpower.errors import (
    ConfigError,
    InvalidName,
    JobNotFound,
    UsageError,
)
from flowerpower.job_queue import JobQueueManager
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.job import JobFilter, JobStatus
from tests.contract.backends import BackendSetup
from tests.contract.fake_worker import FINISHED, FakeWorker, spec
from tests.contract.in_memory import InMemory
from tests.contract.in_processes import add_many, in_processes
from tests.servers import PASSWORD


@pytest.mark.in_memory
def test_a_backend_says_what_it_is(backend: JobQueueBackend) -> None:
    """Check tells the backend, the URL without its password, and the version of what is behind.

    On Redis also how it keeps its data, which depends on its settings.
    """
    said = backend.check()
    more = {"persistence"} if said["backend"] == "rq" else set()
    assert set(said) == {"backend", "url", "version"} | more
    assert said["backend"] in ("apscheduler", "rq")
    assert PASSWORD not in str(said)
    assert any(character.isdigit() for character in said["version"])


@pytest.mark.parametrize(
    ("given", "nearest"),
    [("apschedular", "apscheduler"), ("APScheduler", "apscheduler"), ("x", None)],
)
def test_an_unknown_type_is_refused_with_the_nearest(given: str, nearest: str | None) -> None:
    """A type that does not exist is an error that names those that do."""
    with pytest.raises(ConfigError, match="There is no job queue of type") as refused:
        JobQueueManager(type=given)
    assert "apscheduler" in refused.value.message
    assert ("Did you mean" in refused.value.message) is (nearest is not None)


@pytest.mark.in_memory
def test_an_unknown_option_is_refused_with_the_nearest(setup: BackendSetup) -> None:
    """An option that the backend does not take is named, with the one that was meant."""
    with pytest.raises(UsageError, match=r"has no option 'namespce'.*'namespace'"):
        setup.open(namespce="x")


@pytest.mark.in_memory
@pytest.mark.parametrize(
    "options",
    [
        {"namespace": "a b"},
        {"namespace": ""},
        {"namespace": "a\x00"},
        {"result_ttl": -5.0},
        {"result_ttl": float("nan")},
        {"history_ttl": -1.0},
        {"history_ttl": float("inf")},
    ],
)
def test_options_out_of_their_range_are_refused(
    setup: BackendSetup, options: dict[str, Any]
) -> None:
    """A namespace is a name, a time to live is a time."""
    with pytest.raises((InvalidName, UsageError)):
        setup.open(**options)


@pytest.mark.in_memory
@pytest.mark.parametrize("url", ["mysql://x", "sqlite:jobs.db", "nonsense"])
def test_a_url_that_no_driver_takes_is_refused(setup: BackendSetup, url: str) -> None:
    """A URL of another kind is an error before anything is opened."""
    with pytest.raises(ConfigError, match=setup.url_refused):
        setup.open(url=url)


@pytest.mark.in_memory
def test_a_backend_is_a_context_manager(setup: BackendSetup) -> None:
    """The block is given the backend itself; what is raised in it comes out; closing twice is fine."""
    backend = setup.open()
    with pytest.raises(JobNotFound), backend as same:
        same.get_job("nothing")
    assert same is backend
    backend.close()


def test_a_queue_in_memory_is_its_managers_alone(tmp_path: Path) -> None:
    """Another manager finds another queue, and its file is gone with its manager."""
    setup = InMemory(tmp_path)
    with setup.open() as first, setup.open() as second:
        first.add_job(spec("subject"))
        assert second.list_jobs(JobFilter()) == []
        files = [
            Path(backend.check()["url"].removeprefix("sqlite:///")) for backend in (first, second)
        ]
        assert all(file.exists() for file in files)
    assert not any(file.parent.exists() for file in files)


def test_what_is_acknowledged_outlives_the_manager(setup: BackendSetup) -> None:
    """Another manager finds what the first was told, whatever was in its hands."""
    with setup.open() as first:
        fake_worker = FakeWorker(first)
        claim = fake_worker.make(JobStatus.RUNNING)
        assert claim is not None
        first.record(claim, "words\n", {"done": 1})
        running = first.get_job("subject")
    with setup.open() as second:
        assert second.get_job("subject") == running
        assert [chunk.text for chunk in second.read_log("subject", 1)] == ["words\n"]
        assert [worker.running for worker in second.list_workers()] == [("subject",)]
        assert second.finish(claim, FINISHED, "", None)


def test_namespaces_never_mix(setup: BackendSetup, dice: random.Random) -> None:
    """Two projects in one place see neither the jobs, logs nor workers of each other."""
    mine, theirs = (f"{name}-{dice.randrange(2**64)}" for name in ("mine", "theirs"))
    with setup.open(namespace=mine) as first, setup.open(namespace=theirs) as second:
        fake_worker, other = FakeWorker(first), FakeWorker(second)
        claim = fake_worker.make(JobStatus.RUNNING)
        assert claim is not None
        first.record(claim, "words\n", None)
        assert second.list_jobs(JobFilter()) == []
        assert second.next_due_in(["default"]) is None
        assert other.claim() == []
        for verb in (second.get_job, second.cancel_job, second.retry_job, second.delete_job):
            with pytest.raises(JobNotFound):
                verb("subject")
        assert not second.finish(claim, FINISHED, "", None)
        assert not second.release(claim)
        assert not second.requeue_lost(claim, "gone")
        assert second.add_job(spec("subject")).created
        assert second.read_log("subject", 1) == []
        assert (
            second.requeue_lost_jobs_of(fake_worker.name, first.beats()[fake_worker.name]).count
            == 0
        )
        assert second.prune(everything_ended=True) == 0
        second.unregister_worker(fake_worker.name)
        assert set(first.beats()) == {fake_worker.name}
        assert first.heartbeat(fake_worker.name).held == {"subject": (1, False)}
        assert first.get_job("subject").status is JobStatus.RUNNING


def test_processes_that_add_at_once_lose_nothing(
    setup: BackendSetup, backend: JobQueueBackend
) -> None:
    """Every job whose submission was acknowledged is there."""
    assert in_processes(4, add_many, setup.options, 25) == [25] * 4
    assert len(backend.list_jobs(JobFilter(limit=1000))) == 100
