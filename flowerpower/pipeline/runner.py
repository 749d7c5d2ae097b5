"""One Hamilton run: a project, a pipeline and the caller's overrides in, values out."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from hamilton import driver as hamilton_driver
from hamilton import node
from hamilton.execution import executors

from flowerpower.config import RunConfig, RunOverrides, merged_run, with_declared
from flowerpower.config_files import Pipeline, Project
from flowerpower.errors import ConfigError, InvalidInputs, RunFailed, UnknownNode
from flowerpower.names import did_you_mean
from flowerpower.pipeline import dag
from flowerpower.pipeline.adapters import NodeRecorder
from flowerpower.pipeline.inputs import SCHEDULED_FOR, check_complete, check_known, fitted
from flowerpower.pipeline.modules import import_modules

CACHE_FOLDER = Path(".flowerpower", "cache")
DEFAULT_THREADS = 8


@dataclass(frozen=True)
class Plan:
    """A run made ready: everything is checked, nothing has run.

    `nodes` are in an order they can run in; `given` are the inputs the DAG gets.
    """

    driver: hamilton_driver.Driver = field(repr=False)
    run: RunConfig
    final_vars: list[str]
    nodes: list[dag.NodeInfo]
    inputs: list[dag.InputInfo]
    given: dict[str, Any]


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
        self.run_config = merged_run(pipeline.config, self._overrides)

    def plan(self, recorder: NodeRecorder | None = None, *, complete: bool = True) -> Plan:
        """Import the modules, build the DAG and check names, inputs and types.

        With `complete=False` missing inputs are no error.

        Raises:
            ConfigError: if a module or a node that the YAML names does not exist.
            UnknownNode: if a node that the caller names does not exist.
            MissingInputs, InvalidInputs: if the inputs do not fit the DAG.
            RunFailed: if a module cannot be imported or is no DAG.
        """
        run = self.run_config
        driver = self._driver(recorder)
        final_vars = self._final_vars(driver)
        nodes, taken = dag.upstream(driver, final_vars)
        names = [each.name for each in nodes]
        given = self._given(driver, taken)
        inputs = dag.input_infos(taken, names)
        if complete:
            check_complete(self._pipeline.name, inputs, [*given, *run.config])
        if recorder is not None:
            recorder.total = len(nodes)
        return Plan(driver, run, final_vars, dag.node_infos(nodes), inputs, given)

    def run(self, recorder: NodeRecorder | None = None) -> dict[str, Any]:
        """Run the DAG; the values of the final variables by name, the real objects.

        Raises:
            FlowerpowerError: as `plan`; whatever a node raises comes through as it is.
        """
        plan = self.plan(recorder)
        with _quiet_hamilton():
            values = plan.driver.execute(plan.final_vars, inputs=plan.given)
        return {name: values[name] for name in plan.final_vars}

    def _driver(self, recorder: NodeRecorder | None) -> hamilton_driver.Driver:
        run = self.run_config
        modules = import_modules(
            self._project.root, run.modules or [f"pipelines.{self._pipeline.name}"]
        )
        builder = hamilton_driver.Builder().with_modules(*modules).with_config(dict(run.config))
        if recorder is not None:
            builder = builder.with_adapters(recorder)
        if run.executor.type == "threadpool":
            threads = run.executor.max_workers or DEFAULT_THREADS
            builder = (
                builder.enable_dynamic_execution(allow_experimental_mode=True)
                .with_local_executor(_Threads(max_tasks=threads))
                .with_remote_executor(_Threads(max_tasks=threads))
            )
        if run.cache:
            builder = builder.with_cache(path=self._project.root / CACHE_FOLDER)
        try:
            with _quiet_hamilton():
                return builder.build()
        except Exception as error:
            raise RunFailed("The functions do not make a DAG.") from error

    def _final_vars(self, driver: hamilton_driver.Driver) -> list[str]:
        asked = self.run_config.final_vars
        if asked is None:
            found = dag.leaves(driver) or dag.computed(driver)
            if not found:
                raise ConfigError(
                    f"{self._pipeline.name} has no nodes: its modules hold no public function."
                )
            return found
        for position, name in enumerate(asked):
            if name not in driver.graph.nodes:
                guess = (
                    did_you_mean(name, driver.graph.nodes) or " See `flowerpower pipeline show`."
                )
                message = f"{self._pipeline.name} has no node {name!r}.{guess}"
                if self._overrides.final_vars is not None:
                    raise UnknownNode(message)
                path = ("run", "final_vars", position)
                raise ConfigError(faults=[self._pipeline.file.fault(path, message)])
        return list(dict.fromkeys(asked))

    def _given(self, driver: hamilton_driver.Driver, taken: list[node.Node]) -> dict[str, Any]:
        known = {name: each for name, each in driver.graph.nodes.items() if each.user_defined}
        own = self._pipeline.config.run.inputs
        check_known(self._overrides.inputs, known, "the caller")
        hint = "Values that only some variants of a pipeline take belong under params."
        check_known(own, known, f"run.inputs of {self._pipeline.file.name}", hint)
        params = {k: v for k, v in self._pipeline.config.params.items() if k in known}
        values = {**params, **own, **self._overrides.inputs}
        if SCHEDULED_FOR in known:
            values.setdefault(SCHEDULED_FOR, self._scheduled_for)
        twice = sorted(set(values) & set(self.run_config.config))
        if twice:
            raise InvalidInputs(f"{', '.join(twice)}: given both as an input and in config.")
        names = {each.name for each in taken}
        return fitted({name: value for name, value in values.items() if name in names}, known)


class _Threads(executors.MultiThreadingExecutor):  # type: ignore[misc] # Hamilton has no types
    """Hamilton's pool of threads, not waited for: a run that is interrupted ends at once."""

    def finalize(self) -> None:
        """Let go of the pool; a run that has worked leaves nothing in it."""
        self.pool.shutdown(wait=False, cancel_futures=True)
        self.initialized = False


@contextlib.contextmanager
def _quiet_hamilton() -> Iterator[None]:
    """Hamilton logs each failure with a banner of its own; the error is told once, by us."""
    logger = logging.getLogger("hamilton")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)
