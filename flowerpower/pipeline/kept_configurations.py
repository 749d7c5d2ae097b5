"""Configurations that are kept from one job to the next, while nothing has changed.

A worker's child keeps them for its own next jobs, and a fork server for those of its next children.
To read and validate a small YAML file takes as long as some runs do.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from flowerpower.config.file_stamps import Stamp, is_settled, stamp_of
from flowerpower.config.files import (
    PROJECT_FILE,
    Pipeline,
    Project,
    load_project,
    pipeline_path,
    project_root,
)
from flowerpower.config.merge import replaced_paths
from flowerpower.config.overrides import RunOverrides
from flowerpower.pipeline.registry import PipelineRegistry
from flowerpower.run.kept_graphs import KeptGraphs
from flowerpower.text import known_secrets, set_known_secrets

MAX_KEPT = 32
_Key = tuple[str, str, frozenset[Any], bool]


@dataclass(frozen=True)
class Configuration:
    """A project and a pipeline as read for one run; `graphs` are kept as long as they are.

    There are none for the last run of a process. `timezone` is the project's.
    """

    project: Project
    pipeline: Pipeline
    timezone: str
    graphs: KeptGraphs | None


@dataclass(frozen=True)
class _Kept:
    configuration: Configuration
    stamps: dict[str, Stamp]
    variables: dict[str, str | None]
    is_shared: bool
    """Whether a run cannot change it."""
    secrets: frozenset[str]
    """Those that became known when it was read."""

    @property
    def is_settled(self) -> bool:
        return all(is_settled(stamp) for stamp in self.stamps.values())

    def is_current(self) -> bool:
        for file, stamp in self.stamps.items():
            if stamp_of(file) != stamp:
                return False
        return all(os.environ.get(name) == value for name, value in self.variables.items())


class KeptConfigurations:
    """What the attempts of this process have read, or the fork server before them.

    With `for_last_run`, this process makes one more run, which need not leave anything as it is.
    `has_read` says whether the last one had to read files that can be kept.
    """

    def __init__(self) -> None:
        self.for_last_run = False
        self.has_read = False
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()

    def get(self, root: str, name: str, overrides: RunOverrides) -> Configuration:
        """The configuration for a run, read again if its files or variables have changed.

        `root` is the project's folder as text, of which a path is made only to read it.

        Raises:
            ProjectNotFound, PipelineNotFound, ConfigError: as reading the project's files does.
        """
        # Which values of the file it does not use: most jobs set inputs alone, whose names say it.
        has_more = not overrides.sets_inputs_alone
        replaced = replaced_paths(overrides) if has_more else overrides.inputs
        key = root, name, frozenset(replaced), has_more
        kept = self._kept.get(key)
        self.has_read = False
        if kept is None or not kept.is_current():
            kept = _read(Path(root), name, overrides)
            self.has_read = kept.is_settled
            self._keep(key, kept)
        elif kept.secrets:
            set_known_secrets(kept.secrets.union(known_secrets()))
        configuration = kept.configuration
        if self.for_last_run:
            has_graphs = configuration.graphs is not None and not configuration.graphs.is_empty
            return configuration if has_graphs else replace(configuration, graphs=None)
        return configuration if kept.is_shared else _copy(configuration)

    def read_ahead(self, root: str, name: str, overrides: RunOverrides) -> None:
        """Read the configuration for a run in a process that is forked from this one.

        Its secrets are known to runs that use it, and to no others. Raises as `get`.
        """
        self.for_last_run = False
        before = known_secrets()
        try:
            self.get(root, name, overrides)
        finally:
            set_known_secrets(before)

    def _keep(self, key: _Key, kept: _Kept) -> None:
        self._kept.pop(key, None)
        if kept.is_settled and not self.for_last_run:
            self._kept[key] = kept
            if len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)


def _read(root: Path, name: str, overrides: RunOverrides) -> _Kept:
    environ = _RecordedEnvironment()
    root = project_root(root)
    files = root / PROJECT_FILE, root / pipeline_path(name)
    # Before they are read: what is written meanwhile must not pass for what was read.
    stamps = {str(file): stamp_of(file) for file in files}
    secrets = set(known_secrets())
    project = load_project(root, environ)
    pipeline = PipelineRegistry(project, environ).get(name, overrides)
    known = {file: stamp for file, stamp in stamps.items() if stamp is not None}
    # Where the project names none it is the machine's, for which this variable stands.
    environ.get("TZ")
    configuration = Configuration(project, pipeline, project.timezone, KeptGraphs())
    new_secrets = frozenset(known_secrets()) - secrets
    is_shared = _is_fixed(project, pipeline)
    return _Kept(configuration, known, environ.read, is_shared, new_secrets)


def _is_fixed(project: Project, pipeline: Pipeline) -> bool:
    """Whether no value that a run passes on can be changed: a node may change a list."""
    run = pipeline.config.run
    values = [*run.inputs.values(), *run.overrides.values(), *run.config.values()]
    values += pipeline.config.params.values()
    has_more = run.load or run.save or pipeline.config.schedule
    adapters = [*run.adapter.model_fields_set, *project.config.adapter.model_fields_set]
    is_plain = all(isinstance(value, str | int | float | None) for value in values)
    return is_plain and not has_more and not adapters


def _copy(configuration: Configuration) -> Configuration:
    project, pipeline = configuration.project, configuration.pipeline
    return replace(
        configuration,
        project=project.with_config(project.config.model_copy(deep=True)),
        pipeline=replace(pipeline, config=pipeline.config.model_copy(deep=True)),
    )


@dataclass
class _RecordedEnvironment(Mapping[str, str]):
    """The environment, and what was looked up in it: None for what was not set."""

    read: dict[str, str | None] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        self.read[name] = os.environ.get(name)
        return os.environ[name]

    def __iter__(self) -> Iterator[str]:
        return iter(os.environ)

    def __len__(self) -> int:
        return len(os.environ)
