"""One Hamilton run: a project, a pipeline and the caller's overrides in, values out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from types import ModuleType
from typing import Any

from hamilton import driver as hamilton_driver
from hamilton import node

from flowerpower.config.adapters import AdapterConfig
from flowerpower.config.files import Pipeline, Project
from flowerpower.config.merge import (
    merged_adapters,
    merged_inputs,
    merged_run,
    with_declared,
    without_replaced,
)
from flowerpower.config.run import EVERY_NODE, RunConfig, RunOverrides
from flowerpower.errors import ConfigError, InvalidInputs, UnknownNode
from flowerpower.jobs.run import FileRecord
from flowerpower.run import dag
from flowerpower.run.adapters.factory import (
    OnWarning,
    check_adapters,
    log_warning,
    make_adapters,
)
from flowerpower.run.checks import check_blocks, no_variant
from flowerpower.run.driver import Dag, build_dag, check_fit, execute, make_driver
from flowerpower.run.files import check_there
from flowerpower.run.inputs import SCHEDULED_FOR, check_complete, check_known, fitted
from flowerpower.run.modules import import_modules
from flowerpower.run.node_events import NodeEventHook
from flowerpower.text import did_you_mean


@dataclass(frozen=True)
class Plan:
    """A run made ready: everything is checked, nothing has run.

    `nodes` are in an order they can run in; `given` are the inputs the DAG gets, `overrides` the
    values of nodes that are not computed. `forecast` says of each node whether it would come from
    the cache (`cached`, `computed`, or `depends` on what the nodes before it give); it is empty
    without a cache.
    """

    driver: hamilton_driver.Driver = field(repr=False)
    built: Dag = field(repr=False)
    modules: list[ModuleType] = field(repr=False)
    run: RunConfig
    final_vars: list[str]
    nodes: list[dag.NodeInfo]
    inputs: list[dag.InputInfo]
    given: dict[str, Any]
    overrides: dict[str, Any]
    forecast: dict[str, str] = field(default_factory=dict)


class PipelineRunner:
    """Runs one pipeline once; it never retries.

    `scheduled_for` is given to a DAG that declares an input of that name.
    """

    def __init__(
        self,
        project: Project,
        pipeline: Pipeline,
        overrides: RunOverrides | None = None,
        scheduled_for: datetime | None = None,
    ) -> None:
        self._project = project
        self._pipeline = pipeline
        self._overrides = with_declared(pipeline.config, overrides or RunOverrides())
        self._scheduled_for = scheduled_for
        self._modules: list[ModuleType] = []
        self.run_config = without_replaced(
            merged_run(pipeline.config, self._overrides), self._overrides
        )

    @property
    def adapter_config(self) -> AdapterConfig:
        """The adapters of the run: the pipeline's over the project's."""
        return merged_adapters(self.run_config.adapter, self._project.config.adapter)

    def plan(
        self,
        recorder: NodeEventHook | None = None,
        *,
        complete: bool = True,
        with_forecast: bool = False,
    ) -> Plan:
        """Import the modules, build the DAG and check names, inputs and types.

        With `complete=False` missing inputs are no error.

        Raises:
            ConfigError: if a module or a node that the YAML names does not exist, or the executor
                or the cache cannot serve the DAG.
            UnknownNode: if a node that the caller names does not exist.
            MissingInputs, InvalidInputs: if the inputs do not fit the DAG.
            RunFailed: if a module cannot be imported or is no DAG.
        """
        run = self.run_config
        modules = import_modules(
            self._project.root, run.modules or [f"pipelines.{self._pipeline.name}"]
        )
        self._modules = modules
        built = self._built(modules, recorder)
        driver = built.driver
        self._check_nodes(driver, run)
        final_vars = self._final_vars(driver, built)
        overrides = self._node_overrides(driver)
        self._leave_out_files(built, final_vars, overrides)
        wanted = [*final_vars, *built.files.written]
        nodes, taken = dag.upstream(driver, wanted, overrides)
        check_blocks(nodes, final_vars, built.files.written, self._is_asked)
        graph_nodes = driver.graph.nodes
        built.is_to_compute([*nodes, *(graph_nodes[name] for name in overrides)])
        check_fit(run, self.adapter_config, built)
        check_adapters(self._project, self.adapter_config)
        names = [each.name for each in nodes]
        if complete:
            self._check_variants(taken)
        given = self._given(driver, taken)
        inputs = dag.input_infos(taken, names)
        if complete:
            check_complete(self._pipeline.name, inputs, [*given, *run.config])
        if recorder is not None:
            recorder.total = len(nodes)
        forecast: dict[str, str] = {}
        if with_forecast and run.cache.enabled:
            from flowerpower.run.cache import cache

            forecast.update(
                cache.forecast(
                    self._project.root, run.cache, driver.graph, nodes, wanted, given, overrides
                )
            )
        return Plan(
            driver, built, modules, run, final_vars, dag.node_infos(nodes), inputs, given,
            overrides, forecast,
        )  # fmt: skip

    def run(
        self, recorder: NodeEventHook | None = None, on_warning: OnWarning = log_warning
    ) -> tuple[dict[str, Any], list[FileRecord]]:
        """Run the DAG; the values of the final variables by name, and the files it has written.

        The values are the real objects. `on_warning` is told of trackers that are down.

        Raises:
            FlowerpowerError: as `plan`; whatever a node raises comes through as it is.
        """
        recorder = recorder or NodeEventHook()
        plan = self.plan(recorder)
        names = {each.name for each in plan.nodes}
        check_there(
            self._project.root, {k: file for k, file in plan.run.load.items() if k in names}
        )
        adapters = make_adapters(
            self._project, self._pipeline.name, self.adapter_config, recorder, on_warning
        )
        try:
            driver = make_driver(
                self._project, plan.modules, plan.run, plan.built, recorder, adapters, on_warning
            )
            written = plan.built.files.written
            wanted = [*plan.final_vars, *written]
            values = execute(driver, wanted, plan.given, plan.overrides)
        finally:
            adapters.close()
        files = [FileRecord(**values[name]) for name in written if isinstance(values[name], dict)]
        return {name: adapters.shown(values[name]) for name in plan.final_vars}, files

    def _built(self, modules: list[ModuleType], recorder: NodeEventHook | None) -> Dag:
        try:
            return build_dag(self._project, modules, self.run_config, recorder)
        except UnknownNode as error:
            if error.node is not None:
                self._check_variant(error.node)
            if error.node in (*self._overrides.load, *self._overrides.save):
                raise
            raise ConfigError(error.message, hint=error.hint) from None

    def _final_vars(self, driver: hamilton_driver.Driver, built: Dag) -> list[str]:
        asked = self.run_config.final_vars
        if asked is None:
            hidden = {each for name in built.files.written for each in _saving(driver, name)}
            found = dag.leaves(driver, besides=hidden) or dag.computed(driver)
            if not found:
                raise ConfigError(
                    f"{self._pipeline.name} has no nodes: its modules hold no public function."
                )
            return found
        for position, name in enumerate(asked):
            if name not in driver.graph.nodes:
                message = self._no_node(driver, name)
                if self._overrides.final_vars is not None:
                    raise UnknownNode(message)
                path = ("run", "final_vars", position)
                raise ConfigError(faults=[self._pipeline.file.fault(path, message)])
        return list(dict.fromkeys(asked))

    def _leave_out_files(
        self, built: Dag, final_vars: list[str], overrides: dict[str, Any]
    ) -> None:
        """Where the caller names nodes, the YAML's files are of those and what they need alone."""
        if self._overrides.final_vars is None:
            return
        nodes, _ = dag.upstream(built.driver, final_vars, overrides)
        computed = {each.name for each in nodes} | set(overrides)
        for identifier, saved in list(built.files.written.items()):
            if not computed.issuperset(saved) and not self._overrides.save.keys() & set(saved):
                del built.files.written[identifier]

    def _is_asked(self, name: str) -> bool:
        """Whether it is the caller who asks for a node, and not the YAML."""
        return name in (self._overrides.final_vars or ()) or name in self._overrides.save

    def _no_node(self, driver: hamilton_driver.Driver, name: str) -> str:
        if told := no_variant(self._modules, self.run_config.config, name):
            return told
        guess = did_you_mean(name, driver.graph.nodes) or " See `flowerpower pipeline show`."
        return f"{self._pipeline.name} has no node {name!r}.{guess}"

    def _check_variants(self, taken: list[node.Node]) -> None:
        """What is taken from outside is not what config.when has left without a function."""
        run = self.run_config
        for name in {each.name for each in taken} - {*run.inputs, *run.config}:
            if name not in self._pipeline.config.params:
                self._check_variant(name)

    def _check_variant(self, name: str) -> None:
        if told := no_variant(self._modules, self.run_config.config, name):
            raise ConfigError(told, hint="Set it under run.config, or by --config.") from None

    def _check_nodes(self, driver: hamilton_driver.Driver, run: RunConfig) -> None:
        """Nodes that the cache's settings name are there."""
        for part in ("default", "recompute", "ignore", "disable"):
            for name in getattr(run.cache, part):
                if name != EVERY_NODE and name not in driver.graph.nodes:
                    message = self._no_node(driver, name)
                    if name in (self._overrides.recompute or ()):
                        raise UnknownNode(message)
                    path = ("run", "cache", part)
                    raise ConfigError(faults=[self._pipeline.file.fault(path, message)])

    def _node_overrides(self, driver: hamilton_driver.Driver) -> dict[str, Any]:
        nodes = driver.graph.nodes
        values = self.run_config.overrides
        for name in values:
            if name not in nodes:
                raise UnknownNode(self._no_node(driver, name))
            if nodes[name].user_defined:
                raise InvalidInputs(
                    f"{name} is an input, not a node that is computed.",
                    hint=f"Give it as an input: -i {name}=…",
                )
        return fitted(values, nodes, "override")

    def _given(self, driver: hamilton_driver.Driver, taken: list[node.Node]) -> dict[str, Any]:
        known = {
            name: each
            for name, each in driver.graph.nodes.items()
            if each.user_defined and name not in self.run_config.config
        }
        check_known(self._overrides.inputs, known, "the caller")
        hint = "Values that only some variants of a pipeline take belong under params."
        check_known(
            self._pipeline.config.run.inputs,
            known,
            f"run.inputs of {self._pipeline.file.name}",
            hint,
        )
        values = merged_inputs(self._pipeline.config, self._overrides, known)
        if SCHEDULED_FOR in known:
            values.setdefault(SCHEDULED_FOR, self._scheduled_for)
        twice = sorted(set(values) & set(self.run_config.config))
        if twice:
            raise InvalidInputs(f"{', '.join(twice)}: given both as an input and in config.")
        names = {each.name for each in taken}
        return fitted({name: value for name, value in values.items() if name in names}, known)


def _saving(driver: hamilton_driver.Driver, name: str) -> Iterable[str]:
    """The node that writes a file, and the one that puts its values together, if there is one."""
    yield name
    for need in driver.graph.nodes[name].dependencies:
        if need.name == f"{name}_build_result":
            yield need.name
