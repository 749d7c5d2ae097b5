"""What a browser hears of a page that is open."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from tests.web.conftest import Client

Event = tuple[str, Any]


@contextmanager
def listening(
    client: Client, address: str, *, attempt: int = 0, seq: int = 0
) -> Iterator[Iterator[Event]]:
    """The events of a page, as a browser hears them that has a log until `seq`."""
    connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=60)
    query = urlencode({"address": address, "attempt": attempt, "seq": seq})
    connection.request("GET", f"/events?{query}")
    response = connection.getresponse()
    assert response.status == 200
    assert response.headers["content-type"].startswith("text/event-stream")

    def events() -> Iterator[Event]:
        name = ""
        for line in response:
            text = line.decode().rstrip("\n")
            if text.startswith("event: "):
                name = text.removeprefix("event: ")
            elif text.startswith("data: "):
                yield name, json.loads(text.removeprefix("data: "))

    try:
        yield events()
    finally:
        connection.close()
        response.close()


def parts_of(events: Iterator[Event], name: str) -> str:
    """The next text of a part."""
    return next(body[name] for kind, body in events if kind == "parts" and name in body)
