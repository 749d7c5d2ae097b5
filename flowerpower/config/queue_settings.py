"""The settings of a job queue as plain data, and which value wins where several give one.

What a file may say of them is in `flowerpower.config.project`. They stand here without pydantic,
because whoever adds a job needs them, and to import it takes as long as all the rest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, get_args

from flowerpower.errors import ConfigError
from flowerpower.text import did_you_mean, nearest, one_line, shortened

DEFAULT_QUEUE = "default"
BackendType = Literal["apscheduler", "rq"]
BACKEND_TYPES = get_args(BackendType)
BACKEND_URLS: dict[str, tuple[str, ...]] = {
    "apscheduler": ("sqlite:///…", "postgresql://…", "memory"),
    "rq": ("redis://…", "rediss://…", "unix://…", "redis+sentinel://…", "rediss+sentinel://…"),
}
DEFAULT_URLS = {
    "apscheduler": "sqlite:///.flowerpower/jobs.db",
    "rq": "redis://127.0.0.1:6379/0",
}
"""Where a queue of each type is if nothing says where."""
BACKEND_PARTS = ("host", "port", "database", "username", "password")
"""The settings that say where a Redis is, if no URL does."""


def check_backend_url(backend_type: str, url: str | None) -> None:
    """Raise ValueError if `url` is not one that the backend can open; None is its default."""
    forms = BACKEND_URLS[backend_type]
    if url is None or url.startswith(tuple(form.rstrip("…") for form in forms)):
        return
    # With its slashes: sqlite://jobs.db lacks one of them.
    begin = re.match(r"[^:]{0,20}:?/{0,3}", url)
    scheme = url.partition(":")[0]
    by_scheme = {form.partition(":")[0]: form for form in forms}
    advice = ""
    if known := nearest(scheme, by_scheme):
        advice = f" Did you mean {by_scheme[known]!r}?"
    for other, other_forms in BACKEND_URLS.items():
        if other != backend_type and url.startswith(tuple(f.rstrip("…") for f in other_forms)):
            advice = (
                f" It is a url for job_queue.type: {other}. Without a url, {backend_type} uses "
                f"{DEFAULT_URLS[backend_type]}; what waits is moved by `flowerpower job-queue "
                "migrate`."
            )
    raise ValueError(
        f"the backend's url begins with {begin[0] if begin else ''!r}; {backend_type} takes "
        f"{' or '.join(forms)}.{advice}"
    )


TYPE_VARIABLE = "FLOWERPOWER_JOB_QUEUE_TYPE"
URL_VARIABLE = "FLOWERPOWER_JOB_QUEUE_URL"
MAX_PRIORITY = 100
"""Priorities of jobs go from minus this number to this number."""
_NO_ADDRESS = dict.fromkeys(("url", *BACKEND_PARTS))


@dataclass(frozen=True)
class BackendSettings:
    """As `flowerpower.config.project.BackendConfig`."""

    url: str | None = None
    host: str | None = None
    port: int | None = None
    database: int | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    queues: tuple[str, ...] = (DEFAULT_QUEUE,)

    @property
    def default_queue(self) -> str:
        """The queue of jobs that name none."""
        return DEFAULT_QUEUE if DEFAULT_QUEUE in self.queues else self.queues[0]


@dataclass(frozen=True)
class QueueSettings:
    """As `flowerpower.config.project.JobQueueConfig`; times to live are in seconds."""

    type: str = "apscheduler"
    backend: BackendSettings = BackendSettings()
    num_workers: int = 2
    namespace: str | None = None
    result_ttl: float = 120.0
    history_ttl: float = 7 * 86_400.0


def with_environment(queue: QueueSettings, environ: Mapping[str, str]) -> QueueSettings:
    """The job queue with the backend that the environment names.

    Raises:
        ConfigError: naming the variable that is not valid.
    """
    if backend_type := environ.get(TYPE_VARIABLE):
        if backend_type not in BACKEND_TYPES:
            raise ConfigError(
                f"{TYPE_VARIABLE} is {one_line(shortened(backend_type))!r}: expected "
                f"{' or '.join(BACKEND_TYPES)}.{did_you_mean(backend_type, BACKEND_TYPES)}"
            )
        queue = with_type(queue, backend_type)
    if url := environ.get(URL_VARIABLE):
        try:
            check_backend_url(queue.type, url)
        except ValueError as error:
            raise ConfigError(f"{URL_VARIABLE}: {error}") from None
        queue = replace(queue, backend=_at(queue.backend, url))
    return queue


def with_type(queue: QueueSettings, backend_type: str | None) -> QueueSettings:
    """The job queue with the backend of that type, if it is not None.

    The URL in the file belongs to the type in the file: another type has its own default.
    """
    if backend_type is None or backend_type == queue.type:
        return queue
    return replace(queue, type=backend_type, backend=_at(queue.backend, None))


def _at(backend: BackendSettings, url: str | None) -> BackendSettings:
    """The same queues at another address; None is that of the backend's default."""
    return BackendSettings(url, queues=backend.queues)


def merged_backend(
    queue: QueueSettings, default_namespace: str, arguments: Mapping[str, Any]
) -> dict[str, Any]:
    """The options of a backend: the caller's arguments that are not None, over the project's.

    An address is one value: the caller's parts of one are not completed from the file.
    """
    backend = queue.backend
    if any(arguments.get(name) is not None for name in _NO_ADDRESS):
        backend = _at(backend, None)
    options = {
        "namespace": queue.namespace or default_namespace,
        "result_ttl": queue.result_ttl,
        "history_ttl": queue.history_ttl,
        **{
            name: value
            for name, value in asdict(backend).items()
            if name != "queues" and value is not None
        },
    }
    caller_set = {key: arguments[key] for key in arguments if arguments[key] is not None}
    return {**arguments, **options, **caller_set}
