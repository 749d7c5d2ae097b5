"""What a child sends and prints, request by request: through real pipes, without a process."""

from __future__ import annotations

import itertools
import os
import select
import signal
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from flowerpower.job_queue.worker.attempt import Attempt, StopReason
from flowerpower.job_queue.worker.child import Channel, _send_outcome
from flowerpower.job_queue.worker.child_pipes import Child, LogPart
from flowerpower.job_queue.worker.follow import follow
from flowerpower.job_queue.worker.fork_server_client import ChildEnded
from flowerpower.job_queue.worker.json_lines import parse_lines
from flowerpower.job_queue.worker.permits import Permits
from flowerpower.job_queue.worker.pooled_child import LONGEST_BEFORE, PooledChild
from flowerpower.job_queue.worker.prefetch import MAX_AHEAD
from flowerpower.job_queue.worker.wakeup import WakeUp
from flowerpower.jobs.claim import Claim
from flowerpower.triggers import clock

MARK = b"\0mark\xff\nab\0mark!"


class Ends:
    """A child's ends, and its worker's, in one process."""

    def __init__(self) -> None:
        own, childs = socket.socketpair()
        (progress, childs_progress), (log, self.log) = os.pipe(), os.pipe()
        os.set_blocking(childs_progress, False)
        self.permits = Permits()
        self.child = Child(1, own, progress, log, self.permits)
        self.channel = Channel(childs.detach(), childs_progress, os.dup(self.permits.reader))
        self.put_back: list[Attempt] = []
        self.wakeup = WakeUp()
        self.held = PooledChild(
            self.child, self.wakeup, lambda *_: None, lambda some: self.put_back.extend(some)
        )

    def give(self, *attempts: Attempt, has_next: bool = False, tells: str = "") -> None:
        """Send requests of these attempts at once; the last one has no mark, or has a next one."""
        for one in attempts:
            one.begin(1, self.held.wake)
            name, marked = one.claim.job_id, has_next or one is not attempts[-1]
            self.held.prepare(one, {"job": name}, has_next=marked, tells=name == tells)
        self.held.send()

    def make(self, text: bytes = b"") -> dict[str, Any]:
        """Be the child for one request."""
        request = self.channel.next_request()
        assert request is not None
        self.channel.send_event({"type": "settings", "job": request["job"]}, may_wait=True)
        os.write(self.log, text + bytes.fromhex(request.get("mark", "")))
        _send_outcome(self.channel, request, {}, kept=True)
        return request

    def read(self) -> list[dict[str, Any]]:
        self.child.read_urgent()
        self.child.read_progress()
        return [*parse_lines(self.child.take_progress()), *self.child.take_urgent()]


@pytest.fixture
def ends() -> Iterator[Ends]:
    made = Ends()
    yield made
    made.child.close()
    made.wakeup.close()
    made.channel._socket.close()
    for pipe in (made.log, made.channel._progress, made.channel._permits):
        os.close(pipe)


def attempt(name: str) -> Attempt:
    return Attempt(Claim(name, "worker", 1, "report", {}), clock.monotonic())


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_a_log_ends_at_its_mark_however_it_is_read(size: int) -> None:
    """Also if a mark comes in pieces, and text begins as a mark does."""
    texts = [b"one\0mark\xff", b"", b"\0mark\xff\nab\0mar", b"\0\0mark\xff\nab\0mark"]
    data = b"".join(text + MARK for text in texts) + b"last\0mark"
    log = LogPart()
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    found = []
    for text, at in itertools.zip_longest(texts, range(len(texts) + 1)):
        log.begin(MARK if at < len(texts) else b"")
        taken = b""
        while not log.is_complete and pieces:
            log.add(pieces.pop(0))
            taken += log.take(to_end=False)
        found.append(taken + log.take(to_end=True))
        assert text is None or found[-1] == text
    assert found == [*texts, b"last\0mark"]


def test_each_attempt_has_what_was_sent_and_printed_of_it(ends: Ends) -> None:
    """All is read at once here; of a later one nothing is shown before the worker turns to it."""
    first, second, third = attempts = [attempt(name) for name in ("a", "b", "c")]
    ends.give(*attempts)
    requests = [ends.make(text) for text in (b"of a\n", b"", b"of c\n")]
    assert [request["job"] for request in requests] == ["a", "b", "c"]
    assert ["mark" in request for request in requests] == [True, True, False]
    for expected, text in ((first, b"of a\n"), (second, b""), (third, b"of c\n")):
        assert ends.held.turn_to_next() is expected
        messages = ends.read()
        assert [one["type"] for one in messages] == ["settings", "outcome"]
        assert messages[0]["job"] == expected.claim.job_id
        assert messages[0]["began"] == messages[1]["began"] <= messages[1]["ended"]
        assert ends.child.read_log() == text
    assert ends.held.turn_to_next() is None


def test_the_worker_is_woken_with_the_last_outcome(ends: Ends) -> None:
    """The others are in the pipe for progress; a child that has no next one tells of them."""
    ends.give(*[attempt(name) for name in "abc"])
    ends.make()
    ends.held.turn_to_next()
    ends.child.read_urgent()
    assert ends.child.take_urgent() == []
    assert ends.held.hold_back(attempt("x")) is False
    ends.held.take_back()
    # It has the other two requests, and finds that they are not its own any more.
    ends.channel._socket.settimeout(0.2)
    assert ends.channel.next_request() is None
    assert [one.claim.job_id for one in ends.put_back] == ["b", "c"]
    ends.child.read_urgent()
    assert [one["type"] for one in ends.child.take_urgent()] == ["look"]
    assert [one["type"] for one in ends.read()] == ["settings", "outcome"]


@pytest.mark.parametrize("why", ["long", "timeout", "stop", "stop of another"])
def test_what_waits_is_taken_back(ends: Ends, why: str) -> None:
    """When the first takes long or is stopped, or one of the others is; all that has not begun."""
    first, second, third = attempts = [attempt(name) for name in "abc"]
    ends.give(*attempts)
    assert ends.channel.next_request() is not None
    assert ends.held.turn_to_next() is first
    first.began = clock.monotonic() + 60
    assert not ends.held.hold_back(first)
    if why == "long":
        first.began = clock.monotonic() - LONGEST_BEFORE
    elif why == "timeout":
        first.began, first.timeout = clock.monotonic() - 0.02, 0.001
    else:
        (first if why == "stop" else third).stop(StopReason.CANCEL)
    assert ends.held.hold_back(first)
    assert (ends.put_back, ends.held.is_ahead) == ([second, third], False)
    assert not ends.held.hold_back(first)
    # The child goes on with what comes later.
    ends.channel.send_outcome({"type": "outcome", "kept": True}, may_wait=True)
    ends.give(third)
    request = ends.channel.next_request()
    assert request is not None
    assert request["job"] == "c"


def test_an_attempt_that_the_child_has_begun_is_not_taken_back(ends: Ends) -> None:
    """The worker lags behind: it follows the first while the second runs."""
    first, second, third = attempts = [attempt(name) for name in "abc"]
    ends.give(*attempts)
    ends.make()
    assert ends.channel.next_request() is not None
    assert ends.held.turn_to_next() is first
    first.stop(StopReason.CANCEL)
    assert ends.held.hold_back(first)
    assert ends.put_back == [third]
    # Then its outcome is there: nobody sends a signal, which the second would get.
    assert [one["type"] for one in ends.read()] == ["settings", "outcome"]
    assert ends.held.turn_to_next() is second


def test_an_end_is_known_to_each_attempt_that_it_concerns(ends: Ends) -> None:
    """The child dies, and the worker lags behind: the outcome of the first comes before that."""
    first, second = attempt("a"), attempt("b")
    ends.give(first, second)
    ends.make()
    assert ends.channel.next_request() is not None
    ends.held.ended = ChildEnded(1, -signal.SIGKILL, lost=False)
    ends.held.wake()
    assert ends.held.turn_to_next() is first
    outcome = follow(first, ends.held)
    assert not isinstance(outcome, ChildEnded)
    assert outcome["type"] == "outcome"
    assert ends.held.turn_to_next() is second
    assert select.select([ends.held], [], [], 0)[0], "it would wait for ever"
    assert follow(second, ends.held) == ends.held.ended


def test_the_end_of_one_in_the_middle_wakes_the_worker(ends: Ends) -> None:
    """So that it can give further ones before the child has made all that it has."""
    ends.give(*[attempt(name) for name in "abcd"], tells="b", has_next=True)
    for wakes in (False, True, False):
        ends.make()
        ends.child.read_urgent()
        assert bool(ends.child._urgent) is wakes
        ends.child._urgent.clear()
        ends.held.turn_to_next()
    assert ends.held.room == MAX_AHEAD - 1


def test_a_child_has_room_again_before_it_has_made_all(ends: Ends) -> None:
    """Not while most still wait, nor where its last log has no end, or what waited was taken."""
    attempts = [attempt(str(number)) for number in range(9)]
    ends.give(*attempts, has_next=True)
    room = []
    while ends.held.turn_to_next() is not None:
        room.append(ends.held.room)
    assert room == [0, 0, 0, 0, 4, 5, 6, 7, 8]
    ends.give(attempt("a"), attempt("b"))
    assert ends.held.turn_to_next() is not None
    assert ends.held.room == 0
    ends.give(attempt("c"), attempt("d"), has_next=True)
    assert ends.held.room == 5
    ends.held.take_back()
    assert ends.held.room == 0


def test_lines_of_no_request_stop_nobody(ends: Ends) -> None:
    """A job may write into the pipes of its child, and name any number."""
    ends.give(attempt("a"), attempt("b"))
    for line in (b'{"request":99,"type":"x"}', b'{"request":123456789012345678', b"\xff", b"{}"):
        os.write(ends.channel._progress, line + b"\n")
        ends.channel._socket.sendall(line + b"\n")
    ends.make()
    ends.make()
    for name in "ab":
        ends.held.turn_to_next()
        messages = ends.read()
        assert [one["job"] for one in messages if one.get("type") == "settings"] == [name]
        assert [one.get("type") for one in messages].count("outcome") == 1


def test_what_comes_late_of_an_earlier_request_is_of_nobody(ends: Ends) -> None:
    """Such as the event of a thread that the first job has left behind."""
    ends.give(attempt("a"), attempt("b"))
    ends.make()
    os.write(ends.channel._progress, b'{"request":1,"type":"node"}\n{"type":"node"}\n')
    ends.make()
    ends.held.turn_to_next()
    ends.held.turn_to_next()
    assert [one.get("request") for one in ends.read()] == [None, 2, 2]


def test_what_comes_between_two_requests_is_of_neither(ends: Ends) -> None:
    """Text of a process that a job has left behind, say."""
    ends.give(attempt("a"))
    ends.make(b"of a")
    ends.held.turn_to_next()
    assert len(ends.read()) == 2
    assert ends.child.read_log() == b"of a"
    os.write(ends.log, b"late")
    ends.held.forget_output()
    ends.give(attempt("b"))
    ends.make(b"of b")
    ends.held.turn_to_next()
    assert ends.child.read_log() == b"of b"
