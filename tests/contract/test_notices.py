"""Notices on their way: nothing is lost or taken twice, whoever sends, on every backend."""

import threading

import pytest

from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.job_queue.notice_store import MAX_ERROR
from flowerpower.jobs.notice import NewDelivery, Notice
from tests.conditions import eventually
from tests.contract.backends import BackendSetup
from tests.contract.fake_worker import FAILED, FakeWorker, spec

LEASE = 60.0


def fail(worker: FakeWorker, *job_ids: str) -> None:
    for job_id in job_ids:
        worker.backend.add_job(spec(job_id))
        assert worker.finish(worker.take(), FAILED)


def delivery(notice_id: str, target: str = "there", lane: str | None = None) -> NewDelivery:
    return NewDelivery(target, Notice(notice_id, "failed", 2, {"report": 2}, ({"x": [1]},)), lane)


def add(backend: JobQueueBackend, *deliveries: NewDelivery) -> None:
    assert backend.notices.plan([], deliveries)


def ids(backend: JobQueueBackend) -> list[str]:
    return [one.id for one in backend.notices.waiting()]


def claimed(backend: JobQueueBackend, lease: float = LEASE, *busy: str) -> str | None:
    taken = backend.notices.claim(lease, busy)
    return taken and taken.id


@pytest.mark.in_memory
def test_events_become_deliveries_once(backend: JobQueueBackend, fake_worker: FakeWorker) -> None:
    """Of two senders that have read the same events, the second one changes nothing."""
    fail(fake_worker, "a", "b", "c")
    first, second, third = (event.id for event in backend.events())
    assert backend.notices.plan([first, second], [delivery("one")])
    assert not backend.notices.plan([second, third], [delivery("two")])
    assert [event.id for event in backend.events()] == [third]
    assert ids(backend) == ["one"]
    # Sent again because its answer was lost, and so refused: the delivery is there.
    assert not backend.notices.plan([first, second], [delivery("one")])
    assert ids(backend) == ["one"]
    assert backend.notices.plan([third], [])
    assert backend.events() == []


def test_what_is_to_be_done_is_seen(backend: JobQueueBackend, fake_worker: FakeWorker) -> None:
    """The age of the oldest event, and when the next delivery is due."""
    due = backend.notices.due_in()
    assert (due.event_age, due.delivery) == (None, None)
    fail(fake_worker, "a")
    first = backend.notices.due_in().event_age
    assert first is not None
    assert 0 <= first < 30
    assert eventually(lambda: (backend.notices.due_in().event_age or 0) > first)
    assert backend.notices.plan([event.id for event in backend.events()], [delivery("one")])
    due = backend.notices.due_in()
    assert (due.event_age, due.delivery) == (None, 0)
    assert backend.notices.claim(LEASE) is not None
    due = backend.notices.due_in()
    assert due.delivery is not None
    assert LEASE - 30 < due.delivery <= LEASE


def test_a_delivery_is_stored_as_it_was(backend: JobQueueBackend) -> None:
    """Its notice too, byte for byte."""
    notice = Notice("one", "missed", 3, {"a": 2, "b": 1}, ({"facts": {"text": "ü\n[/]", "n": []}},))
    add(backend, NewDelivery("there", notice))
    taken = backend.notices.claim(LEASE)
    assert taken is not None
    assert taken.notice == Notice(
        "one", "missed", 3, {"a": 2, "b": 1}, [{"facts": {"text": "ü\n[/]", "n": []}}]
    )
    assert (taken.target, taken.attempts, taken.error, taken.given_up_at) == (
        "there",
        1,
        None,
        None,
    )
    assert taken.to_json()["notice"]["count"] == 3


def test_a_claimed_delivery_is_one_senders_for_its_lease(backend: JobQueueBackend) -> None:
    """Then another one takes it, as after a kill; and counts one more attempt."""
    add(backend, delivery("one"))
    assert claimed(backend, 0.3) == "one"
    assert claimed(backend) is None
    again = eventually(lambda: backend.notices.claim(LEASE))
    assert (again.id, again.attempts) == ("one", 2)


def test_a_delivered_one_is_gone(backend: JobQueueBackend) -> None:
    """Also if its lease was over, and another sender has claimed it since."""
    add(backend, delivery("one"), delivery("two"))
    slow = backend.notices.claim(0.0)
    assert slow is not None
    taken = eventually(lambda: backend.notices.claim(LEASE, ()))
    other = taken if taken.id == slow.id else backend.notices.claim(LEASE)
    assert other is not None
    backend.notices.delivered(slow)
    backend.notices.delivered(slow)
    assert slow.id not in ids(backend)
    assert not backend.notices.postpone(other, "too late", 1)
    assert len(ids(backend)) == 1


def test_a_failed_one_is_postponed(backend: JobQueueBackend) -> None:
    """With its error; who has lost the lease changes nothing."""
    add(backend, delivery("one"))
    first = backend.notices.claim(0.0)
    assert first is not None
    second = eventually(lambda: backend.notices.claim(LEASE))
    assert not backend.notices.postpone(first, "of the first", 0)
    assert not backend.notices.give_up(first, "of the first")
    assert backend.notices.postpone(second, "e" * 10_000, 3600)
    (waiting,) = backend.notices.waiting()
    assert waiting.error is not None
    assert len(waiting.error) == MAX_ERROR
    assert claimed(backend) is None
    due = backend.notices.due_in().delivery
    assert due is not None
    assert 3000 < due <= 3600
    add(backend, delivery("two"))
    taken = backend.notices.claim(LEASE)
    assert taken is not None
    assert backend.notices.postpone(taken, "later", 0.2)
    assert eventually(lambda: claimed(backend)) == "two"


def test_one_that_was_given_up_is_kept_for_its_history(setup: BackendSetup) -> None:
    """Nobody sends it again; the last one comes first, and in time they go by themselves."""
    with setup.open(history_ttl=1.5) as backend:
        add(backend, delivery("one", lane="x"), delivery("two", lane="x"))
        for name in ("one", "two"):
            taken = backend.notices.claim(LEASE)
            assert taken is not None
            assert taken.id == name
            assert backend.notices.give_up(taken, f"{name} is gone")
        assert claimed(backend) is None
        assert ids(backend) == []
        given_up = backend.notices.given_up()
        assert [(one.id, one.error) for one in given_up] == [
            ("two", "two is gone"),
            ("one", "one is gone"),
        ]
        assert all(one.given_up_at is not None and one.send_at is None for one in given_up)
        assert [one.id for one in backend.notices.given_up(1)] == ["two"]
        assert backend.notices.given_up(0) == []
        assert backend.notices.due_in().delivery is None
        eventually(lambda: backend.notices.given_up() == [])
        backend.prune()


def test_a_busy_target_is_left_out(backend: JobQueueBackend) -> None:
    """The others are sent meanwhile."""
    add(backend, delivery("a1", "a"), delivery("a2", "a"), delivery("b1", "b"))
    assert claimed(backend, LEASE, "a") == "b1"
    assert claimed(backend, LEASE, "a", "b") is None
    assert claimed(backend, LEASE, "b") in ("a1", "a2")


def test_a_lane_keeps_its_order(backend: JobQueueBackend) -> None:
    """The next one waits for the one before, also while that is postponed; lanes are apart."""
    add(backend, *(delivery(f"x{n}", "x", "x") for n in range(3)), delivery("y0", "y", "y"))
    add(backend, delivery("x3", "x", "x"))
    first = backend.notices.claim(LEASE)
    assert first is not None
    assert first.id == "x0"
    assert backend.notices.postpone(first, "later", 0.3)
    assert claimed(backend) == "y0"
    assert claimed(backend) is None
    sent = []
    for _ in range(4):
        taken = eventually(lambda: backend.notices.claim(LEASE))
        sent.append(taken.id)
        backend.notices.delivered(taken)
    assert sent == ["x0", "x1", "x2", "x3"]


def test_the_oldest_waits_first(backend: JobQueueBackend) -> None:
    """As many as are asked for."""
    for number in range(4):
        add(backend, delivery(f"n{number}"))
    assert ids(backend) == ["n0", "n1", "n2", "n3"]
    assert [one.id for one in backend.notices.waiting(2)] == ["n0", "n1"]
    assert backend.notices.waiting(0) == []


def test_two_senders_never_claim_the_same(setup: BackendSetup) -> None:
    """Each claims until nothing is left, at the same time as the other."""
    with setup.open() as backend:
        names = [f"n{number:02}" for number in range(40)]
        add(backend, *(delivery(name, name) for name in names))
        taken: list[str] = []

        def drain() -> None:
            with setup.open() as own:
                misses = 0
                while misses < 5:
                    one = own.notices.claim(LEASE)
                    misses += one is None
                    taken.extend([one.id] if one else [])

        threads = [threading.Thread(target=drain) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(taken) == names


def test_of_senders_that_plan_at_once_one_does(setup: BackendSetup) -> None:
    """The others change nothing, and wait for nobody."""
    with setup.open() as backend:
        fail(FakeWorker(backend), *(f"j{number}" for number in range(20)))
        events = [event.id for event in backend.events()]
        at_once, answers = threading.Barrier(4), []

        def plan(number: int) -> None:
            with setup.open() as own:
                at_once.wait()
                answers.append(own.notices.plan(events, [delivery(f"of-{number}")]))

        threads = [threading.Thread(target=plan, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers) == [False, False, False, True]
        assert len(ids(backend)) == 1
        assert backend.events() == []


def test_namespaces_are_apart(setup: BackendSetup, backend: JobQueueBackend) -> None:
    """Of two projects in one place, neither sends the other's notices."""
    add(backend, delivery("one"))
    with setup.open(namespace="elsewhere") as other:
        assert other.notices.claim(LEASE) is None
        assert other.notices.waiting() == []


def test_a_damaged_notice_stops_nobody(setup: BackendSetup, backend: JobQueueBackend) -> None:
    """It is read without its content."""
    add(backend, delivery("one"))
    database = getattr(backend, "database", None)
    if database is not None:
        with database.write() as tx:
            tx.execute("UPDATE flowerpower_deliveries SET body = 'x'", {})
    else:
        backend._store.command("hset", backend._store.key("delivery:one"), "body", b"\xff")  # type: ignore[attr-defined]
    taken = backend.notices.claim(LEASE)
    assert taken is not None
    assert (taken.id, taken.notice) == ("one", None)
