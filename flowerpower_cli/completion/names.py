"""`flowerpower --complete-names KIND [--base-dir DIR]`: names for completion, while somebody types.

It imports the standard library and the rule for names, and runs nothing of the user's. It reads
no configuration: jobs and schedules are those of the default SQLite file, or of the one that
FLOWERPOWER_JOB_QUEUE_URL names. It is silent on any error, and ends the process after 200 ms
whatever hangs.
"""

from __future__ import annotations

import _thread
import os
import time
from collections.abc import Callable
from typing import NoReturn

PATIENCE = 0.2
PROJECT_FILE = os.path.join("conf", "project.yml")
PIPELINES_FOLDER = os.path.join("conf", "pipelines")
BASE_DIR_VARIABLE = "FLOWERPOWER_BASE_DIR"
URL_VARIABLE = "FLOWERPOWER_JOB_QUEUE_URL"
DEFAULT_URL = "sqlite:///.flowerpower/jobs.db"
MOST_LISTED = 200


def run(arguments: list[str]) -> NoReturn:
    """Print the names that `arguments` ask for, one a line, and end the process with 0."""
    try:
        _thread.start_new_thread(_give_up, ())
        lines = "".join(f"{name}\n" for name in _names(*arguments))
        os.write(1, lines.encode("ascii"))
    finally:
        # Whatever went wrong, a line that somebody types at is no place to say so.
        os._exit(0)


def _give_up() -> None:
    # A signal would wait for the system call that hangs; the end of the process does not.
    time.sleep(PATIENCE)
    os._exit(0)


def _names(kind: str, option: str = "--base-dir", base_dir: str | None = None) -> list[str]:
    from flowerpower.text import is_name

    root = _project_root(base_dir or os.environ.get(BASE_DIR_VARIABLE))
    if option != "--base-dir" or kind not in _KINDS or root is None:
        return []
    listed, limit = _KINDS[kind]
    # Of jobs, too, those by the rule for names alone: an id that begins with - would be an option.
    return sorted(name for name in listed(root) if is_name(name, limit))


def _project_root(named: str | None) -> str | None:
    folder = os.path.abspath(os.path.expanduser(named or ""))
    while not os.path.isfile(os.path.join(folder, PROJECT_FILE)):
        above = os.path.dirname(folder)
        if named or above == folder:
            return None
        folder = above
    return folder


def _pipelines(root: str) -> list[str]:
    with os.scandir(os.path.join(root, PIPELINES_FOLDER)) as entries:
        return [each.name[:-4] for each in entries if each.name.endswith(".yml") and each.is_file()]


def _jobs(root: str) -> list[str]:
    return _ids(
        root,
        "SELECT id FROM flowerpower_jobs WHERE expires_at IS NULL OR expires_at > ?"
        " ORDER BY created_at DESC LIMIT ?",
        time.time(),
        MOST_LISTED,
    )


def _schedules(root: str) -> list[str]:
    query = "SELECT id FROM flowerpower_schedules ORDER BY created_at DESC LIMIT ?"
    return _ids(root, query, MOST_LISTED)


def _ids(root: str, query: str, *values: float) -> list[str]:
    import sqlite3
    from urllib.parse import quote

    scheme, _, path = (os.environ.get(URL_VARIABLE) or DEFAULT_URL).partition(":///")
    if scheme != "sqlite":
        return []
    # Read-only: this must neither make a file nor wait for one.
    uri = f"file:{quote(os.path.join(root, path))}?mode=ro"
    rows = sqlite3.connect(uri, uri=True, timeout=0).execute(query, values)
    return [str(row[0]) for row in rows]


# What lists a kind's names, and how long they are at most; a kind that is not here has none.
_KINDS: dict[str, tuple[Callable[[str], list[str]], int]] = {
    "pipelines": (_pipelines, 100),
    "jobs": (_jobs, 200),
    "schedules": (_schedules, 180),
}
