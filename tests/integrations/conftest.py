"""Fixtures for what talks to optional packages, all of it on this machine."""

from __future__ import annotations

import http.server
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from tests.conditions import eventually, slowed
from tests.integrations.descendants import descendants
from tests.terminal import Cli


@pytest.fixture(autouse=True)
def _long_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster of many processes takes a while to start where many tests run."""
    monkeypatch.setattr("tests.terminal.TIMEOUT", 150.0)


@pytest.fixture
def cli(cli: Cli) -> Cli:
    """The command line, each command in an interpreter that nothing else has run in.

    Clusters start processes of their own out of it.
    """
    return cli.freshly()


@pytest.fixture
def nothing_left() -> Iterator[Callable[[], None]]:
    """Fails if a process lives that did not when the test began; also called at its end."""
    before = set(descendants())

    def new() -> dict[int, str]:
        return {pid: name for pid, name in descendants().items() if pid not in before}

    def check() -> None:
        try:
            eventually(lambda: not new(), slowed(5))
        except AssertionError:
            raise AssertionError(f"left running: {new()}") from None

    yield check
    check()


@pytest.fixture
def mute_port() -> Iterator[int]:
    """The port of a server that takes connections and never says anything."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(100)
        yield server.getsockname()[1]


class _Refusing(http.server.BaseHTTPRequestHandler):
    def refuse(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(500)
        self.send_header("content-length", "0")
        self.end_headers()

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):
            return self.refuse
        raise AttributeError(name)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def refusing_port() -> Iterator[int]:
    """The port of a server that answers everything with 500."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@dataclass
class Proxy:
    """A proxy for all that is not on this machine: it notes what it is asked for, and closes."""

    environ: dict[str, str] = field(default_factory=dict)
    asked: list[bytes] = field(default_factory=list)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """What a process with its variables of the environment calls outside of this machine."""
    proxy = Proxy()

    class Note(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            proxy.asked.append(self.request.recv(1000))

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Note) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        for name in ("http_proxy", "https_proxy"):
            proxy.environ[name] = proxy.environ[name.upper()] = url
        yield proxy
        server.shutdown()
