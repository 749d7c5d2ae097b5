"""From an exception of a run to a RunError: what a person needs of it, as data."""

from __future__ import annotations

import os
import sysconfig
import traceback
from pathlib import Path
from typing import Any

from flowerpower.errors import FlowerpowerError, RunFailed
from flowerpower.jobs.retries import names_of
from flowerpower.jobs.run import ORIGINAL_FRAMES, ORIGINAL_TYPE_NAMES, RunError

TRACEBACK_LIMIT = 20_000
MESSAGE_LIMIT = 2_000
_OWN_FOLDER = str(Path(__file__).parents[1]) + os.sep
_PYTHONS_OWN = sysconfig.get_path("stdlib") + os.sep
_POOLS = os.path.join(_PYTHONS_OWN, "concurrent", "")


def run_error(error: BaseException, root: Path, node: str | None = None) -> RunError:
    """The exception as data, with the innermost file and line of the user's own code.

    Files are relative to `root` where they are below it.
    """
    if isinstance(error, RunFailed) and error.__cause__ is not None:
        cause = run_error(error.__cause__, root, node)
        cause.details, cause.hint = [error.message], error.hint
        return cause
    error_class = type(error)
    module = "" if error_class.__module__ == "builtins" else f"{error_class.__module__}."
    file, line = _users_place(error, root)
    description = RunError(
        type=module + error_class.__qualname__,
        message=_safe_message(error),
        node=node,
        file=file,
        line=line,
        traceback=_users_traceback(error),
        type_names=getattr(error, ORIGINAL_TYPE_NAMES, None) or names_of(error_class),
    )
    if isinstance(error, FlowerpowerError):
        # Our own errors are complete sentences; where in our code they were raised helps nobody.
        description.message, description.code = error.message, error.code
        description.exit_code = error.exit_code
        description.hint, description.details = error.hint, error.details
        description.traceback, description.file, description.line = "", None, None
    return description


def _safe_message(error: BaseException) -> str:
    try:
        message = error.msg if isinstance(error, SyntaxError) and error.msg else str(error)
    except BaseException as second:  # noqa: BLE001 - a user's __str__ may raise anything
        return f"<no message: str() raised {type(second).__name__}>"
    message = message.encode("utf-8", "backslashreplace").decode("utf-8")
    return message if len(message) <= MESSAGE_LIMIT else message[: MESSAGE_LIMIT - 1] + "…"


def _is_library(file: str) -> bool:
    parts = Path(file).parts
    return (
        file.startswith((_OWN_FOLDER, _POOLS, "<frozen"))
        or "site-packages" in parts
        or "hamilton" in parts
    )


def _users_place(error: BaseException, root: Path) -> tuple[str | None, int | None]:
    """File (relative to the project if it is in it) and line, the innermost of the user's own."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return _relative(error.filename, root), error.lineno
    frames = [
        (frame.filename, frame.lineno)
        for frame in _frames(error)
        if not _is_library(frame.filename) and not frame.filename.startswith(_PYTHONS_OWN)
    ]
    within = [place for place in frames if place[0].startswith(str(root) + os.sep)]
    if not (within or frames):
        return None, None
    file, line = (within or frames)[-1]
    return _relative(file, root), line


def _frames(error: BaseException) -> list[traceback.FrameSummary]:
    """Where it was raised, outermost first, with the frames of another process at the end."""
    stack = list(traceback.extract_tb(error.__traceback__))
    return stack + [
        traceback.FrameSummary(file, number, name, line=text)
        for file, number, name, text in getattr(error, ORIGINAL_FRAMES, [])
    ]


def _relative(file: str, root: Path) -> str:
    return os.path.relpath(file, root) if file.startswith(str(root) + os.sep) else file


def _users_traceback(error: BaseException) -> str:
    """The traceback without the frames of Hamilton and of flowerpower, cut to its end."""
    try:
        formatted: Any = traceback.TracebackException.from_exception(error, limit=200)
        formatted.stack = traceback.StackSummary.from_list(
            [frame for frame in _frames(error) if not _is_library(frame.filename)]
        )
        text = "".join(formatted.format())
    except BaseException as second:  # noqa: BLE001 - formatting runs code of the exception
        return f"<no traceback: formatting raised {type(second).__name__}>"
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text if len(text) <= TRACEBACK_LIMIT else "…" + text[-TRACEBACK_LIMIT:]
