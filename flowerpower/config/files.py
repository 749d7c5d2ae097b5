"""From YAML files and the environment to configuration objects.

Precedence: flag > environment > conf/pipelines/NAME.yml > conf/project.yml > default.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from flowerpower.config.project import (
    BACKEND_PARTS,
    BackendType,
    PipelineConfig,
    ProjectConfig,
    check_backend_url,
)
from flowerpower.config.yaml_reader import YamlFile, parse_yaml, read_yaml
from flowerpower.errors import ConfigError, ConfigFault, FlowerpowerError, ProjectNotFound
from flowerpower.text import did_you_mean, mask, one_line, shortened
from flowerpower.triggers import clock

PROJECT_FILE = Path("conf", "project.yml")
PIPELINES_FOLDER = Path("conf", "pipelines")
BASE_DIR_VARIABLE = "FLOWERPOWER_BASE_DIR"
TYPE_VARIABLE = "FLOWERPOWER_JOB_QUEUE_TYPE"
URL_VARIABLE = "FLOWERPOWER_JOB_QUEUE_URL"
_NOWHERE = dict.fromkeys(("url", *BACKEND_PARTS))

_Model = TypeVar("_Model", bound=BaseModel)
_Path = tuple[str | int, ...]
_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "list_type": "a list",
    "finite_number": "a finite number",
}


_BOUNDS = {
    "greater_than_equal": ("ge", "at least"),
    "less_than_equal": ("le", "at most"),
}


@dataclass(frozen=True)
class Project:
    """A project as read: its folder, its configuration, and the file it came from."""

    root: Path
    config: ProjectConfig
    file: YamlFile = field(repr=False)

    @property
    def name(self) -> str:
        """The name in the file, or else the folder's, with what a name may not hold as `_`."""
        folder = re.sub(r"[^A-Za-z0-9_-]+", "_", self.root.name)[:100].strip("_")
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


def find_project_root(start: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of FLOWERPOWER_BASE_DIR, or the first from `start` upwards with a project.yml.

    Raises:
        ProjectNotFound: if there is none.
    """
    named = environ.get(BASE_DIR_VARIABLE)
    if named:
        return project_root(Path(named))
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
        found = (folder / PROJECT_FILE).is_file()
    except (OSError, RuntimeError, ValueError) as error:
        raise ProjectNotFound(f"{shortened(str(folder))} cannot be opened: {error}.") from None
    if not found:
        raise ProjectNotFound(
            f"{folder} is not a project: it has no {PROJECT_FILE}.",
            hint="Make one with `flowerpower init`.",
        )
    return folder


def load_project(root: Path, environ: Mapping[str, str] = os.environ) -> Project:
    """The project in the folder `root`.

    Raises:
        ConfigError: naming file, line, key and the nearest valid key of every fault.
    """
    file = read_yaml(root / PROJECT_FILE, PROJECT_FILE.as_posix(), environ)
    config = validated(ProjectConfig, file)
    return Project(root, _with_environment(config, environ), file)


def load_pipeline(root: Path, name: str, environ: Mapping[str, str] = os.environ) -> Pipeline:
    """The configuration of the pipeline `name`, which is a valid name.

    Raises:
        ConfigError: as `load_project`.
    """
    shown = (PIPELINES_FOLDER / f"{name}.yml").as_posix()
    file = read_yaml(root / shown, shown, environ)
    return Pipeline(name, validated(PipelineConfig, file), file)


def schedule_faults(pipeline: Pipeline, default_timezone: str) -> list[ConfigFault]:
    """What is wrong with the triggers under `schedule`, with file and line."""
    faults = []
    for position, entry in enumerate(pipeline.config.schedule):
        try:
            entry.trigger(default_timezone)
        except FlowerpowerError as error:
            listed = isinstance(pipeline.file.root.content["schedule"].content, list)
            path: _Path = ("schedule", position) if listed else ("schedule",)
            if key := entry.wrong_key():
                path = (*path, key)
            faults.append(pipeline.file.fault(path, one_line(error.message)))
    return faults


def _with_environment(config: ProjectConfig, environ: Mapping[str, str]) -> ProjectConfig:
    queue = config.job_queue
    backend_type = environ.get(TYPE_VARIABLE)
    if backend_type and backend_type != queue.type:
        known = get_args(BackendType)
        if backend_type not in known:
            raise ConfigError(
                f"{TYPE_VARIABLE} is {one_line(shortened(backend_type))!r}: expected "
                f"{' or '.join(known)}.{did_you_mean(backend_type, known)}"
            )
        # The place in the file belongs to the backend in the file.
        backend = queue.backend.model_copy(update=_NOWHERE)
        queue = queue.model_copy(update={"type": backend_type, "backend": backend})
    if url := environ.get(URL_VARIABLE):
        try:
            check_backend_url(queue.type, url)
        except ValueError as error:
            raise ConfigError(f"{URL_VARIABLE}: {error}") from None
        backend = queue.backend.model_copy(update={**_NOWHERE, "url": url})
        queue = queue.model_copy(update={"backend": backend})
    return config.model_copy(update={"job_queue": queue})


def validated(model: type[_Model], file: YamlFile) -> _Model:
    """The file's data as an object of `model`.

    Raises:
        ConfigError: with every fault in the file.
    """
    try:
        return model.model_validate(file.root.plain())
    except ValidationError as error:
        raise _wrong(model, file, error.errors(include_url=False)) from None


class _AnyVariable(Mapping[str, str]):
    """An environment in which every variable is set, and none is read."""

    def __getitem__(self, name: str) -> str:
        return "?"

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def check_as_written(content: bytes, shown_name: str) -> YamlFile:
    """A pipeline's file that may be valid in some environment; this one's is not looked at.

    Every value that holds a placeholder is taken to be right.

    Raises:
        ConfigError: as `load_project`, without the values that come from the environment.
    """
    file = parse_yaml(content, shown_name, _AnyVariable())
    try:
        PipelineConfig.model_validate(file.root.plain())
    except ValidationError as error:
        entries = [
            entry
            for entry in error.errors(include_url=False)
            if entry["type"] == "extra_forbidden" or not _is_expanded(file, entry["loc"])
        ]
        if entries:
            raise _wrong(PipelineConfig, file, entries) from None
    return file


def _is_expanded(file: YamlFile, path: _Path) -> bool:
    return file.root.nearest(_steps(path))[1].raw is not None


def _steps(path: _Path) -> _Path:
    return tuple(step for step in path if step != "[key]")


def _wrong(model: type[BaseModel], file: YamlFile, entries: Iterable[Any]) -> ConfigError:
    faults = [_fault(model, file, dict(entry)) for entry in entries]
    faults.sort(key=lambda fault: (fault.line or 0, fault.column or 0))
    return ConfigError(faults=faults)


def _fault(model: type[BaseModel], file: YamlFile, entry: dict[str, Any]) -> ConfigFault:
    path = _steps(entry["loc"])
    _, value = file.root.nearest(path)
    return file.fault(path, explained(model, entry, value.plain(as_written=True)))


def explained(model: type[BaseModel], entry: dict[str, Any], value: object) -> str:
    """One error of pydantic's in our words: what was expected and what came (`value`)."""
    kind, context, path = entry["type"], entry.get("ctx", {}), entry["loc"]
    if kind == "extra_forbidden":
        known = sorted(_model_at(model, path[:-1]).model_fields)
        key = str(path[-1])
        suggestion = did_you_mean(key, known) or f" Known keys: {', '.join(known)}."
        return f"{one_line(shortened(key))!r} is not a known key.{suggestion}"
    if kind == "value_error":
        return one_line(mask(str(context["error"])))
    got = f"got {described(value)}"
    if kind == "literal_error":
        expected = context["expected"].replace("'", "")
        known = expected.replace(" or ", ", ").split(", ")
        guess = did_you_mean(value, known) if isinstance(value, str) else ""
        return f"expected {expected}, {got}.{guess}"
    if kind in _EXPECTED:
        return f"expected {_EXPECTED[kind]}, {got}."
    if kind in _BOUNDS:
        bound, words = _BOUNDS[kind]
        return f"expected {words} {context[bound]:g}, {got}."
    if kind == "too_short":
        return "expected at least one entry, got none."
    return f"{entry['msg'][:1].lower()}{entry['msg'][1:]}, {got}."


def _model_at(model: type[BaseModel], path: _Path) -> type[BaseModel]:
    for step in path:
        info = model.model_fields.get(str(step)) if isinstance(step, str) else None
        if info is None:
            continue
        model = next(_models_in(info.annotation), model)
    return model


def _models_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def described(value: object) -> str:
    """A value for a message: what it is, and shortly what it says."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    shown = one_line(mask(shortened(str(value), 60)))
    return f"the text '{shown}'" if isinstance(value, str) else shown
