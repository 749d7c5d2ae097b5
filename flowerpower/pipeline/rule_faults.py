"""What is wrong with the limits and chains that a pipeline's YAML declares, with file and line."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from flowerpower.config.files import PROJECT_FILE, Pipeline
from flowerpower.config.rules_reader import NO_RULES, JobRules
from flowerpower.errors import ConfigError, ConfigFault
from flowerpower.job_queue.project_rules import MAX_FOLLOWERS, ProjectRules
from flowerpower.pipeline.registry import PipelineRegistry
from flowerpower.text import did_you_mean

if TYPE_CHECKING:
    from flowerpower.config.yaml_reader import KeyPath

_RULE_KEY = re.compile(r"(after|run\.limits|run\.max_running)\b|$")
"""What stands under these keys, or is wrong with the file as a whole."""


def check_rules(registry: PipelineRegistry, rules: ProjectRules, name: str) -> None:
    """Raise ConfigError if what a pipeline says of limits and chains cannot be kept.

    That is so if `rules.can_be_kept` says no, but for what concerns other keys of the file.
    """
    try:
        pipeline = registry.get(name)
    except ConfigError as error:
        # A variable elsewhere in the file may be set for the workers alone.
        faults = [fault for fault in error.faults if _RULE_KEY.match(fault.key)]
    else:
        limits = rules.limits().by_name
        faults = [
            *_limit_faults(pipeline, limits),
            *_unknown_parents(pipeline, rules.by_pipeline()),
        ]
    if faults:
        raise ConfigError(faults=faults)


def rule_faults(rules: ProjectRules, pipeline: Pipeline) -> list[ConfigFault]:
    """All that is wrong with the limits of a pipeline, and with the chains that it is part of."""
    by_pipeline = rules.by_pipeline()
    faults = [
        *_limit_faults(pipeline, rules.limits().by_name),
        *_unknown_parents(pipeline, by_pipeline),
        *_cycles(pipeline, by_pipeline),
    ]
    if rules.count_followers(pipeline.name) > MAX_FOLLOWERS:
        message = (
            f"one job of {pipeline.name} would be followed by more than {MAX_FOLLOWERS} others, "
            "counted along all chains; the rest is not added."
        )
        faults.append(pipeline.file.fault((), message))
    return faults


def _limit_faults(pipeline: Pipeline, limits: Collection[str]) -> Iterator[ConfigFault]:
    known = [name for name in limits if ":" not in name]
    for position, name in enumerate(pipeline.config.run.limits):
        if name not in known:
            rest = did_you_mean(name, known) or (f" It has: {', '.join(known)}." if known else "")
            message = f"the project has no limit {name!r} under limits in {PROJECT_FILE}.{rest}"
            yield pipeline.file.fault(("run", "limits", position), message)


def _unknown_parents(pipeline: Pipeline, known: Collection[str]) -> Iterator[ConfigFault]:
    for path, parent in _entries(pipeline):
        if parent not in known:
            message = f"there is no pipeline {parent!r}.{did_you_mean(parent, known)}"
            yield pipeline.file.fault((*path, "pipeline"), message)


def _cycles(pipeline: Pipeline, by_pipeline: Mapping[str, JobRules]) -> Iterator[ConfigFault]:
    for path, parent in _entries(pipeline):
        if way := _way(parent, pipeline.name, by_pipeline):
            # In the order in which the jobs would run.
            text = " → ".join([*reversed(way), pipeline.name])
            message = f"the chain comes back to where it began: {text}."
            yield pipeline.file.fault((*path, "pipeline"), message)


def _way(start: str, end: str, by_pipeline: Mapping[str, JobRules]) -> list[str]:
    """The shortest way from child to parent, both with their names; empty if there is none."""
    ways, seen = [[start]], {start}
    for way in ways:
        if way[-1] == end:
            return way
        for parent, _ in by_pipeline.get(way[-1], NO_RULES).after:
            if parent not in seen:
                seen.add(parent)
                ways.append([*way, parent])
    return []


def _entries(pipeline: Pipeline) -> Iterator[tuple[KeyPath, str]]:
    """Where the pipelines that it follows stand in its file, and their names."""
    node = pipeline.file.root.content.get("after")
    is_list = node is not None and isinstance(node.content, list)
    for position, entry in enumerate(pipeline.config.after):
        yield (("after", position) if is_list else ("after",)), entry.pipeline
