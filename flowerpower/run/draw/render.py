"""A pipeline's DAG as text, Mermaid, dot, and what Graphviz makes of dot: svg, png, pdf.

Names, types and docstrings are untrusted text: secrets in them are masked, control characters are
shown as escapes, and what has a meaning in the format is escaped.
"""

from __future__ import annotations

import re
import shutil
import subprocess

from flowerpower.errors import FlowerpowerError
from flowerpower.run.draw.graph import Graph
from flowerpower.run.draw.text import label, text_rows
from flowerpower.text import mask, visible

GRAPHVIZ_TIMEOUT = 60.0
"""Seconds that Graphviz may take."""
# An underscore within a word has no meaning in Markdown, and most names have one.
_NOT_MERMAID = re.compile(r"[^\w ,|=\[\].]|(?<![^\W_])_|_(?![^\W_])|(?<![^\W_])\.|\.(?![^\W_])")


def render(graph: Graph, format_: str) -> bytes:
    """The graph as `text`, `mermaid` or `dot`, in UTF-8, or in a format that Graphviz makes.

    Raises:
        FlowerpowerError: if Graphviz is needed and missing, or fails.
    """
    if format_ == "text":
        return "".join(f"{row.text}\n" for row in text_rows(graph)).encode()
    if format_ == "mermaid":
        return mermaid(graph).encode()
    text = dot(graph).encode()
    return text if format_ == "dot" else _run_graphviz(text, format_)


def mermaid(graph: Graph) -> str:
    """A flowchart for Mermaid: inputs are round and dashed, final variables have a thick border."""
    ids = _ids(graph)
    lines = ["flowchart TD"]
    for node in graph.nodes:
        label = f'"{_mermaid_text(node.name)}<br/>{_mermaid_text(node.type)}"'
        shape = f"([{label}])" if node.is_input else f"[{label}]"
        lines.append(f"    {ids[node.name]}{shape}")
    lines += [f"    {ids[source]} --> {ids[name]}" for source, name in graph.edges]
    for style, css, nodes in (
        ("input", "stroke-dasharray: 4 3", [node for node in graph.nodes if node.is_input]),
        ("final", "stroke-width: 3px", [node for node in graph.nodes if node.is_final]),
    ):
        if nodes:
            lines.append(f"    classDef {style} {css}")
            lines.append(f"    class {','.join(ids[node.name] for node in nodes)} {style}")
    return "\n".join(lines) + "\n"


def _mermaid_text(text: str) -> str:
    """A label in which nothing has a meaning in Mermaid, Markdown or HTML."""
    return _NOT_MERMAID.sub(lambda match: f"#{ord(match[0])};", label(text))


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
        attributes = [
            f'label="{_dot_text(label(node.name))}\\n{_dot_text(label(node.type))}"',
            f'tooltip="{_dot_text(node.doc or node.name, times=2)}"',
            f'style="{style}"',
        ]
        if node.is_final:
            attributes.append('fontname="Helvetica-Bold"')
        lines.append(f"    {ids[node.name]} [{', '.join(attributes)}];")
    lines += [f"    {ids[source]} -> {ids[name]};" for source, name in graph.edges]
    return "\n".join([*lines, "}"]) + "\n"


def _dot_text(text: str, times: int = 1) -> str:
    """The content of a quoted string in dot; line breaks are kept.

    Graphviz unescapes backslashes so many times: twice in tooltips.
    """
    escaped = visible(mask(text)).replace("&", "&amp;").replace("\\", "\\" * 2**times)
    return escaped.replace('"', '\\"').replace("\n", "\\n")


def _ids(graph: Graph) -> dict[str, str]:
    return {node.name: f"n{number}" for number, node in enumerate(graph.nodes)}


def _run_graphviz(text: bytes, format_: str) -> bytes:
    program = shutil.which("dot")
    if program is None:
        raise FlowerpowerError(
            f"The program `dot`, which draws {format_}, is not on the PATH.",
            hint="Install Graphviz: `apt install graphviz` or `brew install graphviz`; "
            "--format text, mermaid and dot need nothing.",
        )
    try:
        process = subprocess.run(  # noqa: S603 - the graph goes to its stdin, never into arguments
            [program, f"-T{format_}"], input=text, capture_output=True, check=False,
            timeout=GRAPHVIZ_TIMEOUT,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise FlowerpowerError(
            f"Graphviz did not draw {format_} within {GRAPHVIZ_TIMEOUT:g} seconds.",
            hint="Draw less of it with --upstream or --downstream.",
        ) from None
    except OSError as error:
        raise FlowerpowerError(f"{program} cannot be run: {error.strerror}.") from None
    if process.returncode or not process.stdout:
        message = process.stderr.decode(errors="replace").strip()
        raise FlowerpowerError(
            f"Graphviz did not draw {format_} (exit code {process.returncode}).",
            details=message.splitlines()[:5],
        )
    return process.stdout
