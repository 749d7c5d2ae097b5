"""What YAML says of jobs that depend on others: limits, and the pipelines that one follows.

A rate is written COUNT/DURATION: `60/1m` is at most 60 starts in any minute.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from flowerpower.config.types import Configuration, Name, shorthand
from flowerpower.errors import FlowerpowerError
from flowerpower.text import is_name, one_line, shortened
from flowerpower.triggers import clock

MAX_AT_ONCE = 10_000
"""Running jobs that a limit can allow."""
MAX_RATE = 10_000
"""Starts of a rate: the queue keeps the time of each."""
_RATE = re.compile(r"\s*(\d{1,9})\s*/\s*(\S.*?)\s*", re.ASCII)


@dataclass(frozen=True)
class Rate:
    """At most `starts` starts in any `seconds`."""

    starts: int
    seconds: float


def parse_rate(value: object) -> Rate:
    """The rate in a text such as `60/1m`.

    Raises:
        ValueError: saying what was expected, and what came.
    """
    if isinstance(value, Rate):
        return value
    shown = one_line(shortened(str(value), 60))
    match = _RATE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"expected COUNT/DURATION such as 60/1m, got {shown!r}.")
    starts, duration = int(match[1]), match[2]
    if not 1 <= starts <= MAX_RATE:
        raise ValueError(f"expected 1 to {MAX_RATE} starts, got {starts}.")
    # Others write 60/m.
    written = f"1{duration}" if duration.isascii() and duration.isalpha() else duration
    try:
        seconds = clock.parse_duration(written)
    except FlowerpowerError as error:
        raise ValueError(f"expected COUNT/DURATION such as 60/1m: {error.message}") from None
    if written != duration:
        raise ValueError(
            f"expected COUNT/DURATION, got {shown!r}. Did you mean {starts}/1{duration}?"
        )
    if not seconds:
        raise ValueError(f"expected a duration of more than 0 seconds, got {shown!r}.")
    return Rate(starts, seconds)


def _rate(value: object) -> object:
    return None if value is None else parse_rate(value)


class LimitConfig(Configuration):
    """A limit of a project; a number alone is its `at_once`."""

    at_once: int | None = Field(default=None, ge=1, le=MAX_AT_ONCE)
    per: Annotated[Rate | None, BeforeValidator(_rate)] = None

    @model_validator(mode="after")
    def _limits_something(self) -> LimitConfig:
        if self.at_once is None and self.per is None:
            raise ValueError("a limit needs at_once, or per, or both.")
        return self


def _count_or_mapping(value: object) -> object:
    if isinstance(value, int | dict | LimitConfig):
        return value
    raise PydanticCustomError("count_or_mapping", "expected a whole number or a mapping")


ProjectLimits = dict[
    Name,
    Annotated[LimitConfig, shorthand(int, "at_once"), BeforeValidator(_count_or_mapping)],
]


class LimitedRun(Configuration):
    """The limits that count the running jobs of a pipeline: the project's, and its own."""

    limits: list[Name] = Field(default_factory=list)
    max_running: int | None = Field(default=None, ge=1, le=MAX_AT_ONCE)


class AfterConfig(Configuration):
    """A pipeline whose jobs are each followed by one of this pipeline, once they have ended so."""

    pipeline: Name
    on: Literal["success", "failure", "end"] = "success"


def _listed(value: object) -> object:
    """A single entry as a list of one; ValueError if a list names a pipeline twice."""
    if isinstance(value, str) and is_name(value):
        raise ValueError(f"expected a mapping or a list; one pipeline is {{pipeline: {value}}}.")
    if not isinstance(value, dict | list):
        raise PydanticCustomError("mapping_or_list", "expected a mapping or a list")
    entries = [value] if isinstance(value, dict) else value
    names = [entry.get("pipeline") for entry in entries if isinstance(entry, dict)]
    repeated = [name for name in names if isinstance(name, str) and names.count(name) > 1]
    if repeated:
        raise ValueError(f"two entries name the pipeline {repeated[0]!r}.")
    return entries


After = Annotated[list[AfterConfig], BeforeValidator(_listed)]
