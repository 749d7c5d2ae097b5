"""The list of jobs, with filters and pages."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

from flowerpower.errors import UsageError
from flowerpower.jobs.job import JobFilter, JobStatus
from flowerpower.pipeline.overrides import due_time
from flowerpower.pipeline.waiting import view_of_status
from flowerpower.text import did_you_mean
from flowerpower.triggers import clock
from flowerpower_cli.web.rendering import Page
from flowerpower_cli.web.site import Query, Reading, Site

PAGE_SIZE = 50
MAX_PAGE = 200
"""The queue finds the newest jobs only, so a page costs as much as all pages before it."""
FILTERS = ("status", "pipeline", "queue", "schedule", "since")


def jobs(reading: Reading, _name: str, query: Query) -> Page:
    """The jobs that meet the conditions of the address, the newest first."""
    site = reading.site
    number = _page_number(query)
    found = site.manager.job_queue.list_jobs(_filter(site, query, number * PAGE_SIZE + 1))
    shown = found[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    site.learn_secrets(job.pipeline for job in shown)
    chosen = {name: _first(query, name) for name in FILTERS}
    return Page(
        "jobs.html",
        "Jobs",
        "jobs",
        {
            "jobs": shown,
            "view": view_of_status(reading.status),
            "statuses": query.get("status") or [],
            "known_statuses": [*JobStatus],
            "chosen": chosen,
            "is_filtered": any(chosen.values()),
            "pipelines": site.manager.list(),
            "queues": [queue.name for queue in reading.status.queues],
            "number": number,
            "newer": _address(query, number - 1) if number > 1 else None,
            "older": _address(query, number + 1) if len(found) > number * PAGE_SIZE else None,
            "is_last_page": number == MAX_PAGE,
        },
    )


def _first(query: Query, name: str) -> str:
    return next(iter(query.get(name) or ()), "").strip()


def _page_number(query: Query) -> int:
    text = _first(query, "page") or "1"
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MAX_PAGE):
        raise UsageError(f"page is {text[:20]!r}: expected 1 to {MAX_PAGE}.")
    return int(text)


def _address(query: Query, number: int) -> str:
    pairs = [(name, value) for name in FILTERS for value in query.get(name) or () if value]
    return f"/jobs?{urlencode([*pairs, ('page', number)])}"


def _filter(site: Site, query: Query, limit: int) -> JobFilter:
    statuses = [text for text in query.get("status") or () if text]
    known = [status.value for status in JobStatus]
    for text in statuses:
        if text not in known:
            raise UsageError(
                f"status is {text[:60]!r}: expected {', '.join(known)}.{did_you_mean(text, known)}"
            )
    since = _first(query, "since")
    return JobFilter(
        frozenset(map(JobStatus, statuses)),
        _first(query, "pipeline") or None,
        _first(query, "queue") or None,
        _first(query, "schedule") or None,
        _since(site, since) if since else None,
        limit,
    )


def _since(site: Site, text: str) -> datetime | None:
    try:
        seconds = clock.parse_duration(text.removesuffix("ago"))
    except UsageError:
        return due_time(site.manager.project, text)
    return clock.after(clock.now(), -seconds)
