"""The nodes that the YAML or the caller of a run names, against those of the DAG."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any

from hamilton.node import Node

from flowerpower.config.files import Pipeline
from flowerpower.config.overrides import RunOverrides
from flowerpower.config.run import EVERY_NODE
from flowerpower.config.run_section import RunConfig
from flowerpower.errors import ConfigError, InvalidInputs, UnknownNode, UsageError
from flowerpower.run.dag import computed_nodes, leaf_nodes, missing_variant, nodes_named, upstream
from flowerpower.run.draw.graph import no_such_node
from flowerpower.run.driver import Dag
from flowerpower.run.input_values import written_texts
from flowerpower.run.inputs import convert_values
from flowerpower.run.patches import saver_nodes


class NamedNodes:
    """Checks of names, and what follows from them, for one run of a pipeline.

    `run` is the merged configuration, `overrides` what of it the caller says.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        run: RunConfig,
        overrides: RunOverrides,
        modules: Sequence[ModuleType],
    ) -> None:
        self._pipeline, self._run = pipeline, run
        self._overrides, self._modules = overrides, modules

    def check_config(self) -> None:
        """Raise UsageError or ConfigError if a setting of the driver has a node's name.

        Hamilton would take the setting's value for the node, without a word and without its type.
        """
        config = self._run.config
        for name in config and sorted(nodes_named(self._modules, config)):
            message = f"{name} is a node of {self._pipeline.name}; a setting needs another name."
            hint = f"To replace the node's value use run.overrides, or --override {name}=…."
            if name in self._overrides.config:
                raise UsageError(f"config: {message}", hint=hint)
            fault = self._pipeline.file.fault(("run", "config", name), message)
            raise ConfigError(faults=[fault], hint=hint)

    def final_vars(self, dag: Dag) -> list[str]:
        """The final variables that are named, or else the nodes that nothing else depends on.

        Raises:
            ConfigError: if the DAG has no nodes.
        """
        if self._run.final_vars is not None:
            return list(dict.fromkeys(self._run.final_vars))
        graph = dag.driver.graph
        hidden = {node for saver in dag.files.written for node in saver_nodes(graph, saver)}
        if leaves := leaf_nodes(dag.driver, besides=hidden) or computed_nodes(dag.driver):
            return leaves
        message = f"{self._pipeline.name} has no nodes: its modules have no public function."
        raise ConfigError(message)

    def drop_unneeded_files(
        self, dag: Dag, final_vars: list[str], overrides: dict[str, Any]
    ) -> None:
        """If the caller names nodes, write of the YAML's files only those of computed nodes."""
        if self._overrides.final_vars is None:
            return
        nodes, _ = upstream(dag.driver, final_vars, overrides)
        computed = {node.name for node in nodes} | set(overrides)
        for saver, saved in list(dag.files.written.items()):
            if not computed.issuperset(saved) and not self._overrides.save.keys() & set(saved):
                del dag.files.written[saver]

    def check_names(self, known: Mapping[str, Node]) -> None:
        """Check that the final variables and the nodes in the cache's settings exist.

        Raises:
            UnknownNode: if the caller has named one that does not.
            ConfigError: if the YAML has.
        """
        run, overrides = self._run, self._overrides
        named: list[tuple[tuple[str | int, ...], str, bool]] = [
            (("run", "cache", setting), name, name in (overrides.recompute or ()))
            for setting in ("default", "recompute", "ignore", "disable")
            for name in getattr(run.cache, setting)
            if name != EVERY_NODE
        ]
        for position, name in enumerate(run.final_vars or ()):
            named.append((("run", "final_vars", position), name, overrides.final_vars is not None))
        for path, name, is_callers in named:
            if name not in known:
                message = self._no_node_message(name, known)
                if is_callers:
                    raise UnknownNode(message)
                raise ConfigError(faults=[self._pipeline.file.fault(path, message)])

    def check_variants(self, names: Iterable[str]) -> None:
        """Raise ConfigError if config.when has left out one of these, which are missing."""
        for name in names:
            if message := missing_variant(self._modules, self._run.config, name):
                hint = "Set it under run.config, or by --config."
                raise ConfigError(message, hint=hint) from None

    def node_overrides(self, nodes: dict[str, Node]) -> dict[str, Any]:
        """The values that replace nodes, each of the type that its node declares.

        Raises:
            UnknownNode: if there is no such node.
            InvalidInputs: if it is an input, or the value is of another type.
        """
        values = self._run.overrides
        for name in values:
            if name not in nodes:
                raise UnknownNode(self._no_node_message(name, nodes))
            if nodes[name].user_defined:
                raise InvalidInputs(
                    f"{name} is an input, not a node that is computed.",
                    hint=f"Give it as an input: -i {name}=…",
                )
        written = written_texts(self._overrides, self._overrides.overrides)
        return convert_values(values, nodes, written, "override")

    def _no_node_message(self, name: str, known: Mapping[str, Node]) -> str:
        missing = missing_variant(self._modules, self._run.config, name)
        return missing or no_such_node(self._pipeline.name, name, known)
