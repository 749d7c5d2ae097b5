"""`flowerpower --complete-names KIND [--base-dir DIR]`: names for completion, while somebody types.

It imports only the standard library and the rule for names, and runs no code of the user. It
reads no configuration: jobs, queues and schedules are those of the default SQLite file, or of the
one that FLOWERPOWER_JOB_QUEUE_URL names. It prints no error, and ends the process after 200 ms,
whatever hangs.
"""

from __future__ import annotations

import _thread
import os
import time
from typing import NoReturn

TIME_LIMIT = 0.2
"""Seconds."""
PROJECT_FILE = os.path.join("conf", "project.yml")
PIPELINES_FOLDER = os.path.join("conf", "pipelines")
BASE_DIR_VARIABLE = "FLOWERPOWER_BASE_DIR"
URL_VARIABLE = "FLOWERPOWER_JOB_QUEUE_URL"
DEFAULT_URL = "sqlite:///.flowerpower/jobs.db"
MAX_LISTED = 200
_KINDS = {
    "pipelines": (100, ""),
    "jobs": (
        200,
        "SELECT id FROM flowerpower_jobs WHERE expires_at IS NULL OR expires_at > :now"
        " ORDER BY created_at DESC LIMIT :most",
    ),
    "queues": (
        100,
        "SELECT queue FROM flowerpower_jobs UNION SELECT queue FROM flowerpower_paused_queues"
        " LIMIT :most",
    ),
    "schedules": (180, "SELECT id FROM flowerpower_schedules ORDER BY created_at DESC LIMIT :most"),
}
"""The longest valid name of each kind, and the query for those that are not files."""


def run(arguments: list[str]) -> NoReturn:
    """Print the names of the kind in `arguments`, one a line, and end the process with 0."""
    try:
        _thread.start_new_thread(_give_up, ())
        lines = "".join(f"{name}\n" for name in _names(*arguments))
        os.write(1, lines.encode("ascii"))
    finally:
        # An error message would land in the middle of the line that somebody is typing.
        os._exit(0)


def _give_up() -> None:
    # Python handles a signal only after the system call that hangs; _exit does not wait for it.
    time.sleep(TIME_LIMIT)
    os._exit(0)


def _names(kind: str, option: str = "--base-dir", base_dir: str | None = None) -> list[str]:
    from flowerpower.text import is_name

    root = _project_root(base_dir or os.environ.get(BASE_DIR_VARIABLE))
    if option != "--base-dir" or kind not in _KINDS or root is None:
        return []
    limit, query = _KINDS[kind]
    names = _ids(root, query) if query else _pipelines(root)
    # The rule for names holds for ids of jobs here too: one that begins with - would be an option.
    return sorted(name for name in names if is_name(name, limit))


def _project_root(base_dir: str | None) -> str | None:
    folder = os.path.abspath(os.path.expanduser(base_dir or ""))
    while not os.path.isfile(os.path.join(folder, PROJECT_FILE)):
        above = os.path.dirname(folder)
        if base_dir or above == folder:
            return None
        folder = above
    return folder


def _pipelines(root: str) -> list[str]:
    with os.scandir(os.path.join(root, PIPELINES_FOLDER)) as entries:
        return [
            entry.name[:-4] for entry in entries if entry.name.endswith(".yml") and entry.is_file()
        ]


def _ids(root: str, query: str) -> list[str]:
    import sqlite3
    from urllib.parse import quote

    scheme, _, path = (os.environ.get(URL_VARIABLE) or DEFAULT_URL).partition(":///")
    if scheme != "sqlite":
        return []
    # Read-only: this must neither create a file nor wait for a lock.
    uri = f"file:{quote(os.path.join(root, path))}?mode=ro"
    values = {"now": time.time(), "most": MAX_LISTED}
    rows = sqlite3.connect(uri, uri=True, timeout=0).execute(query, values)
    return [str(row[0]) for row in rows]
