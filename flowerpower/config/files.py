"""Finding a project, reading its files and the environment into configuration objects."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from flowerpower.config import kept_settings
from flowerpower.config.file_stamps import stamp_of
from flowerpower.config.kept_settings import ProjectSettings
from flowerpower.config.queue_settings import with_environment
from flowerpower.config.remote.version import RemoteVersion, version_in
from flowerpower.errors import ConfigFault, ProjectNotFound
from flowerpower.text import one_line, shortened
from flowerpower.triggers import clock

if TYPE_CHECKING:
    from flowerpower.config.overrides import RunOverrides
    from flowerpower.config.pipeline import PipelineConfig
    from flowerpower.config.project import ProjectConfig
    from flowerpower.config.yaml_reader import KeyPath, YamlFile

PROJECT_FILE = Path("conf", "project.yml")
PIPELINES_FOLDER = Path("conf", "pipelines")
BASE_DIR_VARIABLE = "FLOWERPOWER_BASE_DIR"


Whole = tuple["ProjectConfig", "YamlFile"]


class Project:
    """A project: its folder, its settings, and its configuration with the file it came from.

    The configuration may be read at its first use: see `flowerpower.config.kept_settings`.

    Attributes:
        root: the folder.
        job_queue: the settings of its queue, as file and environment give them.
        remote: the version that the folder holds, if the project is at a URL.
    """

    def __init__(self, root: Path, settings: ProjectSettings, read: Callable[[], Whole]) -> None:
        self.root = root
        self.job_queue = settings.job_queue
        self.remote: RemoteVersion | None = version_in(root)
        self._settings = settings
        self._read = read

    @cached_property
    def _whole(self) -> Whole:
        return self._read()

    @property
    def config(self) -> ProjectConfig:
        """What `conf/project.yml` says; ConfigError if it is wrong by now."""
        return self._whole[0]

    @property
    def file(self) -> YamlFile:
        """The file, as it was read."""
        return self._whole[1]

    def with_config(self, config: ProjectConfig) -> Project:
        """The same project with another configuration."""
        return Project(self.root, self._settings, lambda: (config, self.file))

    @property
    def name(self) -> str:
        """The name in the file, or else the folder's, with `_` for what a name may not hold."""
        name = self.remote.name if self.remote else self.root.name
        folder = re.sub(r"[^A-Za-z0-9_-]+", "_", name)[:100].strip("_").lstrip("_-")
        return self._settings.name or folder or "project"

    @property
    def work(self) -> Path:
        """Where runs are, and what is written: the root, or the work folder of a remote project."""
        return self.remote.work if self.remote else self.root

    @property
    def version(self) -> str | None:
        """Which version of a remote project this is; a project in a folder has none."""
        return self.remote.version if self.remote else None

    @property
    def timezone(self) -> str:
        """The name of the project's time zone, by default the machine's."""
        return self._settings.timezone or clock.local_timezone_name()


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


def load_project(
    root: Path, environ: Mapping[str, str] | None = None, *, with_notices: bool = False
) -> Project:
    """The project in the folder `root`.

    Only who sends notices needs the variables under `notify`: it is left out if one is not set,
    unless `with_notices`.

    Raises:
        ConfigError: naming file, line, key and the nearest valid key of every fault.
    """
    environ = _environment(environ)
    stamp = stamp_of(root / PROJECT_FILE)
    if not with_notices and (kept := kept_settings.read(root, stamp)) is not None:
        settings = replace(kept, job_queue=with_environment(kept.job_queue, environ))
        return Project(root, settings, lambda: _read_project(root, environ, with_notices=False))
    config, file = _read_project(root, environ, with_notices=with_notices)
    project = project_of(root, config, file, environ)
    kept_settings.keep(root, stamp, file, settings_of(config))
    return project


def _read_project(root: Path, environ: Mapping[str, str], *, with_notices: bool) -> Whole:
    # Not at the top: to import pydantic takes longer than all that adds a job.
    from flowerpower.config.project import ProjectConfig
    from flowerpower.config.validation import validated
    from flowerpower.config.yaml_reader import read_yaml

    replaced: list[KeyPath] = [] if with_notices else [("notify",)]
    file = read_yaml(root / PROJECT_FILE, PROJECT_FILE.as_posix(), environ, replaced)
    return validated(ProjectConfig, file), file


def project_of(
    root: Path, config: ProjectConfig, file: YamlFile, environ: Mapping[str, str]
) -> Project:
    """The project of a configuration that was read.

    Raises:
        ConfigError: naming the variable of the environment that is not valid.
    """
    settings = settings_of(config)
    settings = replace(settings, job_queue=with_environment(settings.job_queue, environ))
    return Project(root, settings, lambda: (config, file))


def settings_of(config: ProjectConfig) -> ProjectSettings:
    """What most commands need of a configuration."""
    return ProjectSettings(config.name, config.timezone, config.job_queue.settings)


def pipeline_path(name: str) -> Path:
    """The file of a pipeline's configuration, relative to its project's folder."""
    return PIPELINES_FOLDER / f"{name}.yml"


def load_pipeline(
    root: Path,
    name: str,
    environ: Mapping[str, str] | None = None,
    overrides: RunOverrides | None = None,
) -> Pipeline:
    """The configuration of the pipeline `name`, which is a valid name.

    For a run with `overrides` a variable need not be set where the file's value is not used.

    Raises:
        ConfigError: as `load_project`.
    """
    # Not at the top: whoever only adds a job reads no pipeline.
    from flowerpower.config.merge import replaced_paths
    from flowerpower.config.pipeline import PipelineConfig
    from flowerpower.config.validation import validated
    from flowerpower.config.yaml_reader import read_yaml

    path = pipeline_path(name)
    replaced = () if overrides is None else replaced_paths(overrides)
    file = read_yaml(root / path, path.as_posix(), _environment(environ), replaced)
    return Pipeline(name, validated(PipelineConfig, file), file)


def schedule_faults(pipeline: Pipeline, default_timezone: str) -> list[ConfigFault]:
    """What is wrong with the triggers under `schedule`, with file and line."""
    faults = []
    is_list = bool(pipeline.config.schedule) and isinstance(
        pipeline.file.root.content["schedule"].content, list
    )
    for position, entry in enumerate(pipeline.config.schedule):
        place: KeyPath = ("schedule", position) if is_list else ("schedule",)
        for key, error in entry.faults(default_timezone).items():
            path = (*place, key) if key else place
            faults.append(pipeline.file.fault(path, one_line(error.message)))
    return faults
