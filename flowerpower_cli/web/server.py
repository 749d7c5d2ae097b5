"""The process of the dashboard: its address, its token, its signals."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import uvicorn

from flowerpower.errors import FlowerpowerError, UsageError
from flowerpower_cli.web.application import Dashboard
from flowerpower_cli.web.security import (
    MIN_TOKEN,
    TOKEN_VARIABLE,
    OnUnexpected,
    Rules,
    is_loopback,
    own_names,
)
from flowerpower_cli.web.site import Site

END_SIGNALS = (signal.SIGINT, signal.SIGTERM)
GRACE = 2
"""Seconds that open connections may take to end."""


def read_token(file: Path | None, environ_token: str | None) -> str | None:
    """The token in a file, or else that of the environment; None without one.

    Raises:
        UsageError: if it cannot be read, or is so short that it could be found by trying.
    """
    token, source = environ_token, TOKEN_VARIABLE
    if file is not None:
        source = f"--token-file {file}"
        try:
            token = file.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8"
            raise UsageError(f"{source} cannot be read: {reason}.") from None
    if token is None or (file is None and not token):
        return None
    token = token.strip()
    if len(token) < MIN_TOKEN:
        raise UsageError(
            f"{source}: the token has {len(token)} characters: expected {MIN_TOKEN} or more.",
            hint="Make one: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'",
        )
    return token


def open_socket(host: str, port: int) -> socket.socket:
    """A socket that listens there; of port 0, at a free one.

    Raises:
        FlowerpowerError: if the address is taken, or is none of this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        # Python adds the address to the system's reason; of a name that is not known it has none.
        number = error.errno or 0
        reason = os.strerror(number) if number > 0 else error.strerror
        raise FlowerpowerError(
            f"The dashboard cannot listen at {_netloc(host, port)}: {reason}.",
            hint="Another program may use the port: --port N takes another one, 0 a free one.",
        ) from None


def check_address(host: str, token: str | None) -> None:
    """Raise UsageError if others could reach the dashboard without a token."""
    if token is None and not is_loopback(host):
        raise UsageError(
            f"--host {host}: others can reach it there, so it needs a token.",
            hint=f"Set {TOKEN_VARIABLE}, or name a file: --token-file FILE.",
        )


def url_of(host: str, port: int) -> str:
    """The address to open in a browser on this machine."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - it is shown
    return f"http://{_netloc(shown, port)}/"


def _netloc(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def make_server(
    site: Site,
    port: int,
    *,
    token: str | None = None,
    hosts: Collection[str] = (),
    read_only: bool = False,
    on_unexpected: OnUnexpected,
) -> Server:
    """The server for a socket that listens at `port`.

    `on_unexpected` is called with an error that is a defect.
    """
    rules = Rules(port, token, {*hosts, *own_names()}, read_only)
    dashboard = Dashboard(site, rules, on_unexpected)
    config = uvicorn.Config(
        dashboard.app, log_config=None, access_log=False, server_header=False, ws="none",
        lifespan="on", timeout_graceful_shutdown=GRACE, limit_concurrency=500,
    )  # fmt: skip
    return Server(config, dashboard)


def serve(server: Server, listener: socket.socket, announce: Callable[[], None]) -> None:
    """Call `announce`, and answer requests until SIGINT or SIGTERM."""
    # Before anybody can read how to end it: an exception in the first moments of the loop would
    # leave a coroutine behind that nobody awaits.
    previous = {
        number: signal.signal(number, lambda *_: server.end_soon()) for number in END_SIGNALS
    }
    try:
        announce()
        asyncio.run(server.serve(sockets=[listener]))
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


class Server(uvicorn.Server):
    """uvicorn's server, whose streams end when it ends."""

    def __init__(self, config: uvicorn.Config, dashboard: Dashboard) -> None:
        super().__init__(config)
        self._dashboard = dashboard

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Let a signal end it; uvicorn's own raises the signal again, as if it were a failure."""
        # In another thread than the main one, and on Windows, the loop gets no signals.
        with contextlib.suppress(NotImplementedError, RuntimeError):
            for number in END_SIGNALS:
                asyncio.get_running_loop().add_signal_handler(number, self.stop)
        yield

    def end_soon(self) -> None:
        """End, as soon as its loop runs."""
        self.should_exit = True

    def stop(self) -> None:
        """End soon; to be called in its loop."""
        # Otherwise each open page would hold the server until the end of its grace.
        self._dashboard.live.close()
        self.end_soon()
