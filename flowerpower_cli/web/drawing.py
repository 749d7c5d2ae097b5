"""Pictures in a page: the DAG."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from flowerpower.run.draw.graph import Graph
from flowerpower.run.draw.page import MAX_PICTURE, svg
from flowerpower.text import mask, visible


def dag(graph: Graph, states: Mapping[str, str] | None = None) -> Markup:
    """The DAG as SVG, with the states of its nodes in a run; a sentence if it is too large."""
    picture = svg(graph, states)
    if len(picture) > MAX_PICTURE:
        return sentence(f"Its {len(graph.nodes)} nodes are too many to draw on a page.")
    # It escapes and masks every text of users.
    return Markup(picture)  # noqa: S704


def sentence(text: str) -> Markup:
    """A paragraph in the place of a picture."""
    return Markup("<p>{}</p>").format(visible(mask(text)))
