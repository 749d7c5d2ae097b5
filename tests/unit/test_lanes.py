"""The drawing of a DAG, read back by a reader that knows nothing but the drawing."""

from __future__ import annotations

import random
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowerpower.errors import UnknownNode
from flowerpower.run.draw.graph import Graph, GraphNode, column_count, depth_first, lay_out
from flowerpower.run.draw.page import svg
from flowerpower.run.draw.text import cell_width, text_rows

Needs = dict[str, list[str]]
Edges = set[tuple[str, str]]

MARKS = "●○*o"
JOINTS = "├┤┼╰╯┴+'"
DOWN = "│├┤┼|+" + MARKS
"""What has an end at the bottom, or may have one."""


@st.composite
def dags(draw: st.DrawFn) -> Needs:
    """Up to 14 nodes with any edges, their sources first."""
    size = draw(st.integers(1, 14))
    needs: Needs = {}
    for number in range(size):
        earlier = [f"n{each}" for each in range(number)]
        sources = draw(st.lists(st.sampled_from(earlier), unique=True)) if earlier else []
        needs[f"n{number}"] = sources
    return needs


def shuffled(needs: Needs, seed: int) -> Needs:
    """The same DAG, written in another order."""
    names = list(needs)
    random.Random(seed).shuffle(names)
    return {name: needs[name] for name in names}


def graph_of(needs: Needs, order: Iterable[str]) -> Graph:
    """The DAG as a graph with its nodes in this order; what needs nothing is an input."""
    nodes = [
        GraphNode(name, "int", "", not needs[name], is_final=False, needs=tuple(needs[name]))
        for name in order
    ]
    return Graph("p", [], nodes)


def edges_of(needs: Needs) -> Edges:
    """Every pair of a node and one that needs it."""
    return {(source, name) for name, sources in needs.items() for source in sources}


def drawing(graph: Graph, encoding: str = "utf-8") -> list[str]:
    """The lines of the text."""
    return [row.text for row in text_rows(graph, encoding=encoding)]


def read_edges(lines: Sequence[str]) -> Edges:
    """The edges that somebody sees who follows the lines with a finger."""
    found: Edges = set()
    lanes: dict[int, str] = {}
    above = ""
    for line in lines:
        picture, name = re.fullmatch(r"(.*?)  +(n\d+)(?:  .*)?", line).groups()  # type: ignore[union-attr]
        (mark,) = (place for place, sign in enumerate(picture) if sign in MARKS)
        joints = [place for place, sign in enumerate(picture) if sign in JOINTS]
        for joint in joints:
            found.add((lanes[joint], name))
            between = picture[min(joint, mark) + 1 : max(joint, mark)]
            assert not set(between) & {" "}, f"a gap in {line!r}"
        if above[mark : mark + 1] and above[mark] in DOWN:
            found.add((lanes[mark], name))
        lanes[mark] = name
        above = picture
    return found


@given(dags(), st.integers(0, 5), st.sampled_from(["utf-8", "ascii", "latin-1"]))
def test_the_drawing_tells_the_edges(needs: Needs, seed: int, encoding: str) -> None:
    """The edges read back from the drawing are those of the DAG, in Unicode and in ASCII."""
    needs = shuffled(needs, seed)
    lines = drawing(graph_of(needs, depth_first(needs)), encoding)
    assert read_edges(lines) == edges_of(needs)
    assert encoding == "utf-8" or all(line.isascii() for line in lines)


@given(dags())
def test_any_order_can_be_drawn(needs: Needs) -> None:
    """Nodes drawn in the order they were written, sources first, tell the same edges."""
    assert read_edges(drawing(graph_of(needs, needs))) == edges_of(needs)


@given(dags(), st.integers(0, 5))
def test_sources_come_first(needs: Needs, seed: int) -> None:
    """The order has each node once, below all of its sources."""
    order = depth_first(shuffled(needs, seed))
    assert sorted(order) == sorted(needs)
    assert all(order.index(source) < order.index(name) for source, name in edges_of(needs))


@given(dags(), st.booleans())
def test_no_wider_than_needed(needs: Needs, in_written_order: bool) -> None:
    """There are as many columns as values waited for at once, and a place for the node."""
    order = list(needs) if in_written_order else depth_first(needs)
    last = {source: order.index(name) for name in order for source in needs[name]}
    needed = 0
    for number, name in enumerate(order):
        waiting = [each for each in order[:number] if last.get(each, -1) >= number]
        if any(last[source] == number for source in needs[name]):
            needed = max(needed, len(waiting))
            continue
        # Right below a node that nothing needs, its column stays free.
        leaf_above = number > 0 and order[number - 1] not in last
        needed = max(needed, len(waiting) + 1 + leaf_above)
    assert column_count(lay_out(order, needs)) == needed


@given(dags())
def test_rows_are_aligned(needs: Needs) -> None:
    """Names begin in one column and types in another, and no line ends in blanks."""
    lines = drawing(graph_of(needs, depth_first(needs)))
    assert len({re.search(r"n\d", line).start() for line in lines}) == 1  # type: ignore[union-attr]
    assert len({line.index("int") for line in lines}) == 1
    assert all(line == line.rstrip() for line in lines)


def test_lanes_take_the_shapes_that_are_told() -> None:
    """A lane joined goes on as ├ ┼ ┤ or ends as ╰ ┴ ╯; one that is crossed stays │."""
    needs: Needs = {"n0": [], "n1": [], "n2": [], "n3": ["n0", "n2"], "n4": ["n0", "n1", "n2"],
                    "n5": ["n1", "n3"], "n6": ["n2", "n4"], "n7": ["n1", "n2", "n5"]}  # fmt: skip
    pictures = [line.partition("  n")[0].rstrip() for line in drawing(graph_of(needs, needs))]
    assert pictures == [
        "○",
        "│ ○",
        "│ │ ○",
        "├─│─┼─●",
        "●─┼─┤ │",
        "│ ├─│─●",
        "●─│─┤ │",
        "  ●─┴─╯",
    ]


def test_a_chain_goes_straight_down() -> None:
    """Nodes that need one each stand in one column, however many there are."""
    needs = {f"n{each}": [f"n{each - 1}"] if each else [] for each in range(3000)}
    rows = lay_out(depth_first(needs), needs)
    assert {row.column for row in rows} == {0}
    assert all(row.is_below for row in rows[1:])


def test_a_wide_mesh_is_drawn() -> None:
    """Two hundred layers in which each node needs all of the layer before are no trouble."""
    needs: Needs = {}
    layers = [[f"n{layer}_{each}" for each in range(4)] for layer in range(200)]
    for above, below in pairwise([[], *layers]):
        needs.update(dict.fromkeys(below, above))
    assert column_count(lay_out(depth_first(needs), needs)) <= 9


def test_inputs_stand_where_they_are_taken() -> None:
    """Of a node's sources the one that takes the most lanes comes first, so that two are enough."""
    needs: Needs = {"n0": []}
    for each in range(1, 20):
        needs |= {f"n{each}00": [], f"n{each}": [f"n{each}00", f"n{each - 1}"]}
    assert column_count(lay_out(depth_first(needs), needs)) == 2


def test_what_is_ready_follows_at_once() -> None:
    """A node that only its last source was waited for stands below it, and keeps no lane open."""
    needs: Needs = {f"n{each}": [f"n{each - 1}"] if each else [] for each in range(20)}
    needs |= {f"leaf{each}": [f"n{each}"] for each in reversed(range(20))}
    assert column_count(lay_out(depth_first(needs), needs)) == 2


def test_unrelated_nodes_do_not_touch() -> None:
    """A node that nothing needs has no other right below it that does not need it."""
    needs: Needs = {"n0": [], "n1": [], "n2": []}
    assert [line.partition("  n")[0] for line in drawing(graph_of(needs, needs))] == [
        "○  ",
        "  ○",
        "○  ",
    ]


@given(dags())
def test_the_svg_has_all_edges(needs: Needs) -> None:
    """In the SVG each edge arrives at its node's circle, round a corner or straight from above."""
    graph = graph_of(needs, depth_first(needs))
    arrived = 0
    for group in ET.fromstring(svg(graph)).iter("g"):
        circle = group.find("circle")
        assert circle is not None
        x, y = circle.attrib["cx"], circle.attrib["cy"]
        paths = [path.attrib["d"] for path in group.iter("path") if path.get("class") != "gap"]
        arrived += sum(bool(re.search(rf"Q\d+ {y} \d+ {y}H{x}$", path)) for path in paths)
        arrived += sum(bool(re.match(rf"M{x} \d+V{y}$", path)) for path in paths)
    assert arrived == len(edges_of(needs))


@given(dags(), st.data())
def test_what_is_around_a_node(needs: Needs, data: st.DataObject) -> None:
    """`around` keeps what a node needs, over any number of steps, or what needs it."""
    graph = graph_of(needs, depth_first(needs))
    name = data.draw(st.sampled_from(sorted(needs)))

    def above(each: str) -> set[str]:
        return {each}.union(*(above(source) for source in needs[each]))

    below = {each for each in needs if name in above(each)}
    assert set(graph.around(upstream=[name]).needs) == above(name)
    assert set(graph.around(downstream=[name]).needs) == below
    both = graph.around([name], [name])
    assert set(both.needs) == above(name) | below
    assert set(both.edges) == {
        (source, each) for source, each in edges_of(needs) if {source, each} <= set(both.needs)
    }


def test_an_unknown_node_is_told_with_the_nearest() -> None:
    """`around` a node that is not there raises UnknownNode with the name it may be."""
    needs: Needs = {"table": [], "chart": ["table"]}
    with pytest.raises(UnknownNode, match=r"p has no node 'chrat'\. Did you mean 'chart'\?"):
        graph_of(needs, needs).around(["chrat"])


def test_wide_characters_take_two_places() -> None:
    """Columns stand below each other on a terminal also where a name is Chinese."""
    nodes = [
        GraphNode("天气", "int", "", is_input=True, is_final=False),
        GraphNode("rain", "str", "", is_input=False, is_final=True, needs=("天气",)),
    ]
    first, second = drawing(Graph("p", ["rain"], nodes))
    assert cell_width(first.partition("int")[0]) == cell_width(second.partition("str")[0])


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        (None, "●  chart_of_rain  dict[str, list[int]]  final"),
        (45, "●  chart_of_rain  dict[str, list[int]]  final"),
        (40, "●  chart_of_rain  dict[str, list…  final"),
        (29, "●  chart_of_rain  dic…  final"),
        (28, "●  chart_of_rain  final"),
        (20, "●  chart_of_rain"),
        (12, "●  chart_of…"),
    ],
)
def test_a_narrow_terminal_cuts_the_type_first(limit: int | None, text: str) -> None:
    """With less room the type is cut, then left out, then the kind; then the name is cut."""
    node = GraphNode("chart_of_rain", "dict[str, list[int]]", "", is_input=False, is_final=True)
    (row,) = text_rows(Graph("p", [], [node]), limit=limit)
    assert row.text == text
    assert limit is None or cell_width(row.text) <= limit


def test_a_type_that_fits_is_not_left_out() -> None:
    """Where all types are short, they stay as long as there is room for them."""
    node = GraphNode("rain", "int", "", is_input=False, is_final=False)
    assert [row.text for row in text_rows(Graph("p", [], [node]), limit=12)] == ["●  rain  int"]
    assert [row.text for row in text_rows(Graph("p", [], [node]), limit=11)] == ["●  rain"]
