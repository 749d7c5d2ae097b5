"""A real HTTP server that keeps what it gets, and answers as a test wants it."""

from __future__ import annotations

import contextlib
import http.server
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Received:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """What came, in order; `answers` are status and headers of the next ones, then 200."""

    port: int
    scheme: str = "http"
    received: list[Received] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    says: bytes = b"ok"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def paths(self) -> list[str]:
        return [one.path for one in self.received]


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 100


CERTIFICATE = Path(__file__).parent / "localhost.pem"


def _tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


@contextlib.contextmanager
def receiver(*, with_tls: bool = False) -> Iterator[Receiver]:
    """One that listens on this machine, with a certificate that nobody knows if `with_tls`."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(size)
            if len(body) < size:
                # Its sender was killed in the midst of it.
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            with lock:
                kept.received.append(Received(self.command, self.path, headers, body))
                status, more = kept.answers.pop(0) if kept.answers else (200, {})
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(kept.says)))
            with contextlib.suppress(ConnectionError):
                self.end_headers()
                self.wfile.write(kept.says)

        do_POST = do_GET  # noqa: N815 - http.server looks for methods of these names

    lock = threading.Lock()
    server = _Server(("127.0.0.1", 0), Handler)
    if with_tls:
        server.socket = _tls().wrap_socket(server.socket, server_side=True)
    kept = Receiver(server.server_address[1], "https" if with_tls else "http")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def odd_server(
    *, closes: bool = False, drips: bytes = b"", with_tls: bool = False
) -> Iterator[str]:
    """The URL of a server that never answers, `closes` at once, or `drips` a byte now and then."""
    server = socket.create_server(("127.0.0.1", 0))
    has_ended = threading.Event()
    connections: list[socket.socket] = []

    def serve() -> None:
        while not has_ended.is_set():
            with contextlib.suppress(OSError):
                connection, _ = server.accept()
                if with_tls:
                    connection = _tls().wrap_socket(connection, server_side=True)
                connections.append(connection)
                if closes:
                    connection.close()
                for position in range(len(drips)):
                    if has_ended.wait(0.05):
                        break
                    connection.send(drips[position : position + 1])

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http{'s' * with_tls}://127.0.0.1:{server.getsockname()[1]}"
    finally:
        has_ended.set()
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()
        for connection in connections:
            connection.close()
        thread.join(5)


def refusing_url() -> str:
    """The URL of a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"
