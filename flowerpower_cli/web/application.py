"""The dashboard as a web application: addresses, forms, errors."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, quote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import (
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route
from starlette.types import ASGIApp

from flowerpower.errors import (
    BackendUnreachable,
    ConfigError,
    FlowerpowerError,
    NotFound,
    Refused,
    UsageError,
)
from flowerpower.pipeline.metrics import CONTENT_TYPE
from flowerpower.text import mask, visible
from flowerpower_cli.web import health
from flowerpower_cli.web.actions import Form, act
from flowerpower_cli.web.live import Found, Live
from flowerpower_cli.web.pages.addresses import page_at
from flowerpower_cli.web.rendering import HERE, Links, Page, Rendered, Renderer, style_sheet
from flowerpower_cli.web.security import FORM_COOKIE, FORM_FIELD, Guard, OnUnexpected, Rules
from flowerpower_cli.web.site import Reading, Site

THREADS = 4
"""Threads that read the queue; each has a connection of its own to SQLite."""
MAX_FORM = 1_000_000
"""Bytes."""
MAX_FIELDS = 1000
REFUSED_TOKEN_DELAY = 1.0
"""Seconds before a wrong token is answered."""
STATUS_CODES: dict[type[FlowerpowerError], int] = {
    NotFound: 404,
    UsageError: 400,
    Refused: 409,
    BackendUnreachable: 503,
    ConfigError: 500,
}
STATIC = {
    "live.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}


class Dashboard:
    """The pages of a project, and what answers their forms.

    `on_unexpected` is called with an error that is a defect.

    Attributes:
        app: the application, guarded by the `rules`.
    """

    def __init__(self, site: Site, rules: Rules, on_unexpected: OnUnexpected) -> None:
        self._site = site
        self._rules = rules
        self._renderer = Renderer(Links(), site.zone)
        # Starlette's own threads come and go, and each would leave a connection behind.
        self._threads = ThreadPoolExecutor(THREADS, "dashboard")
        # Acts and pages of pipelines may have to wait for modules to be imported: not the others.
        self._slow_threads = ThreadPoolExecutor(THREADS, "dashboard-imports")
        self.live = Live(
            lambda: Reading(site, waits=False), self._look, self._in_thread, on_unexpected
        )
        self._style = style_sheet()
        routes = [
            Route("/static/{name}", self._static),
            Route("/sign-in", self._sign_in_page, methods=["GET"]),
            Route("/sign-in", self._sign_in, methods=["POST"]),
            Route("/sign-out", self._sign_out, methods=["POST"]),
            Route("/events", self._events),
            Route("/healthz", self._healthz),
            Route("/metrics", self._metrics),
            Route("/jobs/{name}/log", self._log),
            Route("/{kind}/{name}/{verb}", self._act, methods=["POST"]),
            Route("/{path:path}", self._page, methods=["GET"]),
        ]
        inner = Starlette(routes=routes, lifespan=self._lifespan)
        inner.add_exception_handler(FlowerpowerError, self._error)
        inner.add_exception_handler(Exception, self._unexpected)
        self.app: ASGIApp = Guard(inner, rules, on_unexpected)

    @contextlib.asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        looking = asyncio.create_task(self.live.run())
        yield
        self.live.close()
        looking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await looking
        for pool in (self._threads, self._slow_threads):
            pool.shutdown(wait=True, cancel_futures=True)

    async def _in_thread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)

    async def _in_slow_thread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._slow_threads, function, *arguments)

    # Pages

    async def _page(self, request: Request) -> Response:
        cookie = request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(24)
        address = _address(request)

        def read() -> Rendered:
            reading = Reading(self._site)
            return self._rendered(page_at(reading, address), address, cookie, now=reading.now)

        is_slow = address.startswith("/pipelines/")
        rendered = await (self._in_slow_thread if is_slow else self._in_thread)(read)
        response = Response(rendered.text, media_type="text/html")
        if FORM_COOKIE not in request.cookies:
            _set_cookie(response, request, FORM_COOKIE, cookie)
        return response

    def _rendered(self, page: Page, address: str, cookie: str, now: datetime | None) -> Rendered:
        return self._renderer.render(
            page.template, page=page, project=self._site.name, address=address,
            form_token=self._rules.form_token(cookie), acts=not self._rules.read_only,
            signed_in=self._rules.token is not None, now=now, **page.values,
        )  # fmt: skip

    def _look(self, reading: Reading, address: str, attempt: int, seq: int) -> Found:
        """A page for a stream, whose browsers have the tokens of their forms already."""
        page = page_at(reading, f"{address}{'&' if '?' in address else '?'}after={attempt}.{seq}")
        # Without the time, how long a job has run is left to the script: else it would be new
        # each time.
        parts = dict(self._rendered(page, address, "", now=None).parts)
        job, log = page.values.get("job"), page.values.get("log")
        if job is None or log is None:
            return Found(parts)
        return Found(parts, page.values["attempt"], tuple(log.chunks))

    async def _log(self, request: Request) -> Response:
        """The whole log of an attempt, as plain text."""
        job_id = request.path_params["name"]
        text = request.query_params.get("attempt", "")

        def read() -> str:
            job = self._site.manager.jobs.get(job_id)
            self._site.learn_secrets([job.pipeline])
            return visible(mask(job.log(_number(text) or None)))

        return PlainTextResponse(await self._in_thread(read))

    async def _events(self, request: Request) -> Response:
        if self.live.is_full:
            return PlainTextResponse("Too many pages are open.\n", status_code=503)
        values = request.query_params
        attempt, seq = (_number(values.get(name, "")) for name in ("attempt", "seq"))
        stream = self.live.stream(values.get("address", "/"), attempt, seq)
        return StreamingResponse(stream, media_type="text/event-stream")

    async def _static(self, request: Request) -> Response:
        name = request.path_params["name"]
        cached = {"cache-control": "no-cache"}
        if name == "style.css":
            return Response(self._style, media_type="text/css", headers=cached)
        if name not in STATIC:
            return PlainTextResponse("There is no such file.\n", status_code=404)
        content = (HERE / "static" / name).read_bytes()
        return Response(content, media_type=STATIC[name], headers=cached)

    # Acting

    async def _act(self, request: Request) -> Response:
        form = await self._form(request)
        if self._rules.read_only:
            raise _Forbidden("The dashboard was started with --read-only: it changes nothing.")
        kind, name, verb = (request.path_params[key] for key in ("kind", "name", "verb"))
        done = await self._in_slow_thread(act, self._site, kind, name, verb, form)
        self.live.wake()
        if _wants_json(request):
            body = {"message": visible(mask(done.message)), "location": done.location}
            return JSONResponse(body)
        return RedirectResponse(done.location, status_code=303)

    async def _form(self, request: Request) -> Form:
        """The fields of a form that was sent by a page of ours."""
        try:
            self._rules.check_origin(request.headers)
            form = await _read_form(request)
            self._rules.check_form(request.cookies, form.pop(FORM_FIELD, ""))
        except Refused as error:
            raise _Forbidden(error.message, hint=error.hint) from None
        return form

    async def _sign_in_page(self, request: Request) -> Response:
        return self._sign_in_form(request, "")

    async def _sign_in(self, request: Request) -> Response:
        form = await self._form(request)
        if not self._rules.is_token(form.get("token", "").strip()):
            await asyncio.sleep(REFUSED_TOKEN_DELAY)
            return self._sign_in_form(request, "This is not the token.", status_code=403)
        response = RedirectResponse("/", status_code=303)
        _set_cookie(response, request, self._rules.session_cookie, self._rules.new_session())
        return response

    def _sign_in_form(self, request: Request, message: str, status_code: int = 200) -> Response:
        cookie = request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(24)
        rendered = self._renderer.render(
            "sign_in.html", project=self._site.name, message=message,
            form_token=self._rules.form_token(cookie),
        )  # fmt: skip
        response = Response(rendered.text, media_type="text/html", status_code=status_code)
        _set_cookie(response, request, FORM_COOKIE, cookie)
        return response

    async def _sign_out(self, request: Request) -> Response:
        await self._form(request)
        response = RedirectResponse("/sign-in", status_code=303)
        response.delete_cookie(self._rules.session_cookie)
        return response

    # For programs

    async def _healthz(self, _request: Request) -> Response:
        body, is_healthy = await self._in_thread(health.health, self._site)
        return JSONResponse(body, status_code=200 if is_healthy else 503)

    async def _metrics(self, _request: Request) -> Response:
        text = await self._in_thread(health.metrics, self._site)
        return Response(text, media_type=CONTENT_TYPE)

    # Errors

    async def _error(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, FlowerpowerError)
        codes = [code for kind, code in STATUS_CODES.items() if isinstance(error, kind)]
        status_code = 403 if isinstance(error, _Forbidden) else codes[0] if codes else 500
        if _wants_json(request):
            body = {
                "code": error.code,
                "message": visible(mask(str(error))),
                "hint": visible(mask(error.hint or "")),
            }
            return JSONResponse({"error": body}, status_code=status_code)
        rendered = self._renderer.render(
            "error.html", page=Page("error.html", "Error", ""), project=self._site.name,
            error=error, signed_in=False, address="", form_token="", acts=False,
        )  # fmt: skip
        return Response(rendered.text, media_type="text/html", status_code=status_code)

    async def _unexpected(self, request: Request, _error: Exception) -> Response:
        said = FlowerpowerError(
            "Something unexpected went wrong.",
            hint="The dashboard has printed where the details are.",
        )
        return await self._error(request, said)


class _Forbidden(Refused, code="forbidden"):
    """The rules of the dashboard do not allow it."""


def _address(request: Request) -> str:
    """The path and the query as they were sent."""
    path: bytes = request.scope.get("raw_path") or quote(request.url.path).encode()
    query: bytes = request.scope["query_string"]
    return (path.partition(b"?")[0] + (b"?" + query if query else b"")).decode("latin-1")


def _number(text: str) -> int:
    """The number in an address; 0 if it is none."""
    return int(text[:15]) if text.isascii() and text.isdigit() else 0


def _wants_json(request: Request) -> bool:
    return "application/json" in request.headers.get("accept", "")


def _set_cookie(response: Response, request: Request, name: str, value: str) -> None:
    response.set_cookie(
        name, value, httponly=True, samesite="strict", secure=request.url.scheme == "https"
    )


async def _read_form(request: Request) -> dict[str, str]:
    content = b""
    async for piece in request.stream():
        content += piece
        if len(content) > MAX_FORM:
            raise UsageError(f"The form is larger than {MAX_FORM // 1_000_000} MB.")
    try:
        text = content.decode("utf-8")
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except ValueError:
        raise UsageError("The form cannot be read.") from None
