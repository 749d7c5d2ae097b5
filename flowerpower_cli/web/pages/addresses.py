"""Which page an address means."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, unquote

from flowerpower.errors import NotFound, UsageError
from flowerpower_cli.web.pages import job, jobs, overview, pipelines, schedules
from flowerpower_cli.web.rendering import Page
from flowerpower_cli.web.site import Query, Reading

MAX_PARAMETERS = 50
PageFunction = Callable[[Reading, str, Query], Page]
LISTS: dict[str, PageFunction] = {
    "": overview.overview,
    "jobs": jobs.jobs,
    "schedules": schedules.schedules,
    "pipelines": pipelines.pipelines,
    "workers": overview.workers,
}
SINGLE: dict[str, PageFunction] = {
    "jobs": job.job,
    "schedules": schedules.schedule,
    "pipelines": pipelines.pipeline,
}


def page_at(reading: Reading, address: str) -> Page:
    """The page at an address: its path as it is sent, and its query.

    Raises:
        NotFound: if there is no such page.
        FlowerpowerError: as the queue and the project say.
    """
    path, _, query = address.partition("?")
    section, _, name = path.strip("/").partition("/")
    function = (SINGLE if name else LISTS).get(section)
    if function is None or "/" in name:
        raise NotFound("There is no such page.")
    try:
        values = parse_qs(query, keep_blank_values=True, max_num_fields=MAX_PARAMETERS)
    except ValueError:
        raise UsageError(f"The address has more than {MAX_PARAMETERS} parameters.") from None
    return function(reading, unquote(name), values)
