"""A page about a pipeline: one HTML file, without scripts, that loads nothing."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence

from flowerpower.run.draw import svg
from flowerpower.run.draw.graph import Graph
from flowerpower.run.draw.text import label
from flowerpower.text import mask, visible

_LIGHT = """--ground: #ffffff; --text: #1f2328; --faint: #656d76; --line: #d1d9e0; --hover: #f0f3f6;
  --type: #0b6e99; --final: #1a7f37; --lane0: #0969da; --lane1: #bc4c00; --lane2: #8250df;
  --lane3: #1a7f37; --lane4: #bf3989; --lane5: #7d6200;"""
_DARK = """--ground: #0d1117; --text: #e6edf3; --faint: #9198a1; --line: #3d444d; --hover: #171d26;
  --type: #76c7e5; --final: #56d364; --lane0: #58a6ff; --lane1: #f0883e; --lane2: #bc8cff;
  --lane3: #56d364; --lane4: #f778ba; --lane5: #d4b13f;"""
MAX_PICTURE = 3_000_000
"""Characters of the SVG; browsers are slow with more."""
_STYLE = f"""
:root {{ color-scheme: light dark; {_LIGHT} }}
@media (prefers-color-scheme: dark) {{ :root {{ {_DARK} }} }}
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
{svg.STYLE}"""


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
    picture = svg.svg(graph)
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
    rows = (
        (
            f"<strong>{_escaped(node.name)}</strong>",
            _code(node.type),
            _escaped(values.get(node.name, "")),
            ", ".join(map(_escaped, graph.users(node.name))),
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
