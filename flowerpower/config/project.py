"""The configuration objects of a project: what `conf/project.yml` may say."""

from __future__ import annotations

from pydantic import Field, model_validator

from flowerpower.config.adapters import AdapterConfig
from flowerpower.config.job_rules import ProjectLimits
from flowerpower.config.notify import Notify
from flowerpower.config.queue_settings import (
    BACKEND_PARTS,
    DEFAULT_QUEUE,
    BackendSettings,
    BackendType,
    QueueSettings,
    check_backend_url,
)
from flowerpower.config.types import Configuration, Duration, Name, TimeToLive, TimezoneName


class BackendConfig(Configuration):
    """Where the job queue lives; without a URL or its parts, the backend's own default."""

    url: str | None = None
    host: str | None = None
    port: int | None = Field(default=None, ge=1, le=65535)
    database: int | None = Field(default=None, ge=0, le=1_000_000)
    username: str | None = None
    password: str | None = None
    queues: list[Name] = Field(default=[DEFAULT_QUEUE], min_length=1)


class JobQueueConfig(Configuration):
    """The `job_queue` section of `conf/project.yml`."""

    type: BackendType = "apscheduler"
    backend: BackendConfig = BackendConfig.model_construct()
    num_workers: int = Field(default=2, ge=1, le=1000)
    namespace: Name | None = None
    result_ttl: TimeToLive = 120.0
    history_ttl: Duration = 7 * 86_400.0

    @property
    def settings(self) -> QueueSettings:
        """The same as plain data."""
        backend = BackendSettings(**{**vars(self.backend), "queues": tuple(self.backend.queues)})
        return QueueSettings(**{**vars(self), "backend": backend})

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
