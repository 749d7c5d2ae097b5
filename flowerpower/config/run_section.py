"""The configuration objects of the `run` section of a pipeline."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from flowerpower.config.adapters import AdapterConfig
from flowerpower.config.job_rules import LimitedRun
from flowerpower.config.run import (
    EVERY_NODE,
    Backoff,
    ExecutorOverrides,
    FilePath,
    Retries,
    Share,
)
from flowerpower.config.types import Configuration, Duration, ModuleName, Switch, shorthand

CacheBehavior = Literal["default", "recompute", "disable", "ignore"]


def _nodes(value: object) -> object:
    return {True: [EVERY_NODE], False: []}[value] if isinstance(value, bool) else value


def _listed(value: object) -> object:
    return value if isinstance(value, list) else [value]


_PathAlone = shorthand(str, "path")
Nodes = Annotated[list[str], BeforeValidator(_nodes)]
"""Names of nodes; true stands for all of them."""


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
    executor: ExecutorConfig = ExecutorConfig.model_construct()
    cache: Annotated[CacheConfig, Switch] = CacheConfig.model_construct(enabled=False)
    adapter: AdapterConfig = AdapterConfig.model_construct()
    timeout: Duration | None = None
    retry: RetryConfig = RetryConfig.model_construct()
