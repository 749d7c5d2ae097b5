"""A dashboard that really listens, for tests that ask it as a browser does."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from flowerpower.pipeline import PipelineManager
from flowerpower_cli.web.server import make_server, open_socket
from flowerpower_cli.web.site import Site
from tests.conftest import MakeProject

REPORT = '''"""A report."""


def raw(source: str) -> list[int]:
    """What was read."""
    print("reading", source)
    return [1, 2, 3]


def total(raw: list[int], factor: int = 2) -> int:
    """The sum of it."""
    return sum(raw) * factor
'''
YAML = "run:\n  inputs: {source: sales.csv}\n"
FORM_TOKEN = re.compile(r'name="form_token" value="([0-9a-f]{64})"')


@dataclass(frozen=True)
class Answer:
    """What the server answered."""

    status: int
    headers: http.client.HTTPMessage
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def location(self) -> str | None:
        return self.headers.get("location")


@dataclass
class Client:
    """A browser without scripts: it keeps cookies, and sends forms as a page of ours would."""

    port: int
    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self, method: str, path: str, body: str | None = None, /, **headers: str | None
    ) -> Answer:
        """One request; a header that is None is not sent."""
        sent: dict[str, str | None] = {"accept": "text/html", **self.headers}
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={text}" for name, text in self.cookies.items())
        sent |= {name.replace("_", "-"): text for name, text in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.putrequest(method, path, skip_host="host" in sent)
            for name, text in sent.items():
                if text is not None:
                    connection.putheader(name, text)
            content = (body or "").encode()
            if body is not None:
                connection.putheader("content-type", "application/x-www-form-urlencoded")
                connection.putheader("content-length", str(len(content)))
            connection.endheaders(content if body is not None else None)
            response = connection.getresponse()
            for line in response.headers.get_all("set-cookie") or []:
                name, _, text = line.partition(";")[0].partition("=")
                self.cookies[name] = text
            return Answer(response.status, response.headers, response.read().decode())
        finally:
            connection.close()

    def get(self, path: str, /, **headers: str | None) -> Answer:
        return self.ask("GET", path, **headers)

    def page(self, path: str) -> str:
        """The text of a page, as it is shown: HTML."""
        answer = self.get(path)
        assert answer.status == 200, answer.text
        return answer.text

    def form_token(self, path: str = "/") -> str:
        """The token of a form of the page."""
        found = FORM_TOKEN.search(self.get(path).text)
        assert found
        return found[1]

    def send(self, path: str, /, **fields: str) -> Answer:
        """A form of a page of ours, sent as our script sends it."""
        body = urlencode({"form_token": self.form_token(), **fields})
        headers: Mapping[str, Any] = {"origin": self.origin, "accept": "application/json"}
        return self.ask("POST", path, body, **headers)


def words_of(page: str) -> str:
    """The text of a page without its tags, each blank once."""
    text = re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL)
    return " ".join(unescape(text).split())


@dataclass(frozen=True)
class Running:
    """A dashboard that runs, the project's manager, and errors that are defects."""

    client: Client
    manager: PipelineManager
    unexpected: list[Exception] = field(default_factory=list)


@contextmanager
def running(root: Path, *, token: str | None = None, read_only: bool = False) -> Iterator[Running]:
    """A dashboard of the project at `root`, in a thread."""
    manager = PipelineManager(root, quiet=True)
    listener = open_socket("127.0.0.1", 0)
    port = listener.getsockname()[1]
    unexpected: list[Exception] = []
    server = make_server(
        Site(manager), port, token=token, read_only=read_only, on_unexpected=unexpected.append
    )
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        await server.serve(sockets=[listener])

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        yield Running(Client(port), manager, unexpected)
    finally:
        loops[0].call_soon_threadsafe(server.stop)
        thread.join(30)
        listener.close()
        manager.close()
    assert not thread.is_alive()
    assert unexpected == []


@pytest.fixture
def project(make_project: MakeProject) -> Path:
    """A project with the pipeline `report`."""
    return make_project(report=(YAML, REPORT))


@pytest.fixture
def dashboard(project: Path) -> Iterator[Running]:
    """A dashboard of that project."""
    with running(project) as started:
        yield started


@pytest.fixture
def client(dashboard: Running) -> Client:
    """A browser that knows nothing yet."""
    return dashboard.client
