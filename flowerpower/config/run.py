"""What a caller may change of the `run` section of a pipeline, which is in run_section.py."""

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


class RunOverrides(Configuration):
    """What a caller may change of a pipeline's `run` section; None leaves a setting as it is.

    They are as in `flowerpower.pipeline.overrides.RunArguments`, where `adapters` may also be
    classes: here they are `custom_adapters`, which no job may name (see `names_code`).

    `written` is how values in `inputs` and `overrides` were written, by name, where a shell passed
    them on as text: that counts if the DAG declares text.

    `declared` names an entry under `schedule` in the pipeline's YAML (empty: the only one, which
    has no id), whose `run` is read there when the job runs. So a job of a declared schedule stores
    nothing of it, and no secret that a placeholder there stands for.
    """

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

    @property
    def sets_inputs_alone(self) -> bool:
        """Whether all else is certainly as the pipeline has it."""
        return self.model_fields_set <= {"inputs", "written"}

    @property
    def names_code(self) -> str | None:
        """The class that it names, if any: a record in a queue must not say what to import."""
        return self.custom_adapters[0] if self.custom_adapters else None
