"""Who is told of what, by the configuration as it is now; nothing that a queue stores is called."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flowerpower.config.files import PROJECT_FILE, Project, load_project, pipeline_path
from flowerpower.config.notify import NotifyConfig, PipelineNotices, TargetConfig
from flowerpower.config.validation import validated
from flowerpower.config.yaml_reader import YamlFile, read_yaml
from flowerpower.text import is_name

_NOT_NEEDED = (("run",), ("params",))
"""Parts of a pipeline's file of which a notice needs no variable."""


@dataclass(frozen=True)
class Target:
    """A target of notices.

    Attributes:
        digest: what a queue calls it. It is made of the configuration as written, where a secret is
            a placeholder: so it tells nothing, and is the same when a secret has changed.
        kinds: what it is told of.
        pipelines: of which pipelines, None for all.
    """

    digest: str
    config: TargetConfig
    kinds: frozenset[str]
    pipelines: frozenset[str] | None = None


@dataclass(frozen=True)
class Ping:
    """The `ping` of a schedule; `digest` as of a target, `url` a secret."""

    digest: str
    url: str


class ConfiguredNotices:
    """The targets and pings of the project in a folder, each file read once, when it is needed.

    Without a conf/project.yml there are none. `environ` as for `load_project`.

    Raises:
        ConfigError: if conf/project.yml is wrong.
    """

    def __init__(self, root: Path, environ: Mapping[str, str] | None = None) -> None:
        self._root = root
        self._environ = os.environ if environ is None else environ
        self.project: Project | None = None
        self._pipelines: dict[str, tuple[PipelineNotices, YamlFile] | None] = {}
        # Not Path.is_file, which raises where a folder may not be read.
        if os.path.isfile(root / PROJECT_FILE):
            self.project = load_project(root, self._environ, with_notices=True)

    def targets_of(self, pipeline: str) -> list[Target]:
        """Those that are told of what happens in the pipeline; a pipeline that is gone has none.

        Raises:
            ConfigError: if the pipeline's file cannot be read.
        """
        if self.project is None:
            return []
        own: Iterable[Target] = ()
        if (read := self._read(pipeline)) is not None:
            own = _targets(read[0].notify, read[1], frozenset({pipeline}))
        return _merged([*self.project_targets(), *own])

    def project_targets(self) -> list[Target]:
        """Those of conf/project.yml, which are told of all pipelines."""
        if self.project is None:
            return []
        return _merged(_targets(self.project.config.notify, self.project.file, None))

    def find(self, digest: str, pipelines: Iterable[str]) -> Target | None:
        """The target of that digest of the project, or of one of the pipelines; None without one.

        Raises:
            ConfigError: if it is not the project's, and the file of a pipeline cannot be read.
        """
        known = {target.digest: target for target in self.project_targets()}
        if digest in known:
            return known[digest]
        for pipeline in pipelines:
            for target in self.targets_of(pipeline):
                if target.digest == digest:
                    return target
        return None

    def ping_of(self, pipeline: str, schedule_id: str, *, is_declared: bool) -> Ping | None:
        """The ping of a live schedule; None if its entry has none.

        `is_declared`: YAML has made it. Then the pipeline's only entry may stand for it without an
        id.

        Raises:
            ConfigError: if the pipeline's file cannot be read.
        """
        if self.project is None or (read := self._read(pipeline)) is None:
            return None
        notices, file = read
        for position, entry in enumerate(notices.schedule):
            is_meant = entry.id == schedule_id or (entry.id is None and is_declared)
            if is_meant and entry.ping is not None:
                written = _listed(file.root.plain(as_written=True)["schedule"])[position]
                return Ping(_digest("ping", [pipeline, schedule_id, written["ping"]]), entry.ping)
        return None

    def has_pings(self, pipeline: str) -> bool:
        """Whether a schedule of the pipeline has one; ConfigError as `ping_of`."""
        read = self._read(pipeline)
        return read is not None and any(entry.ping is not None for entry in read[0].schedule)

    def _read(self, pipeline: str) -> tuple[PipelineNotices, YamlFile] | None:
        if pipeline not in self._pipelines:
            path = pipeline_path(pipeline)
            # The name comes from a queue, and may be `../../etc/x`.
            if not is_name(pipeline) or not os.path.isfile(self._root / path):
                self._pipelines[pipeline] = None
            else:
                file = read_yaml(self._root / path, path.as_posix(), self._environ, _NOT_NEEDED)
                self._pipelines[pipeline] = validated(PipelineNotices, file), file
        return self._pipelines[pipeline]


def _targets(
    entries: Iterable[NotifyConfig], file: YamlFile, pipelines: frozenset[str] | None
) -> Iterable[Target]:
    """The targets of a file's `notify` section, one for each mention."""
    written = _listed(file.root.plain(as_written=True).get("notify") or [])
    for entry, as_written in zip(entries, written, strict=True):
        for config, target in zip(entry.to, _listed(as_written["to"]), strict=True):
            digest = _digest(config.kind, target[config.kind])
            yield Target(digest, config, frozenset(entry.on), pipelines)


def _merged(targets: Iterable[Target]) -> list[Target]:
    """Each target once, with all of its kinds; of two mentions the first one's settings count."""
    merged: dict[str, Target] = {}
    for target in targets:
        first = merged.setdefault(target.digest, target)
        merged[target.digest] = replace(first, kinds=first.kinds | target.kinds)
    return list(merged.values())


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _digest(kind: str, written: object) -> str:
    return hashlib.sha256(json.dumps([kind, written]).encode()).hexdigest()[:24]
