"""A project's pipelines: which exist, making one, deleting one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flowerpower.config.files import (
    PIPELINES_FOLDER,
    Pipeline,
    Project,
    load_pipeline,
    pipeline_path,
)
from flowerpower.config.overrides import RunOverrides
from flowerpower.errors import (
    ConfigError,
    FlowerpowerError,
    PipelineNotFound,
    Refused,
    os_errors_as,
)
from flowerpower.files.atomic import write_files
from flowerpower.text import check_name, did_you_mean, is_name, shortened

MODULES_FOLDER = Path("pipelines")

_NEW_CONFIG = """\
run:
  inputs:
    name: world
  final_vars: [greeting]
"""
_NEW_MODULE = '''\
"""The pipeline {name}: every function is a node, its parameters are what it needs."""


def greeting(name: str) -> str:
    """A friendly line."""
    return f"Hello, {{name}}!"
'''


@dataclass(frozen=True)
class PipelineFiles:
    """The files of one pipeline, as paths relative to the project's root.

    `module` is None if the pipeline has no module of its own name.
    """

    name: str
    config: Path
    module: Path | None


def pipeline_names(root: Path) -> list[str]:
    """The names of all pipelines of the project in the folder `root`, sorted.

    Raises:
        ConfigError: if the folder of their files cannot be read.
    """
    folder = root / PIPELINES_FOLDER
    try:
        files = [path for path in folder.iterdir() if path.suffix == ".yml" and path.is_file()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ConfigError(f"{PIPELINES_FOLDER} cannot be read: {error.strerror}.") from None
    return sorted(path.stem for path in files if is_name(path.stem))


class PipelineRegistry:
    """The pipelines of `project`: those with a file in conf/pipelines.

    `environ` is where `${NAME}` in them is looked up; None stands for the process's environment.
    """

    def __init__(self, project: Project, environ: Mapping[str, str] | None = None) -> None:
        self._project = project
        self.environ = os.environ if environ is None else environ

    def names(self) -> list[str]:
        """The names of all pipelines, sorted."""
        return pipeline_names(self._project.root)

    def files(self, name: str) -> PipelineFiles:
        """The files of the pipeline `name`, which may be any text.

        Raises:
            PipelineNotFound: with the nearest name.
        """
        config = pipeline_path(name)
        # The name is checked before the disk is: it may come from a queue, as `../../etc/x`.
        if not is_name(name) or not (self._project.root / config).is_file():
            raise self._not_found(name)
        module = MODULES_FOLDER / f"{name}.py"
        has_module = (self._project.root / module).is_file()
        return PipelineFiles(name, config, module if has_module else None)

    def get(self, name: str, overrides: RunOverrides | None = None) -> Pipeline:
        """The pipeline `name` with its configuration, whole or for a run with `overrides`.

        Raises:
            PipelineNotFound, ConfigError: as `files` and `load_pipeline`.
        """
        self.files(name)
        return load_pipeline(self._project.root, name, self.environ, overrides)

    def create(self, name: str) -> PipelineFiles:
        """As `PipelineManager.new`."""
        check_name("name of a pipeline", name)
        root = self._project.root
        config, module = pipeline_path(name), MODULES_FOLDER / f"{name}.py"
        contents = {config: _NEW_CONFIG, module: _NEW_MODULE.format(name=name)}
        for path in contents:
            # `exists` would not see a dangling link, and the write would replace it.
            if os.path.lexists(root / path):
                hint = "Choose another name, or delete that file."
                raise Refused(f"{path} already exists.", hint=hint)
        with os_errors_as(FlowerpowerError, f"{name} cannot be made", "; nothing was written"):
            write_files({root / path: text.encode() for path, text in contents.items()})
        return PipelineFiles(name, config, module)

    def delete(self, name: str, *, dry_run: bool = False) -> list[Path]:
        """As `PipelineManager.delete`."""
        files = self.files(name)
        paths = [path for path in (files.config, files.module) if path is not None]
        if users := self._users_of(f"pipelines.{name}", besides=name):
            raise Refused(
                f"{files.module} is also used by {', '.join(users)}.",
                hint="Remove it from their run.modules first.",
            )
        if not dry_run:
            # The configuration last: until it is gone, the pipeline is listed and can be deleted.
            for path in reversed(paths):
                with os_errors_as(FlowerpowerError, f"{path} cannot be deleted"):
                    (self._project.root / path).unlink()
        return paths

    def _users_of(self, module: str, *, besides: str) -> list[str]:
        users = []
        for other in set(self.names()) - {besides}:
            with contextlib.suppress(ConfigError):
                if module in (self.get(other).config.run.modules or []):
                    users.append(other)
        return sorted(users)

    def _not_found(self, name: str) -> PipelineNotFound:
        names = self.names()
        message = f"There is no pipeline {shortened(name, 60)!r}.{did_you_mean(name, names)}"
        if is_name(name) and (self._project.root / MODULES_FOLDER / f"{name}.py").is_file():
            hint = f"{MODULES_FOLDER}/{name}.py exists; add {pipeline_path(name)} to it."
        elif names:
            hint = "See them with `flowerpower pipeline list`."
        else:
            hint = "Make one with `flowerpower pipeline new NAME`."
        return PipelineNotFound(message, hint=hint)
