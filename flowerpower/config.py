"""The configuration objects: what `conf/project.yml` and `conf/pipelines/*.yml` may say.

Every object refuses unknown keys. Durations are read from `90s`, `1h30m`, a number of seconds or
an ISO 8601 duration, and kept as seconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from flowerpower import clock
from flowerpower.errors import ConfigError, FlowerpowerError
from flowerpower.names import SCHEDULE_ID_LIMIT, check_name

if TYPE_CHECKING:
    from flowerpower.trigger_base import Trigger

ExecutorType = Literal["synchronous", "threadpool"]
BackendType = Literal["apscheduler", "rq"]
BACKEND_URLS: dict[str, tuple[str, ...]] = {
    "apscheduler": ("sqlite:///…", "postgresql://…", "memory"),
    "rq": ("redis://…", "rediss://…", "unix://…"),
}
BACKEND_PARTS = ("host", "port", "database", "username", "password")
"""What says where a Redis is in place of a URL."""
_MODULE_NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", re.ASCII)


def _told(function: Callable[..., Any], *arguments: Any) -> Any:
    """The call's result; an error of ours becomes the ValueError that pydantic understands."""
    try:
        return function(*arguments)
    except FlowerpowerError as error:
        raise ValueError(error.message) from None


def _duration(value: object) -> object:
    return _told(clock.parse_duration, value) if value is not None else None


def _ttl(value: object) -> object:
    return -1.0 if value == -1 and not isinstance(value, bool) else _duration(value)


def _zone(value: str) -> str:
    _told(clock.timezone, value)
    return value


def _module(value: str) -> str:
    if len(value) > 200 or not _MODULE_NAME.fullmatch(value):
        raise ValueError(f"{value!r} is not a module: expected a name such as pipelines.report.")
    return value


def _name(value: str) -> str:
    return str(_told(check_name, "name", value))


def _schedule_id(value: str) -> str:
    return str(_told(check_name, "id of a schedule", value, SCHEDULE_ID_LIMIT))


Duration = Annotated[float, BeforeValidator(_duration)]
"""Seconds."""
TimeToLive = Annotated[float, BeforeValidator(_ttl)]
"""Seconds; 0 for not at all, -1 for as long as the record."""
TimezoneName = Annotated[str, AfterValidator(_zone)]
ModuleName = Annotated[str, AfterValidator(_module)]
Name = Annotated[str, AfterValidator(_name)]
ScheduleId = Annotated[str, AfterValidator(_schedule_id)]


def check_backend_url(backend_type: str, url: str | None) -> None:
    """Raises ValueError if `url` is not one that the backend can open; None is its default."""
    forms = BACKEND_URLS[backend_type]
    if url is not None and not url.startswith(tuple(form.rstrip("…") for form in forms)):
        scheme = url.split(":", 1)[0][:20]
        raise ValueError(
            f"the backend's url begins with {scheme!r}; {backend_type} takes {' or '.join(forms)}."
        )


class Configuration(BaseModel):
    """Base of all of them: unknown keys refused, no silent conversion, not changed once made."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, defer_build=True
    )

    @model_validator(mode="before")
    @classmethod
    def _nothing_means_the_default(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {k: v for k, v in data.items() if v is not None or k not in cls.model_fields}


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


class AdapterConfig(Configuration):
    """Which Hamilton adapters a run is given."""

    progressbar: bool | None = None


class ProjectConfig(Configuration):
    """`conf/project.yml`."""

    name: Name | None = None
    timezone: TimezoneName | None = None
    job_queue: JobQueueConfig = JobQueueConfig()
    adapter: AdapterConfig = AdapterConfig()


class ExecutorConfig(Configuration):
    """How the nodes of one run are executed; `max_workers` counts threads."""

    type: ExecutorType = "synchronous"
    max_workers: int | None = Field(default=None, ge=1, le=1000)


class RetryConfig(Configuration):
    """When a failed attempt is tried again; see `flowerpower.retries`."""

    max_retries: int = Field(default=0, ge=0, le=1000)
    delay: Duration = 1.0
    backoff: float = Field(default=2.0, ge=1, le=100)
    max_delay: Duration = 300.0
    jitter_factor: float = Field(default=0.1, ge=0, le=1)
    exceptions: list[str] = ["Exception"]


class RunConfig(Configuration):
    """The `run` section of a pipeline."""

    modules: list[ModuleName] | None = Field(default=None, min_length=1)
    inputs: dict[str, Any] = {}
    final_vars: list[str] | None = Field(default=None, min_length=1)
    config: dict[str, Any] = {}
    executor: ExecutorConfig = ExecutorConfig()
    cache: bool = False
    adapter: AdapterConfig = AdapterConfig()
    timeout: Duration | None = None
    retry: RetryConfig = RetryConfig()


class RetryOverrides(Configuration):
    """What a caller may change of `RetryConfig`; None leaves a setting as it is."""

    max_retries: int | None = Field(default=None, ge=0, le=1000)
    delay: Duration | None = None
    backoff: float | None = Field(default=None, ge=1, le=100)
    max_delay: Duration | None = None
    jitter_factor: float | None = Field(default=None, ge=0, le=1)
    exceptions: list[str] | None = None


class RunOverrides(Configuration):
    """What a caller may change of a pipeline's `run` section; None leaves a setting as it is.

    `declared` names an entry under `schedule` in the pipeline's YAML (empty: the only one, which
    has no id): the `run` there comes first. So a job of a declared schedule holds none of it, and
    no secret that is expanded there.
    """

    inputs: dict[str, Any] = {}
    final_vars: list[str] | None = Field(default=None, min_length=1)
    config: dict[str, Any] = {}
    executor: ExecutorConfig | None = None
    cache: bool | None = None
    progressbar: bool | None = None
    timeout: Duration | None = None
    retry: RetryOverrides = RetryOverrides()
    declared: str | None = None


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
        from flowerpower.triggers import make_trigger

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
    given = overrides.model_dump(exclude_none=True, exclude_defaults=True, exclude={"declared"})
    told = entry.run.model_dump(exclude_none=True, exclude_defaults=True)
    merged = {**told, **given}
    for part in ("inputs", "config", "retry"):
        merged[part] = {**told.get(part, {}), **given.get(part, {})}
    return RunOverrides.model_validate(merged)


def merged_run(pipeline: PipelineConfig, overrides: RunOverrides) -> RunConfig:
    """The `run` section with the caller's overrides over it.

    `inputs` and `config` are merged key by key, everything else is replaced; `params` are not
    part of it, because which of them are inputs depends on the DAG.
    """
    run, overrides = pipeline.run, with_declared(pipeline, overrides)
    given = overrides.model_dump(exclude_none=True, exclude={"inputs", "config", "retry"})
    progressbar = given.pop("progressbar", None)
    if overrides.executor is not None:
        given["executor"] = overrides.executor
    if progressbar is not None:
        given["adapter"] = run.adapter.model_copy(update={"progressbar": progressbar})
    return run.model_copy(
        update={
            **given,
            "inputs": {**run.inputs, **overrides.inputs},
            "config": {**run.config, **overrides.config},
            "retry": run.retry.model_copy(update=overrides.retry.model_dump(exclude_none=True)),
        }
    )
