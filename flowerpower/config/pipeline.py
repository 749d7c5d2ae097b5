"""The configuration objects of a pipeline: what `conf/pipelines/NAME.yml` may say.

Its `run` section is in `flowerpower.config.run`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    GetPydanticSchema,
    ValidatorFunctionWrapHandler,
    model_validator,
)
from pydantic_core import core_schema

from flowerpower.config.job_rules import After
from flowerpower.config.notify import Notify, WebUrl
from flowerpower.config.overrides import RunOverrides
from flowerpower.config.run import CheckedOverrides
from flowerpower.config.run_section import RunConfig
from flowerpower.config.types import (
    Configuration,
    Duration,
    MaxWait,
    Name,
    Priority,
    ScheduleId,
    TimeToLive,
)
from flowerpower.errors import FlowerpowerError

if TYPE_CHECKING:
    from flowerpower.triggers.base import Trigger

KINDS = ("cron", "every", "interval", "date")
"""The keys of which a schedule has exactly one."""


def _overrides(value: Any, check: ValidatorFunctionWrapHandler) -> RunOverrides:
    if isinstance(value, RunOverrides):
        return value
    return RunOverrides.of_checked(check(value))


OverridesInFiles = Annotated[
    RunOverrides,
    GetPydanticSchema(
        lambda _, handler: core_schema.no_info_wrap_validator_function(
            _overrides, handler(CheckedOverrides)
        )
    ),
]
"""Plain data, which is checked as CheckedOverrides are."""


def _dates(value: object) -> object:
    return [] if value is None else [value] if isinstance(value, str) else value


class ScheduleConfig(Configuration):
    """One entry of a pipeline's `schedule` section.

    The trigger is checked by `trigger`, not when the file is read: a run of the pipeline must not
    fail because its schedule is wrong.
    """

    id: ScheduleId | None = None
    cron: str | None = None
    every: str | None = None
    interval: str | int | float | None = None
    date: str | None = None
    timezone: str | None = None
    start: str | None = None
    end: str | None = None
    jitter: Duration | None = None
    except_: Annotated[list[str], BeforeValidator(_dates)] = Field(default=[], alias="except")
    misfire_grace_time: Duration | None = None
    coalesce: bool = True
    max_instances: int = Field(default=1, ge=1, le=1000)
    overlap: Literal["skip", "queue", "replace"] = "skip"
    enabled: bool = True
    queue: Name | None = None
    result_ttl: TimeToLive | None = None
    priority: Priority = 0
    expires: MaxWait | None = None
    ping: WebUrl | None = None
    run: OverridesInFiles = RunOverrides()

    @model_validator(mode="after")
    def _is_for_files(self) -> ScheduleConfig:
        for key in self.run.not_for_files:
            if getattr(self.run, key) not in (None, {}):
                raise ValueError(f"run.{key} is not for files.")
        return self

    def trigger(self, default_timezone: str) -> Trigger:
        """The trigger, in its own zone or else the default one.

        Raises:
            InvalidTrigger, InvalidDuration, InvalidTime: if it cannot be one.
        """
        # Imported here: a run of the pipeline reads this class and needs no trigger.
        from flowerpower.triggers.make import make_trigger

        return make_trigger(**self._trigger_arguments(default_timezone))

    def faults(self, default_timezone: str) -> dict[str, FlowerpowerError]:
        """Why it cannot be a trigger, by key; the empty key is for all of it together."""
        from flowerpower.triggers.make import part_faults

        try:
            self.trigger(default_timezone)
        except FlowerpowerError as error:
            arguments = self._trigger_arguments(default_timezone)
            kinds = [key for key in KINDS if arguments[key] is not None]
            faults = part_faults(**arguments) or {kinds[0] if len(kinds) == 1 else "": error}
            return {key.rstrip("_"): fault for key, fault in faults.items()}
        return {}

    def _trigger_arguments(self, default_timezone: str) -> dict[str, Any]:
        return {
            "timezone": self.timezone or default_timezone,
            **{key: getattr(self, key) for key in (*KINDS, "start", "end", "jitter", "except_")},
        }


def _schedules(value: object) -> object:
    """A single schedule as a list of one; ValueError if the ids in a list are not right."""
    if not isinstance(value, list):
        return [value] if isinstance(value, dict) else value
    ids = [entry.get("id") for entry in value if isinstance(entry, dict)]
    if None in ids:
        raise ValueError("each entry of a list needs an id.")
    repeated = [name for name in ids if isinstance(name, str) and ids.count(name) > 1]
    if repeated:
        raise ValueError(f"two entries have the id {repeated[0]!r}.")
    return value


class PipelineConfig(Configuration):
    """`conf/pipelines/NAME.yml`; a single mapping under `schedule` or `after` is a list of one."""

    run: RunConfig = RunConfig.model_construct()
    schedule: Annotated[list[ScheduleConfig], BeforeValidator(_schedules)] = []
    after: After = []
    params: dict[str, Any] = {}
    notify: Notify = []
