"""What people see of pipelines and runs: tables and short texts from plain data."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from flowerpower.text import MASK, is_secret_name, mask_values, one_line, shortened
from flowerpower.triggers.clock import format_duration
from flowerpower_cli.views.tables import Line, Shape, cell, line, table

if TYPE_CHECKING:
    from flowerpower.run.dag import InputInfo, NodeInfo

SHOWN_VALUE = 200
SHOWN_COLUMNS = 12


def outputs_view(outputs: dict[str, Any]) -> Iterator[Shape]:
    """Results as people expect them: tables as tables with their shape, the rest in one table."""
    tables = {name: value for name, value in outputs.items() if _is_table(value)}
    rest = {name: value for name, value in outputs.items() if name not in tables}
    if rest:
        listing = table("result", "value")
        for name, value in rest.items():
            listing.add_row(cell(name, "bold"), cell(_short(value)))
        yield listing
    for name, value in tables.items():
        yield from _table_view(name, value)


def _is_table(value: Any) -> bool:
    """A summary of a table; a user's own dictionary may look like one, with anything in it."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("summary_of"), str)
        and isinstance(value.get("rows"), list)
        and bool(value["rows"])
        and isinstance(value.get("shape", []), list)
        and isinstance(value.get("columns", []), list)
    )


def _short(value: Any) -> str:
    if isinstance(value, dict) and isinstance(value.get("summary_of"), str):
        size = value.get("shape", value.get("length"))
        told = f"{value['summary_of']}{'' if size is None else f' {size}'}"
        return shortened(f"{told}: {value['repr']}" if "repr" in value else told, SHOWN_VALUE)
    text = value if isinstance(value, str) else json.dumps(mask_values(value), ensure_ascii=False)
    return shortened(text, SHOWN_VALUE)


def _table_view(name: str, value: dict[str, Any]) -> Iterator[Shape]:
    shape, rows = value.get("shape", []), value["rows"]
    names = ("rows", "columns") if len(shape) == 2 and "columns" in value else ()
    size = " x ".join(f"{n} {name}".strip() for n, name in zip_longest(shape, names, fillvalue=""))
    columns = value.get("columns")
    shown = (columns or ["value"])[:SHOWN_COLUMNS]
    records = [
        [row.get(column) for column in shown] if isinstance(row, dict) else [row] for row in rows
    ]
    columns_of_text, heads = [], []
    for head, values in zip(shown, zip(*records, strict=True), strict=True):
        numeric = all(isinstance(item, int | float) or item is None for item in values)
        heads.append(f"{head}{'>' if numeric else '<'}")
        columns_of_text.append(_column(list(values)))
    fitting = _fitting(heads, columns_of_text)
    shown, heads, columns_of_text = shown[:fitting], heads[:fitting], columns_of_text[:fitting]
    yield _title(name, f"{value['summary_of']}, {size}".rstrip(", "))
    listing = table(*heads)
    for record, texts in zip(records, zip(*columns_of_text, strict=True), strict=True):
        styles = ("dim" if item is None else "" for item in record[:fitting])
        listing.add_row(*(cell(text, style) for text, style in zip(texts, styles, strict=True)))
    yield listing
    hidden = (shape[0] if shape else 0) - len(records)
    cut = len(columns or shown) - len(shown)
    left = [
        f"{count} more {what}" for count, what in ((hidden, "rows"), (cut, "columns")) if count > 0
    ]
    if left:
        yield line(f"… {', '.join(left)}", "dim")


def _fitting(heads: list[str], columns: list[list[str]]) -> int:
    """How many columns fit side by side on the terminal; all, where there is none."""
    if not sys.stdout.isatty():
        return len(heads)
    left = shutil.get_terminal_size().columns
    for number, (head, texts) in enumerate(zip(heads, columns, strict=True)):
        left -= max(map(len, (head, *texts))) + 3
        if left < 0:
            return max(1, number)
    return len(heads)


def _title(name: str, rest: str = "") -> Shape:
    return Line((cell(name, "bold"), cell(f"  {rest}" if rest else "", "dim")), True)


def _column(values: list[Any]) -> list[str]:
    """The texts of a column: floats with as many decimals as they need, the same for all."""
    floats = [item for item in values if isinstance(item, float)]
    decimals = max((_decimals(item) for item in floats), default=0)
    is_dates = all(item is None or str(item).endswith("T00:00:00") for item in values)
    return [_text(item, decimals, is_dates) for item in values]


def _decimals(number: float) -> int:
    """Decimals that show six significant digits of a number, without trailing zeros."""
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


def nodes_view(nodes: list[NodeInfo]) -> Iterator[Shape]:
    """Nodes with types, what they need and the first line of their docstring."""
    yield _title("Nodes")
    listing = table("node", "type", "needs", "what it is")
    for node in nodes:
        doc = node.doc.splitlines()[0] if node.doc else ""
        listing.add_row(
            cell(node.name, "bold"),
            cell(node.type, "cyan"),
            cell(", ".join(node.needs)),
            cell(doc, "dim"),
        )
    yield listing


def inputs_view(inputs: list[InputInfo], given: dict[str, Any]) -> Iterator[Shape]:
    """Inputs with types, values as far as they are known, and the nodes that take them."""
    yield _title("Inputs")
    listing = table("input", "type", "value", "taken by")
    for each in inputs:
        style = "" if each.name in given else "bold red" if each.required else "dim"
        value = cell(input_value(each, given), style)
        listing.add_row(
            cell(each.name, "bold"), cell(each.type, "cyan"), value, cell(", ".join(each.needed_by))
        )
    yield listing


def input_value(each: InputInfo, given: dict[str, Any]) -> str:
    """What is known of an input's value."""
    if each.name not in given:
        return "missing" if each.required else "its default"
    return MASK if is_secret_name(each.name) else shortened(repr(given[each.name]), 60)


FORECASTS = {"cached": "from cache", "computed": "computed", "depends": "depends on its inputs"}


def plan_view(
    nodes: list[NodeInfo], final_vars: list[str], forecast: dict[str, str]
) -> Iterator[Shape]:
    """Nodes in the order they would run, and with a cache what would come from it."""
    yield _title("Would run")
    listing = table("#>", "node", "type", "takes", *(["cache"] if forecast else []))
    for number, node in enumerate(nodes, 1):
        style = "bold green" if node.name in final_vars else "bold"
        cached = FORECASTS.get(forecast.get(node.name, ""), "")
        listing.add_row(
            cell(number),
            cell(node.name, style),
            cell(node.type, "cyan"),
            cell(", ".join(node.needs)),
            *([cell(cached, "green" if cached == "from cache" else "")] if forecast else []),
        )
    yield listing


def finished_line(pipeline: str, nodes: int, seconds: float, cached: int = 0) -> str:
    """The last line of a run that worked."""
    told = f"{nodes} node{'' if nodes == 1 else 's'}"
    told += f" ({cached} from cache)" if cached else ""
    return f"{one_line(pipeline)} finished: {told} in {format_duration(seconds)}."


def told_lines(told: Mapping[str, Any]) -> Iterator[str]:
    """What a run says beside its values: what it survived, and the files it has written."""
    for name, error in (told.get("survived") or {}).items():
        yield f"Warning: {name} failed, and the run went on: {error}"
    for file in told.get("files") or []:
        yield f"Wrote {file['path']} ({', '.join(file['nodes'])} as {file['format']})."
