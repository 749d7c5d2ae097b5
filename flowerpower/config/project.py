"""The configuration objects of a project: what `conf/project.yml` may say."""

from __future__ import annotations

import re
from typing import Literal, get_args

from pydantic import Field, model_validator

from flowerpower.config.adapters import AdapterConfig
from flowerpower.config.job_rules import ProjectLimits
from flowerpower.config.notify import Notify
from flowerpower.config.types import Configuration, Duration, Name, TimeToLive, TimezoneName
from flowerpower.text import nearest

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


class BackendConfig(Configuration):
    """Where the job queue lives; without a URL or its parts, the backend's own default."""

    url: str | None = None
    host: str | None = None
    port: int | None = Field(default=None, ge=1, le=65535)
    database: int | None = Field(default=None, ge=0, le=1_000_000)
    username: str | None = None
    password: str | None = None
    queues: list[Name] = Field(default=["default"], min_length=1)


class JobQueueConfig(Configuration):
    """The `job_queue` section of `conf/project.yml`."""

    type: BackendType = "apscheduler"
    backend: BackendConfig = BackendConfig.model_construct()
    num_workers: int = Field(default=2, ge=1, le=1000)
    namespace: Name | None = None
    result_ttl: TimeToLive = 120.0
    history_ttl: Duration = 7 * 86_400.0

    @model_validator(mode="after")
    def _url_fits_type(self) -> JobQueueConfig:
        check_backend_url(self.type, self.backend.url)
        parts = [name for name in BACKEND_PARTS if getattr(self.backend, name) is not None]
        if parts and self.type != "rq":
            raise ValueError(f"backend.{parts[0]} is for rq; {self.type} takes a url.")
        if parts and self.backend.url is not None:
            raise ValueError(f"backend has both a url and {parts[0]}; expected only one of them.")
        return self


class ProjectConfig(Configuration):
    """`conf/project.yml`."""

    name: Name | None = None
    timezone: TimezoneName | None = None
    job_queue: JobQueueConfig = JobQueueConfig.model_construct()
    limits: ProjectLimits = {}
    adapter: AdapterConfig = AdapterConfig.model_construct()
    notify: Notify = []
