"""Graphs that a worker's child keeps from one job to the next, where a fresh one would be the same.

Building a small graph takes longer than running it.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from types import FunctionType, ModuleType

from hamilton.function_modifiers import config
from hamilton.function_modifiers.base import (
    DynamicResolver,
    NodeCreator,
    NodeDecorator,
    NodeExpander,
    NodeInjector,
    NodeResolver,
    NodeTransformer,
)

from flowerpower.config.adapters import AdapterConfig
from flowerpower.config.overrides import RunOverrides
from flowerpower.config.run_section import RunConfig
from flowerpower.run.kept_steps import Step, steps_of
from flowerpower.run.plan import PlannedGraph

MAX_KEPT = 16
"""Graphs of one configuration: a child that gets ever new overrides must not grow without end."""
_KINDS = (NodeResolver, NodeCreator, NodeInjector, NodeExpander, NodeTransformer, NodeDecorator,
          DynamicResolver)  # fmt: skip
_STEPS = [kind.get_lifecycle_name() for kind in _KINDS]
"""The attributes of a function in which Hamilton's decorators leave themselves."""


@dataclass(frozen=True)
class KeptGraph:
    """A graph with what it was made from, and its `steps`."""

    run: RunConfig
    graph: PlannedGraph
    steps: list[Step]
    functions: list[tuple[str, object]]

    def is_current(self, modules: Sequence[ModuleType]) -> bool:
        """Whether these are its modules, with the same functions in them."""
        same = len(modules) == len(self.graph.modules) and all(
            one is other for one, other in zip(modules, self.graph.modules, strict=True)
        )
        return same and _functions(modules) == self.functions


class KeptGraphs:
    """The graphs of one configuration of a pipeline, by what callers have changed of it."""

    def __init__(self) -> None:
        self._graphs: OrderedDict[str, KeptGraph] = OrderedDict()

    @property
    def is_empty(self) -> bool:
        """Whether none is kept."""
        return not self._graphs

    def find(self, overrides: RunOverrides) -> KeptGraph | None:
        """The graph that was kept for such overrides."""
        return self._graphs.get(_key(overrides))

    def keep(
        self,
        overrides: RunOverrides,
        run: RunConfig,
        adapter: AdapterConfig,
        graph: PlannedGraph,
    ) -> None:
        """Keep a graph, unless a fresh one or its driver could differ the next time."""
        if not _is_plain(run, adapter, graph) or not all(map(_is_static, graph.modules)):
            return
        steps = steps_of(graph.dag.driver.graph.nodes[name] for name in graph.final_vars)
        kept = KeptGraph(run, graph, steps, _functions(graph.modules))
        self._graphs[_key(overrides)] = kept
        if len(self._graphs) > MAX_KEPT:
            self._graphs.popitem(last=False)


def _key(overrides: RunOverrides) -> str:
    """The same text for overrides that differ in their inputs alone."""
    if overrides.sets_inputs_alone:
        return ""
    body = {k: v for k, v in overrides.settings.items() if k not in ("inputs", "written")}
    return json.dumps(body, sort_keys=True, default=repr) if body else ""


def _is_plain(run: RunConfig, adapter: AdapterConfig, graph: PlannedGraph) -> bool:
    """Whether the driver holds no state of a run, and nothing that a node could change."""
    dag = graph.dag
    has_state = (
        run.executor.type != "synchronous"
        or run.cache.enabled
        or run.load
        or run.save
        or run.overrides
        or graph.overrides
        or dag.files.factories
        or dag.coroutines
        or dag.parallel
    )
    # The progress bar is drawn by the caller; a child has none.
    settings = {name: getattr(adapter, name) for name in AdapterConfig.model_fields}
    del settings["progressbar"]
    is_on = any(one is not None and getattr(one, "enabled", one) for one in settings.values())
    # Hamilton passes a setting on to nodes that take it as an input.
    is_fixed = all(isinstance(value, str | int | float | None) for value in run.config.values())
    return not has_state and not is_on and is_fixed


def _is_static(module: ModuleType) -> bool:
    """Whether the decorators of a module's functions make the same nodes each time.

    Not where code of the user's decides while the graph is built, or other modules take part.
    """
    return all(
        _makes_the_same(decorator)
        for _, function in _functions([module])
        for step in _STEPS
        for decorator in getattr(function, step, ())
    )


def _makes_the_same(decorator: object) -> bool:
    package, _, file = type(decorator).__module__.rpartition(".")
    if package != "hamilton.function_modifiers" or file == "recursive":
        return False
    if isinstance(decorator, config):
        # `config.when` and its kind, not a function of the user's.
        resolver = getattr(decorator.does_resolve, "resolves", decorator.does_resolve)
        return bool(resolver.__module__ == config.__module__)
    return not isinstance(decorator, NodeResolver | NodeCreator | DynamicResolver)


def _functions(modules: Sequence[ModuleType]) -> list[tuple[str, object]]:
    """The functions in modules, by name: Hamilton makes nodes of these."""
    return [
        (name, value)
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, FunctionType)
    ]
