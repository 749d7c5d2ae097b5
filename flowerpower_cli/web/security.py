"""Who may read a page, and who may act: hosts, sign-in, forms that are our own, headers.

A page on another host must not be able to reach the dashboard through a user's browser. Three
things hinder it: the Host header must be one of ours (a name that was rebound to 127.0.0.1 is
not), a form carries a token that only our pages have, and its Origin is our own.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import socket
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flowerpower.errors import Refused

TOKEN_VARIABLE = "FLOWERPOWER_DASHBOARD_TOKEN"  # noqa: S105 - the name of a variable
MIN_TOKEN = 16
"""Characters of a token: a shorter one can be found by trying."""
SESSION_SECONDS = 12 * 3600
FORM_COOKIE = "flowerpower_form"
FORM_FIELD = "form_token"
PUBLIC_PATHS = ("/sign-in", "/healthz", "/static/")
"""What needs no sign-in. /healthz is for probes: it says codes of problems, and nothing else."""
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


OnUnexpected = Callable[[Exception], None]


@dataclass(frozen=True)
class Rules:
    """What a server allows.

    `hosts` are names that the Host header may have, besides localhost and addresses; with a `token`
    a reader has to sign in; `read_only` refuses every act.
    """

    port: int
    token: str | None = field(default=None, repr=False)
    hosts: Collection[str] = ()
    read_only: bool = False
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    @property
    def session_cookie(self) -> str:
        """The cookie's name; cookies of a host are shared by its ports, and so by dashboards."""
        return f"flowerpower_session_{self.port}"

    def is_our_host(self, header: str | None) -> bool:
        """Whether a Host header names this machine: by an address, or by a name of ours."""
        name = _host_name(header or "")
        if name in ("localhost", *(host.lower() for host in self.hosts)):
            return True
        try:
            # A page of another host can be rebound to any address, but keeps its name.
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def is_token(self, text: str) -> bool:
        """Whether `text` is the token; it takes the same time for every wrong one."""
        return self.token is not None and hmac.compare_digest(_digest(text), _digest(self.token))

    def new_session(self) -> str:
        """The value of the cookie of somebody who has signed in."""
        until = str(int(time.time()) + SESSION_SECONDS)
        return f"{until}.{self._signature('session', until)}"

    def is_session(self, cookie: str) -> bool:
        """Whether `new_session` made that value, and it has not expired."""
        until, _, signature = cookie.partition(".")
        is_ours = hmac.compare_digest(
            signature.encode(), self._signature("session", until).encode()
        )
        return is_ours and int(until) > time.time()

    def form_token(self, cookie: str) -> str:
        """What a form of a page must send that was read with this cookie."""
        return self._signature("form", cookie)

    def _signature(self, purpose: str, text: str) -> str:
        return hmac.new(self._key, f"{purpose}:{text}".encode(), hashlib.sha256).hexdigest()

    def is_signed_in(self, headers: Headers, cookies: Mapping[str, str]) -> bool:
        """Whether a request may read: by its cookie, or by a token in the Authorization header."""
        if self.token is None or self.is_session(cookies.get(self.session_cookie, "")):
            return True
        scheme, _, credentials = headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and self.is_token(credentials.strip())

    def check_origin(self, headers: Headers) -> None:
        """Raise Refused if a form was sent by a page of another origin."""
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        # Because of our Referrer-Policy, browsers send `Origin: null` with a form without a script;
        # then only Sec-Fetch-Site says where it comes from.
        is_known = origin is not None and origin != "null"
        is_own = (
            urlsplit(origin or "").netloc.lower() == (headers.get("host") or "").lower()
            if is_known
            else site == "same-origin"
        )
        if not is_own or site not in (None, "same-origin"):
            raise Refused("This form was not sent by a page of the dashboard.")

    def check_form(self, cookies: Mapping[str, str], token: str) -> None:
        """Raise Refused if the form has not the token of a page of this server."""
        cookie = cookies.get(FORM_COOKIE, "")
        expected = self.form_token(cookie)
        if not cookie or not hmac.compare_digest(expected.encode(), token.encode()):
            raise Refused(
                "This page is older than the dashboard that runs now, or its cookie is gone.",
                hint="Reload the page and try again.",
            )


def _digest(text: str) -> bytes:
    # Of equal length, so that not even the token's length shows.
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


def _host_name(header: str) -> str:
    """The name in a Host header; empty if it is none."""
    try:
        name = urlsplit(f"//{header}").hostname
    except ValueError:
        name = None
    return "" if name is None or set(header) & set("@/?#") else name.rstrip(".")


def own_names() -> set[str]:
    """The names of this machine, as other machines may call it."""
    return {socket.gethostname().lower(), socket.getfqdn().lower()}


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server that listens there."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Guard:
    """Refuses requests that the rules do not allow, and gives every answer its headers.

    `on_unexpected` is called with an error that is a defect.
    """

    def __init__(self, app: ASGIApp, rules: Rules, on_unexpected: OnUnexpected) -> None:
        self._app = app
        self._rules = rules
        self._on_unexpected = on_unexpected

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        answer = self._refusal(Request(scope)) or self._app
        try:
            await answer(scope, receive, send_with_headers)
        except Exception as error:  # noqa: BLE001 - it was answered; uvicorn would print a traceback
            self._on_unexpected(error)

    def _refusal(self, request: Request) -> Response | None:
        path = request.url.path
        # A probe calls the server by any name, and learns nothing that a rebound page could use.
        if path != "/healthz" and not self._rules.is_our_host(request.headers.get("host")):
            return PlainTextResponse(
                "The dashboard does not know this host name; start it with --allow-host NAME.\n",
                status_code=421,
            )
        if path.startswith(PUBLIC_PATHS):
            return None
        if not self._rules.is_signed_in(request.headers, request.cookies):
            if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
                return RedirectResponse("/sign-in", status_code=303)
            return PlainTextResponse("Sign in first.\n", status_code=401)
        return None
