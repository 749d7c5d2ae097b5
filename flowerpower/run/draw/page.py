"""A page about a pipeline: one HTML file, without scripts, that loads nothing.

Its picture of the DAG is SVG, with the same layout as the text.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import get_args

from flowerpower.jobs.run import NodeState
from flowerpower.run.draw.graph import Graph, GraphNode, Row, column_count, lay_out, users_of
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
STATES = (*get_args(NodeState), "cancelled", "waiting", "scheduled", "queued")
"""Of nodes in a run, and of jobs in a chain."""

SVG_STYLE = (
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
.dag .is-finished circle { fill: var(--final); stroke: var(--final); }
.dag .is-failed circle { fill: var(--failed); stroke: var(--failed); }
.dag .is-running circle { fill: var(--running); stroke: var(--running); }
.dag .is-skipped circle, .dag .is-interrupted circle, .dag .is-cancelled circle {
  fill: var(--faint); stroke: var(--faint); }
.dag .is-waiting circle, .dag .is-scheduled circle, .dag .is-queued circle { fill: var(--ground); }
.dag .is-finished .kind { fill: var(--final); }
.dag .is-failed .kind { fill: var(--failed); }
.dag .is-running .kind { fill: var(--running); }
.dag g:hover > .row { fill: var(--hover); }
"""
)
"""The style sheet of the picture; PALETTE sets the custom properties `--…`."""
_LIGHT = """--ground: #ffffff; --text: #1f2328; --faint: #656d76; --line: #d1d9e0; --hover: #f0f3f6;
  --type: #0b6e99; --final: #1a7f37; --lane0: #0969da; --lane1: #bc4c00; --lane2: #8250df;
  --lane3: #1a7f37; --lane4: #bf3989; --lane5: #7d6200; --failed: #cf222e; --running: #9a6700;"""
_DARK = """--ground: #0d1117; --text: #e6edf3; --faint: #9198a1; --line: #3d444d; --hover: #171d26;
  --type: #76c7e5; --final: #56d364; --lane0: #58a6ff; --lane1: #f0883e; --lane2: #bc8cff;
  --lane3: #56d364; --lane4: #f778ba; --lane5: #d4b13f; --failed: #ff7b72; --running: #e3b341;"""
MAX_PICTURE = 3_000_000
"""Characters of the SVG; browsers are slow with more."""
PALETTE = f"""
:root {{ color-scheme: light dark; {_LIGHT} }}
@media (prefers-color-scheme: dark) {{ :root {{ {_DARK} }} }}
"""
"""The custom properties of SVG_STYLE, for light and for dark."""
_STYLE = f"""{PALETTE}
body {{ margin: 2rem auto; padding: 0 1.5rem; max-width: 72rem; background: var(--ground);
  color: var(--text); font: 15px/1.5 system-ui, sans-serif; }}
h1 {{ margin-bottom: 0; }}
h2 {{ margin-top: 2rem; font-size: 1.15rem; }}
h1 + p {{ margin-top: 0; color: var(--faint); }}
pre, code {{ font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }}
pre {{ padding: 1rem; border: 1px solid var(--line); border-radius: 6px; overflow-x: auto; }}
figure {{ margin: 0; overflow-x: auto; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ padding: .35rem .9rem .35rem 0; border-bottom: 1px solid var(--line);
  text-align: left; vertical-align: top; overflow-wrap: break-word; }}
th {{ color: var(--faint); font-weight: 500; }}
td {{ white-space: pre-line; }}
td:nth-child(2) {{ min-width: 8rem; overflow-wrap: anywhere; }}
{SVG_STYLE}"""


def page(
    graph: Graph,
    *,
    file: str,
    configuration: str,
    schedule: Sequence[str],
    values: Mapping[str, str],
) -> str:
    """The page: schedule, DAG, configuration, tables of nodes and inputs.

    `file` is the path of the pipeline's file and `configuration` its text, `schedule` its schedules
    in words, `values` the known values of inputs by name, as text.
    """
    title = _escaped(graph.pipeline)
    picture = svg(graph)
    if len(picture) > MAX_PICTURE:
        picture = f"<p>Its {len(graph.nodes)} nodes are too many to draw on a page.</p>"
    sections = [
        *(f"<p>Scheduled {_escaped(words)}</p>" for words in schedule),
        "<h2>DAG</h2>",
        f"<figure>{picture}</figure>",
        "<h2>Nodes</h2>",
        *_nodes(graph),
        *_inputs(graph, values),
    ]
    if configuration:
        sections += ["<h2>Configuration</h2>", f"<pre>{_block(configuration)}</pre>"]
    body = "\n".join(sections)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{title}</h1>
<p>{_escaped(file)}</p>
{body}
</body>
</html>
"""


def _nodes(graph: Graph) -> list[str]:
    return _table(
        ("node", "type", "needs", "what it is"),
        (
            (
                f"<strong>{_escaped(node.name)}</strong>{' (final)' if node.is_final else ''}",
                _code(node.type),
                ", ".join(map(_escaped, node.needs)),
                _block(node.doc),
            )
            for node in graph.nodes
            if not node.is_input
        ),
    )


def _inputs(graph: Graph, values: Mapping[str, str]) -> list[str]:
    inputs = [node for node in graph.nodes if node.is_input]
    if not inputs:
        return []
    users = users_of(graph.needs)
    rows = (
        (
            f"<strong>{_escaped(node.name)}</strong>",
            _code(node.type),
            _escaped(values.get(node.name, "")),
            ", ".join(map(_escaped, users[node.name])),
        )
        for node in inputs
    )
    return ["<h2>Inputs</h2>", *_table(("input", "type", "value", "taken by"), rows)]


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table; its cells are HTML."""
    return [
        "<table>",
        f"<thead><tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr></thead>",
        "<tbody>",
        *(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows),
        "</tbody>",
        "</table>",
    ]


def _escaped(text: str) -> str:
    return html.escape(label(text))


def _block(text: str) -> str:
    return html.escape(visible(mask(text)))


def _code(text: str) -> str:
    return f"<code>{_escaped(text)}</code>"


def svg(graph: Graph, states: Mapping[str, str] | None = None, title: str | None = None) -> str:
    """The DAG as an `<svg class="dag">`; SVG_STYLE has its styles.

    `states` are those of nodes in a run, by name: each is a class `is-STATE`, and is written out.
    The `title` is for who cannot see it.
    """
    title = title or f"DAG of {graph.pipeline}"
    states = states or {}
    rows = lay_out((node.name for node in graph.nodes), graph.needs)
    names = [shortened(label(node.name), MAX_NAME) for node in graph.nodes]
    types = [shortened(label(node.type), MAX_TYPE) for node in graph.nodes]
    name_x = 2.0 * MARGIN + LANE_WIDTH * column_count(rows)
    type_x = name_x + CHARACTER_WIDTH * max(map(cell_width, names), default=0) + GAP
    kind_x = type_x + CHARACTER_WIDTH * max(map(cell_width, types), default=0) + GAP
    total_width = round(kind_x + CHARACTER_WIDTH * len("optional input, final")) + MARGIN
    total_height = ROW_HEIGHT * len(rows)
    lines = [
        f'<svg class="dag" role="img" aria-label="{html.escape(label(title))}" '
        f'viewBox="0 0 {total_width} {total_height}" width="{total_width}" height="{total_height}">'
    ]
    for number, (node, row, name, type_) in enumerate(
        zip(graph.nodes, rows, names, types, strict=True)
    ):
        top = ROW_HEIGHT * number
        base = top + ROW_HEIGHT / 2 + 4.5
        lines += [
            f'<g class="{_classes(node, states)}"><title>{_title(node)}</title>',
            f'<rect class="row" x="0" y="{top}" width="{total_width}" height="{ROW_HEIGHT}"/>',
            *_lanes(row, top),
            f'<circle class="{_lane(row.column)}" cx="{_x(row.column)}" '
            f'cy="{top + ROW_HEIGHT // 2}" r="5"/>',
            f'<text class="name" x="{name_x:g}" y="{base:g}">{html.escape(name)}</text>',
            f'<text class="type" x="{type_x:g}" y="{base:g}">{html.escape(type_)}</text>',
            f'<text class="kind" x="{kind_x:g}" y="{base:g}">'
            f"{html.escape(states.get(node.name) or kind(graph, node))}</text>",
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


def _classes(node: GraphNode, states: Mapping[str, str]) -> str:
    state = states.get(node.name, "")
    in_run = f" is-{state}" if state in STATES else ""
    return f"node{' input' if node.is_input else ''}{' final' if node.is_final else ''}{in_run}"


def _title(node: GraphNode) -> str:
    doc = f"\n\n{node.doc}" if node.doc else ""
    return _block(f"{node.name}: {node.type}{doc}")
