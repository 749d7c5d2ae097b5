"""JobQueueManager: opens the backend of a type; its package is imported only then."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowerpower.errors import ConfigError, UsageError
from flowerpower.text import did_you_mean

if TYPE_CHECKING:
    from flowerpower.job_queue.base import JobQueueBackend


def JobQueueManager(  # noqa: N802 - the name that users know; it returns one of several classes
    type: str | None = None, *, base_dir: str | Path = ".", **options: Any
) -> JobQueueBackend:
    """Open the job queue of a project.

    For example `with JobQueueManager(base_dir="my_project") as queue: …`.

    If `base_dir` has a conf/project.yml, that file and the environment give what is not given here,
    as for `PipelineManager`. The file's address is used only with the file's type, and only if no
    part of an address is given. The limits and chains of the project count too. Without such a file
    `type` is apscheduler, and each option has the backend's default. `base_dir` may be a URL, too.

    `options` are those of the backend's class: `url`, `namespace`, `result_ttl`, `history_ttl`; for
    rq also `host`, `port`, `database`, `username` and `password`.

    Raises:
        ConfigError: if there is no such type, or conf/project.yml is wrong.
        UsageError: if the backend has no such option; it names the nearest.
        BackendUnreachable: if it cannot be opened.
    """
    from flowerpower.config.files import PROJECT_FILE, load_project
    from flowerpower.config.project_source import LocalSource, ProjectSource, find_source, is_url
    from flowerpower.config.queue_settings import merged_backend, with_type
    from flowerpower.job_queue.project_rules import ProjectRules

    root = Path(base_dir).absolute()
    source: ProjectSource = LocalSource(root)
    if is_url(base_dir):
        source = find_source(base_dir, os.environ)
        root = source.root()
    # Not Path.is_file, which raises where a folder may not be read.
    if os.path.isfile(root / PROJECT_FILE):
        project = load_project(root)
        queue = with_type(project.job_queue, type)
        settings = merged_backend(queue, project.name, options)
        backend = open_backend(queue.type, project.work, settings)
        backend.source = source
        ProjectRules(project, source).attach(backend)
        return backend
    return open_backend("apscheduler" if type is None else type, root, options)


def open_backend(type: str, root: Path, options: Mapping[str, Any]) -> JobQueueBackend:
    """Open a backend with exactly these options; errors as of `JobQueueManager`."""
    from flowerpower.config.queue_settings import BACKEND_TYPES

    if type not in BACKEND_TYPES:
        raise ConfigError(
            f"There is no job queue of type {type!r}: expected {' or '.join(BACKEND_TYPES)}."
            f"{did_you_mean(type, BACKEND_TYPES)}"
        )
    backend = _backend(type)
    known = list(inspect.signature(backend).parameters)[1:]
    for name in options:
        if name not in known:
            raise UsageError(
                f"{type} has no option {name!r}.{did_you_mean(name, known)}",
                hint=f"It has: {', '.join(known)}.",
            )
    return backend(root, **options)


def _backend(type: str) -> Callable[..., JobQueueBackend]:
    if type == "rq":
        from flowerpower.job_queue.rq.queue import RQManager

        return RQManager
    from flowerpower.job_queue.apscheduler.queue import APSManager

    return APSManager
