"""What modules of upstream's projects import: `Config.load(…).pipeline.h_params` and the like.

    from flowerpower.cfg import Config

    PARAMS = Config.load(Path(__file__).parents[1], pipeline_name="report").pipeline.h_params

So such a module runs here unchanged. Nothing else of this tool uses it, and a new module takes its
`params` as inputs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from flowerpower.config.files import PROJECT_FILE, pipeline_path
from flowerpower.config.yaml_reader import read_yaml
from flowerpower.errors import ConfigError
from flowerpower.text import did_you_mean, is_name, shortened

__all__ = ["Config", "PipelineConfig", "ProjectConfig", "load"]

_VALUE_DEPTH = 3
"""As in `{node: {node: {argument: value}}}`, which `@parameterize` takes."""
files_read: dict[str, tuple[int, int]] = {}
"""The time (ns) and size of each file that was read here, before it was."""


class Parameters(dict[str, Any]):
    """A mapping whose keys are attributes too: `PARAMS.greeting` is `PARAMS["greeting"]`."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            guess = did_you_mean(name, self)
            raise AttributeError(f"There is no parameter {name!r}.{guess}") from None


@dataclass(frozen=True)
class PipelineConfig:
    """A pipeline's file: `params` as they stand in it, and `h_params` for `@parameterize`."""

    name: str | None
    params: Parameters
    h_params: Parameters
    run: Parameters

    @classmethod
    def load(
        cls, base_dir: str | os.PathLike[str] = ".", name: str | None = None, **options: Any
    ) -> PipelineConfig:
        """The configuration of the pipeline `name`, empty if there is no name.

        Raises:
            ConfigError: if its file cannot be read, or the project is not on this machine.
        """
        _check_options(options)
        data: dict[str, Any] = {}
        if name is not None:
            # Upstream's `group.report` is group_report here.
            ours = name.replace(".", "_")
            if not is_name(ours):
                raise ConfigError(f"{shortened(name)!r} is not the name of a pipeline.")
            data = _read(Path(base_dir), pipeline_path(ours))
        params = _as_parameters(data.get("params") or {})
        return cls(name, params, _h_params(params), _as_parameters(data.get("run") or {}))


@dataclass(frozen=True)
class ProjectConfig:
    """The project's file."""

    name: str | None
    adapter: Parameters

    @classmethod
    def load(cls, base_dir: str | os.PathLike[str] = ".", **options: Any) -> ProjectConfig:
        """The configuration of the project in the folder `base_dir`.

        Raises:
            ConfigError: as `PipelineConfig.load`.
        """
        _check_options(options)
        data = _read(Path(base_dir), PROJECT_FILE)
        return cls(data.get("name"), _as_parameters(data.get("adapter") or {}))


@dataclass(frozen=True)
class Config:
    """The files of a project and of one of its pipelines."""

    pipeline: PipelineConfig
    project: ProjectConfig

    @classmethod
    def load(
        cls,
        base_dir: str | os.PathLike[str] = ".",
        _name: str | None = None,
        pipeline_name: str | None = None,
        **options: Any,
    ) -> Config:
        """The project in the folder `base_dir`, and its pipeline `pipeline_name`.

        The project's name, as in upstream, and `cfg_dir` and `pipelines_dir` change nothing.

        Raises:
            ConfigError: as `PipelineConfig.load`.
        """
        pipeline = PipelineConfig.load(base_dir, pipeline_name, **options)
        return cls(pipeline, ProjectConfig.load(base_dir))


load = Config.load


def _check_options(options: Mapping[str, Any]) -> None:
    known = {"fs", "storage_options", "job_queue_type", "cfg_dir", "pipelines_dir", "name"}
    if unknown := sorted(options.keys() - known):
        raise TypeError(f"load() has no argument {unknown[0]!r}.{did_you_mean(unknown[0], known)}")
    if any(options.get(key) for key in ("fs", "storage_options")):
        raise ConfigError(
            "A project is a folder of this machine: leave out fs and storage_options."
        )


def _read(root: Path, path: Path) -> dict[str, Any]:
    """The mapping in a file of the project, with dates as upstream reads them."""
    file = (root / path).absolute()
    status = file.stat() if file.is_file() else None
    if status is not None:
        files_read[str(file)] = status.st_mtime_ns, status.st_size
    data = read_yaml(file, path.as_posix(), os.environ).root.plain()
    read: dict[str, Any] = _with_dates(data, yaml.safe_load(file.read_bytes()))
    return read


def _with_dates(data: Any, old: Any) -> Any:
    """The data, with the dates that PyYAML reads: to our reader they are text."""
    if isinstance(data, dict) and isinstance(old, dict):
        return {key: _with_dates(value, old.get(key)) for key, value in data.items()}
    if isinstance(data, list) and isinstance(old, list) and len(data) == len(old):
        return [_with_dates(*pair) for pair in zip(data, old, strict=True)]
    return old if isinstance(data, str) and hasattr(old, "isoformat") else data


def _as_parameters(value: Any) -> Any:
    if isinstance(value, dict):
        return Parameters({key: _as_parameters(item) for key, item in value.items()})
    if isinstance(value, list):
        return [_as_parameters(item) for item in value]
    return value


def _h_params(params: Parameters) -> Parameters:
    """Each parameter as `{name: value}`, for `@parameterize(**h_params.name)`.

    Below the name of an argument, what is the name of a parameter is Hamilton's `source` of it, and
    everything else a `value`.
    """
    # Hamilton is imported by whoever calls this, and not by every command.
    from hamilton.function_modifiers import source, value

    def converted(item: Any, depth: int) -> Any:
        if isinstance(item, dict) and depth < _VALUE_DEPTH:
            return Parameters({key: converted(part, depth + 1) for key, part in item.items()})
        if isinstance(item, str) and item in params:
            return source(item)
        return value(item) if depth == _VALUE_DEPTH else item

    return Parameters({name: converted({name: item}, 1) for name, item in params.items()})
