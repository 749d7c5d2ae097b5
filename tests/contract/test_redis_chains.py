"""Chains, unique jobs and limits on Redis: what RQ's own tools and damaged records do to them."""

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from rq.job import JobStatus as RqStatus

from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.job_queue.rq.claims import limits_json
from flowerpower.job_queue.rq.fields import present
from flowerpower.job_queue.rq.scripts import with_functions
from flowerpower.jobs.chain import GONE, NOT_MET, AfterCondition
from flowerpower.jobs.job import JobStatus
from flowerpower.jobs.limits import Limit, Limits, Room
from tests.contract.fake_worker import FAILED, FakeWorker, spec
from tests.contract.on_redis import OnRedis
from tests.contract.stock import Stock

ONE = Limits({"warehouse": Limit(1)}, {"report": ("warehouse",)})


@pytest.fixture
def backend(redis_place: OnRedis) -> Iterator[JobQueueBackend]:
    with redis_place.open() as opened:
        yield opened


def keys_of(stock: Stock) -> set[str]:
    """The keys of the namespace, without the counts that stay."""
    prefix = f"flowerpower:{stock.namespace}:"
    keys = {key.decode() for key in stock.client.scan_iter(f"*{stock.namespace}*")}
    return keys - {f"{prefix}{name}" for name in ("counts", "counters", "workers", "beats")}


def with_child(backend: JobQueueBackend, condition: AfterCondition) -> None:
    backend.add_job(spec("parent"))
    backend.add_job(spec("child", after=("parent",), after_on=condition))


# Chains


def test_a_waiting_job_is_a_deferred_one_for_rq(backend: JobQueueBackend, stock: Stock) -> None:
    """As RQ's own jobs that depend on others; with its end it leaves that registry."""
    with_child(backend, AfterCondition.SUCCESS)
    assert stock.fetch("child").get_status() is RqStatus.DEFERRED
    assert stock.where("child") == {"deferred"}
    worker = FakeWorker(backend)
    worker.finish(worker.take())
    assert stock.where("child") == {"queue"}


@pytest.mark.parametrize("how", ["cancel", "delete", "empty"])
@pytest.mark.parametrize("condition", [AfterCondition.SUCCESS, AfterCondition.END])
def test_children_learn_what_rqs_tools_did_to_their_parent(
    backend: JobQueueBackend, stock: Stock, how: str, condition: AfterCondition
) -> None:
    """At the latest when a worker tidies up; one that has vanished is gone, not finished."""
    with_child(backend, condition)
    if how == "empty":
        stock.queue.empty()
    else:
        getattr(stock.fetch("parent"), how)()
    backend.prune()
    child = backend.get_job("child")
    assert child.after == {"parent": "cancelled" if how == "cancel" else GONE}
    if condition is AfterCondition.END:
        assert FakeWorker(backend).take().job_id == "child"
    else:
        assert child.status is JobStatus.CANCELLED
        assert (child.error or {})["code"] == NOT_MET


def test_a_parent_that_rq_queues_again_gives_its_children_back(
    backend: JobQueueBackend, stock: Stock
) -> None:
    """As retry-job does, once it is claimed."""
    with_child(backend, AfterCondition.SUCCESS)
    worker = FakeWorker(backend)
    worker.finish(worker.take(), FAILED)
    assert worker.status("child") is JobStatus.CANCELLED
    stock.queue.failed_job_registry.requeue(stock.id("parent"))
    claim = worker.take()
    assert backend.get_job("child").after == {"parent": None}
    assert worker.status("child") is JobStatus.WAITING
    worker.finish(claim)
    assert worker.take().job_id == "child"


@pytest.mark.parametrize("first", ["child", "parent"])
def test_a_child_that_rq_queues_runs_once(
    backend: JobQueueBackend, stock: Stock, first: str
) -> None:
    """Whether its parent ends before it is claimed, or after."""
    with_child(backend, AfterCondition.SUCCESS)
    stock.registry("deferred").requeue(stock.id("child"), at_front=first == "child")
    worker = FakeWorker(backend)
    claims = worker.claim(5)
    assert [claim.job_id for claim in claims] == [first, {"child": "parent"}.get(first, "child")]
    for claim in claims:
        assert worker.finish(claim)
    assert worker.claim(5) == []
    assert backend.get_job("child").status is JobStatus.FINISHED
    assert stock.where("child") == {"finished"}


def test_a_child_that_rq_deletes_leaves_nothing(backend: JobQueueBackend, stock: Stock) -> None:
    """Its parent's end finds nobody, and no count has it."""
    with_child(backend, AfterCondition.SUCCESS)
    stock.client.delete(f"rq:job:{stock.id('child')}")
    backend.prune()
    assert backend.snapshot().queues["default"].counts[JobStatus.WAITING] == 0
    worker = FakeWorker(backend)
    worker.finish(worker.take())
    backend.delete_job("parent")
    backend.unregister_worker(worker.name)
    backend.prune()
    assert {key for key in keys_of(stock) if "child" in key or "parent" in key} == set()


AFTER = [
    b"\xff", "", "[]", "{}", "null", '{"on": "success"}', '{"on": [], "parents": {}}',
    '{"on": "success", "parents": [1]}', '{"on": "never", "parents": {"parent": null}}',
    '{"on": "success", "parents": {"parent": "exploded"}}', "[" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("garbage", AFTER)
def test_a_damaged_child_stops_nobody(
    backend: JobQueueBackend, stock: Stock, garbage: str | bytes
) -> None:
    """Its parent ends, its brother runs, and it is cancelled with the reason."""
    with_child(backend, AfterCondition.SUCCESS)
    backend.add_job(spec("brother", after=("parent",)))
    stock.client.hset(f"rq:job:{stock.id('child')}", "fp_after_parents", garbage)
    worker = FakeWorker(backend)
    assert worker.finish(worker.take())
    assert worker.take().job_id == "brother"
    job = backend.get_job("child")
    assert job.status is JobStatus.CANCELLED
    assert (job.error or {})["code"] == "damaged_record"


def test_a_child_that_is_a_list_stops_nobody(backend: JobQueueBackend, stock: Stock) -> None:
    """Nor do a child that is gone, and a set of children that is none."""
    with_child(backend, AfterCondition.SUCCESS)
    key = f"rq:job:{stock.id('child')}"
    stock.client.delete(key)
    stock.client.rpush(key, "x")
    worker = FakeWorker(backend)
    assert worker.finish(worker.take())
    backend.add_job(spec("other"))
    stock.client.set(f"flowerpower:{stock.namespace}:children:other", "x")
    assert worker.finish(worker.take())
    backend.prune()
    backend.delete_job("parent")
    backend.delete_job("other")


def test_the_order_of_parents_is_kept(backend: JobQueueBackend) -> None:
    """A table of Lua has none, but who reads the record sees them as they were given."""
    names = [f"p-{number}" for number in range(20)]
    random.shuffle(names)
    backend.add_jobs([spec(name) for name in names])
    backend.add_job(spec("child", after=tuple(names)))
    worker = FakeWorker(backend)
    for claim in worker.claim(15):
        worker.finish(claim)
    assert list(backend.get_job("child").after) == names


def test_a_long_chain_falls_in_one_step(backend: JobQueueBackend) -> None:
    """Longer than what Lua may call within calls."""
    backend.add_job(spec("n-0"))
    links = [spec(f"n-{number}", after=(f"n-{number - 1}",)) for number in range(1, 3000)]
    backend.add_jobs(links)
    backend.cancel_job("n-0")
    assert backend.get_job("n-2999").status is JobStatus.CANCELLED
    backend.retry_job("n-0")
    assert backend.get_job("n-2999").status is JobStatus.WAITING


# Limits


def held_back(backend: JobQueueBackend) -> FakeWorker:
    """One job runs, and `held` is parked."""
    backend.add_jobs([spec("running"), spec("held")])
    worker = FakeWorker(backend)
    assert len(backend.claim(worker.name, 2, ["default"], limits=ONE)) == 1
    return worker


def parked(backend: JobQueueBackend) -> int:
    return backend.limit_use(ONE)["warehouse"].parked


def test_a_parked_job_is_shown_by_rq(backend: JobQueueBackend, stock: Stock) -> None:
    """Among the deferred ones; `rq empty` leaves it, and our own counts have it as queued."""
    held_back(backend)
    assert stock.where("held") == {"deferred"}
    stock.queue.empty()
    backend.prune()
    assert parked(backend) == 1
    counts = backend.snapshot().queues["default"].counts
    assert (counts[JobStatus.QUEUED], counts[JobStatus.WAITING]) == (1, 0)
    assert backend.snapshot().queues["default"].blocked == 0


@pytest.mark.parametrize("how", ["cancel", "delete", "vanish"])
@pytest.mark.parametrize("found_by", ["prune", "claim"])
def test_a_parked_job_that_rq_takes_away_leaves_no_ghost(
    backend: JobQueueBackend, stock: Stock, how: str, found_by: str
) -> None:
    """The places are for those that are there."""
    worker = held_back(backend)
    if how == "vanish":
        stock.client.delete(f"rq:job:{stock.id('held')}")
    else:
        getattr(stock.fetch("held"), how)()
    if found_by == "prune":
        backend.prune()
    else:
        assert worker.claim(5) == []
    assert parked(backend) == 0
    assert "deferred" not in stock.where("held")
    assert worker.claim(5) == []


def test_a_parked_job_that_rq_queues_runs_once(backend: JobQueueBackend, stock: Stock) -> None:
    """And waits for room as before."""
    worker = held_back(backend)
    stock.registry("deferred").requeue(stock.id("held"))
    assert backend.claim(worker.name, 2, ["default"], limits=ONE) == []
    assert (parked(backend), stock.where("held")) == (1, {"deferred"})
    stock.registry("deferred").requeue(stock.id("held"))
    assert [claim.job_id for claim in worker.claim(5)] == ["held"]
    assert (parked(backend), stock.where("held")) == (0, {"wip"})
    assert worker.claim(5) == []


def test_a_failed_job_that_rq_queues_again_is_parked_for_good(
    backend: JobQueueBackend, stock: Stock
) -> None:
    """It does not go with the time to live of the failed job."""
    worker = FakeWorker(backend)
    backend.add_job(spec("held"))
    worker.finish(worker.take(), FAILED)
    backend.add_job(spec("running", priority=1))
    assert [claim.job_id for claim in worker.claim(1)] == ["running"]
    stock.queue.failed_job_registry.requeue(stock.id("held"))
    assert backend.claim(worker.name, 2, ["default"], limits=ONE) == []
    backend.prune()
    assert parked(backend) == 1
    assert stock.client.ttl(f"rq:job:{stock.id('held')}") == -1
    assert worker.take().job_id == "held"


def test_what_runs_is_put_right(backend: JobQueueBackend, stock: Stock) -> None:
    """As after an upgrade while jobs ran, and of what is gone."""
    held_back(backend)
    key = f"flowerpower:{stock.namespace}:running"
    stock.client.delete(key)
    stock.client.zadd(key, {"report gone": 0, "garbage": 0})
    backend.prune()
    assert stock.client.zrange(key, 0, -1) == [b"report running"]
    stock.fetch("running").delete()
    backend.heartbeat("worker-1")
    assert stock.client.zrange(key, 0, -1) == []


# The law in two languages

ROOM = """
local counts, starts = args.running, args.starts
local room = new_room(given_limits(), function(pipeline) return counts[pipeline] or 0 end,
                      function(name) return starts[name] or 0 end)
local answers = {}
for position, pipeline in ipairs(args.offers) do answers[position] = room.take(pipeline) and 1 or 0 end
return answers
"""


def test_room_in_lua_is_room_in_python(redis_place: OnRedis, dice: random.Random) -> None:
    """Random limits, jobs that run, and offers: the same of them start."""
    with redis_place.open() as backend:
        client: redis.Redis = backend.connection.client  # type: ignore[attr-defined]
        script = client.register_script(with_functions(ROOM))
        for _ in range(300):
            limits, running, starts = _random_limits(dice)
            offers = [dice.choice([*limits.of_pipeline, "free"]) for _ in range(30)]
            room = Room(limits, running, starts)
            args: dict[str, Any] = {"limits": limits_json(limits), "offers": offers}
            args |= {"running": running, "starts": starts}
            answers = script(args=["rq", "room", "", json.dumps(present(args))])
            expected = [int(room.take(name)) for name in offers]
            assert answers == expected, (limits, running, starts, offers)


def _random_limits(dice: random.Random) -> tuple[Limits, dict[str, int], dict[str, int]]:
    names = ["a", "b", "c", "d"]
    by_name = {
        name: Limit(
            at_once=dice.choice([None, 1, 2, 5]),
            starts=(starts := dice.choice([None, None, 1, 3])),
            seconds=60.0 if starts else 0.0,
        )
        for name in names
    }
    of_pipeline = {
        f"p{number}": tuple(dice.sample(names, dice.randrange(4))) for number in range(6)
    }
    running = {name: dice.randrange(4) for name in of_pipeline if dice.random() < 0.5}
    starts = {name: dice.randrange(3) for name in names}
    return Limits(by_name, of_pipeline), running, starts
