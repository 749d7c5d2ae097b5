"""Adding entries to the `schedule` of a pipeline's YAML, and leaving all else of it as it is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from flowerpower.config.files import Project, pipeline_path
from flowerpower.config.project_source import check_writable
from flowerpower.config.validation import check_as_written
from flowerpower.config.yaml_reader import parse_yaml
from flowerpower.errors import ConfigError, FlowerpowerError, Refused, os_errors_as
from flowerpower.files.atomic import write_files
from flowerpower.pipeline.other_schedulers.plan import Action, ImportedLine

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def write_entries(project: Project, lines: Iterable[ImportedLine]) -> list[Path]:
    """Add the entries of the lines to be added; the files that were changed, all or none.

    Raises:
        Refused: if a file has a form that nothing can be added to, or the project is at a URL;
            nothing is written then.
        FlowerpowerError: if a file cannot be read or written.
    """
    check_writable(project)
    entries: dict[str, list[ImportedLine]] = {}
    for line in lines:
        if line.action is Action.ADD and line.pipeline is not None:
            entries.setdefault(line.pipeline, []).append(line)
    contents: dict[Path, bytes] = {}
    for name, added in entries.items():
        path = pipeline_path(name)
        with os_errors_as(FlowerpowerError, f"{path} cannot be read"):
            before = (project.root / path).read_bytes()
        contents[project.root / path] = with_entries(before, added, path.as_posix())
    with os_errors_as(FlowerpowerError, "The pipelines' YAML cannot be written"):
        write_files(contents)
    return [path.relative_to(project.root) for path in contents]


def with_entries(content: bytes, lines: Sequence[ImportedLine], shown_name: str) -> bytes:
    """The content of a file with more entries; every line of it stays as it is.

    Raises:
        Refused: if that cannot be done without changing other lines.
    """
    newline = "\r\n" if b"\r\n" in content else "\n"
    text = content.decode("utf-8")
    before = parse_yaml(content, shown_name, None).root.plain()
    entries = [json.loads(_scalar(line.entry)) for line in lines]
    expected = {**before, "schedule": [*_listed(before, shown_name), *entries]}
    kept = text.splitlines(keepends=True)
    if kept and not kept[-1].endswith("\n"):
        kept[-1] += newline
    place, indent = _place(text, shown_name)
    head = [] if place is not None else ["schedule:"]
    added = [*head, *(part for line in lines for part in entry_lines(line, indent))]
    position = len(kept) if place is None else place
    new = [*kept[:position], *(f"{part}{newline}" for part in added), *kept[position:]]
    result = "".join(new).encode()
    try:
        is_right = parse_yaml(result, shown_name, None).root.plain() == expected
        check_as_written(result, shown_name)
    except ConfigError:
        is_right = False
    if not is_right:
        raise _refused(shown_name)
    return result


def _listed(before: Mapping[str, Any], shown_name: str) -> list[Any]:
    entries = before.get("schedule", [])
    if isinstance(entries, dict):
        raise Refused(
            f"{shown_name} has one schedule, which is no list.",
            hint="Make it a list: give it an id, and put it behind `- ` under schedule.",
        )
    if not isinstance(entries, list):
        raise _refused(shown_name)
    return entries


def _refused(shown_name: str) -> Refused:
    return Refused(
        f"{shown_name} has a form that no entry can be added to without changing its lines.",
        hint="Paste what --dry-run prints under schedule.",
    )


def _place(text: str, shown_name: str) -> tuple[int | None, str]:
    """Before which line the entries go (None: a new section at the end), and their indent."""
    root = yaml.compose(text, Loader=_Loader)
    if root is None:
        return None, "  "
    if not isinstance(root, yaml.MappingNode) or root.flow_style:
        raise _refused(shown_name)
    for key, value in root.value:
        if key.value != "schedule":
            continue
        if not isinstance(value, yaml.SequenceNode) or value.flow_style or not value.value:
            raise _refused(shown_name)
        # A node ends where the next one begins: comments between belong to what follows.
        lines = text.splitlines()
        last = min(value.end_mark.line, len(lines))
        while last and (not lines[last - 1].strip() or lines[last - 1].lstrip().startswith("#")):
            last -= 1
        return last, " " * value.start_mark.column
    if root.start_mark.column:
        raise _refused(shown_name)
    return None, "  "


def entry_lines(line: ImportedLine, indent: str = "  ") -> list[str]:
    """An entry as lines of YAML, with a comment that says where it comes from."""
    # Only the times: a command may hold a password.
    comment = f"{indent}# {' '.join(line.source.expression.split())}"
    parts = [f"{key}: {_scalar(value)}" for key, value in line.entry.items()]
    first, *rest = parts
    return [comment, f"{indent}- {first}", *(f"{indent}  {part}" for part in rest)]


def _scalar(value: Any) -> str:
    """A value as YAML: JSON is YAML, but for `${`, which would be a variable."""
    return json.dumps(value, ensure_ascii=False).replace("${", "$${")
