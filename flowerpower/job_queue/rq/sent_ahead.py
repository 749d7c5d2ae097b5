"""Sending page after page to a server, and making the next one while it works on one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

Page = TypeVar("Page")
Answer = TypeVar("Answer")


def sent_ahead(
    send: Callable[[Page], Answer], pages: Iterator[Page]
) -> Iterator[tuple[Page, Answer]]:
    """Each page with the answer to it, in their order; a page is sent once the last one's is there.

    `send` is called in another thread if there are several pages. What it raises ends this.
    """
    page, ahead = next(pages, None), next(pages, None)
    if page is None:
        return
    if ahead is None:
        yield page, send(page)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as thread:
        sent = thread.submit(send, page)
        while ahead is not None:
            answer, before = sent.result(), page
            page, sent = ahead, thread.submit(send, ahead)
            # Meanwhile the caller reads this answer, and then the next page is made.
            yield before, answer
            ahead = next(pages, None)
        yield page, sent.result()
