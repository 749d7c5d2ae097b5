"""JobQueueManager: from a type to its backend, which is imported only then."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowerpower.errors import ConfigError, UsageError
from flowerpower.text import did_you_mean

if TYPE_CHECKING:
    from flowerpower.job_queue.base import JobQueueBackend

BACKEND_TYPES = ("apscheduler", "rq")


def JobQueueManager(  # noqa: N802 - the name that users know; it gives one of several classes
    type: str = "apscheduler", *, base_dir: str | Path = ".", **options: Any
) -> JobQueueBackend:
    """The backend of that type, open.

    For example `with JobQueueManager(type="apscheduler", base_dir="my_project") as queue: …`.

    `options` are those of the backend's own class: `url`, `namespace`, `result_ttl`,
    `history_ttl`; for rq also `host`, `port`, `database`, `username` and `password`.

    Raises:
        ConfigError: if there is no such type.
        UsageError: naming an option that the backend does not take.
        BackendUnreachable: if it cannot be opened.
    """
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
                f"{type} takes no option {name!r}.{did_you_mean(name, known)}",
                hint=f"It takes: {', '.join(known)}.",
            )
    return backend(Path(base_dir).absolute(), **options)


def _backend(type: str) -> Callable[..., JobQueueBackend]:
    if type == "rq":
        from flowerpower.job_queue.rq.queue import RQManager

        return RQManager
    from flowerpower.job_queue.apscheduler.queue import APSManager

    return APSManager
