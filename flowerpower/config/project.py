"""The configuration objects of a project: what `conf/project.yml` may say."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field, model_validator

from flowerpower.config.adapters import AdapterConfig
from flowerpower.config.types import Configuration, Duration, Name, TimeToLive, TimezoneName

BackendType = Literal["apscheduler", "rq"]
BACKEND_TYPES = get_args(BackendType)
BACKEND_URLS: dict[str, tuple[str, ...]] = {
    "apscheduler": ("sqlite:///…", "postgresql://…", "memory"),
    "rq": ("redis://…", "rediss://…", "unix://…"),
}
BACKEND_PARTS = ("host", "port", "database", "username", "password")
"""The settings that say where a Redis is, if no URL does."""


def check_backend_url(backend_type: str, url: str | None) -> None:
    """Raise ValueError if `url` is not one that the backend can open; None is its default."""
    forms = BACKEND_URLS[backend_type]
    if url is not None and not url.startswith(tuple(form.rstrip("…") for form in forms)):
        scheme = url.split(":", 1)[0][:20]
        raise ValueError(
            f"the backend's url begins with {scheme!r}; {backend_type} takes {' or '.join(forms)}."
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
    backend: BackendConfig = BackendConfig()
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
    job_queue: JobQueueConfig = JobQueueConfig()
    adapter: AdapterConfig = AdapterConfig()
