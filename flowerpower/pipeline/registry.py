"""A project's pipelines: which there are, a new one, one less."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from flowerpower.config.files import PIPELINES_FOLDER, Pipeline, Project, load_pipeline
from flowerpower.errors import ConfigError, FlowerpowerError, PipelineNotFound, Refused
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


class PipelineRegistry:
    """The pipelines of `project`: those with a file in conf/pipelines."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def names(self) -> list[str]:
        """The names of all pipelines, sorted."""
        folder = self._project.root / PIPELINES_FOLDER
        try:
            files = [each for each in folder.iterdir() if each.suffix == ".yml" and each.is_file()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ConfigError(f"{PIPELINES_FOLDER} cannot be read: {error.strerror}.") from None
        return sorted(each.stem for each in files if is_name(each.stem))

    def files(self, name: str) -> PipelineFiles:
        """Where the pipeline `name` is kept.

        Raises:
            PipelineNotFound: with the nearest name.
        """
        config = PIPELINES_FOLDER / f"{name}.yml"
        if not is_name(name) or not (self._project.root / config).is_file():
            raise self._not_found(name)
        module = MODULES_FOLDER / f"{name}.py"
        return PipelineFiles(
            name, config, module if (self._project.root / module).is_file() else None
        )

    def get(self, name: str) -> Pipeline:
        """The pipeline `name` with its configuration.

        Raises:
            PipelineNotFound: with the nearest name.
            ConfigError: if its file is wrong.
        """
        self.files(name)
        return load_pipeline(self._project.root, name)

    def create(self, name: str) -> PipelineFiles:
        """A new pipeline of one node, in two files.

        Raises:
            InvalidName: if a pipeline cannot be called that.
            Refused: if one of the files is there already; nothing is written then.
        """
        check_name("name of a pipeline", name)
        files = PipelineFiles(name, PIPELINES_FOLDER / f"{name}.yml", MODULES_FOLDER / f"{name}.py")
        contents = {files.config: _NEW_CONFIG, files.module: _NEW_MODULE.format(name=name)}
        taken = [path for path in contents if path and os.path.lexists(self._project.root / path)]
        if taken:
            raise Refused(
                f"{taken[0]} is there already.", hint="Choose another name, or delete that one."
            )
        made: list[Path] = []
        try:
            for path, content in contents.items():
                target = self._project.root / str(path)
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("x", encoding="utf-8") as stream:
                    made.append(target)
                    stream.write(content)
        except OSError as error:
            for target in made:
                target.unlink(missing_ok=True)
            reason = error.strerror or str(error)
            raise FlowerpowerError(f"{name} cannot be made: {reason}; nothing was left.") from None
        return files

    def delete(self, name: str, *, dry_run: bool = False) -> list[Path]:
        """Delete the pipeline's configuration and its module; the paths that went (or would).

        Raises:
            PipelineNotFound: with the nearest name.
        """
        files = self.files(name)
        doomed = [path for path in (files.config, files.module) if path is not None]
        users = self._users_of(f"pipelines.{name}", besides=name)
        if users:
            raise Refused(
                f"{files.module} is used by {', '.join(users)} too.",
                hint="Take it out of their run.modules first.",
            )
        if not dry_run:
            # The module first: what cannot go whole stays a pipeline.
            for path in reversed(doomed):
                try:
                    (self._project.root / path).unlink()
                except OSError as error:
                    raise FlowerpowerError(f"{path} cannot be deleted: {error.strerror}.") from None
        return doomed

    def _users_of(self, module: str, *, besides: str) -> list[str]:
        users = []
        for other in self.names():
            if other != besides:
                with contextlib.suppress(ConfigError):
                    if module in (self.get(other).config.run.modules or []):
                        users.append(other)
        return users

    def _not_found(self, name: str) -> PipelineNotFound:
        names = self.names()
        shown = shortened(name, 60)
        message = f"There is no pipeline {shown!r}.{did_you_mean(name, names)}"
        if is_name(name) and (self._project.root / MODULES_FOLDER / f"{name}.py").is_file():
            hint = f"{MODULES_FOLDER}/{name}.py is there; add {PIPELINES_FOLDER}/{name}.yml to it."
        elif names:
            hint = "See them with `flowerpower pipeline list`."
        else:
            hint = "Make one with `flowerpower pipeline new NAME`."
        return PipelineNotFound(message, hint=hint)
