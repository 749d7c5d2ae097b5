"""Checking what a YAML file holds, and saying what is wrong: file, line, key, expected, got."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from flowerpower.config.pipeline import PipelineConfig
from flowerpower.config.yaml_reader import KeyPath, YamlFile, parse_yaml
from flowerpower.errors import ConfigError
from flowerpower.text import did_you_mean, mask, one_line, shortened

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
}
_BOUNDS = {"greater_than_equal": ("ge", "at least"), "less_than_equal": ("le", "at most")}


def validated(model: type[_Model], file: YamlFile) -> _Model:
    """The file's data as an object of `model`.

    Raises:
        ConfigError: with every fault in the file.
    """
    try:
        return model.model_validate(file.root.plain())
    except ValidationError as error:
        raise _as_config_error(model, file, _entries(error)) from None


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
        known, key = sorted(_model_at(model, path[:-1]).model_fields), str(path[-1])
        suggestion = did_you_mean(key, known) or f" Known keys: {', '.join(known)}."
        return f"{one_line(shortened(key))!r} is not a known key.{suggestion}"
    if kind == "value_error":
        return one_line(mask(str(context["error"])))
    got = f"got {describe(value)}"
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
