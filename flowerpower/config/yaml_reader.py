"""Reading YAML so that each value knows its file, line and column.

Plain scalars are read by the core schema of YAML 1.2: `yes`, `no`, `on`, `off`, `1:30` and dates
are text. Tags, duplicate keys, keys that are not text, deep nesting and aliases that multiply to
very many values are refused. `${NAME}` and `${NAME:-default}` in a value come from the
environment; `$${` is a plain `${`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from flowerpower.config.yaml_scalars import advice, typed
from flowerpower.errors import ConfigError, ConfigFault
from flowerpower.text import did_you_mean, is_secret_name, mask, one_line, remember_secret

KeyPath: TypeAlias = tuple[str | int, ...]
"""Keys of mappings and positions in lists, from the root on."""

MAX_BYTES = 1_000_000
MAX_DEPTH = 60
MAX_NODES = 50_000

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLACEHOLDER = re.compile(r"\$\$\{|\$\{([^}]*)\}|\$\{")
_PLACEHOLDER_BODY = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.ASCII | re.DOTALL)


@dataclass
class YamlNode:
    """A value of a YAML file: `content` is a scalar, a list of nodes or a mapping of nodes."""

    content: Any
    line: int
    column: int
    raw: str | None = None
    """The text as written, if it holds a placeholder."""
    text: str | None = None
    """The same with its placeholders replaced, before it was read as a scalar."""
    size: int = 1
    key_nodes: dict[str, YamlNode] = field(default_factory=dict)

    def plain(self, *, as_written: bool = False) -> Any:
        """The value as plain Python data, with placeholders unresolved if `as_written`."""
        if isinstance(self.content, dict):
            return {key: node.plain(as_written=as_written) for key, node in self.content.items()}
        if isinstance(self.content, list):
            return [node.plain(as_written=as_written) for node in self.content]
        return self.raw if as_written and self.raw is not None else self.content

    def take_as_text(self) -> bool:
        """Make a number or the like from the environment the text that it was there."""
        if self.text is None or isinstance(self.content, str):
            return False
        self.content = self.text
        return True

    def nearest(self, path: KeyPath) -> tuple[YamlNode, YamlNode]:
        """The deepest nodes on the way along `path`: the one to point at, and its value."""
        place = value = self
        for step in path:
            content = value.content
            if isinstance(content, dict) and step in content:
                place, value = value.key_nodes[str(step)], content[step]
            elif isinstance(content, list) and isinstance(step, int) and step < len(content):
                place = value = content[step]
            elif step != 0:  # a single mapping may stand for a list of one
                break
        return place, value


@dataclass
class YamlFile:
    """One YAML file that holds a mapping (an empty file is an empty one).

    `has_placeholders` is true if `${` stands in one of its values, also in one that is left out.
    """

    name: str
    root: YamlNode
    has_placeholders: bool = False

    def text_at(self, path: KeyPath) -> str | None:
        """The text that a scalar with placeholders stands for; None if there is no such scalar."""
        node: YamlNode | None = self.root
        for step in path:
            content = node.content if node is not None else None
            node = content.get(step) if isinstance(content, dict) else None
        return None if node is None else node.text

    def fault(self, path: KeyPath, message: str, key: str | None = None) -> ConfigFault:
        """A fault at `path`, with the line and column of the nearest node that exists."""
        node, _ = self.root.nearest(path)
        key = dotted(path) if key is None else key
        return ConfigFault(self.name, message, key, node.line, node.column)


def dotted(path: KeyPath) -> str:
    """A path of keys as people write it: `schedule[1].cron`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return one_line(text)


def read_yaml(
    path: Path,
    shown_name: str,
    environ: Mapping[str, str],
    replaced: Collection[KeyPath] = (),
) -> YamlFile:
    """The file at `path`, called `shown_name` in errors.

    What stands at a path of `replaced` does not count: it is left out if it cannot be resolved.

    Raises:
        ConfigError: if it cannot be read, is not such YAML, or names an unset variable.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(faults=[ConfigFault(shown_name, f"cannot be read: {reason}.")]) from None
    return parse_yaml(content, shown_name, environ, replaced)


def parse_yaml(
    content: bytes,
    shown_name: str,
    environ: Mapping[str, str] | None,
    replaced: Collection[KeyPath] = (),
) -> YamlFile:
    """As `read_yaml`, from bytes; without an `environ`, `${` means nothing special."""
    return _Parser(shown_name, environ, replaced).parse(content)


class _Parser:
    def __init__(
        self, file: str, environ: Mapping[str, str] | None, replaced: Collection[KeyPath]
    ) -> None:
        self._file = file
        self._environ = environ
        self._replaced = replaced
        self._anchors: dict[str, YamlNode | None] = {}
        self._nodes = 0
        self._faults: list[ConfigFault] = []
        self._has_placeholders = False

    def parse(self, content: bytes) -> YamlFile:
        if len(content) > MAX_BYTES:
            raise self._error(f"is larger than {MAX_BYTES // 1_000_000} MB.")
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            broken_line = content.count(b"\n", 0, error.start) + 1
            byte = f"byte {content[error.start]:#04x} at offset {error.start}"
            raise self._error(f"is not UTF-8 text ({byte}).", broken_line, 1) from None
        try:
            root = self._document(iter(yaml.parse(text, Loader=_Loader)))
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            problem = " ".join(filter(None, (error.context, error.problem))) or "not YAML"
            place = (mark.line + 1, mark.column + 1) if mark else ()
            lines = text.splitlines()[mark.line : mark.line + 1] if mark else []
            slip = advice("".join(lines), error.context or "")
            raise self._error(f"is not valid YAML: {problem}.{slip}", *place) from None
        except yaml.YAMLError as error:
            position = getattr(error, "position", None)
            reason = getattr(error, "reason", None) or "it cannot be read"
            line = text.count("\n", 0, position) + 1 if isinstance(position, int) else None
            raise self._error(f"is not valid YAML: {reason}.", line) from None
        if not isinstance(root.content, dict):
            kinds: dict[type, str] = {list: "a list", str: "text"}
            kind = kinds.get(type(root.content), "a single value")
            message = f"holds {kind}; expected a mapping of keys to values."
            raise self._error(message, root.line, root.column)
        if self._faults:
            raise ConfigError(faults=self._faults)
        return YamlFile(self._file, root, self._has_placeholders)

    def _error(self, message: str, *place: int | None, key: str = "") -> ConfigError:
        text = one_line(mask(message))
        return ConfigError(faults=[ConfigFault(self._file, text, key, *place)])

    def _document(self, events: Iterator[Any]) -> YamlNode:
        root = None
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    raise self._at(event, "holds more than one document; expected one.")
                root = self._node(next(events), events, ())
        return YamlNode({}, 1, 1) if root is None or root.content is None else root

    def _at(self, event: Any, message: str, path: KeyPath = ()) -> ConfigError:
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        return self._error(message, line, column, key=dotted(path))

    def _node(self, event: Any, events: Iterator[Any], path: KeyPath) -> YamlNode:
        if len(path) > MAX_DEPTH:
            raise self._at(event, f"is nested more than {MAX_DEPTH} levels deep.")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path)
        if event.tag not in (None, "!"):
            raise self._at(event, f"has the tag {event.tag!r}; tags are not allowed.", path)
        if event.anchor:
            # Known but without a value until its end: an alias in between refers to itself.
            self._anchors[event.anchor] = None
        node = YamlNode(None, event.start_mark.line + 1, event.start_mark.column + 1)
        self._count(event, 1)
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(node, event, path)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._sequence(node, events, path)
        else:
            self._mapping(node, events, path)
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _count(self, event: Any, size: int) -> None:
        self._nodes += size
        if self._nodes > MAX_NODES:
            raise self._at(event, f"holds more than {MAX_NODES} values, aliases expanded.")

    def _alias(self, event: Any, path: KeyPath) -> YamlNode:
        node = self._anchors.get(event.anchor)
        if node is None:
            what = "itself" if event.anchor in self._anchors else "an anchor that does not exist"
            raise self._at(event, f"*{event.anchor} refers to {what}.", path)
        # Counted with all it holds: nested aliases multiply ("billion laughs").
        self._count(event, node.size)
        return node

    def _scalar(self, node: YamlNode, event: Any, path: KeyPath) -> None:
        text: str = event.value
        if self._environ is not None and "${" in text:
            node.raw = text
            self._has_placeholders = True
            text = node.text = self._expanded(node, path, text, self._environ)
        node.content = typed(text) if event.implicit[0] else text

    def _expanded(self, node: YamlNode, path: KeyPath, raw: str, environ: Mapping[str, str]) -> str:
        secret_key = any(isinstance(step, str) and is_secret_name(step) for step in path)

        def value(match: re.Match[str]) -> str:
            if match[0] == "$${":
                return "${"
            body = _PLACEHOLDER_BODY.fullmatch(match[1] or "")
            if body is None:
                expected = "expected ${NAME} or ${NAME:-default}."
                self._fault(node, path, f"{match[0]!r} is not a placeholder: {expected}")
                return ""
            name, default = body.groups()
            # As in a shell, ${NAME:-default} also replaces a variable that is set but empty.
            text = environ.get(name) or default
            if text is None:
                guess = did_you_mean(name, [key for key in environ if len(key) > 2])
                advice = f"Set it, or write ${{{name}:-default}}."
                message = f"the environment variable {name} is not set.{guess} {advice}"
                self._fault(node, path, message)
                return ""
            if secret_key or is_secret_name(name):
                remember_secret(text)  # so that no message, log or result shows it
                if type(number := typed(text)) is int:
                    remember_secret(str(number))  # 041496 may be read as 41496
            return text

        return _PLACEHOLDER.sub(value, raw)

    def _fault(self, node: YamlNode, path: KeyPath, message: str) -> None:
        self._faults.append(
            ConfigFault(self._file, one_line(message), dotted(path), node.line, node.column)
        )

    def _sequence(self, node: YamlNode, events: Iterator[Any], path: KeyPath) -> None:
        node.content = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            item = self._node(event, events, (*path, len(node.content)))
            node.content.append(item)
            node.size += item.size

    def _mapping(self, node: YamlNode, events: Iterator[Any], path: KeyPath) -> None:
        node.content = {}
        merged: list[YamlNode] = []
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            key = self._key(event, path)
            before = len(self._faults), len(self._anchors)
            value = self._node(next(events), events, (*path, key))
            # An anchor may be used elsewhere, so what holds one is needed.
            is_needed = (*path, key) not in self._replaced or before[1] != len(self._anchors)
            if len(self._faults) > before[0] and not is_needed:
                del self._faults[before[0] :]
                continue
            node.size += value.size
            if key == "<<" and event.implicit[0]:
                merged.extend(self._merge_sources(event, value, path))
                continue
            key_node = YamlNode(key, event.start_mark.line + 1, event.start_mark.column + 1)
            if key in node.content:
                message = f"the key is given twice (first in line {node.key_nodes[key].line})."
                self._fault(key_node, (*path, key), message)
            node.content[key] = value
            node.key_nodes[key] = key_node
        for source in merged:
            for key, value in source.content.items():
                node.content.setdefault(key, value)
                node.key_nodes.setdefault(key, source.key_nodes[key])

    def _key(self, event: Any, path: KeyPath) -> str:
        if isinstance(event, yaml.ScalarEvent) and event.tag in (None, "!") and not event.anchor:
            key: str = event.value
            if not event.implicit[0] or isinstance(typed(key), str):
                self._count(event, 1)
                return key
        raise self._at(event, "a key must be text; put it in quotes.", path)

    def _merge_sources(self, event: Any, value: YamlNode, path: KeyPath) -> list[YamlNode]:
        sources: list[YamlNode] = value.content if isinstance(value.content, list) else [value]
        if not all(isinstance(source.content, dict) for source in sources):
            raise self._at(event, "<< takes a mapping or a list of mappings.", path)
        for source in sources:
            self._count(event, source.size)
        return sources
