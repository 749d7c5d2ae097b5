"""The values of a run's inputs: the caller's over those of the pipeline's YAML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from hamilton.node import Node

from flowerpower.config.files import Pipeline
from flowerpower.config.merge import merged_inputs
from flowerpower.config.overrides import RunOverrides
from flowerpower.run.dag import input_info
from flowerpower.run.inputs import (
    SCHEDULED_FOR,
    add_fire_time,
    check_known,
    convert_values,
    parent_inputs,
)


def make_input_values(
    pipeline: Pipeline,
    overrides: RunOverrides,
    known: Mapping[str, Node],
    needed: Iterable[Node],
    scheduled_for: datetime | None,
    after: Sequence[str] = (),
) -> dict[str, Any]:
    """The values for the inputs that a run needs, as the types that they declare.

    `known` are all inputs of the DAG. A missing value is left out. `after` are the ids of the
    parents of the run's job: they go before what the YAML gives, and after what the caller gives.

    Raises:
        InvalidInputs: if one is given that is not known, or does not fit its type.
    """
    from_yaml = pipeline.config.run.inputs
    check_known(overrides.inputs, known, "the caller")
    hint = "Values that only some variants of a pipeline take belong under params."
    check_known(from_yaml, known, f"run.inputs of {pipeline.file.name}", hint)
    values = merged_inputs(pipeline.config, overrides, known)
    values |= _texts_from_environment(pipeline, overrides, values, known)
    # Over the YAML, which may have a value for runs by hand.
    from_parents = {k: v for k, v in parent_inputs(after).items() if k not in overrides.inputs}
    values |= {name: value for name, value in from_parents.items() if name in known}
    chosen = {node.name: values[node.name] for node in needed if node.name in values}
    written = written_texts(overrides, overrides.inputs)
    places = _places(pipeline, overrides, chosen.keys() - from_parents.keys())
    converted = convert_values(chosen, known, written, places=places)
    for node in needed:
        if node.name == SCHEDULED_FOR and node.name in known:
            users = [user.name for user in node.depended_on_by]
            required = input_info(node, users).required
            add_fire_time(converted, node, scheduled_for, required=required)
    return converted


def written_texts(overrides: RunOverrides, values: Mapping[str, Any]) -> dict[str, str]:
    """The texts that some of the values were written as."""
    return {name: text for name, text in overrides.written.items() if name in values}


def _places(pipeline: Pipeline, overrides: RunOverrides, names: Iterable[str]) -> dict[str, str]:
    """File and line of the inputs that the pipeline's YAML gives."""
    config, file = pipeline.config, pipeline.file
    places: dict[str, str] = {}
    for name in names:
        if name not in overrides.inputs:
            path = ("run", "inputs", name) if name in config.run.inputs else ("params", name)
            places[name] = f"{file.name}, line {file.fault(path, '').line}"
    return places


def _texts_from_environment(
    pipeline: Pipeline,
    overrides: RunOverrides,
    values: Mapping[str, Any],
    known: Mapping[str, Node],
) -> dict[str, str]:
    """The texts of placeholders that were read as numbers, for inputs that take only text.

    A postal code 01234 would lose its first digit.
    """
    texts: dict[str, str] = {}
    for name in values.keys() & known.keys() - overrides.inputs.keys():
        section = ("run", "inputs") if name in pipeline.config.run.inputs else ("params",)
        text = pipeline.file.text_at((*section, name))
        if text is not None and known[name].type in (str, str | None):
            texts[name] = text
    return texts
