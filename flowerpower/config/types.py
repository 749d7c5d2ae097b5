"""The base of the configuration objects, and the types of their values.

Durations are read from `90s`, `1h30m`, a number of seconds or an ISO 8601 duration; the value is in
seconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from flowerpower.config.queue_settings import MAX_PRIORITY
from flowerpower.errors import FlowerpowerError
from flowerpower.text import NAME_LIMIT, SCHEDULE_ID_LIMIT, check_name
from flowerpower.triggers import clock

_MODULE_NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", re.ASCII)


def _checked(function: Callable[..., Any], *arguments: Any) -> Any:
    """The call's result; our own error becomes a ValueError, which pydantic collects."""
    try:
        return function(*arguments)
    except FlowerpowerError as error:
        raise ValueError(error.message) from None


def shorthand(kind: type, key: str) -> BeforeValidator:
    """For a section that may be written as a value of that kind: its `key` alone."""
    return BeforeValidator(lambda value: {key: value} if isinstance(value, kind) else value)


def _duration(value: object) -> object:
    return _checked(clock.parse_duration, value) if value is not None else None


def _ttl(value: object) -> object:
    return -1.0 if value == -1 and not isinstance(value, bool) else _duration(value)


def _longer_than_nothing(value: float) -> float:
    if value == 0:
        raise ValueError("expected more than 0 seconds, got 0.")
    return value


def _zone(value: str) -> str:
    _checked(clock.timezone, value)
    return value


def _module(value: str) -> str:
    if len(value) > 200 or not _MODULE_NAME.fullmatch(value):
        raise ValueError(f"{value!r} is not a module: expected a name such as pipelines.report.")
    return value


def _named(kind: str, limit: int = NAME_LIMIT) -> AfterValidator:
    return AfterValidator(lambda value: _checked(check_name, kind, value, limit))


Switch = shorthand(bool, "enabled")
Duration = Annotated[float, BeforeValidator(_duration)]
"""Seconds."""
TimeToLive = Annotated[float, BeforeValidator(_ttl)]
"""Seconds; 0 for not at all, -1 for as long as the record."""
MaxWait = Annotated[Duration, AfterValidator(_longer_than_nothing)]
"""Seconds, more than 0."""
Priority = Annotated[int, Field(ge=-MAX_PRIORITY, le=MAX_PRIORITY)]
TimezoneName = Annotated[str, AfterValidator(_zone)]
ModuleName = Annotated[str, AfterValidator(_module)]
Name = Annotated[str, _named("name")]
ScheduleId = Annotated[str, _named("id of a schedule", SCHEDULE_ID_LIMIT)]


_FIXED = (type(None), bool, int, float, str)


class Configuration(BaseModel):
    """The base: unknown keys are refused, nothing is converted silently, objects do not change."""

    # Built at first use: a command that reads one file need not build the models of all. So a
    # default that is a model is made by `model_construct`, which does not build it.
    not_for_files: ClassVar[tuple[str, ...]] = ()
    """Keys that only code gives: no message offers them."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, defer_build=True
    )

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        # Pydantic copies a default for each object that has it. One that holds nothing that could
        # change need not be copied, which takes longer than all the rest.
        if all(type(value) in _FIXED for value in vars(self).values()):
            return self
        return super().__deepcopy__(memo)

    @model_validator(mode="before")
    @classmethod
    def _null_means_the_default(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {k: v for k, v in data.items() if v is not None or k not in cls.model_fields}
