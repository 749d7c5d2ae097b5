"""The formats that a DAG can be drawn in, and the suffixes of such files."""

from __future__ import annotations

from enum import StrEnum


class GraphFormat(StrEnum):
    """The formats; `svg`, `png` and `pdf` need Graphviz."""

    text = "text"
    mermaid = "mermaid"
    dot = "dot"
    svg = "svg"
    png = "png"
    pdf = "pdf"


SUFFIXES = {
    ".txt": GraphFormat.text,
    ".mmd": GraphFormat.mermaid,
    ".mermaid": GraphFormat.mermaid,
    ".dot": GraphFormat.dot,
    ".gv": GraphFormat.dot,
    ".svg": GraphFormat.svg,
    ".png": GraphFormat.png,
    ".pdf": GraphFormat.pdf,
}
"""The format that a file's suffix stands for."""
BINARY = frozenset({GraphFormat.png, GraphFormat.pdf})
