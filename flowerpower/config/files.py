"""Finding a project, reading its files and the environment into configuration objects.

What is wrong with a file is said with file, line, key, what was expected, and what came.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from flowerpower.config.merge import replaced_paths, with_environment
from flowerpower.config.project import ProjectConfig
from flowerpower.config.remote.version import RemoteVersion, version_in
from flowerpower.config.run import RunOverrides
from flowerpower.config.yaml_reader import KeyPath, YamlFile, parse_yaml, read_yaml
from flowerpower.errors import ConfigError, ConfigFault, ProjectNotFound
from flowerpower.text import MASK, did_you_mean, is_secret_name, mask, one_line, shortened
from flowerpower.triggers import clock

if TYPE_CHECKING:
    from flowerpower.config.pipeline import PipelineConfig

PROJECT_FILE = Path("conf", "project.yml")
PIPELINES_FOLDER = Path("conf", "pipelines")
BASE_DIR_VARIABLE = "FLOWERPOWER_BASE_DIR"
_Model = TypeVar("_Model", bound=BaseModel)
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
    "count_or_mapping": "a whole number or a mapping",
    "mapping_or_list": "a mapping or a list",
}
_BOUNDS = {"greater_than_equal": ("ge", "at least"), "less_than_equal": ("le", "at most")}


@dataclass(frozen=True)
class Project:
    """A project as read: its folder, its configuration, and the file it came from.

    `remote` is the version that the folder holds, if the project is at a URL.
    """

    root: Path
    config: ProjectConfig
    file: YamlFile = field(repr=False)
    remote: RemoteVersion | None = None

    @property
    def name(self) -> str:
        """The name in the file, or else the folder's, with `_` for what a name may not hold."""
        name = self.remote.name if self.remote else self.root.name
        folder = re.sub(r"[^A-Za-z0-9_-]+", "_", name)[:100].strip("_").lstrip("_-")
        return self.config.name or folder or "project"

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
    replaced: list[KeyPath] = [] if with_notices else [("notify",)]
    file = read_yaml(root / PROJECT_FILE, PROJECT_FILE.as_posix(), environ, replaced)
    config = with_environment(validated(ProjectConfig, file), environ)
    return Project(root, config, file, version_in(root))


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
    from flowerpower.config.pipeline import PipelineConfig

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


def validated(model: type[_Model], file: YamlFile) -> _Model:
    """The file's data as an object of `model`.

    Raises:
        ConfigError: with every fault in the file.
    """
    try:
        return model.model_validate(file.root.plain())
    except ValidationError as error:
        entries = _entries(error)
    # What a placeholder stands for is text: a password 041496 is no number where text is expected.
    values = [file.root.nearest(_steps(entry["loc"]))[1] for entry in entries if _wants_text(entry)]
    if [value for value in values if value.take_as_text()]:
        return validated(model, file)
    raise _as_config_error(model, file, entries)


def _wants_text(entry: Mapping[str, Any]) -> bool:
    # Besides text itself, a section that may be written as text alone, such as a path.
    return entry["type"] in ("string_type", "model_type", "model_attributes_type")


class _AnyVariable(Mapping[str, str]):
    """An environment in which every variable is set, and none is read."""

    def __getitem__(self, name: str) -> str:
        return "?"

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def check_as_written(content: bytes, shown_name: str) -> YamlFile:
    """A pipeline's file that is valid in some environment, whatever this machine's holds.

    Every value with a placeholder is taken to be right.

    Raises:
        ConfigError: as `load_project`, without the values that come from the environment.
    """
    from flowerpower.config.pipeline import PipelineConfig

    file = parse_yaml(content, shown_name, _AnyVariable())
    try:
        PipelineConfig.model_validate(file.root.plain())
    except ValidationError as error:
        entries = [
            entry
            for entry in _entries(error)
            if entry["type"] == "extra_forbidden"
            or file.root.nearest(_steps(entry["loc"]))[1].raw is None
        ]
        if entries:
            raise _as_config_error(PipelineConfig, file, entries) from None
    return file


def _steps(path: KeyPath) -> KeyPath:
    # Pydantic marks a fault of a mapping's key, not of its value, by a step of its own.
    return tuple(step for step in path if step != "[key]")


def _entries(error: ValidationError) -> list[dict[str, Any]]:
    return [dict(entry) for entry in error.errors(include_url=False)]


def _as_config_error(
    model: type[BaseModel], file: YamlFile, entries: list[dict[str, Any]]
) -> ConfigError:
    faults = []
    for entry in entries:
        path = _steps(entry["loc"])
        _, value = file.root.nearest(path)
        # As written in the file: a message must not show what a placeholder stands for.
        faults.append(file.fault(path, explain(model, entry, value.plain(as_written=True))))
    return ConfigError(
        faults=sorted(faults, key=lambda fault: (fault.line or 0, fault.column or 0))
    )


def explain(model: type[BaseModel], entry: dict[str, Any], value: object) -> str:
    """One error of pydantic's in our words: what was expected, and that `value` came."""
    kind, context, path = entry["type"], entry.get("ctx", {}), entry["loc"]
    if kind == "extra_forbidden":
        section = _model_at(model, path[:-1])
        # A user's own model has no such attribute.
        internal = getattr(section, "not_for_files", ())
        fields = {k: v for k, v in section.model_fields.items() if k not in internal}
        known = sorted(field.alias or name for name, field in fields.items())
        key = str(path[-1])
        suggestion = did_you_mean(key, known) or f" Known keys: {', '.join(known)}."
        return f"{one_line(shortened(key))!r} is not a known key.{suggestion}"
    if kind == "value_error":
        return one_line(mask(str(context["error"])))
    is_secret = any(isinstance(step, str) and is_secret_name(step) for step in path)
    is_placeholder = isinstance(value, str) and "${" in value
    got = f"got {MASK if is_secret and not is_placeholder else describe(value)}"
    if kind == "string_type" and isinstance(value, int | float):
        got += "; put it in quotes"
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


def _model_at(model: type[BaseModel], path: KeyPath) -> type[BaseModel]:
    for step in path:
        if isinstance(step, str) and step in model.model_fields:
            model = next(_models_in(model.model_fields[step].annotation), model)
    return model


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def describe(value: object) -> str:
    """A value for a message: what kind it is, and the beginning of its text."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    text = one_line(mask(shortened(str(value), 60)))
    return f"the text '{text}'" if isinstance(value, str) else text
