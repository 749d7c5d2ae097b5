"""HTTP requests of notices: with a limit for all of it, and to no other host than was named."""

from __future__ import annotations

import contextlib
import email.utils
import http.client
import socket
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from flowerpower.job_queue.notices.outcome import NotSent
from flowerpower.text import mask, one_line, shortened
from flowerpower.triggers import clock

MAX_ANSWER = 300
"""Bytes of an answer that are read, for the message of a failure."""
MAX_REDIRECTS = 3
_REDIRECTS = (301, 302, 307, 308)


class _Deadline:
    """Shuts down the connections of one request when its time is up.

    The timeout of a socket is for one read: a server that sends a byte now and then would never
    exceed it.
    """

    def __init__(self, seconds: float) -> None:
        self.is_over = False
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> _Deadline:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def watch(self, connection: socket.socket) -> None:
        """Shut down this one too."""
        self._sockets.append(connection)

    def _end(self) -> None:
        self.is_over = True
        for connection in self._sockets:
            with contextlib.suppress(OSError):
                # Not SSLSocket's own, which forgets its state under the reader's feet.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Follows redirects within a host, with the same request: no other host gets the notice."""

    max_redirections = MAX_REDIRECTS

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: Any,  # noqa: ARG002 - the base's signature
        code: int,
        msg: str,  # noqa: ARG002
        headers: Any,  # noqa: ARG002
        newurl: str,
    ) -> urllib.request.Request | None:
        """The request again for a new path; None, and so an error, for anything else."""
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        is_same = old.hostname == new.hostname and (
            (old.scheme, old.port) == (new.scheme, new.port)
            or (old.scheme, new.scheme) == ("http", "https")
        )
        if code not in _REDIRECTS or not is_same:
            return None
        method = req.get_method()
        return urllib.request.Request(newurl, req.data, req.headers, method=method)  # noqa: S310


def _opener(deadline: _Deadline) -> urllib.request.OpenerDirector:
    class Http(http.client.HTTPConnection):
        def connect(self) -> None:
            super().connect()
            deadline.watch(self.sock)

    class Https(http.client.HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            deadline.watch(self.sock)

    class HttpHandler(urllib.request.HTTPHandler):
        def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(Http, req)

    class HttpsHandler(urllib.request.HTTPSHandler):
        def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(Https, req, context=ssl.create_default_context())

    # None but these: the standard ones would open files too.
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        HttpHandler(),
        HttpsHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _SameHost(),
    ):
        opener.add_handler(handler)
    return opener


def request(
    method: str,
    url: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = 30.0,
) -> None:
    """Send a request; returns once it was answered with success.

    Raises:
        NotSent: with the reason, without the URL, and how long to wait if the server says so.
    """
    headers = {"User-Agent": "flowerpower", **(headers or {})}
    with _Deadline(timeout) as deadline:
        try:
            # Its scheme was checked with the configuration, and the opener knows no other.
            sent = urllib.request.Request(url, body, headers, method=method)  # noqa: S310
            with _opener(deadline).open(sent, timeout=timeout) as answer:
                answer.read(MAX_ANSWER)
        except urllib.error.HTTPError as error:
            with error:
                raise NotSent(
                    _answered(error), _retry_after(error.headers.get("Retry-After"))
                ) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            if deadline.is_over or isinstance(error, TimeoutError):
                raise NotSent(f"no answer within {timeout:g} s") from None
            raise NotSent(_reason(error)) from None


def _answered(error: urllib.error.HTTPError) -> str:
    text = ""
    with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
        text = error.read(MAX_ANSWER).decode("utf-8", "replace").strip()
    if 300 <= error.code < 400:
        return f"answered {error.code}: a redirect to another place, which is not followed"
    words = one_line(mask(shortened(text, 200)))
    return one_line(f"answered {error.code} {error.reason}") + (f": {words}" if words else "")


def _retry_after(value: str | None) -> float | None:
    """Seconds that the server asks to wait, in either form of the header."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit() and len(text) < 7:
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text)
        return max(0.0, (moment - clock.now()).total_seconds())
    except (TypeError, ValueError):
        return None


def _reason(error: BaseException) -> str:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    if isinstance(cause, ConnectionResetError | BrokenPipeError):
        return "the connection was closed without an answer"
    if isinstance(cause, OSError) and cause.strerror:
        return f"{cause.strerror}"
    return one_line(mask(str(cause))) or type(cause).__name__
