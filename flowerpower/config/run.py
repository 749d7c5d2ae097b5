"""The checks of what a caller may change of the `run` section, which is in run_section.py."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from flowerpower.config.adapters import AdapterName, ClassPath
from flowerpower.config.types import Configuration, Duration

# Defaults that are lists or mappings are made by a `default_factory`: pydantic would copy them
# deeply for each object, which takes most of the time that an object takes.
ExecutorType = Literal["synchronous", "threadpool", "future", "processpool", "ray", "dask"]
EVERY_NODE = "*"
"""In place of a list of nodes."""


def _path(value: str) -> str:
    if not value.strip() or "\0" in value:
        raise ValueError("a path cannot be empty or hold a NUL character.")
    return value


FilePath = Annotated[str, AfterValidator(_path)]
Retries = Annotated[int, Field(ge=0, le=1000)]
Backoff = Annotated[float, Field(ge=1, le=100)]
Share = Annotated[float, Field(ge=0, le=1)]


class ExecutorOverrides(Configuration):
    """What a caller may change of `ExecutorConfig`."""

    type: ExecutorType = "synchronous"
    max_workers: int | None = Field(default=None, ge=1, le=1000)


class RetryOverrides(Configuration):
    """What a caller may change of `RetryConfig`; None leaves a setting as it is."""

    max_retries: Retries | None = None
    delay: Duration | None = None
    backoff: Backoff | None = None
    max_delay: Duration | None = None
    jitter_factor: Share | None = None
    exceptions: list[str] | None = None


class CheckedOverrides(Configuration):
    """What may be changed of the `run` section of a pipeline, as files and callers write it."""

    not_for_files: ClassVar[tuple[str, ...]] = ("declared", "written")

    inputs: dict[str, Any] = Field(default_factory=dict)
    overrides: dict[str, Any] = Field(default_factory=dict)
    final_vars: list[str] | None = Field(default=None, min_length=1)
    config: dict[str, Any] = Field(default_factory=dict)
    load: dict[str, FilePath] = Field(default_factory=dict)
    save: dict[str, FilePath] = Field(default_factory=dict)
    executor: ExecutorOverrides | None = None
    cache: bool | None = None
    recompute: list[str] | None = None
    progressbar: bool | None = None
    adapters: list[AdapterName] = Field(default_factory=list)
    custom_adapters: list[ClassPath] = Field(default_factory=list)
    timeout: Duration | None = None
    retry: RetryOverrides = RetryOverrides.model_construct()
    written: dict[str, str] = Field(default_factory=dict)
    declared: str | None = None
