"""A pipeline's DAG as SVG inside an HTML page, with the same layout as the text."""

from __future__ import annotations

import html
from collections.abc import Iterator

from flowerpower.run.draw.graph import Graph, GraphNode
from flowerpower.run.draw.lanes import Row, column_count, lay_out
from flowerpower.run.draw.text import cell_width, kind, label
from flowerpower.text import mask, shortened, visible

LANE_WIDTH = 18
"""Pixels from lane to lane."""
ROW_HEIGHT = 26
"""Pixels from row to row."""
MARGIN = 12
CORNER = 8
CHARACTER_WIDTH = 7.9
"""Width in pixels of a character of the labels."""
GAP = 20
MAX_TYPE = 60
MAX_NAME = 80
LANE_COLOURS = 6

STYLE = (
    "".join(
        f"""
.dag .lane{lane} {{ stroke: var(--lane{lane}); }}
.dag circle.lane{lane} {{ fill: var(--lane{lane}); }}"""
        for lane in range(LANE_COLOURS)
    )
    + """
.dag text { font: 13px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
  fill: var(--text); white-space: pre; }
.dag .name { font-weight: 600; }
.dag .final .name { fill: var(--final); }
.dag .input .name { font-weight: 400; fill: var(--faint); }
.dag .type { fill: var(--type); }
.dag .kind { fill: var(--faint); }
.dag path { fill: none; stroke-width: 2; }
.dag path.gap { stroke: var(--ground); stroke-width: 8; }
.dag circle { stroke-width: 2; }
.dag .input circle { fill: var(--ground); }
.dag .row { fill: transparent; }
.dag g:hover > .row { fill: var(--hover); }
"""
)
"""The style sheet for the page, which sets the custom properties `--…`."""


def svg(graph: Graph) -> str:
    """The DAG as an `<svg class="dag">`; `STYLE` has its colours."""
    rows = lay_out((node.name for node in graph.nodes), graph.needs)
    names = [shortened(label(node.name), MAX_NAME) for node in graph.nodes]
    types = [shortened(label(node.type), MAX_TYPE) for node in graph.nodes]
    name_x = 2.0 * MARGIN + LANE_WIDTH * column_count(rows)
    type_x = name_x + CHARACTER_WIDTH * max(map(cell_width, names), default=0) + GAP
    kind_x = type_x + CHARACTER_WIDTH * max(map(cell_width, types), default=0) + GAP
    total_width = round(kind_x + CHARACTER_WIDTH * len("optional input, final")) + MARGIN
    total_height = ROW_HEIGHT * len(rows)
    lines = [
        f'<svg class="dag" role="img" aria-label="DAG of {html.escape(label(graph.pipeline))}" '
        f'viewBox="0 0 {total_width} {total_height}" width="{total_width}" height="{total_height}">'
    ]
    for number, (node, row, name, type_) in enumerate(
        zip(graph.nodes, rows, names, types, strict=True)
    ):
        top = ROW_HEIGHT * number
        base = top + ROW_HEIGHT / 2 + 4.5
        lines += [
            f'<g class="{_classes(node)}"><title>{_title(node)}</title>',
            f'<rect class="row" x="0" y="{top}" width="{total_width}" height="{ROW_HEIGHT}"/>',
            *_lanes(row, top),
            f'<circle class="{_lane(row.column)}" cx="{_x(row.column)}" '
            f'cy="{top + ROW_HEIGHT // 2}" r="5"/>',
            f'<text class="name" x="{name_x:g}" y="{base:g}">{html.escape(name)}</text>',
            f'<text class="type" x="{type_x:g}" y="{base:g}">{html.escape(type_)}</text>',
            f'<text class="kind" x="{kind_x:g}" y="{base:g}">{kind(graph, node)}</text>',
            "</g>",
        ]
    return "\n".join([*lines, "</svg>"])


def _lanes(row: Row, top: int) -> Iterator[str]:
    middle, bottom = top + ROW_HEIGHT // 2, top + ROW_HEIGHT
    mark = _x(row.column)
    for column in sorted(row.joined, key=lambda column: -abs(column - row.column)):
        x = _x(column)
        corner = CORNER if column < row.column else -CORNER
        bend = f"V{middle - CORNER}Q{x} {middle} {x + corner} {middle}H{mark}"
        yield _path(_lane(column), f"M{x} {top}{bend}")
        if row.joined[column]:
            yield _path(_lane(column), f"M{x} {top}V{bottom}")
    first, last = row.span
    for column in sorted(row.passing):
        x = _x(column)
        if first < column < last:
            yield _path("gap", f"M{x} {middle - CORNER + 2}V{middle + CORNER - 2}")
        yield _path(_lane(column), f"M{x} {top}V{bottom}")
    if row.is_below:
        yield _path(_lane(row.column), f"M{mark} {top}V{middle}")
    if row.goes_on:
        yield _path(_lane(row.column), f"M{mark} {middle}V{bottom}")


def _path(classes: str, drawing: str) -> str:
    return f'<path class="{classes}" d="{drawing}"/>'


def _x(column: int) -> int:
    return MARGIN + LANE_WIDTH // 2 + LANE_WIDTH * column


def _lane(column: int) -> str:
    return f"lane{column % LANE_COLOURS}"


def _classes(node: GraphNode) -> str:
    return f"node{' input' if node.is_input else ''}{' final' if node.is_final else ''}"


def _title(node: GraphNode) -> str:
    doc = f"\n\n{node.doc}" if node.doc else ""
    return html.escape(visible(mask(f"{node.name}: {node.type}{doc}")))
