"""Answers of Redis that are lost after the deed was done: each of them, whole or from its middle."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from flowerpower.errors import BackendUnreachable
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.job_queue.worker_options import WorkerOptions
from flowerpower.jobs.claim import Claim
from flowerpower.jobs.job import Job, JobFilter, JobStatus
from tests.acceptance.fault_records import compared, raised
from tests.conditions import eventually
from tests.conftest import MakeProject
from tests.contract.fake_worker import (
    FAILED,
    FINISHED,
    RESULT,
    FakeWorker,
    in_seconds,
    retry_at,
    spec,
)
from tests.contract.on_redis import OnRedis
from tests.lossy_proxy import LossyProxy
from tests.servers import RedisServer

LIMIT = 40


@dataclass
class Losing:
    """An empty queue that is reached both directly and by a wire that will lose an answer."""

    setup: OnRedis
    direct: JobQueueBackend
    begin: Callable[[], None]
    """From now on answers are counted."""

    def waiting(self) -> list[str]:
        """What is in RQ's own list of the queue."""
        namespace = self.setup.options["namespace"]
        client = self.direct.connection.client  # type: ignore[attr-defined]
        entries = client.lrange(f"rq:queue:{namespace}.default", 0, -1)
        return [entry.decode().removeprefix(f"{namespace}--") for entry in entries]


EachAnswer = Callable[[Callable[[Losing], None]], int]


def _count(losing: Losing) -> None:
    """What RQ's list has of the jobs that are queued."""
    waiting = frozenset({JobStatus.QUEUED})
    queued = losing.direct.list_jobs(JobFilter(waiting, limit=1000))
    compared((job.id for job in queued), losing.waiting())


@pytest.fixture(
    params=[
        pytest.param(False, marks=pytest.mark.fault("redis-cut"), id="whole"),
        pytest.param(True, marks=pytest.mark.fault("redis-cut-inside"), id="middle"),
    ]
)
def each_answer(
    request: pytest.FixtureRequest, redis_server: RedisServer, tmp_path: Path
) -> EachAnswer:
    """Lets an act lose its first answer, then its second, and so on; how many it needs."""

    def try_each(act: Callable[[Losing], None]) -> int:
        for answer in range(1, LIMIT):
            with LossyProxy(redis_server.port) as proxy:
                setup = OnRedis(tmp_path, redis_server.url(port=proxy.port))
                with setup.open(url=redis_server.url()) as direct:
                    losing = Losing(
                        setup,
                        direct,
                        lambda: proxy.cut_at(answer, inside=request.param),  # noqa: B023 - called at once
                    )
                    act(losing)
                    _count(losing)
                if not proxy.has_cut:
                    return answer - 1
                raised({"redis-cut-inside" if request.param else "redis-cut": 1})
        raise AssertionError(f"it needs more than {LIMIT} answers")

    return try_each


@pytest.fixture
def each_answer_of(each_answer: EachAnswer) -> Callable[..., None]:
    """The same for `act(backend, fake_worker, losing)` on a queue that is open already."""

    def try_each(
        prepare: Callable[[FakeWorker], object],
        act: Callable[[JobQueueBackend, FakeWorker, Losing], None],
    ) -> None:
        def open_and_act(losing: Losing) -> None:
            fake_worker = FakeWorker(losing.direct)
            prepare(fake_worker)
            with losing.setup.open() as backend:
                losing.begin()
                act(backend, fake_worker, losing)

        assert each_answer(open_and_act) >= 1

    return try_each


def running(fake_worker: FakeWorker) -> Claim:
    claim = fake_worker.make(JobStatus.RUNNING)
    assert claim is not None
    return claim


def first_claim(fake_worker: FakeWorker) -> Claim:
    """The claim of `make(JobStatus.RUNNING)`."""
    return Claim("subject", fake_worker.name, 1, "report", None)


@pytest.mark.parametrize("job_id", ["given", None])
def test_an_add_is_done_once(each_answer: EachAnswer, job_id: str | None) -> None:
    """Whatever answer is lost to opening and adding, the job is queued once, and said to be new."""

    def act(losing: Losing) -> None:
        losing.begin()
        with losing.setup.open() as backend:
            job = backend.add_job(spec(job_id))
        assert job.created
        assert losing.waiting() == [job.id]
        assert [queued.id for queued in losing.direct.list_jobs(JobFilter())] == [job.id]

    assert each_answer(act) >= 3


def test_chains_and_unique_jobs_are_added_once(each_answer_of: Callable[..., None]) -> None:
    """Each is said to be new, or not, as the first answer would have said; followers are there once."""

    def act(backend: JobQueueBackend, fake_worker: FakeWorker, losing: Losing) -> None:
        jobs = backend.add_jobs(
            [
                spec("parent", followers=(spec("follower", after=("parent",)),)),
                spec("child", after=("parent",)),
                spec("unique", pipeline="other", unique=True),
                spec("second", pipeline="other", unique=True),
                spec("orphan", after=("nobody",)),
                spec("parent"),
            ]
        )
        assert [(job.id, job.created) for job in jobs] == [
            ("parent", True), ("child", True), ("unique", True), ("unique", False),
            ("orphan", True), ("parent", False),
        ]  # fmt: skip
        assert losing.waiting() == ["parent", "unique"]
        added = {job.id for job in losing.direct.list_jobs(JobFilter())}
        assert added == {"parent", "child", "follower", "unique", "orphan"}

    each_answer_of(lambda fake_worker: None, act)


def test_an_end_and_a_retry_change_children_once(each_answer_of: Callable[..., None]) -> None:
    """A child of a job that failed, was tried again and has finished then is queued once."""

    def act(backend: JobQueueBackend, fake_worker: FakeWorker, losing: Losing) -> None:
        assert backend.finish(first_claim(fake_worker), FAILED, "", None)
        assert fake_worker.status("child") is JobStatus.CANCELLED
        assert backend.retry_job("subject").status is JobStatus.QUEUED
        assert fake_worker.status("child") is JobStatus.WAITING
        assert fake_worker.finish(fake_worker.take())
        assert losing.waiting() == ["child"]

    def prepare(fake_worker: FakeWorker) -> None:
        running(fake_worker)
        fake_worker.backend.add_job(spec("child", after=("subject",)))

    each_answer_of(prepare, act)


def test_a_second_add_is_no_creation(each_answer_of: Callable[..., None]) -> None:
    """A lost answer makes nobody the maker of a job that another has made."""

    def act(backend: JobQueueBackend, fake_worker: FakeWorker, losing: Losing) -> None:
        assert not backend.add_job(spec("subject")).created
        assert losing.waiting() == ["subject"]

    each_answer_of(lambda fake_worker: fake_worker.make(JobStatus.QUEUED), act)


def test_a_scheduled_job_is_added_once(each_answer_of: Callable[..., None]) -> None:
    """A job for later is once in RQ's registry of such, and is claimed once it is due."""

    def act(backend: JobQueueBackend, fake_worker: FakeWorker, losing: Losing) -> None:
        assert backend.add_job(spec("later", run_at=in_seconds(3600))).created
        assert losing.waiting() == []
        assert fake_worker.status("later") is JobStatus.SCHEDULED
        assert 3590 < (losing.direct.next_due_in(["default"]) or 0) <= 3600

    each_answer_of(lambda fake_worker: None, act)


def test_an_outcome_is_recorded_once(each_answer_of: Callable[..., None]) -> None:
    """Finish says that it was done, and the result and the log are there once."""

    def act(backend: JobQueueBackend, fake_worker: FakeWorker, losing: Losing) -> None:
        assert backend.finish(
            first_claim(fake_worker), FINISHED, "words\n", {"done": 1, "total": 1}
        )
        job = losing.direct.get_job("subject")
        assert (job.status, job.result) == (JobStatus.FINISHED, RESULT)
        assert fake_worker.log("subject") == "words\n"
        assert losing.direct.heartbeat(fake_worker.name).held == {}

    each_answer_of(running, act)


def test_a_retry_is_set_once(each_answer_of: Callable[..., None]) -> None:
    """An attempt that is to be tried again waits once, with its retry counted once."""
    moment = in_seconds(3600)

    def act(backend: JobQueueBackend, fake_worker: FakeWorker, losing: Losing) -> None:
        assert backend.finish(first_claim(fake_worker), retry_at(moment), "words\n", None)
        job = losing.direct.get_job("subject")
        assert (job.status, job.attempts_left) == (JobStatus.SCHEDULED, 2)
        assert fake_worker.log("subject") == "words\n"
        assert losing.waiting() == []

    each_answer_of(running, act)


def test_a_log_is_not_doubled(each_answer_of: Callable[..., None]) -> None:
    """A record is written once, and what follows comes behind it."""

    def act(backend: JobQueueBackend, fake_worker: FakeWorker, losing: Losing) -> None:
        claim = first_claim(fake_worker)
        assert backend.record(claim, "one\n", {"done": 1})
        assert backend.record(claim, "two\n", {"done": 2})
        assert fake_worker.log("subject") == "one\ntwo\n"
        assert losing.direct.get_job("subject").progress == {"done": 2}

    each_answer_of(running, act)


def test_a_job_is_queued_again_once(each_answer_of: Callable[..., None]) -> None:
    """Retrying a failed job puts it into the queue once."""

    def act(backend: JobQueueBackend, fake_worker: FakeWorker, losing: Losing) -> None:
        assert backend.retry_job("subject").status is JobStatus.QUEUED
        assert losing.waiting() == ["subject"]
        assert fake_worker.take().attempt == 2

    each_answer_of(lambda fake_worker: fake_worker.make(JobStatus.FAILED), act)


def test_a_cancel_and_a_delete_that_were_done_are_no_errors(
    each_answer_of: Callable[..., None],
) -> None:
    """Whoever cancels and then deletes a job is told that it was done, and nothing is left."""

    def act(backend: JobQueueBackend, fake_worker: FakeWorker, losing: Losing) -> None:
        assert backend.cancel_job("subject").status is JobStatus.CANCELLED
        backend.delete_job("subject")
        assert losing.waiting() == []
        assert losing.direct.list_jobs(JobFilter()) == []

    each_answer_of(lambda fake_worker: fake_worker.make(JobStatus.QUEUED), act)


def test_many_jobs_are_changed_once(each_answer_of: Callable[..., None]) -> None:
    """Each of several is queued again once, and deleted, and said to be."""

    def act(backend: JobQueueBackend, fake_worker: FakeWorker, losing: Losing) -> None:
        ids = ["subject", "other"]
        queued = backend.change_jobs("retry", ids)
        assert [job.status for job in queued if isinstance(job, Job)] == [JobStatus.QUEUED] * 2
        assert losing.waiting() == ids
        deleted = backend.change_jobs("delete", ids)
        assert [job.id for job in deleted if isinstance(job, Job)] == ids
        assert losing.direct.list_jobs(JobFilter()) == []

    def prepare(fake_worker: FakeWorker) -> None:
        for job_id in ("subject", "other"):
            fake_worker.make(JobStatus.FAILED, job_id)

    each_answer_of(prepare, act)


def test_a_loss_is_counted_once(each_answer_of: Callable[..., None]) -> None:
    """A job given back is in the queue once, with one loss."""

    def act(backend: JobQueueBackend, fake_worker: FakeWorker, losing: Losing) -> None:
        backend.requeue_lost(first_claim(fake_worker), "gone")
        job = losing.direct.get_job("subject")
        assert (job.status, job.worker_losses) == (JobStatus.QUEUED, 1)
        assert losing.waiting() == ["subject"]

    each_answer_of(running, act)


def test_a_beat_tells_what_is_held(each_answer_of: Callable[..., None]) -> None:
    """A heartbeat whose answer is lost is given again; the beat has moved on."""

    def act(backend: JobQueueBackend, fake_worker: FakeWorker, losing: Losing) -> None:
        before = losing.direct.beats()[fake_worker.name]
        assert backend.heartbeat(fake_worker.name).held == {"subject": (1, False)}
        assert losing.direct.beats()[fake_worker.name] > before

    each_answer_of(running, act)


def test_a_claim_that_nobody_heard_of_is_named_by_the_next_beat(
    each_answer_of: Callable[..., None],
) -> None:
    """A claim is not sent twice: its job is told by the heartbeat, and runs once given back."""

    def prepare(fake_worker: FakeWorker) -> None:
        fake_worker.backend.add_job(spec("subject"))
        fake_worker.backend.add_job(spec("other"))

    def act(backend: JobQueueBackend, fake_worker: FakeWorker, losing: Losing) -> None:
        try:
            claims = backend.claim(fake_worker.name, 1, ["default"])
        except BackendUnreachable:
            claims = []
        held = losing.direct.heartbeat(fake_worker.name).held
        assert len(held) <= 1
        assert sorted([*held, *losing.waiting()]) == ["other", "subject"]
        assert {claim.job_id for claim in claims} <= set(held)
        for job_id, (attempt, _) in held.items():
            assert losing.direct.requeue_lost(
                Claim(job_id, fake_worker.name, attempt, "", None), "unheard"
            )
        assert {claim.job_id for claim in fake_worker.claim(5)} == {"subject", "other"}

    each_answer_of(prepare, act)


@pytest.mark.fault("redis-cut", "redis-cut-inside")
def test_a_worker_on_a_bad_wire_loses_no_job(
    redis_server: RedisServer, make_project: MakeProject, dice: random.Random
) -> None:
    """With an answer in 30 lost, each job is finished or, claimed unheard at the end, queued again.

    A second burst, on a good wire, finds no more than those.
    """
    root = make_project(report=("run: {}\n", "def total() -> int:\n    return 42\n"))
    with LossyProxy(redis_server.port) as proxy:
        setup = OnRedis(root, redis_server.url(port=proxy.port))
        with setup.open() as backend, setup.open(url=redis_server.url()) as direct:
            for number in range(80):
                direct.add_job(spec(f"n-{number}"))
            working = threading.Thread(target=backend.run_worker, args=(WorkerOptions(burst=True),))
            working.start()
            cuts = 0
            while working.is_alive():
                inside = dice.random() < 0.5
                proxy.cut_at(dice.randrange(10, 50), inside=inside)
                eventually(lambda: proxy.has_cut or not working.is_alive())
                cuts += 1
                raised({"redis-cut-inside" if inside else "redis-cut": 1})
            working.join()
            print(f"{cuts} answers lost")
            assert cuts > 3
            assert direct.list_workers() == []
            left = Losing(setup, direct, lambda: None).waiting()
            assert direct.run_worker(WorkerOptions(burst=True)) == len(left) <= cuts
            jobs = direct.list_jobs(JobFilter(limit=1000))
            done = (job.id for job in jobs if job.status is JobStatus.FINISHED)
            compared((f"n-{number}" for number in range(80)), done)
            assert {job.status for job in jobs} == {JobStatus.FINISHED}
            assert len(jobs) == 80
