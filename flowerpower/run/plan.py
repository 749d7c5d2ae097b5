"""What a run will do: its graph, and then its values."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from hamilton.node import Node

from flowerpower.config.run_section import RunConfig
from flowerpower.run.dag import InputInfo, NodeInfo
from flowerpower.run.driver import Dag


@dataclass(frozen=True)
class PlannedGraph:
    """What of a run's plan does not depend on the values of its inputs.

    `overrides` are the values of nodes that are not computed, `computed` the nodes of the run in an
    order they can run in, `known_inputs` all inputs of the DAG, `node_names` all of its nodes but
    inputs, and `wanted` the names whose values the run returns or writes.
    """

    modules: Sequence[ModuleType]
    dag: Dag
    final_vars: list[str]
    overrides: dict[str, Any]
    computed: list[Node]
    user_inputs: list[Node]
    known_inputs: dict[str, Node]
    node_names: list[str]
    wanted: Collection[str]
    nodes: list[NodeInfo]
    inputs: list[InputInfo]


@dataclass(frozen=True)
class Plan:
    """A run that is ready: everything is checked, nothing has run.

    `nodes` are in an order they can run in. `input_values` are what the DAG is given, `overrides`
    the values of nodes that are not computed. `forecast` says of each node whether it would come
    from the cache: `cached`, `computed`, `depends` (on the values of nodes before it), or
    `no_fingerprint` (computed each time: its value, or one that it takes, has no fingerprint). It
    is empty without a cache. `misses` says of the nodes that are not `cached` why.
    """

    dag: Dag = field(repr=False)
    run: RunConfig
    final_vars: list[str]
    nodes: list[NodeInfo]
    inputs: list[InputInfo]
    input_values: dict[str, Any]
    overrides: dict[str, Any]
    forecast: dict[str, str]
    misses: dict[str, str] = field(default_factory=dict)
