"""From where to where a project's job queue moves, and what an edit of its type has left behind."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowerpower.config.files import Project
from flowerpower.config.queue_settings import (
    BACKEND_TYPES,
    BACKEND_URLS,
    DEFAULT_URLS,
    QueueSettings,
    check_backend_url,
    merged_backend,
    with_type,
)
from flowerpower.errors import Refused, UsageError
from flowerpower.text import did_you_mean, one_line

if TYPE_CHECKING:
    from flowerpower.job_queue.migration import MigrationReport, OnProgress

_DEFAULT_FILE = Path(DEFAULT_URLS["apscheduler"].removeprefix("sqlite:///"))
_PLACEHOLDER = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True)
class _Place:
    """The type of a backend, and the options to open it with."""

    type: str
    options: Mapping[str, Any]

    def missing_file(self, root: Path) -> Path | None:
        """The SQLite file that it would be, if there is none."""
        if self.type != "apscheduler":
            return None
        url = self.options.get("url") or DEFAULT_URLS["apscheduler"]
        path = root / url.removeprefix("sqlite:///")
        return path if url.startswith("sqlite:///") and not path.exists() else None


def migrate(
    project: Project,
    queue: QueueSettings,
    environ: Mapping[str, str],
    to: str,
    *,
    to_url: str | None = None,
    from_url: str | None = None,
    dry_run: bool = False,
    on_progress: OnProgress | None = None,
) -> MigrationReport:
    """Move schedules with their state and ledger, and waiting jobs, to another job queue.

    `to` is its type; without `to_url` it is where a queue of that type is by default. What is
    moved from is the project's queue, or with `from_url` another one; if the project's queue is
    what `to` says already, what is moved from is where a queue of the other type is by default.
    A URL may be `${NAME}`, for a variable of the environment.

    Ids, next fires, due times, priorities and attempts stay. Running jobs end where they run,
    and a schedule of which a job runs stays until another call. It may be ended at any time and
    called again. From its begin on, the queue that is moved from takes no new jobs and
    schedules. With `dry_run` nothing is moved, and the report says what would be.
    `on_progress` is called with how many schedules and jobs have moved, and of how many.

    Raises:
        UsageError: if there is no such type, URL or queue, or both queues are the same.
        Refused: if an earlier migration to another queue was ended half-way, or a queue is in
            memory.
        BackendUnreachable: if one does not answer; the same call again goes on.
    """
    from contextlib import ExitStack

    from flowerpower.job_queue import open_backend
    from flowerpower.job_queue.migration import Migration, MigrationReport

    source, target = _places(project, queue, environ, to, to_url, from_url)
    if missing := source.missing_file(project.work):
        raise UsageError(
            f"There is nothing to move: the file {missing} does not exist.",
            hint="Say where the jobs are: --from-url URL (from_url=).",
        )
    with ExitStack() as stack:
        old = stack.enter_context(open_backend(source.type, project.work, source.options))
        is_there = target.missing_file(project.work) is None
        new = None
        if is_there or not dry_run:
            new = stack.enter_context(open_backend(target.type, project.work, target.options))
        shown = _shown(target) if new is None else _checked(new.check())
        report = MigrationReport(_checked(old.check()), shown, dry_run)
        migration = Migration(old, new, report, on_progress)
        return migration.plan() if dry_run else migration.run()


def _checked(check: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(check[name]) for name in ("backend", "url")}


def _shown(place: _Place) -> dict[str, str]:
    """A queue that is not there yet: a SQLite file."""
    return {"backend": place.type, "url": place.options.get("url") or DEFAULT_URLS[place.type]}


def _places(
    project: Project,
    queue: QueueSettings,
    environ: Mapping[str, str],
    to: str,
    to_url: str | None,
    from_url: str | None,
) -> tuple[_Place, _Place]:
    """Where from and where to.

    A URL wins. The project's own queue is what is moved from, unless it is what is moved to: then
    its type was edited, and what is moved from is what a queue of the other type is by default.
    """
    if to not in BACKEND_TYPES:
        raise UsageError(
            f"There is no job queue of type {to!r}: expected {' or '.join(BACKEND_TYPES)}."
            f"{did_you_mean(to, BACKEND_TYPES)}"
        )
    other = next(name for name in BACKEND_TYPES if name != to)

    def place(name: str, url: str | None) -> _Place:
        arguments = {} if url is None else {"url": url}
        return _Place(name, merged_backend(with_type(queue, name), project.name, arguments))

    target = place(to, _expanded("--to-url", to, to_url, environ))
    if from_url is not None:
        url = _expanded("--from-url", None, from_url, environ)
        source = place(_type_of(url), url)
    elif to_url is None and to == queue.type:
        source = place(other, None)
    else:
        source = place(queue.type, None)
    for each in (source, target):
        if each.options.get("url") == "memory":
            raise Refused("A job queue in memory ends with its process; nothing can be moved.")
    return source, target


def _expanded(
    option: str, backend_type: str | None, url: str | None, environ: Mapping[str, str]
) -> str | None:
    """The URL, or the value of the variable that it names as `${NAME}`."""
    if url is None:
        return None
    if match := _PLACEHOLDER.fullmatch(url):
        url = environ.get(match[1])
        if not url:
            known = did_you_mean(match[1], [name for name in environ if len(name) > 2])
            raise UsageError(f"{option}: the environment variable {match[1]} is not set.{known}")
    if backend_type is not None:
        try:
            check_backend_url(backend_type, url)
        except ValueError as error:
            raise UsageError(f"{option}: {error}") from None
    return url


def _type_of(url: str | None) -> str:
    """The type of backend that the URL is for."""
    for name, forms in BACKEND_URLS.items():
        if url is not None and url.startswith(tuple(form.rstrip("…") for form in forms)):
            return name
    forms_of_all = [form for forms in BACKEND_URLS.values() for form in forms if form != "memory"]
    scheme = one_line((url or "").partition(":")[0][:40])
    raise UsageError(f"--from-url begins with {scheme!r}: expected {' or '.join(forms_of_all)}.")


def left_behind(project: Project, queue: QueueSettings) -> str | None:
    """What waits in the project's SQLite file while its job queue is another one; None if nothing.

    Only that file: it is beside the project, and to look into it costs milliseconds. The address of
    another queue of the past is written nowhere.
    """
    from contextlib import closing

    path = project.work / _DEFAULT_FILE
    url = queue.backend.url or DEFAULT_URLS["apscheduler"]
    is_own = queue.type == "apscheduler" and project.work / url.removeprefix("sqlite:///") == path
    if is_own or not path.is_file():
        return None
    import sqlite3
    from urllib.parse import quote

    namespace = {"namespace": queue.namespace or project.name}
    counts = []
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as database:
            for table, condition in (
                ("schedules", "state <> 'done'"),
                ("jobs", "status IN ('scheduled', 'queued')"),
            ):
                statement = (
                    f"SELECT COUNT(*) FROM flowerpower_{table} "  # noqa: S608 - of the words above
                    f"WHERE namespace = :namespace AND {condition}"
                )
                counts.append(database.execute(statement, namespace).fetchone()[0])
    except sqlite3.Error:
        # A warning is no reason to fail: whoever uses that file is told what is wrong with it.
        return None
    schedules, jobs = counts
    if not schedules and not jobs:
        return None
    waiting = " and ".join(
        f"{count} {name}{'' if count == 1 else 's'}"
        for count, name in ((schedules, "schedule"), (jobs, "waiting job"))
        if count
    )
    return f"{_DEFAULT_FILE} still holds {waiting} of this project"
