"""Python files of an upstream project: imports that must be written otherwise here.

Nothing is imported. A file is changed where it imports a module beside it by its bare name:
upstream puts the folder of the pipelines on the import path too, we only the project's.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

from flowerpower.errors import ConfigError
from flowerpower.pipeline.bundles.module_files import parse_module
from flowerpower.pipeline.upstream.report import Row

PACKAGE = "pipelines"
SERVED = {
    "flowerpower": {"PipelineManager", "cfg"},
    "flowerpower.cfg": {"Config", "PipelineConfig", "ProjectConfig", "load"},
    "flowerpower.pipeline": {"PipelineManager"},
    "flowerpower.job_queue": {"JobQueueManager"},
}
"""What upstream's modules have that ours have too, under the same name."""
ANSWERS = {
    "flowerpower.cfg": "what it held are arguments: PipelineManager().run(name, inputs=…).",
    "flowerpower.plugins": "use pandas and the like, or run.load and run.save.",
    "flowerpower.fs": "use fsspec itself, or run.load and run.save with an address such as s3://…",
    "flowerpower.settings": "settings stand in conf/project.yml.",
    "flowerpower.mqtt": "let your MQTT client call PipelineManager().add_job(name).",
    "flowerpower": "PipelineManager(folder) has run, add_job and schedule.",
}
"""What to use in place of the rest, by the beginning of its name; the first that fits."""
_ONE_BY_ONE = "import it alone, as `from pipelines import {}`."
_Edit = tuple[int, int, bytes]
"""From and to, in bytes, and what stands there instead."""


def siblings(paths: Collection[Path]) -> set[str]:
    """The modules and packages directly in the folder of the pipelines."""
    names = {path.parts[1].removesuffix(".py") for path in paths if _is_module(path)}
    # Python has imported its own long before.
    return names - sys.stdlib_module_names


def _is_module(path: Path) -> bool:
    return path.suffix == ".py" and len(path.parts) > 1 and path.parts[0] == PACKAGE


def convert_module(path: Path, content: bytes, names: Collection[str]) -> tuple[bytes, list[Row]]:
    """A Python file as it is here, byte for byte but for such imports, and what was changed.

    `names` are the `siblings`.
    """
    file = path.as_posix()
    try:
        tree = parse_module(content, file)
    except ConfigError as error:
        text = error.details[0] if error.details else error.message
        return content, [Row(file, None, "", "left_out", advice=f"It is copied as it is: {text}")]
    starts = _line_starts(content)
    edits: list[_Edit] = []
    rows: list[Row] = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        rows += _upstream_imports(file, node)
        if _is_module(path):
            begin = starts[node.lineno - 1] + node.col_offset
            end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
            new, row = _sibling_import(file, node, content[begin:end], names)
            rows += [row] if row else []
            edits += [(begin, end, new)] if new is not None else []
    for begin, end, new_text in sorted(edits, reverse=True):
        content = content[:begin] + new_text + content[end:]
    return content, rows


def _line_starts(content: bytes) -> list[int]:
    starts = [0]
    for line in content.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return starts


def _sibling_import(
    file: str, node: ast.Import | ast.ImportFrom, text: bytes, names: Collection[str]
) -> tuple[bytes | None, Row | None]:
    """The statement as it must be here, and a row; None for each where it may stay."""
    statement = " ".join(text.decode().split())
    if isinstance(node, ast.ImportFrom):
        module = node.module or ""
        if node.level or module.partition(".")[0] not in names:
            return None, None
        changed = re.sub(rb"\A(from\s+)", rb"\g<1>" + PACKAGE.encode() + b".", text)
        to = " ".join(changed.decode().split())
        return changed, Row(file, node.lineno, statement, "converted", to)
    own = [alias for alias in node.names if alias.name.partition(".")[0] in names]
    if not own:
        return None, None
    if len(node.names) > 1 or "." in own[0].name:
        advice = _ONE_BY_ONE.format(own[0].name.partition(".")[0])
        return None, Row(file, node.lineno, statement, "left_out", advice=advice)
    new = f"from {PACKAGE} " + statement
    return new.encode(), Row(file, node.lineno, statement, "converted", new)


def _upstream_imports(file: str, node: ast.Import | ast.ImportFrom) -> Iterator[Row]:
    """A row for each name of upstream's that is not here."""
    if isinstance(node, ast.Import):
        wanted = [(alias.name, "") for alias in node.names]
    elif node.level == 0:
        wanted = [(node.module or "", alias.name) for alias in node.names]
    else:
        return
    for module, name in wanted:
        if module.partition(".")[0] != "flowerpower" or name in SERVED.get(module, ()):
            continue
        if not name and module in SERVED:
            continue
        full = f"{module}.{name}".rstrip(".")
        begin = next(known for known in ANSWERS if f"{full}.".startswith(f"{known}."))
        yield Row(
            file, node.lineno, full, "left_out", advice=f"There is none here: {ANSWERS[begin]}"
        )
