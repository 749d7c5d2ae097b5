"""JobQueueManager, check, close: how a queue is opened and what it says of itself."""

import random
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
from tests.contract.elsewhere import add_many, in_processes
from tests.contract.hand import FINISHED, Hand, spec
from tests.contract.places import Place
from tests.servers import PASSWORD


def test_a_backend_says_what_it_is(backend: JobQueueBackend) -> None:
    """Check tells the backend, the URL without its password, and the version of what is behind."""
    said = backend.check()
    assert set(said) == {"backend", "url", "version"}
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


def test_an_unknown_option_is_refused_with_the_nearest(place: Place) -> None:
    """An option that the backend does not take is named, with the one that was meant."""
    with pytest.raises(UsageError, match=r"takes no option 'namespce'.*'namespace'"):
        place.open(namespce="x")


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
def test_options_out_of_their_range_are_refused(place: Place, options: dict[str, Any]) -> None:
    """A namespace is a name, a time to live is a time."""
    with pytest.raises((InvalidName, UsageError)):
        place.open(**options)


@pytest.mark.parametrize("url", ["mysql://x", "sqlite:jobs.db", "nonsense"])
def test_a_url_that_no_driver_takes_is_refused(place: Place, url: str) -> None:
    """A URL of another kind is an error before anything is opened."""
    with pytest.raises(ConfigError, match=place.url_refused):
        place.open(url=url)


def test_a_backend_is_a_context_manager(place: Place) -> None:
    """The block is given the backend itself; what is raised in it comes out; closing twice is fine."""
    backend = place.open()
    with pytest.raises(JobNotFound), backend as same:
        same.get_job("nothing")
    assert same is backend
    backend.close()


@pytest.mark.shared
def test_what_is_acknowledged_outlives_the_manager(place: Place) -> None:
    """Another manager finds what the first was told, whatever was in its hands."""
    with place.open() as first:
        hand = Hand(first)
        claim = hand.make(JobStatus.RUNNING)
        assert claim is not None
        first.record(claim, "words\n", {"done": 1})
        running = first.get_job("subject")
    with place.open() as second:
        assert second.get_job("subject") == running
        assert [chunk.text for chunk in second.read_log("subject", 1)] == ["words\n"]
        assert [worker.running for worker in second.list_workers()] == [("subject",)]
        assert second.finish(claim, FINISHED, "", None)


@pytest.mark.shared
def test_namespaces_never_mix(place: Place, dice: random.Random) -> None:
    """Two projects in one place see neither the jobs, logs nor workers of each other."""
    mine, theirs = (f"{name}-{dice.randrange(2**64)}" for name in ("mine", "theirs"))
    with place.open(namespace=mine) as first, place.open(namespace=theirs) as second:
        hand, other = Hand(first), Hand(second)
        claim = hand.make(JobStatus.RUNNING)
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
        assert not second.lose(claim, "gone")
        assert second.add_job(spec("subject")).created
        assert second.read_log("subject", 1) == []
        assert second.bury(hand.name, first.beats()[hand.name]) == 0
        assert second.prune(everything_ended=True) == 0
        second.unregister_worker(hand.name)
        assert set(first.beats()) == {hand.name}
        assert first.heartbeat(hand.name).held == {"subject": (1, False)}
        assert first.get_job("subject").status is JobStatus.RUNNING


@pytest.mark.shared
def test_processes_that_add_at_once_lose_nothing(place: Place, backend: JobQueueBackend) -> None:
    """Every job whose submission was acknowledged is there."""
    assert in_processes(4, add_many, place.options, 25) == [25] * 4
    assert len(backend.list_jobs(JobFilter(limit=1000))) == 100
