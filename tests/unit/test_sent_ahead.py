"""Pages that are sent one after another, each made while the one before is on its way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import redis
from redis.exceptions import NoScriptError

from flowerpower.job_queue.rq.sent_ahead import SentScript, sent_ahead


@dataclass
class Wire:
    """Takes pages, and keeps what happens in its order; the page `fault` gets no answer."""

    fault: int = -1
    happened: list[tuple[str, int]] = field(default_factory=list)

    def pages(self, count: int) -> Iterator[int]:
        for page in range(count):
            self.happened.append(("made", page))
            yield page

    def send(self, page: int) -> OnWire:
        self.happened.append(("sent", page))
        return OnWire(self, page)

    def answer_of(self, sent: OnWire) -> int:
        if sent.page == self.fault:
            raise ConnectionError("gone")
        self.happened.append(("answered", sent.page))
        return sent.page * 10


@dataclass
class OnWire:
    """A page that was sent."""

    wire: Wire
    page: int

    def forget(self) -> None:
        self.wire.happened.append(("forgotten", self.page))


@pytest.mark.parametrize("count", [0, 1, 2, 3, 10])
def test_each_page_comes_with_its_answer(count: int) -> None:
    """In their order, and never two at once."""
    wire = Wire()
    answers = list(sent_ahead(wire.send, wire.answer_of, wire.pages(count)))
    assert answers == [(page, page * 10) for page in range(count)]
    on_the_way = [entry for entry in wire.happened if entry[0] in ("sent", "answered")]
    assert on_the_way == [(what, page) for page in range(count) for what in ("sent", "answered")]


def test_the_next_page_is_made_while_one_is_on_its_way() -> None:
    """And the caller has the answer before last while the last page is on its way."""
    wire = Wire()
    for page, _ in sent_ahead(wire.send, wire.answer_of, wire.pages(3)):
        wire.happened.append(("had", page))
    assert wire.happened[:9] == [
        ("made", 0), ("sent", 0), ("made", 1), ("answered", 0), ("sent", 1), ("had", 0),
        ("made", 2), ("answered", 1), ("sent", 2),
    ]  # fmt: skip


def test_after_a_failure_nothing_is_sent() -> None:
    """Its error is the caller's; what was answered before has come."""
    wire = Wire(fault=2)
    answers: list[int] = []
    with pytest.raises(ConnectionError, match="gone"):
        answers.extend(answer for _, answer in sent_ahead(wire.send, wire.answer_of, wire.pages(9)))
    assert answers == [0, 10]
    assert [page for what, page in wire.happened if what == "sent"] == [0, 1, 2]


def test_what_is_on_its_way_is_forgotten_if_the_next_page_cannot_be_made() -> None:
    """Its answer would be that of the next command."""
    wire = Wire()

    def pages() -> Iterator[int]:
        yield 0
        raise ValueError("no page")

    with pytest.raises(ValueError, match="no page"):
        list(sent_ahead(wire.send, wire.answer_of, pages()))
    assert wire.happened == [("sent", 0), ("forgotten", 0)]


class Script:
    """What the package redis has registered: answers with `again`, to whom it is sent again."""

    sha = "sha"

    def __init__(self, *, answer: Any = "first", on_send: Exception | None = None) -> None:
        self.registered_client = self
        self.connection_pool = self
        self.free = True
        self.disconnected = False
        self._answer = answer
        self._on_send = on_send

    def __call__(self, args: list[str]) -> list[str]:
        assert self.free
        return ["again", *args]

    def get_connection(self) -> Script:
        self.free = False
        return self

    def release(self, connection: Script) -> None:
        assert connection is self
        self.free = True

    def send_command(self, *command: Any) -> None:
        assert command == ("EVALSHA", "sha", 0, "a")
        if self._on_send is not None:
            raise self._on_send

    def read_response(self) -> Any:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer

    def disconnect(self) -> None:
        self.disconnected = True


def test_a_script_gives_its_connection_back() -> None:
    """Once its answer was read; to forget it then changes nothing."""
    script = Script()
    sent = SentScript(script, ["a"])
    assert not script.free
    assert sent.answer() == "first"
    sent.forget()
    assert (script.free, script.disconnected) == (True, False)


@pytest.mark.parametrize("error", [redis.ConnectionError("gone"), NoScriptError("no script")])
def test_a_script_whose_answer_is_lost_is_sent_again(error: Exception) -> None:
    """And one that this Redis does not know, which the client then tells it."""
    assert SentScript(Script(answer=error), ["a"]).answer() == ["again", "a"]


def test_a_script_that_cannot_be_sent_is_sent_again() -> None:
    """By its client, which tries as often as it does."""
    script = Script(on_send=redis.ConnectionError("gone"))
    assert SentScript(script, ["a"]).answer() == ["again", "a"]
    assert script.disconnected


@pytest.mark.parametrize(
    "error", [redis.TimeoutError("silent"), redis.ResponseError("no"), redis.ReadOnlyError("no")]
)
def test_other_errors_are_those_of_the_caller(error: Exception) -> None:
    """They are not tried again, and the connection is given back."""
    script = Script(answer=error)
    sent = SentScript(script, ["a"])
    with pytest.raises(type(error)):
        sent.answer()
    assert script.free
    script = Script(on_send=redis.TimeoutError("silent"))
    with pytest.raises(redis.TimeoutError):
        SentScript(script, ["a"])
    assert script.free


def test_an_answer_that_nobody_wants_is_that_of_no_other_command() -> None:
    """The connection is closed before it is given back."""
    script = Script()
    SentScript(script, ["a"]).forget()
    assert (script.free, script.disconnected) == (True, True)
