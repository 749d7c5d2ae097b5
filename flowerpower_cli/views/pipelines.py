"""How pipelines look: nodes, inputs, what a run would do, and the outputs of a run."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from flowerpower.text import MASK, is_secret_name, mask_values, one_line, shortened
from flowerpower.triggers.clock import format_duration
from flowerpower_cli.views.tables import (
    Block,
    Cell,
    Table,
    cell,
    counted,
    line,
    section_title,
    table,
)

if TYPE_CHECKING:
    from flowerpower.run.dag import InputInfo, NodeInfo

FORECASTS = {
    "cached": "from cache",
    "computed": "computed",
    "depends": "depends on its inputs",
    "no_fingerprint": "computed, has no fingerprint",
}
MAX_VALUE = 200
"""Characters of a value in a table."""
MAX_COLUMNS = 12
_DECIMAL = re.compile(r"[+-]?\d+\.\d+(E[+-]?\d+)?", re.ASCII)


def nodes_view(nodes: list[NodeInfo]) -> Iterator[Block]:
    """Nodes with their types, what they need and the first line of their docstring."""
    yield section_title("Nodes")
    yield table(
        {
            "node": [cell(node.name, "bold") for node in nodes],
            "type": [cell(node.type, "cyan") for node in nodes],
            "needs": [cell(", ".join(node.needs)) for node in nodes],
            "what it is…": [cell((node.doc or "").partition("\n")[0], "dim") for node in nodes],
        }
    )


def inputs_view(inputs: list[InputInfo], values: dict[str, Any]) -> Iterator[Block]:
    """Inputs with their types, values where they are known, and the nodes that take them."""

    def style(node: InputInfo) -> str:
        return "" if node.name in values else "bold red" if node.required else "dim"

    yield section_title("Inputs")
    yield table(
        {
            "input": [cell(node.name, "bold") for node in inputs],
            "type": [cell(node.type, "cyan") for node in inputs],
            "value": [cell(input_value(node, values), style(node)) for node in inputs],
            "taken by…": [cell(", ".join(node.needed_by)) for node in inputs],
        }
    )


def input_value(node: InputInfo, values: dict[str, Any]) -> str:
    """The value of an input, masked if its name is that of a secret."""
    if node.name not in values:
        return "missing" if node.required else "its default"
    return MASK if is_secret_name(node.name) else shortened(repr(values[node.name]), 60)


def plan_view(
    nodes: list[NodeInfo], final_vars: list[str], forecast: dict[str, str]
) -> Iterator[Block]:
    """Nodes in the order they would run, and with a cache what would come from it."""
    yield section_title("Would run")
    columns = {
        "#>": [cell(number) for number in range(1, len(nodes) + 1)],
        "node": [
            cell(node.name, "bold green" if node.name in final_vars else "bold") for node in nodes
        ],
        "type": [cell(node.type, "cyan") for node in nodes],
    }
    if forecast:
        cached = [FORECASTS.get(forecast.get(node.name, ""), "") for node in nodes]
        columns["cache"] = [cell(text, "green" if text == "from cache" else "") for text in cached]
    columns["takes…"] = [cell(", ".join(node.needs)) for node in nodes]
    yield table(columns)


def outputs_view(outputs: dict[str, Any]) -> Iterator[Block]:
    """Tables with their shape, each by itself, below one table of all other values."""
    tables = {name: value for name, value in outputs.items() if is_table(value)}
    rest = {name: value for name, value in outputs.items() if name not in tables}
    if rest:
        names = [cell(name, "bold") for name in rest]
        yield table({"result": names, "value…": [cell(_short_text(rest[name])) for name in rest]})
    for name, value in tables.items():
        yield from _table_view(name, value)


def is_table(value: Any) -> bool:
    """Whether a value is the summary of a table.

    A user's own dictionary may have the key `summary_of` too, so each part is checked.
    """
    return (
        isinstance(value, dict)
        and isinstance(value.get("summary_of"), str)
        and isinstance(value.get("rows"), list)
        and bool(value["rows"])
        and isinstance(value.get("shape", []), list)
        and isinstance(value.get("columns", []), list)
    )


def _short_text(value: Any) -> str:
    if isinstance(value, dict) and isinstance(value.get("summary_of"), str):
        size = value.get("shape", value.get("length"))
        text = f"{value['summary_of']}{'' if size is None else f' {size}'}"
        return shortened(f"{text}: {value['repr']}" if "repr" in value else text, MAX_VALUE)
    text = value if isinstance(value, str) else json.dumps(mask_values(value), ensure_ascii=False)
    return shortened(text, MAX_VALUE)


def _table_view(name: str, value: dict[str, Any]) -> Iterator[Block]:
    shape, rows, columns = value.get("shape", []), value["rows"], value.get("columns")
    names = ("rows", "columns") if len(shape) == 2 and columns is not None else ()
    size = " x ".join(f"{n} {name}".strip() for n, name in zip_longest(shape, names, fillvalue=""))
    yield section_title(name, f"  {value['summary_of']}, {size}".rstrip(", "))
    all_columns = columns or ["value"]
    shown = all_columns[:MAX_COLUMNS]
    records = [
        [row.get(column) for column in shown] if isinstance(row, dict) else [row] for row in rows
    ]
    headers: list[str] = []
    cells: list[list[Cell]] = []
    for header, values in zip(shown, zip(*records, strict=True), strict=True):
        numeric = all(item is None or _is_number(item) for item in values)
        headers.append(f"{header}{'>' if numeric else '<'}")
        cells.append(_column(values))
    fitting = _fitting_columns(headers, cells)
    yield Table(tuple(headers[:fitting]), list(zip(*cells[:fitting], strict=True)))
    hidden_rows = (shape[0] if shape else 0) - len(records)
    hidden_columns = len(all_columns) - fitting
    hidden = [
        f"{count} more {what}"
        for count, what in ((hidden_rows, "rows"), (hidden_columns, "columns"))
        if count > 0
    ]
    if hidden:
        yield line(f"… {', '.join(hidden)}", "dim")


def _is_number(item: Any) -> bool:
    """Whether it is a number; a Decimal is text in JSON."""
    if isinstance(item, str):
        return _DECIMAL.fullmatch(item) is not None
    return isinstance(item, int | float) and not isinstance(item, bool)


def _fitting_columns(headers: list[str], columns: list[list[Cell]]) -> int:
    """How many columns fit side by side on the terminal; all of them if there is no terminal."""
    if not sys.stdout.isatty():
        # Nothing is left out where a program may read it.
        return len(headers)
    left = shutil.get_terminal_size().columns
    for number, (header, cells) in enumerate(zip(headers, columns, strict=True)):
        left -= max(map(len, (header, *(cell.text for cell in cells)))) + 3
        if left < 0:
            return max(1, number)
    return len(headers)


def _column(values: Sequence[Any]) -> list[Cell]:
    """The cells of a column: floats with as many decimals as they need, the same for all."""
    floats = [item for item in values if isinstance(item, float)]
    decimals = max((_decimals(item) for item in floats), default=0)
    is_dates = all(item is None or str(item).endswith("T00:00:00") for item in values)
    return [cell(_text(item, decimals, is_dates), "dim" if item is None else "") for item in values]


def _decimals(number: float) -> int:
    """Decimals that show six significant digits of a number, without trailing zeros."""
    # Smaller and larger numbers are written with an exponent.
    if not 1e-4 <= abs(number) < 1e15:
        return 0
    exact = f"{number:.6g}" if abs(number) < 1e6 else f"{number:.0f}"
    return len(exact.partition(".")[2]) if "e" not in exact else 0


def _text(item: Any, decimals: int, is_date: bool) -> str:
    if item is None:
        return "-"
    if isinstance(item, float):
        plain = item == 0 or 1e-4 <= abs(item) < 1e15
        return f"{item:.{decimals}f}" if plain else f"{item:.6g}"
    if isinstance(item, str):
        return item.removesuffix("T00:00:00") if is_date else item
    return json.dumps(item, ensure_ascii=False)


def finished_message(pipeline: str, nodes: int, seconds: float, cached: int = 0) -> str:
    """The last line of a run that worked."""
    from_cache = f" ({cached} from cache)" if cached else ""
    duration = format_duration(seconds)
    return f"{one_line(pipeline)} finished: {counted(nodes, 'node')}{from_cache} in {duration}."


def run_messages(result: Mapping[str, Any], *, verbose: bool = True) -> Iterator[str]:
    """What a run has to say beside its outputs: notes, nodes that failed, files it has written.

    That an output is shown as a summary is said only if `verbose`.
    """
    for note in result.get("notes") or []:
        if verbose or not note["note"].startswith("summarised"):
            yield f"{note['output']}: {note['note']}"
    for name, error in (result.get("survived") or {}).items():
        yield f"Warning: {name} failed, and the run went on: {error}"
    for file in result.get("files") or []:
        yield f"Wrote {file['path']} ({', '.join(file['nodes'])} as {file['format']})."
