"""The `run` section of a pipeline, and what a caller may change of it."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from flowerpower.config.adapters import AdapterConfig, AdapterName, ClassPath
from flowerpower.config.job_rules import LimitedRun
from flowerpower.config.types import Configuration, Duration, ModuleName, Switch, shorthand

# Defaults that are lists or mappings are made by a `default_factory`: pydantic would copy them
# deeply for each object, which takes most of the time that an object takes.
ExecutorType = Literal["synchronous", "threadpool", "future", "processpool", "ray", "dask"]
CacheBehavior = Literal["default", "recompute", "disable", "ignore"]
EVERY_NODE = "*"
"""In place of a list of nodes."""


def _nodes(value: object) -> object:
    return {True: [EVERY_NODE], False: []}[value] if isinstance(value, bool) else value


def _listed(value: object) -> object:
    return value if isinstance(value, list) else [value]


def _path(value: str) -> str:
    if not value.strip() or "\0" in value:
        raise ValueError("a path cannot be empty or hold a NUL character.")
    return value


_PathAlone = shorthand(str, "path")
FilePath = Annotated[str, AfterValidator(_path)]
Nodes = Annotated[list[str], BeforeValidator(_nodes)]
"""Names of nodes; true stands for all of them."""
Retries = Annotated[int, Field(ge=0, le=1000)]
Backoff = Annotated[float, Field(ge=1, le=100)]
Share = Annotated[float, Field(ge=0, le=1)]


class ExecutorOverrides(Configuration):
    """What a caller may change of `ExecutorConfig`."""

    type: ExecutorType = "synchronous"
    max_workers: int | None = Field(default=None, ge=1, le=1000)


class ExecutorConfig(ExecutorOverrides):
    """How the nodes of one run are executed.

    `max_workers` counts threads or processes. `address` is that of a running Ray or Dask; without
    one, it is started for the run.
    """

    address: str | None = None


class CacheConfig(Configuration):
    """Hamilton's cache; `path` is relative to the project's folder.

    Nodes that read or write files are computed again by default: under the same name a file may
    have changed, or be gone.
    """

    enabled: bool = True
    path: FilePath | None = None
    default: Nodes = Field(default_factory=list)
    recompute: Nodes = Field(default_factory=list)
    ignore: Nodes = Field(default_factory=list)
    disable: Nodes = Field(default_factory=list)
    default_behavior: CacheBehavior = "default"
    default_loader_behavior: CacheBehavior = "recompute"
    default_saver_behavior: CacheBehavior = "recompute"

    @model_validator(mode="after")
    def _one_behavior_a_node(self) -> CacheConfig:
        lists = (self.default, self.recompute, self.ignore, self.disable)
        names = [name for nodes in lists for name in set(nodes)]
        repeated = sorted(name for name in set(names) if names.count(name) > 1)
        if repeated or (EVERY_NODE in names and len(names) > 1):
            nodes = "all nodes are"
            if repeated and EVERY_NODE not in repeated:
                nodes = f"{repeated[0]} is"
            raise ValueError(f"{nodes} in more than one of default, recompute, ignore and disable.")
        return self


class FileConfig(Configuration):
    """A file that a node is loaded from; without a `format`, the path's suffix names it.

    `options` are arguments of Hamilton's data loader or saver.
    """

    path: FilePath
    format: str | None = None
    options: dict[str, Any] = Field(default_factory=dict)


class SavedFileConfig(FileConfig):
    """A file that a node is written to, or several `nodes` together."""

    nodes: list[str] | None = Field(default=None, min_length=1)


class RetryConfig(Configuration):
    """When a failed attempt is retried; see `jobs.run.delay_before_retry`."""

    max_retries: Retries = 0
    delay: Duration = 1.0
    backoff: Backoff = 2.0
    max_delay: Duration = 300.0
    jitter_factor: Share = 0.1
    exceptions: list[str] = ["Exception"]


class RunConfig(LimitedRun):
    """The `run` section of a pipeline."""

    modules: list[ModuleName] | None = Field(default=None, min_length=1)
    allow_module_overrides: bool = False
    inputs: dict[str, Any] = Field(default_factory=dict)
    overrides: dict[str, Any] = Field(default_factory=dict)
    final_vars: list[str] | None = Field(default=None, min_length=1)
    config: dict[str, Any] = Field(default_factory=dict)
    load: dict[str, Annotated[FileConfig, _PathAlone]] = Field(default_factory=dict)
    save: dict[
        str, Annotated[list[Annotated[SavedFileConfig, _PathAlone]], BeforeValidator(_listed)]
    ] = Field(default_factory=dict)
    executor: ExecutorConfig = ExecutorConfig()
    cache: Annotated[CacheConfig, Switch] = CacheConfig(enabled=False)
    adapter: AdapterConfig = AdapterConfig()
    timeout: Duration | None = None
    retry: RetryConfig = RetryConfig()


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
    retry: RetryOverrides = RetryOverrides()
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
