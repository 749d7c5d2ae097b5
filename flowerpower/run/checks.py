"""Checks, before a run, that the DAG has what the run is to return or write."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any

from hamilton.node import Node

from flowerpower.errors import ConfigError, UsageError
from flowerpower.run.dag import enclosing_blocks


def check_blocks(
    nodes: Iterable[Node],
    final_vars: Sequence[str],
    written: Mapping[str, Sequence[str]],
    is_callers: Callable[[str], bool],
) -> None:
    """Check that what is returned or `written` to files is not inside a Parallelizable block.

    There it would have a value for each item. `nodes` are in an order they can run in;
    `is_callers` says whether the caller asked for a node, or else the YAML.

    Raises:
        UsageError, ConfigError: naming the node, and the one whose items it has values for.
    """
    blocks = enclosing_blocks(nodes)
    savers = {name: saver for saver, names in written.items() for name in names}
    for name in (*final_vars, *savers):
        block = blocks.get(name) or blocks.get(savers.get(name, ""))
        if block is not None:
            kind = UsageError if is_callers(name) else ConfigError
            raise kind(
                f"{name} has a value for each item of {block}, not one to return or write.",
                hint="Ask for a node that collects them: one that takes Collect[...].",
            )


def missing_variant(modules: Iterable[ModuleType], config: Mapping[str, Any], name: str) -> str:
    """Why a node has no function though `config.when` offers some; empty if it offers none."""
    variants = [
        attribute
        for module in modules
        for attribute, value in vars(module).items()
        # Hamilton's convention: `total__sum` and `total__mean` are variants of `total`.
        if attribute.startswith(f"{name}__") and callable(value)
    ]
    if not variants:
        return ""
    settings = ", ".join(f"{key}={value!r}" for key, value in config.items())
    return (
        f"No variant of {name} fits the configuration ({settings or 'it is empty'}); there are "
        f"{', '.join(variants)}."
    )
