"""From a page's values to HTML: Jinja, and what its templates may use.

Every value that a template shows comes from users: secrets in it are masked, control characters
shown as escapes, and all that has a meaning in HTML is escaped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from flowerpower.pipeline.waiting import QueueView, waits_for
from flowerpower.run.draw import page as drawing
from flowerpower.text import mask, visible
from flowerpower.triggers import clock
from flowerpower.triggers.clock import format_duration
from flowerpower_cli.views.job_list import waiting_note
from flowerpower_cli.views.jobs import (
    error_summary,
    local_time,
    short_id,
    short_time,
)
from flowerpower_cli.views.status import next_start
from flowerpower_cli.web.ansi import colored

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

HERE = Path(__file__).parent
GLYPHS = {
    "finished": "✓",
    "failed": "✗",
    "cancelled": "⊘",
    "running": "▸",
    "waiting": "◌",
    "queued": "…",
    "scheduled": "◷",
    "enqueued": "•",
    "skipped": "-",
    "missed": "!",
    "interrupted": "⊘",
    "active": "▸",
    "paused": "‖",
    "done": "✓",
    "disabled": "-",
}
"""A sign for each status, because a colour alone says nothing to some."""


@dataclass(frozen=True)
class Page:
    """What a page shows: `template` with `values`; `section` is its place in the navigation."""

    template: str
    title: str
    section: str
    values: Mapping[str, Any] = field(default_factory=dict)


class Links:
    """Where the pages of the dashboard are."""

    def job(self, job_id: str) -> str | None:
        """The page of a job; None if there is none."""
        return f"/jobs/{quote(job_id, safe='')}"

    def jobs(self, status: str) -> str:
        """The list of the jobs of a status."""
        return f"/jobs?status={status}"

    def section(self, name: str) -> str:
        """The list of workers or schedules."""
        return f"/{name}"

    def schedule(self, schedule_id: str) -> str | None:
        """The page of a schedule."""
        return f"/schedules/{quote(schedule_id, safe='')}"

    def pipeline(self, name: str) -> str | None:
        """The page of a pipeline."""
        return f"/pipelines/{quote(name, safe='')}"


class Renderer:
    """Renders templates, with times in the project's `zone`.

    If it `is_live`, what may change has an id, so that a script finds it.
    """

    def __init__(self, links: Links, zone: ZoneInfo, *, is_live: bool = True) -> None:
        self._zone = zone
        self._is_live = is_live
        self._environment = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            finalize=_shown,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals |= {
            "glyphs": GLYPHS,
            "h": 2,
            "key": self._key,
            "link": links,
            "linked": _linked,
        }
        self._environment.filters |= {
            "ansi": colored,
            "data": _data,
            "duration": lambda seconds: "" if seconds is None else format_duration(seconds),
            "error_summary": error_summary,
            "short_id": short_id,
            "next_start": next_start,
            "status": _status,
            "waits": lambda job, view=None: waiting_note(waits_for(job, view or QueueView())),
            "when": self._when,
            "when_long": self._when_long,
        }

    def render(self, template: str, **values: Any) -> Rendered:
        """The text of a template, and its live parts."""
        parts: dict[str, str] = {}

        def live(name: str, caller: Callable[[], str]) -> Markup:
            parts[name] = caller()
            if not self._is_live:
                return Markup(parts[name])  # noqa: S704 - a template has made it
            return Markup('<div id="live-{}" data-live>{}</div>').format(name, parts[name])

        text = self._environment.get_template(template).render(live=live, **values)
        return Rendered(text, parts)

    def _key(self, kind: str, name: str) -> Markup:
        """The attribute by which the script finds a row again."""
        return Markup(' id="{}-{}"').format(kind, _shown(name)) if self._is_live else Markup("")

    def _when(self, moment: datetime | None) -> Markup:
        """A moment as short as it can be told; the whole of it is the element's title."""
        if moment is None:
            return Markup("")
        return Markup('<time datetime="{}" title="{}">{}</time>').format(
            clock.format_time(moment),
            local_time(moment, self._zone),
            short_time(moment, clock.now(), self._zone),
        )

    def _when_long(self, moment: datetime) -> str:
        return local_time(moment, self._zone)


@dataclass(frozen=True)
class Rendered:
    """A page's HTML, and those parts of it by name that may change while it is open."""

    text: str
    parts: Mapping[str, str]


def _shown(value: Any) -> Any:
    """What a template prints; what is HTML already stays as it is."""
    if value is None:
        return ""
    if isinstance(value, Markup | int | float):
        return value
    return visible(mask(str(value)))


def _data(text: str) -> Markup:
    """A result: as in the command line, `token: x` in it may be data and is shown."""
    return escape(visible(mask(text, named=False)))


def _linked(target: str | None, text: str) -> Markup:
    """A link, or only its text if there is nothing to go to."""
    if target is None:
        return escape(_shown(text))
    return Markup('<a href="{}">{}</a>').format(target, _shown(text))


def _status(name: str | None) -> Markup:
    """A status or an outcome, with its sign."""
    if not name:
        return Markup("")
    known = name if name in GLYPHS else "unknown"
    return Markup('<span class="status is-{}"><span aria-hidden="true">{}</span> {}</span>').format(
        known, GLYPHS.get(name, "?"), _shown(name)
    )


def style_sheet() -> str:
    """The style sheet of all pages; the DAG's is that of `pipeline show --html`."""
    own = (HERE / "static" / "style.css").read_text(encoding="utf-8")
    return f"{drawing.PALETTE}{own}{drawing.SVG_STYLE}"
