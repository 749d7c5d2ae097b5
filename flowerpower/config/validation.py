"""A file's data as configuration objects; what is wrong is said with file, line and key.

Each fault says what was expected, and what came.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from flowerpower.config.overrides import RunOverrides
from flowerpower.config.run import CheckedOverrides
from flowerpower.config.yaml_reader import KeyPath, YamlFile, parse_yaml
from flowerpower.errors import ConfigError
from flowerpower.text import MASK, did_you_mean, is_secret_name, mask, one_line, shortened

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
    if annotation is RunOverrides:
        yield CheckedOverrides
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
