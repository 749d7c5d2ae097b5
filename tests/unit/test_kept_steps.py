"""The run of a kept graph does what Hamilton's does: the same order, and values as long as there."""

import random
import types
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from hamilton import ad_hoc_utils, driver

from flowerpower.run.kept_steps import steps_of, take_steps
from flowerpower.run.node_events import NodeEventHook


class Value:
    """What each node gives; its end is seen."""


class Seen:
    """The nodes that have run, each with the values that were there when it began."""

    def __init__(self) -> None:
        self.nodes: list[tuple[str, list[str]]] = []
        self._values: dict[str, weakref.ref[Value]] = {}

    def give(self, name: str) -> Value:
        there = [other for other, value in self._values.items() if value() is not None]
        self.nodes.append((name, there))
        value = Value()
        self._values[name] = weakref.ref(value)
        return value


def function(name: str, needs: list[str], seen: Callable[[], Seen]) -> Any:
    """A node that takes values of others, and an input that has a default."""
    arguments = ", ".join([*(f"{need}: Value" for need in needs), "more: int = 1"])
    scope = {"Value": Value, "seen": seen}
    exec(f"def {name}({arguments}) -> Value:\n    return seen().give({name!r})\n", scope)
    return scope[name]


def graph_of(dice: random.Random, seen: Callable[[], Seen]) -> driver.Driver:
    names: list[str] = []
    functions = []
    for number in range(dice.randint(2, 12)):
        needs = dice.sample(names, min(len(names), dice.randint(0, 3)))
        names.append(f"{dice.choice('abcxyz')}{number}")
        functions.append(function(names[-1], needs, seen))
    module: types.ModuleType = ad_hoc_utils.create_temporary_module(*functions)
    return driver.Builder().with_modules(module).build()


@pytest.mark.parametrize("seed", range(100))
def test_order_and_lifetimes_are_those_of_hamilton(seed: int) -> None:
    """For any graph and targets: a value may hold memory, or delete files at its end."""
    dice = random.Random(seed)
    seen = Seen()
    built = graph_of(dice, lambda: seen)
    nodes = [node for node in built.graph.nodes.values() if not node.user_defined]
    targets = dice.sample(nodes, dice.randint(1, min(4, len(nodes))))
    inputs = {"more": 2} if dice.random() < 0.5 else {}
    built.graph.execute(targets, {}, {}, dict(inputs))
    hamiltons, seen = seen.nodes, Seen()
    values: dict[str, Any] = dict(inputs)
    take_steps(steps_of(targets), values, NodeEventHook())
    assert seen.nodes == hamiltons
    assert {target.name for target in targets} <= values.keys()


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), KeyboardInterrupt()])
def test_what_a_node_raises_passes_through(error: BaseException) -> None:
    """The node has failed; the next one has not begun."""

    def first() -> int:
        raise error

    def second(first: int) -> int:
        return first

    module = ad_hoc_utils.create_temporary_module(first, second)
    built = driver.Builder().with_modules(module).build()
    events = NodeEventHook()
    with pytest.raises(type(error)):
        take_steps(steps_of([built.graph.nodes["second"]]), {}, events)
    assert [(record.name, record.state) for record in events.records] == [("first", "failed")]
    assert events.failed_node == "first"
