"""The run of a plain graph that is kept: its nodes one after another, as Hamilton runs them (1.90).

Hamilton finds the order anew for each run, and asks before each node which adapters it has. A graph
that is kept has none but our own, so its order is found once, and its nodes are called directly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from hamilton.node import Node

from flowerpower.run.node_events import NodeEventHook


class Step(NamedTuple):
    """A node to call: with which values, and which of them nobody needs after it."""

    name: str
    function: Callable[..., Any]
    needs: list[str]
    forgotten: list[str]


def steps_of(targets: Iterable[Node]) -> list[Step]:
    """The nodes that give the targets, in Hamilton's order.

    As in Hamilton's `execute_subdag`, which decides too when a value is let go of: a value may hold
    memory, and its end may delete files that another node still reads.
    """
    targets = list(targets)
    wanted = {node.name for node in targets}
    present: set[str] = set()
    steps: list[Step] = []

    def visit(node: Node) -> None:
        if node.name in present:
            return
        for need in node.dependencies:
            visit(need)
        present.add(node.name)
        if node.user_defined:
            return
        forgotten = []
        for need in node.dependencies:
            kept = need.user_defined or need.name not in present or need.name in wanted
            if not kept and all(
                user.name in present and user.name not in wanted for user in need.depended_on_by
            ):
                present.remove(need.name)
                forgotten.append(need.name)
        steps.append(
            Step(node.name, node.callable, [need.name for need in node.dependencies], forgotten)
        )

    for target in targets:
        visit(target)
    return steps


def take_steps(steps: Sequence[Step], values: dict[str, Any], events: NodeEventHook) -> None:
    """Call the nodes; `values` are those of the inputs, and get those of the nodes.

    What a node raises passes through.
    """
    for name, function, needs, forgotten in steps:
        # An input with a default need not be there.
        arguments = {need: values[need] for need in needs if need in values}
        events.run_before_node_execution(node_name=name, task_id=None)
        try:
            value = function(**arguments)
        except BaseException:
            events.run_after_node_execution(node_name=name, success=False, task_id=None)
            raise
        events.run_after_node_execution(node_name=name, success=True, task_id=None)
        values[name] = value
        for need in forgotten:
            del values[need]
