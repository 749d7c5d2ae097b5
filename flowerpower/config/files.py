"""Finding a project, and reading its files and the environment into configuration objects."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flowerpower.config.faults import validated
from flowerpower.config.merge import with_environment
from flowerpower.config.pipeline import PipelineConfig
from flowerpower.config.project import ProjectConfig
from flowerpower.config.yaml_reader import KeyPath, YamlFile, read_yaml
from flowerpower.errors import ConfigFault, FlowerpowerError, ProjectNotFound
from flowerpower.text import one_line, shortened
from flowerpower.triggers import clock

PROJECT_FILE = Path("conf", "project.yml")
PIPELINES_FOLDER = Path("conf", "pipelines")
BASE_DIR_VARIABLE = "FLOWERPOWER_BASE_DIR"


@dataclass(frozen=True)
class Project:
    """A project as read: its folder, its configuration, and the file it came from."""

    root: Path
    config: ProjectConfig
    file: YamlFile = field(repr=False)

    @property
    def name(self) -> str:
        """The name in the file, or else the folder's, with `_` for what a name may not hold."""
        folder = re.sub(r"[^A-Za-z0-9_-]+", "_", self.root.name)[:100].strip("_").lstrip("_-")
        return self.config.name or folder or "project"

    @property
    def timezone(self) -> str:
        """The name of the project's time zone, by default the machine's."""
        return self.config.timezone or clock.local_timezone_name()


@dataclass(frozen=True)
class Pipeline:
    """A pipeline's configuration as read."""

    name: str
    config: PipelineConfig
    file: YamlFile = field(repr=False)


def _environment(environ: Mapping[str, str] | None) -> Mapping[str, str]:
    # Not as a default value: help() and notebooks print signatures, with every variable in it.
    return os.environ if environ is None else environ


def find_project_root(start: Path, environ: Mapping[str, str] | None = None) -> Path:
    """The folder of FLOWERPOWER_BASE_DIR, or the first from `start` upwards with a project.yml.

    `environ` is the environment to look in, here and below; None stands for the process's.

    Raises:
        ProjectNotFound: if there is none.
    """
    if base_dir := _environment(environ).get(BASE_DIR_VARIABLE):
        return project_root(Path(base_dir))
    try:
        start = start.absolute()
        for folder in (start, *start.parents):
            if (folder / PROJECT_FILE).is_file():
                return folder
    except OSError as error:
        raise ProjectNotFound(f"The current folder cannot be read: {error.strerror}.") from None
    raise ProjectNotFound(
        f"No {PROJECT_FILE} in {start} or any folder above it.",
        hint="Make a project with `flowerpower init`, or name one with --base-dir.",
    )


def project_root(folder: Path) -> Path:
    """`folder` as an absolute path.

    Raises:
        ProjectNotFound: if it holds no conf/project.yml.
    """
    try:
        folder = folder.expanduser().absolute()
        is_project = (folder / PROJECT_FILE).is_file()
    except (OSError, RuntimeError, ValueError) as error:
        raise ProjectNotFound(f"{shortened(str(folder))} cannot be opened: {error}.") from None
    if not is_project:
        raise ProjectNotFound(
            f"{folder} is not a project: it has no {PROJECT_FILE}.",
            hint="Make one with `flowerpower init`.",
        )
    return folder


def load_project(root: Path, environ: Mapping[str, str] | None = None) -> Project:
    """The project in the folder `root`.

    Raises:
        ConfigError: naming file, line, key and the nearest valid key of every fault.
    """
    environ = _environment(environ)
    file = read_yaml(root / PROJECT_FILE, PROJECT_FILE.as_posix(), environ)
    config = with_environment(validated(ProjectConfig, file), environ)
    return Project(root, config, file)


def pipeline_path(name: str) -> Path:
    """The file of a pipeline's configuration, relative to its project's folder."""
    return PIPELINES_FOLDER / f"{name}.yml"


def load_pipeline(root: Path, name: str, environ: Mapping[str, str] | None = None) -> Pipeline:
    """The configuration of the pipeline `name`, which is a valid name.

    Raises:
        ConfigError: as `load_project`.
    """
    path = pipeline_path(name)
    file = read_yaml(root / path, path.as_posix(), _environment(environ))
    return Pipeline(name, validated(PipelineConfig, file), file)


def schedule_faults(pipeline: Pipeline, default_timezone: str) -> list[ConfigFault]:
    """What is wrong with the triggers under `schedule`, with file and line."""
    faults = []
    is_list = bool(pipeline.config.schedule) and isinstance(
        pipeline.file.root.content["schedule"].content, list
    )
    for position, entry in enumerate(pipeline.config.schedule):
        try:
            entry.trigger(default_timezone)
        except FlowerpowerError as error:
            path: KeyPath = ("schedule", position) if is_list else ("schedule",)
            if key := entry.wrong_key():
                path = (*path, key)
            faults.append(pipeline.file.fault(path, one_line(error.message)))
    return faults
