"""A pipeline's DAG as text, Mermaid, dot, and what Graphviz makes of dot: svg, png, pdf.

Names, types and docstrings are anybody's: secrets in them are masked, control characters are shown
as escapes, and what would mean something to the program that reads the result is escaped its way.
"""

from __future__ import annotations

import re
import shutil
import subprocess

from flowerpower.errors import FlowerpowerError
from flowerpower.run.draw.formats import GraphFormat
from flowerpower.run.draw.graph import Graph
from flowerpower.run.draw.text import text_rows
from flowerpower.text import mask, one_line, visible

RENDERING_LIMIT = 60.0
"""Seconds that Graphviz may take."""
# An underscore inside a word is nothing special, and most names have one.
_NOT_MERMAID = re.compile(r"[^\w ,|=\[\].]|(?<![^\W_])_|_(?![^\W_])|(?<![^\W_])\.|\.(?![^\W_])")


def drawn(graph: Graph, form: GraphFormat) -> bytes:
    """The graph in a format, texts in UTF-8.

    Raises:
        FlowerpowerError: if Graphviz is needed and missing, or fails.
    """
    if form is GraphFormat.text:
        return "".join(f"{row.text}\n" for row in text_rows(graph)).encode()
    if form is GraphFormat.mermaid:
        return mermaid(graph).encode()
    text = dot(graph).encode()
    return text if form is GraphFormat.dot else _rendered(text, form)


def mermaid(graph: Graph) -> str:
    """A flowchart for Mermaid: inputs are round and dashed, final variables have a thick border."""
    ids = _ids(graph)
    lines = ["flowchart TD"]
    for node in graph.nodes:
        label = f'"{_mermaid_text(node.name)}<br/>{_mermaid_text(node.type)}"'
        shape = f"([{label}])" if node.is_input else f"[{label}]"
        lines.append(f"    {ids[node.name]}{shape}")
    lines += [f"    {ids[source]} --> {ids[name]}" for source, name in graph.edges]
    for style, looks, chosen in (
        ("input", "stroke-dasharray: 4 3", [node for node in graph.nodes if node.is_input]),
        ("final", "stroke-width: 3px", [node for node in graph.nodes if node.is_final]),
    ):
        if chosen:
            lines.append(f"    classDef {style} {looks}")
            lines.append(f"    class {','.join(ids[node.name] for node in chosen)} {style}")
    return "\n".join(lines) + "\n"


def _mermaid_text(text: str) -> str:
    """A label in which nothing is Mermaid's, Markdown's or HTML's."""
    return _NOT_MERMAID.sub(lambda found: f"#{ord(found[0])};", _line(text))


def dot(graph: Graph) -> str:
    """A digraph for Graphviz: inputs are dashed, final variables bold, docstrings tooltips."""
    ids = _ids(graph)
    lines = [
        f'digraph "{_dot_text(graph.pipeline)}" {{',
        '    graph [rankdir=TB, fontname="Helvetica"];',
        '    node [shape=box, style=rounded, fontname="Helvetica"];',
    ]
    for node in graph.nodes:
        style = f"rounded{',dashed' if node.is_input else ''}{',bold' if node.is_final else ''}"
        looks = [
            f'label="{_dot_text(_line(node.name))}\\n{_dot_text(_line(node.type))}"',
            f'tooltip="{_dot_text(node.doc or node.name, times=2)}"',
            f'style="{style}"',
        ]
        if node.is_final:
            looks.append('fontname="Helvetica-Bold"')
        lines.append(f"    {ids[node.name]} [{', '.join(looks)}];")
    lines += [f"    {ids[source]} -> {ids[name]};" for source, name in graph.edges]
    return "\n".join([*lines, "}"]) + "\n"


def _dot_text(text: str, times: int = 1) -> str:
    """What may stand between dot's quotation marks; lines of the text are lines there.

    Graphviz reads backslashes so many times: those of tooltips twice.
    """
    escaped = visible(mask(text)).replace("&", "&amp;").replace("\\", "\\" * 2**times)
    return escaped.replace('"', '\\"').replace("\n", "\\n")


def _line(text: str) -> str:
    return one_line(mask(text))


def _ids(graph: Graph) -> dict[str, str]:
    return {node.name: f"n{number}" for number, node in enumerate(graph.nodes)}


def _rendered(text: bytes, form: GraphFormat) -> bytes:
    program = shutil.which("dot")
    if program is None:
        raise FlowerpowerError(
            f"The program `dot`, which draws {form.value}, is not on the PATH.",
            hint="Install Graphviz: `apt install graphviz` or `brew install graphviz`; "
            "--format text, mermaid and dot need nothing.",
        )
    try:
        done = subprocess.run(  # noqa: S603 - the graph goes to its stdin, never into arguments
            [program, f"-T{form.value}"],
            input=text,
            capture_output=True,
            timeout=RENDERING_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise FlowerpowerError(
            f"Graphviz did not draw {form.value} within {RENDERING_LIMIT:g} seconds.",
            hint="Draw less of it with --upstream or --downstream.",
        ) from None
    except OSError as error:
        raise FlowerpowerError(f"{program} cannot be run: {error.strerror}.") from None
    if done.returncode or not done.stdout:
        told = done.stderr.decode(errors="replace").strip()
        raise FlowerpowerError(
            f"Graphviz did not draw {form.value} (exit code {done.returncode}).",
            details=told.splitlines()[:5],
        )
    return done.stdout
