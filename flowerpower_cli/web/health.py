"""What the dashboard says to programs: whether all is well, and numbers."""

from __future__ import annotations

from typing import Any

from flowerpower.errors import BackendUnreachable
from flowerpower.pipeline.metrics import metrics_text
from flowerpower_cli.web.site import Reading, Site


def health(site: Site) -> tuple[dict[str, Any], bool]:
    """The codes of what is wrong, and whether all work gets done.

    Warnings are listed, and are no failure. Nothing else is told: this needs no sign-in.
    """
    try:
        problems = Reading(site).status.problems
    except BackendUnreachable as error:
        return {"status": "failing", "problems": [error.code]}, False
    is_healthy = all(problem.level != "error" for problem in problems)
    codes = sorted({problem.code for problem in problems})
    return {"status": "ok" if is_healthy else "failing", "problems": codes}, is_healthy


def metrics(site: Site) -> str:
    """The project's metrics as OpenMetrics; see `flowerpower.pipeline.metrics`.

    Raises:
        ConfigError: if the package that writes them is not installed.
    """
    return metrics_text(site.manager)
