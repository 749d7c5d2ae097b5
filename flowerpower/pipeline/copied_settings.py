"""The conf/project.yml of a project that starts as a copy of another."""

from __future__ import annotations

import contextlib
import copy
import json
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from flowerpower.config.files import PROJECT_FILE
from flowerpower.config.queue_settings import BACKEND_PARTS, QueueSettings
from flowerpower.config.yaml_reader import parse_yaml
from flowerpower.errors import ConfigError
from flowerpower.pipeline.upstream.new_file import yaml_text
from flowerpower.pipeline.upstream.report import Row

_SHARED = (
    "both projects would run each other's jobs; without it the new project's name is its namespace."
)
_ANOTHER_TYPE = "it is the address of a queue of type {}: write that of the new one there."


@dataclass
class CopiedSettings:
    """The new file's text, and the settings that it does not have, each with the reason."""

    text: str
    left_out: list[Row] = field(default_factory=list)


def copied_settings(
    content: bytes,
    name: str,
    timezone: str | None,
    backend: str | None,
    local_timezone: Callable[[], str],
) -> CopiedSettings:
    """The file of another project for one called `name`: all of it, but for what is left out.

    A `timezone` and a `backend` replace the old ones; where neither says a zone, it is the local
    one. The text, with its comments, stays as it is where that is possible.

    Raises:
        ConfigError: if it is not YAML.
    """
    file = parse_yaml(content, PROJECT_FILE.as_posix(), None)
    old: dict[str, Any] = file.root.plain()
    new, left_out = copy.deepcopy(old), []
    for path, reason in _dropped(old, backend):
        if _drop(new, path):
            row = Row(file.name, file.fault(path, "").line, ".".join(path), "left_out", "", reason)
            left_out.append(row)
    new |= {"name": name}
    if timezone is not None or new.get("timezone") is None:
        new["timezone"] = timezone or local_timezone()
    if backend not in (None, _type_of(old)):
        new["job_queue"] = {**_mapping(new.get("job_queue")), "type": backend}
    return CopiedSettings(_edited(content.decode("utf-8-sig"), old, new), left_out)


def _type_of(data: dict[str, Any]) -> Any:
    return _mapping(data.get("job_queue")).get("type") or QueueSettings.type


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dropped(old: dict[str, Any], backend: str | None) -> Iterator[tuple[tuple[str, ...], str]]:
    """The settings that another project must not have, and why."""
    yield ("job_queue", "namespace"), _SHARED
    if backend not in (None, _type_of(old)):
        for key in ("url", *BACKEND_PARTS):
            yield ("job_queue", "backend", key), _ANOTHER_TYPE.format(_type_of(old))


def _drop(data: dict[str, Any], path: tuple[str, ...]) -> bool:
    """Take a setting away, with the section that is empty then; False if there is none."""
    section = data
    for step in path[:-1]:
        section = _mapping(section.get(step))
    if section.pop(path[-1], None) is None:
        return False
    if not section and len(path) > 1:
        _drop(data, path[:-1])
    return True


def _edited(text: str, old: dict[str, Any], new: dict[str, Any]) -> str:
    """The text changed at the places where the data differ; as new YAML where that fails."""
    text += "" if text.endswith("\n") else "\n"
    with contextlib.suppress(ValueError, ConfigError):
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if root is None:
            return text + yaml_text(new)
        edited = text
        for start, end, replacement in sorted(_edits(text, root, old, new), reverse=True):
            edited = edited[:start] + replacement + edited[end:]
        # Flow style, anchors and what else YAML has need not be known above: it is read again.
        if parse_yaml(edited.encode(), "", None).root.plain() == new:
            return edited
    return yaml_text(new)


def _edits(
    text: str, node: yaml.Node, old: dict[str, Any], new: dict[str, Any]
) -> Iterator[tuple[int, int, str]]:
    """What to replace in the text: from, to, and the new text."""
    for key, value in node.value:
        name = key.value
        if name not in old:
            raise ValueError("A merge key stands for others.")
        if name not in new:
            begin = text.rfind("\n", 0, key.start_mark.index) + 1
            yield begin, text.find("\n", _end_of(value)) + 1 or len(text), ""
        elif isinstance(value, yaml.MappingNode) and isinstance(new[name], dict):
            yield from _edits(text, value, _mapping(old[name]), new[name])
        elif old[name] != new[name]:
            yield value.start_mark.index, value.end_mark.index, json.dumps(new[name])
    added = {name: value for name, value in new.items() if name not in old}
    if added:
        # The name stands first, all else after what does.
        first = 0 if "name" in added else text.find("\n", _end_of(node.value[0][1])) + 1
        start, indent = first or node.start_mark.index, " " * node.start_mark.column
        yield start, start, textwrap.indent(yaml_text(added), indent)


def _end_of(node: yaml.Node) -> int:
    """Where a value ends; that of a block ends where the next key begins, after its comments."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end_of(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)
