"""A YAML file of an upstream project: its values as upstream reads them, and where each stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from flowerpower.config.yaml_reader import KeyPath, YamlFile, dotted, parse_yaml
from flowerpower.errors import ConfigError, ConfigFault
from flowerpower.pipeline.upstream.report import Outcome, Row

IN_PLAIN_TEXT = "it is plain text in the file; ${NAME} takes it from the environment."
NOT_KNOWN = "upstream has no such setting either, or not in this version."
NOT_A_MAPPING = "it is not a mapping."


@dataclass(frozen=True)
class OldFile:
    """A file as read: `data` is its mapping."""

    name: str
    data: dict[str, Any]
    yaml: YamlFile

    def line(self, path: KeyPath) -> int | None:
        """The line of the nearest key that exists along `path`."""
        return self.yaml.fault(path, "").line

    def row(self, path: KeyPath, outcome: Outcome, to: str = "", advice: str = "") -> Row:
        """A row about the setting at `path`."""
        return Row(self.name, self.line(path), dotted(path), outcome, to, advice)


def read_old_file(content: bytes, name: str) -> OldFile:
    """The file `name`, with scalars as YAML 1.1 has them: `yes` is true, `2024-01-01` a date.

    Raises:
        ConfigError: with file and line, if it is no YAML, or such as this tool does not read.
    """
    file = parse_yaml(content, name, None)
    try:
        old = yaml.safe_load(content)
    except (yaml.YAMLError, ValueError) as error:
        fault = ConfigFault(name, f"is not YAML as upstream reads it: {error}.")
        raise ConfigError(faults=[fault]) from None
    return OldFile(name, with_old_scalars(file.root.plain(), {} if old is None else old), file)


def with_old_scalars(data: Any, old: Any) -> Any:
    """The data with the keys that our reader sees, and the values that PyYAML sees."""
    if isinstance(data, dict) and isinstance(old, dict):
        return {key: with_old_scalars(value, old.get(key, value)) for key, value in data.items()}
    if isinstance(data, list) and isinstance(old, list) and len(data) == len(old):
        return [with_old_scalars(*pair) for pair in zip(data, old, strict=True)]
    return old


class Section:
    """A mapping in an old file, of which each key is accounted for: a row for it.

    Something else where a mapping must be is a row too, and the section is empty. `content` is what
    stands there.
    """

    def __init__(self, file: OldFile, path: KeyPath = ()) -> None:
        self.file = file
        self.path = path
        self.rows: list[Row] = []
        content: Any = file.data
        for step in path:
            content = content.get(step) if isinstance(content, dict) else None
        self.content = content
        if content is not None and not isinstance(content, dict):
            self.rows.append(file.row(path, "left_out", advice=NOT_A_MAPPING))
        self._left: dict[str, Any] = dict(content) if isinstance(content, dict) else {}

    def __bool__(self) -> bool:
        return bool(self._left)

    def take(self, key: str) -> Any:
        """The value of a key; who takes it says what became of it. None if there is none."""
        return self._left.pop(key, None)

    def section(self, key: str) -> Section:
        """The mapping under a key; its rows are to be added to those of this one."""
        self._left.pop(key, None)
        return Section(self.file, (*self.path, key))

    def say(self, key: str, outcome: Outcome, to: str = "", advice: str = "") -> None:
        """Add a row about the key, if the file has it."""
        path = (*self.path, key)
        place: Any = self.file.data
        for step in path:
            if not isinstance(place, dict) or step not in place:
                return
            place = place[step]
        self.rows.append(self.file.row(path, outcome, to, advice))

    def moved(self, key: str, to: str, advice: str = "") -> Any:
        """The value of a key that is `to` here; nothing (None, empty) is not needed."""
        value = self.take(key)
        if value is None or value in ({}, [], ""):
            self.say(key, "not_needed")
            return None
        self.say(key, "converted", to, advice)
        return value

    def not_needed(self, *keys: str, advice: str = "") -> None:
        """Take keys that mean nothing here, whatever they say."""
        for key in keys:
            self.take(key)
            self.say(key, "not_needed", advice=advice)

    def left_out(self, key: str, advice: str, *, default: Any = None) -> None:
        """Take a key that has no counterpart; a value that is empty or the default says nothing."""
        value = self.take(key)
        if value is None or value in ({}, [], "", default):
            self.say(key, "not_needed")
        else:
            self.say(key, "left_out", advice=advice)

    def has(self, key: str) -> bool:
        """Whether there is a key that nobody has taken."""
        return key in self._left

    def left_out_all(self, advice: str) -> None:
        """Take every key that is left, none of which has a counterpart."""
        for key in list(self._left):
            self.left_out(key, advice)

    def close(self) -> list[Row]:
        """All rows, among them those of keys that nobody has taken."""
        self.left_out_all(NOT_KNOWN)
        return self.rows
