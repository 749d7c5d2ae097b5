"""Pages that are sent one after another, each made while the one before is on its way."""

import threading
from collections.abc import Iterator

import pytest

from flowerpower.job_queue.rq.sent_ahead import sent_ahead


@pytest.mark.parametrize("count", [0, 1, 2, 3, 10])
def test_each_page_comes_with_its_answer(count: int) -> None:
    """In their order, and never two at once."""
    sent: list[int] = []
    busy = threading.Lock()

    def send(page: int) -> int:
        assert busy.acquire(blocking=False)
        sent.append(page)
        busy.release()
        return page * 10

    answers = list(sent_ahead(send, iter(range(count))))
    assert answers == [(page, page * 10) for page in range(count)]
    assert sent == list(range(count))


def test_the_next_page_is_made_while_one_is_on_its_way() -> None:
    """The server need not wait for it."""
    third_is_made = threading.Event()

    def pages() -> Iterator[int]:
        yield from (0, 1)
        third_is_made.set()
        yield 2

    def send(page: int) -> bool:
        return page != 1 or third_is_made.wait(30)

    assert [answer for _, answer in sent_ahead(send, pages())] == [True] * 3


def test_after_a_failure_nothing_is_sent() -> None:
    """Its error is the caller's; what was answered before has come."""
    sent: list[int] = []
    answers: list[int] = []

    def send(page: int) -> int:
        sent.append(page)
        if page == 2:
            raise ConnectionError("gone")
        return page

    with pytest.raises(ConnectionError, match="gone"):
        answers.extend(answer for _, answer in sent_ahead(send, iter(range(9))))
    assert sent == [0, 1, 2]
