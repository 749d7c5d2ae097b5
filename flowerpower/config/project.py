"""The configuration objects: what `conf/project.yml` and `conf/pipelines/*.yml` may say.

Every object refuses unknown keys. The `run` section is in `flowerpower.config.run`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from flowerpower.config.adapters import AdapterConfig
from flowerpower.config.run import RunConfig, RunOverrides, over_declared, overridden
from flowerpower.config.types import (
    Configuration,
    Duration,
    Name,
    ScheduleId,
    TimeToLive,
    TimezoneName,
)
from flowerpower.errors import ConfigError, FlowerpowerError
from flowerpower.triggers import clock

if TYPE_CHECKING:
    from flowerpower.triggers.base import Trigger

BackendType = Literal["apscheduler", "rq"]
BACKEND_URLS: dict[str, tuple[str, ...]] = {
    "apscheduler": ("sqlite:///…", "postgresql://…", "memory"),
    "rq": ("redis://…", "rediss://…", "unix://…"),
}
BACKEND_PARTS = ("host", "port", "database", "username", "password")
"""What says where a Redis is in place of a URL."""


def check_backend_url(backend_type: str, url: str | None) -> None:
    """Raises ValueError if `url` is not one that the backend can open; None is its default."""
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
            raise ValueError(f"backend.{parts[0]} is for rq; {self.type} is told where by its url.")
        if parts and self.backend.url is not None:
            raise ValueError(f"backend has a url and {parts[0]}; expected one way to say where.")
        return self


class ProjectConfig(Configuration):
    """`conf/project.yml`."""

    name: Name | None = None
    timezone: TimezoneName | None = None
    job_queue: JobQueueConfig = JobQueueConfig()
    adapter: AdapterConfig = AdapterConfig()


class ScheduleConfig(Configuration):
    """One entry of a pipeline's `schedule` section.

    Whether the trigger is right is found by `trigger`, not when the file is read: a run of the
    pipeline does not need it.
    """

    id: ScheduleId | None = None
    cron: str | None = None
    interval: str | int | float | None = None
    date: str | None = None
    timezone: TimezoneName | None = None
    start: str | None = None
    end: str | None = None
    jitter: Duration | None = None
    misfire_grace_time: Duration | None = None
    coalesce: bool = True
    max_instances: int = Field(default=1, ge=1, le=1000)
    enabled: bool = True
    queue: Name | None = None
    result_ttl: TimeToLive | None = None
    run: RunOverrides = RunOverrides()

    @model_validator(mode="after")
    def _run_is_its_own(self) -> ScheduleConfig:
        if self.run.declared is not None:
            raise ValueError("run.declared is not for files.")
        return self

    def trigger(self, default_timezone: str) -> Trigger:
        """The trigger, in its own zone or else the default one.

        Raises:
            InvalidTrigger, InvalidDuration, InvalidTime: if it cannot be one.
        """
        from flowerpower.triggers.make import make_trigger

        return make_trigger(
            self.cron,
            self.interval,
            self.date,
            timezone=self.timezone or default_timezone,
            start=self.start,
            end=self.end,
            jitter=self.jitter,
        )

    def wrong_key(self) -> str:
        """The key to point at when `trigger` raises."""
        for key in ("start", "end"):
            reading = getattr(self, key)
            if reading is not None:
                try:
                    clock.parse_time(reading)
                except FlowerpowerError:
                    return key
        given = [key for key in ("cron", "interval", "date") if getattr(self, key) is not None]
        return given[0] if len(given) == 1 else ""


def _schedules(value: object) -> object:
    return [value] if isinstance(value, dict) else value


class PipelineConfig(Configuration):
    """`conf/pipelines/NAME.yml`; a single mapping under `schedule` is a list of one."""

    run: RunConfig = RunConfig()
    schedule: Annotated[list[ScheduleConfig], BeforeValidator(_schedules)] = []
    params: dict[str, Any] = {}

    @model_validator(mode="before")
    @classmethod
    def _listed_schedules_have_ids(cls, data: Any) -> Any:
        entries = data.get("schedule") if isinstance(data, dict) else None
        if isinstance(entries, list):
            ids = [entry.get("id") for entry in entries if isinstance(entry, dict)]
            if None in ids:
                raise ValueError("each entry of a list under schedule needs an id.")
            twice = [each for each in ids if isinstance(each, str) and ids.count(each) > 1]
            if twice:
                raise ValueError(f"two entries under schedule have the id {twice[0]!r}.")
        return data


def with_declared(pipeline: PipelineConfig, overrides: RunOverrides) -> RunOverrides:
    """The overrides, over those of the declared schedule that they name.

    Raises:
        ConfigError: if the pipeline's YAML declares it no more.
    """
    if overrides.declared is None:
        return overrides
    for entry in pipeline.schedule:
        if (entry.id or "") == overrides.declared:
            break
    else:
        raise ConfigError(
            f"The pipeline's YAML no longer declares the schedule {overrides.declared!r} "
            "that made this job."
        )
    return over_declared(entry.run, overrides)


def merged_run(pipeline: PipelineConfig, overrides: RunOverrides) -> RunConfig:
    """The `run` section with the caller's overrides over it.

    Mappings are merged key by key, everything else is replaced; `params` are not part of it,
    because which of them are inputs depends on the DAG.
    """
    return overridden(pipeline.run, with_declared(pipeline, overrides))
