"""The dashboard and the report: pages about a project's job queue, for a browser.

Its packages are in an extra, so a command asks for a module of this folder by `open_web`.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from flowerpower.run.modules import not_installed

PACKAGES = ("starlette", "uvicorn", "jinja2", "markupsafe", "anyio", "h11")


def open_web(name: str) -> ModuleType:
    """The module of that name in this folder.

    Raises:
        ConfigError: if the packages of the extra are not installed.
    """
    try:
        return import_module(f"flowerpower_cli.web.{name}")
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in PACKAGES:
            raise
        reason = f"there is no module {missing!r}"
        raise not_installed("The dashboard", reason, "dashboard") from None
