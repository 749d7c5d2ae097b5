"""What the dashboard says to programs: whether all is well, and numbers."""

from __future__ import annotations

from typing import Any

from flowerpower.errors import BackendUnreachable, NotFound
from flowerpower.jobs.problem import Level
from flowerpower_cli.web.site import Reading, Site

METRICS_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def health(site: Site) -> tuple[dict[str, Any], bool]:
    """The codes of what is wrong, and whether all work gets done.

    Warnings are listed, and are no failure. Nothing else is told: this needs no sign-in.
    """
    try:
        problems = Reading(site).status.problems
    except BackendUnreachable as error:
        return {"status": "failing", "problems": [error.code]}, False
    is_healthy = all(problem.level is not Level.ERROR for problem in problems)
    codes = sorted({problem.code for problem in problems})
    return {"status": "ok" if is_healthy else "failing", "problems": codes}, is_healthy


def metrics(_site: Site) -> str:
    """The project's metrics as OpenMetrics text."""
    raise NotFound("There are no metrics yet.")
