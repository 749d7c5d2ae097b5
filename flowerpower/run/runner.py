"""One Hamilton run: a project, a pipeline and the caller's overrides in, values out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from types import ModuleType
from typing import Any

from flowerpower.config.adapters import AdapterConfig
from flowerpower.config.files import Pipeline, Project
from flowerpower.config.merge import (
    merged_adapters,
    merged_run,
    with_declared,
    without_replaced,
)
from flowerpower.config.overrides import RunOverrides
from flowerpower.config.run_section import RunConfig
from flowerpower.errors import ConfigError, UnknownNode
from flowerpower.jobs.run import FileRecord
from flowerpower.run.adapters.factory import (
    OnWarning,
    check_adapters,
    log_warning,
    make_adapters,
)
from flowerpower.run.blocks import check_blocks, is_expander
from flowerpower.run.dag import (
    computed_nodes,
    default_of,
    input_info,
    node_info,
    upstream,
)
from flowerpower.run.driver import (
    Dag,
    build_dag,
    check_fit,
    execute,
    execute_again,
    make_driver,
)
from flowerpower.run.file_checks import check_files, check_files_exist
from flowerpower.run.input_values import make_input_values
from flowerpower.run.inputs import check_complete
from flowerpower.run.kept_graphs import KeptGraph, KeptGraphs
from flowerpower.run.modules import import_modules, note_imports
from flowerpower.run.named_nodes import NamedNodes
from flowerpower.run.node_events import NodeEventHook
from flowerpower.run.patches import saver_nodes
from flowerpower.run.plan import Plan, PlannedGraph


class PipelineRunner:
    """Runs one pipeline once, without retries.

    A DAG that declares `scheduled_for`, or the ids of the job's parents (`after`), gets them.
    """

    def __init__(
        self,
        project: Project,
        pipeline: Pipeline,
        overrides: RunOverrides | None = None,
        scheduled_for: datetime | None = None,
        after: Sequence[str] = (),
        *,
        kept_graphs: KeptGraphs | None = None,
    ) -> None:
        self._project, self._pipeline = project, pipeline
        self._overrides = with_declared(pipeline.config, overrides or RunOverrides())
        self._scheduled_for = scheduled_for
        self._after = after
        self._modules: list[ModuleType] = []
        self._kept_graphs = kept_graphs
        self._kept = kept_graphs.find(self._overrides) if kept_graphs is not None else None

    @cached_property
    def run_config(self) -> RunConfig:
        """The pipeline's `run` section with what the caller changes of it."""
        merged = merged_run(self._pipeline.config, self._overrides)
        return without_replaced(merged, self._overrides)

    @property
    def settings(self) -> RunConfig:
        """The same; its inputs may be those of another run."""
        return self.run_config if self._kept is None else self._kept.run

    @property
    def adapter_config(self) -> AdapterConfig:
        """The adapters of the run: the pipeline's over the project's."""
        return merged_adapters(self.run_config.adapter, self._project.config.adapter)

    @property
    def _named(self) -> NamedNodes:
        return NamedNodes(self._pipeline, self.settings, self._overrides, self._modules)

    def plan(
        self,
        node_events: NodeEventHook | None = None,
        *,
        complete: bool = True,
        with_forecast: bool = False,
    ) -> Plan:
        """Import the modules, build the DAG and check names, inputs and types.

        With `complete=False` missing inputs are not an error.

        Raises:
            ConfigError: if a module or a node that the YAML names does not exist, the functions do
                not make a DAG, or the executor or the cache cannot serve it.
            UnknownNode: if a node that the caller names does not exist.
            MissingInputs, InvalidInputs: if the inputs do not fit the DAG.
            RunFailed: if importing a module raised.
        """
        self._import_modules()
        # Who only plans has none; who runs has found that it cannot be used.
        self._kept = None
        run = self.run_config
        planned = self._plan_graph(node_events)
        input_values = self._values(planned, complete=complete)
        if node_events is not None:
            graph = planned.dag.driver.graph
            # A Parallelizable node whose items are given runs too, to begin its block.
            given_items = [name for name in planned.overrides if is_expander(graph.nodes[name])]
            node_events.total = len(planned.computed) + len(given_items)
        forecast: dict[str, str] = {}
        misses: dict[str, str] = {}
        if with_forecast and run.cache.enabled:
            forecast, misses = self._forecast(planned, input_values)
        return Plan(
            planned.dag,
            run,
            planned.final_vars,
            planned.nodes,
            planned.inputs,
            input_values,
            planned.overrides,
            forecast,
            misses,
        )

    def _import_modules(self) -> None:
        if not self._modules:
            names = self.settings.modules or [f"pipelines.{self._pipeline.name}"]
            self._modules = import_modules(self._project.root, names)

    def _plan_graph(self, node_events: NodeEventHook | None) -> PlannedGraph:
        run = self.run_config
        dag = self._build_dag(node_events)
        graph = dag.driver.graph
        self._named.check_names(graph.nodes)
        final_vars = self._named.final_vars(dag)
        overrides = self._named.node_overrides(graph.nodes)
        self._named.drop_unneeded_files(dag, final_vars, overrides)
        targets = [*final_vars, *dag.files.written]
        nodes, user_inputs = upstream(dag.driver, targets, overrides)
        named = self._overrides
        callers = {*(named.final_vars or ()), *named.save, *named.overrides, *named.load}
        replaced = {*overrides, *run.load}
        check_blocks(nodes, final_vars, dag.files.written, replaced, callers)
        dag.set_computed_nodes([*nodes, *(graph.nodes[name] for name in overrides)])
        check_fit(run, self.adapter_config, dag)
        check_files(dag.files, {node.name for node in nodes})
        check_adapters(self._project, self.adapter_config)
        known = {k: n for k, n in graph.nodes.items() if n.user_defined and k not in run.config}
        written = dag.files.written
        computed = {node.name for node in nodes}
        # What only writes a value has no say in whether that is required.
        users = computed - {name for saver in written for name in saver_nodes(graph, saver)}
        wanted = {*final_vars, *(name for names in written.values() for name in names)}
        inputs = [input_info(node, users, is_wanted=node.name in wanted) for node in user_inputs]
        infos = [node_info(node) for node in nodes]
        planned = PlannedGraph(
            self._modules, dag, final_vars, overrides, nodes, user_inputs, known,
            computed_nodes(dag.driver), wanted, infos, inputs,
        )  # fmt: skip
        # A file that a caller's input stands in for is a file to load for the next caller.
        may_load = self._pipeline.config.run.load or self._overrides.load
        if self._kept_graphs and not may_load:
            self._kept_graphs.keep(self._overrides, run, self.adapter_config, planned)
        return planned

    def _values(self, planned: PlannedGraph, *, complete: bool) -> dict[str, Any]:
        """The values of the inputs; with `complete`, none that is required is missing."""
        config, params = self.settings.config, self._pipeline.config.params
        user_inputs = planned.user_inputs
        if complete:
            inputs = self._pipeline.config.run.inputs
            given = {*inputs, *self._overrides.inputs, *config, *params}
            self._named.check_variants(node.name for node in user_inputs if node.name not in given)
        values = make_input_values(
            self._pipeline,
            self._overrides,
            planned.known_inputs,
            user_inputs,
            self._scheduled_for,
            self._after,
        )
        if complete:
            present = {*values, *config}
            known = [*planned.node_names, *params]
            check_complete(self._pipeline.name, planned.inputs, present, known)
            # Hamilton gives None for an input that is returned itself and not given.
            unset = [n for n in user_inputs if n.name in planned.wanted and n.name not in present]
            values |= {node.name: default_of(node) for node in unset}
        return values

    def _forecast(
        self, planned: PlannedGraph, input_values: dict[str, Any]
    ) -> tuple[dict[str, str], dict[str, str]]:
        from flowerpower.run.cache.forecast import make_forecast

        dag = planned.dag
        targets = [*planned.final_vars, *dag.files.written]
        values = {"final_vars": targets, "inputs": input_values, "overrides": planned.overrides}
        work, cache, graph = self._project.work, self.run_config.cache, dag.driver.graph
        forecast = make_forecast(work, cache, planned.computed, graph=graph, **values)
        return forecast.nodes, forecast.misses

    def run(
        self, node_events: NodeEventHook | None = None, on_warning: OnWarning = log_warning
    ) -> tuple[dict[str, Any], list[FileRecord]]:
        """Run the DAG; the values of the final variables by name, and the files it has written.

        The values are the objects themselves. `on_warning` is called if a tracker is down.

        Raises:
            FlowerpowerError: as `plan`; what a node raises passes through unchanged.
        """
        node_events = node_events or NodeEventHook()
        self._import_modules()
        if self._kept is not None and self._kept.is_current(self._modules):
            return self._run_again(self._kept, node_events), []
        plan = self.plan(node_events)
        project = self._project
        check_files_exist(plan.dag.files, {node.name for node in plan.nodes})
        adapters = make_adapters(
            project, self._pipeline.name, self.adapter_config, node_events, on_warning
        )
        savers = plan.dag.files.written
        try:
            driver = make_driver(
                project, plan.run, plan.dag, plan.overrides, node_events, adapters, on_warning
            )
            targets = [*plan.final_vars, *savers]
            values = execute(driver, targets, plan.input_values, plan.overrides)
        finally:
            adapters.close()
            note_imports()
        # With graceful errors the value of a saver may be missing.
        files = [FileRecord(**values[name]) for name in savers if isinstance(values[name], dict)]
        return {name: adapters.with_sentinels(values[name]) for name in plan.final_vars}, files

    def _run_again(self, kept: KeptGraph, events: NodeEventHook) -> dict[str, Any]:
        """Run a graph that is kept: it has no adapters, and neither reads nor writes files."""
        values = {**kept.run.config, **self._values(kept.graph, complete=True)}
        events.total = len(kept.graph.computed)
        try:
            return execute_again(kept.steps, kept.graph.final_vars, values, events)
        finally:
            note_imports()

    def _build_dag(self, node_events: NodeEventHook | None) -> Dag:
        try:
            dag = build_dag(self._project, self._modules, self.run_config, node_events)
        except UnknownNode as error:
            self._named.check_variants([error.node] if error.node else [])
            if error.node in (*self._overrides.load, *self._overrides.save):
                raise
            raise ConfigError(error.message, hint=error.hint) from None
        self._named.check_config()
        return dag
