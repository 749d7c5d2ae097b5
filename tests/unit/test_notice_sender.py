"""A sender beside a queue: what has happened arrives, whatever its targets do."""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flowerpower.job_queue import JobQueueManager
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.job_queue.notices import sender as sender_module
from flowerpower.job_queue.notices.sender import NoticeSender
from flowerpower.jobs.claim import FinishRequest
from flowerpower.jobs.notice import NewDelivery, Notice
from flowerpower.jobs.schedule import Origin, ScheduleSpec
from flowerpower.triggers import clock
from flowerpower.triggers.make import make_trigger
from tests.conditions import eventually, slowed
from tests.conftest import MakeProject
from tests.contract.fake_worker import FAILED, FINISHED, FakeWorker, spec
from tests.http_receiver import Receiver, odd_server, receiver, refusing_url

HOOK = "name: demo\nnotify: {{on: [failed, lost, missed, recovered], to: {{webhook: '{}'}}}}\n"


@pytest.fixture(autouse=True)
def _short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (
        ("LOOK_EVERY", 0.05), ("GROUP_SECONDS", 0.2), ("FIRST_DELAY", 0.2), ("RETRY_SECONDS", 0.1),
        ("HOLD_SECONDS", 1.0), ("LEASE", 60.0),
    ):  # fmt: skip
        monkeypatch.setattr(sender_module, name, seconds)


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


class Place:
    """A project with a queue in memory, a worker of it, and a sender."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.troubles: list[str] = []
        self.queue: JobQueueBackend = JobQueueManager(base_dir=root, url=f"sqlite:///{root}/q.db")
        self.worker = FakeWorker(self.queue)

    def sender(self) -> NoticeSender:
        started = NoticeSender(self.queue, self.troubles.append)
        started.start()
        return started

    def end(self, *job_ids: str, pipeline: str = "report", end: Any = FAILED) -> None:
        for job_id in job_ids:
            self.queue.add_job(spec(job_id, pipeline=pipeline))
        claims = self.worker.claim(len(job_ids))
        requests = [FinishRequest(one, end, tell_finished=True) for one in claims]
        assert all(self.queue.finish_many(requests))

    def is_quiet(self) -> bool:
        """Whether nothing is left to be sent."""
        return not self.queue.events() and not self.queue.notices.waiting()

    def configure(self, text: str) -> None:
        (self.root / "conf" / "project.yml").write_text(text)


MakePlace = Callable[..., Place]


@pytest.fixture
def make_place(make_project: MakeProject) -> Iterator[MakePlace]:
    with contextlib.ExitStack() as stack:

        def make(project: str, **pipelines: tuple[str, str]) -> Place:
            place = Place(make_project(project, **pipelines))
            stack.callback(place.queue.close)
            return place

        yield make


@contextlib.contextmanager
def sending(place: Place) -> Iterator[NoticeSender]:
    running = place.sender()
    try:
        yield running
    finally:
        running.stop()


def test_what_fails_together_is_one_notice(server: Receiver, make_place: MakePlace) -> None:
    """And nothing is left of it."""
    place = make_place(HOOK.format(server.url))
    place.end(*(f"j{number}" for number in range(100)))
    with sending(place):
        eventually(lambda: server.received)
        eventually(place.is_quiet)
    (request,) = server.received
    assert request.json["title"] == "demo: 100 jobs failed: report (100)"
    assert place.troubles == []


def test_a_notice_that_fails_is_sent_again_with_its_id(
    server: Receiver, make_place: MakePlace
) -> None:
    """Until it arrives; each failure is said, without the address."""
    server.answers = [(500, {}), (503, {"Retry-After": "1"})]
    place = make_place(HOOK.format(f"{server.url}/hook-0123456789"))
    place.end("j1")
    with sending(place):
        eventually(place.is_quiet)
    assert len(server.received) == 3
    assert len({request.headers["x-flowerpower-id"] for request in server.received}) == 1
    assert len(place.troubles) == 2
    assert "answered 500 Internal Server Error: ok. Trying again in" in place.troubles[0]
    assert "webhook at 127.0.0.1" in place.troubles[0]
    assert "0123456789" not in "".join(place.troubles)


def test_a_target_that_hangs_holds_up_no_other(make_place: MakePlace, server: Receiver) -> None:
    """Nor the sender: it stops in time, and leaves the rest to others."""
    with odd_server() as hanging:
        place = make_place(
            "name: demo\nnotify:\n"
            f"  - {{on: failed, to: [{{webhook: '{hanging}'}}, {{webhook: '{server.url}'}}]}}\n"
        )
        place.end("j1")
        with sending(place) as running:
            eventually(lambda: server.received)
            place.end("j2")
            eventually(lambda: len(server.received) == 2)
            began = time.monotonic()
            running.stop()
            assert time.monotonic() - began < slowed(sender_module.STOP_SECONDS)
        assert {one.attempts for one in place.queue.notices.waiting()} <= {0, 1}
        assert len(place.queue.notices.waiting()) == 2


def test_the_last_notices_are_sent_at_the_end(
    server: Receiver, make_place: MakePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without waiting for others to group them with; unless it is urgent."""
    monkeypatch.setattr(sender_module, "GROUP_SECONDS", 600.0)
    place = make_place(HOOK.format(server.url))
    running = place.sender()
    place.end("j1")
    running.stop()
    assert len(server.received) == 1
    assert place.is_quiet()
    running = place.sender()
    place.end("j2")
    running.stop(lambda: True)
    assert len(place.queue.events()) == 1


def test_a_notice_is_given_up_in_the_end(
    make_place: MakePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a day; it is kept with its error."""
    monkeypatch.setattr(sender_module, "GIVE_UP_AFTER", 1.0)
    place = make_place(HOOK.format(refusing_url()))
    place.end("j1")
    with sending(place):
        eventually(place.queue.notices.given_up)
    (given_up,) = place.queue.notices.given_up()
    assert given_up.error == "Connection refused"
    assert place.is_quiet()
    assert "It is given up." in place.troubles[-1]


def test_what_is_no_longer_configured_is_dropped(server: Receiver, make_place: MakePlace) -> None:
    """And said: what a queue names is never called."""
    place = make_place(HOOK.format(server.url))
    for target in ("0" * 24, server.url):
        notice = Notice(f"n-{len(target)}", "failed", 1, {"report": 1, "../x": 2}, [{}])
        assert place.queue.notices.plan([], [NewDelivery(target, notice)])
    ping = Notice("p", "ping", 1, {"report": 1}, [{"facts": {"schedule_id": "x", "pipeline": "y"}}])
    assert place.queue.notices.plan([], [NewDelivery("0" * 24, ping, "lane")])
    with sending(place):
        eventually(place.is_quiet)
    assert server.received == []
    assert len([text for text in place.troubles if "no longer configured" in text]) == 3


def test_a_wrong_file_holds_notices_until_it_is_right(
    server: Receiver, make_place: MakePlace
) -> None:
    """Of the project; of a pipeline only for a while."""
    place = make_place(HOOK.format(server.url), report=("notify: [", ""))
    place.configure("notify: [")
    place.end("j1")
    with sending(place):
        eventually(lambda: place.troubles)
        assert "conf/project.yml" in place.troubles[0]
        assert len(place.queue.events()) == 1
        place.configure(HOOK.format(server.url))
        eventually(lambda: server.received)
        eventually(place.is_quiet)
    assert any("Who is told of report cannot be read" in text for text in place.troubles)


def test_a_variable_that_is_not_set_is_said(make_place: MakePlace) -> None:
    """Nothing is lost meanwhile."""
    place = make_place(HOOK.format("${NO_SUCH_HOOK_URL}"))
    place.end("j1")
    with sending(place):
        eventually(lambda: place.troubles)
    assert "NO_SUCH_HOOK_URL is not set" in place.troubles[0]
    assert len(place.queue.events()) == 1


def test_without_notices_events_go_by_themselves(make_place: MakePlace) -> None:
    """Nobody reads them; and without a project likewise."""
    place = make_place("name: demo\n")
    place.end("j1", "j2")
    with sending(place):
        eventually(place.is_quiet)
    (place.root / "conf" / "project.yml").unlink()
    place.end("j3")
    with sending(place):
        eventually(place.is_quiet)
    assert place.troubles == []


def test_a_schedule_is_pinged(server: Receiver, make_place: MakePlace) -> None:
    """In the order in which its jobs have ended, also if one ping has to be sent again."""
    config = f"schedule: {{id: nightly, interval: 1h, ping: '{server.url}/x'}}\n"
    place = make_place("name: demo\n", report=(config, ""))
    trigger = make_trigger(interval="1h", timezone="UTC")
    place.queue.schedules.add(ScheduleSpec("report", trigger, id="nightly", origin=Origin.CONFIG))
    server.answers = [(500, {})]
    for number, end in enumerate((FAILED, FINISHED, FINISHED)):
        fire = {"schedule_id": "nightly", "scheduled_for": clock.after(clock.now(), number)}
        place.queue.add_job(spec(f"f{number}", **fire))
        claim = place.worker.take()
        assert place.queue.finish_many([FinishRequest(claim, end, tell_finished=True)]) == [True]
    with sending(place):
        eventually(place.is_quiet)
    assert server.paths == ["/x/fail", "/x/fail", "/x", "/x"]


def test_two_senders_send_each_notice_once(server: Receiver, make_place: MakePlace) -> None:
    """Side by side, while jobs fail."""
    place = make_place(HOOK.format(server.url))
    with sending(place), sending(place):
        for number in range(12):
            place.end(f"j{number}")
            time.sleep(0.05)
        eventually(place.is_quiet)
    ids = [request.json["id"] for request in server.received]
    assert len(ids) == len(set(ids))
    assert sum(request.json["count"] for request in server.received) == 12


def test_a_backend_that_fails_stops_no_sender(
    server: Receiver, make_place: MakePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was sent and could not be recorded is recorded later, and not sent again."""
    place = make_place(HOOK.format(server.url))
    place.end("j1")
    store = place.queue.notices
    delivered, failures = store.delivered, [0]

    def fail_at_first(delivery: Any) -> None:
        failures[0] += 1
        if failures[0] < 3:
            raise OSError("no disk")
        delivered(delivery)

    monkeypatch.setattr(store, "delivered", fail_at_first)
    with sending(place):
        eventually(place.is_quiet)
    assert len(server.received) == 1
    assert any("no disk" in text for text in place.troubles)


def test_a_sender_leaves_no_thread_and_no_descriptor(
    server: Receiver, make_place: MakePlace
) -> None:
    """After many notices."""
    place = make_place(HOOK.format(server.url))
    before: list[int] = []
    with sending(place):
        for number in range(8):
            place.end(f"j{number}")
            eventually(place.is_quiet)
            before.append(len(os.listdir("/proc/self/fd")))
    eventually(lambda: not [one for one in threading.enumerate() if one.name.startswith("notice")])
    assert before[-1] <= before[0] + 2
