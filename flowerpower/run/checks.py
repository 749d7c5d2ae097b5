"""Whether what is asked of a DAG can be had of it, found before it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any

from hamilton import node

from flowerpower.errors import ConfigError, UsageError
from flowerpower.run.dag import inside_blocks


def check_blocks(
    nodes: Iterable[node.Node],
    final_vars: Sequence[str],
    written: Mapping[str, Sequence[str]],
    is_asked: Callable[[str], bool],
) -> None:
    """What is put out, or `written` to files, has one value, not one for each item of a block.

    `nodes` are in an order they can run in; `is_asked` says whether it is the caller who asks for
    a node, and not the YAML.

    Raises:
        UsageError, ConfigError: naming the node, and the one whose items it has values for.
    """
    inside = inside_blocks(nodes)
    saved = {name: identifier for identifier, names in written.items() for name in names}
    for each in (*final_vars, *saved):
        item = inside.get(each) or inside.get(saved.get(each, ""))
        if item is not None:
            kind = UsageError if is_asked(each) else ConfigError
            raise kind(
                f"{each} has a value for each item of {item}, none that could be put out.",
                hint="Ask for a node that collects it: one that takes Collect[...].",
            )


def no_variant(modules: Iterable[ModuleType], config: Mapping[str, Any], name: str) -> str:
    """Why a DAG has no function for a node though `config.when` has some; empty if it has none."""
    found = [
        each
        for module in modules
        for each, value in vars(module).items()
        if each.startswith(f"{name}__") and callable(value)
    ]
    if not found:
        return ""
    told = ", ".join(f"{key}={value!r}" for key, value in config.items())
    return (
        f"No variant of {name} fits the configuration ({told or 'it is empty'}); there are "
        f"{', '.join(found)}."
    )
