"""Which value wins. It is decided here, for a job queue in queue_settings.py, and nowhere else.

A setting has the value of the first of these that sets it:

    flag or argument > environment > conf/pipelines/NAME.yml > conf/project.yml > default

- A job of a declared schedule takes that schedule's own `run` before the pipeline's `run`.
- Inputs: the caller's > `run.inputs` > `params`.
- Mappings are merged key by key and lists of adapters are joined; everything else is replaced.
- Who is told of what (`notify`): the project's entries and the pipeline's; neither takes one away.
- A backend's URL belongs to a type: who changes the type leaves the old URL behind.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from flowerpower.config.adapters import Adapter, AdapterConfig, AdapterName
from flowerpower.config.notify import NotifyConfig
from flowerpower.config.overrides import RunOverrides
from flowerpower.config.run import EVERY_NODE
from flowerpower.config.yaml_reader import KeyPath
from flowerpower.errors import ConfigError, InvalidInputs

if TYPE_CHECKING:
    from flowerpower.config.pipeline import PipelineConfig
    from flowerpower.config.project import ProjectConfig
    from flowerpower.config.run_section import CacheConfig, RunConfig

_MERGED_BY_KEY = ("inputs", "overrides", "config", "load", "save", "retry")
_JOINED = ("adapters", "custom_adapters")


def merged_run(pipeline: PipelineConfig, overrides: RunOverrides) -> RunConfig:
    """The pipeline's `run` section with the caller's overrides over it.

    `params` are not part of it, because the DAG decides which of them are inputs: see
    `merged_inputs`.

    Raises:
        ConfigError: as `with_declared`.
    """
    # Not at the top: whoever only adds a job reads no pipeline.
    from flowerpower.config.run_section import ExecutorConfig, FileConfig, SavedFileConfig

    if overrides.sets_inputs_alone:
        inputs = {**pipeline.run.inputs, **overrides.inputs}
        return pipeline.run.model_copy(update={"inputs": inputs})
    run, overrides = pipeline.run, with_declared(pipeline, overrides)
    update: dict[str, Any] = {
        name: value
        for name in ("final_vars", "timeout")
        if (value := getattr(overrides, name)) is not None
    }
    for part in ("inputs", "overrides", "config"):
        update[part] = {**getattr(run, part), **getattr(overrides, part)}
    load = {name: FileConfig(path=path) for name, path in overrides.load.items()}
    save = {name: [SavedFileConfig(path=path)] for name, path in overrides.save.items()}
    update["load"], update["save"] = {**run.load, **load}, {**run.save, **save}
    if overrides.executor is not None:
        # The address is one of a Ray or a Dask: it means nothing to another type.
        same = run.executor.type == overrides.executor.type
        address = run.executor.address if same else None
        update["executor"] = ExecutorConfig(**overrides.executor.model_dump(), address=address)
    update["cache"] = _merged_cache(run.cache, overrides)
    update["adapter"] = _with_turned_on(run.adapter, overrides)
    update["retry"] = run.retry.model_copy(update=overrides.retry_settings)
    return run.model_copy(update=update)


def replaced_paths(overrides: RunOverrides) -> set[KeyPath]:
    """Where a pipeline's file has values that a run with these overrides does not use."""
    paths: set[KeyPath] = {("notify",), ("after",), ("run", "limits"), ("run", "max_running")}
    # A node that the caller sets in one way is not set in another way by the file.
    for name in (*overrides.inputs, *overrides.overrides, *overrides.load):
        paths.add(("params", name))
        paths |= {("run", section, name) for section in ("inputs", "overrides", "load")}
    paths |= {("run", "config", name) for name in overrides.config}
    paths |= {("run", "save", name) for name in overrides.save}
    paths |= {("run", "retry", name) for name in overrides.retry_settings}
    for name in ("final_vars", "timeout"):
        if getattr(overrides, name) is not None:
            paths.add(("run", name))
    if overrides.executor is not None and overrides.executor.type not in ("ray", "dask"):
        # The caller gives all of it but the address, which only a cluster has.
        paths.add(("run", "executor"))
    if overrides.cache is False:
        paths.add(("run", "cache"))
    if overrides.declared is None:
        paths.add(("schedule",))
    return paths


def with_declared(pipeline: PipelineConfig, overrides: RunOverrides) -> RunOverrides:
    """The overrides, over the `run` of the declared schedule that they name.

    Raises:
        ConfigError: if the pipeline's YAML no longer declares it.
    """
    if overrides.declared is None:
        return overrides
    runs = {entry.id or "": entry.run for entry in pipeline.schedule}
    if overrides.declared not in runs:
        raise ConfigError(
            f"The pipeline's YAML no longer declares the schedule {overrides.declared!r} "
            "that made this job."
        )
    lower, upper = runs[overrides.declared].settings, overrides.settings
    del upper["declared"]
    merged = {**lower, **upper}
    for part in _MERGED_BY_KEY:
        merged[part] = {**lower.get(part, {}), **upper.get(part, {})}
    for part in _JOINED:
        merged[part] = list(dict.fromkeys([*lower.get(part, []), *upper.get(part, [])]))
    return RunOverrides.model_validate(merged)


def without_replaced(run: RunConfig, overrides: RunOverrides) -> RunConfig:
    """A merged `run` section, where a node that the caller sets is set in one way only.

    The YAML may name a file to load for a node and the caller give its value, or the reverse: then
    only the caller's counts.

    Raises:
        InvalidInputs: if one of the two sets a node in both ways.
    """
    if not run.load:
        return run
    values = {*overrides.inputs, *overrides.overrides}
    load = {k: v for k, v in run.load.items() if k in overrides.load or k not in values}
    in_yaml = set(load) & {*run.inputs, *run.overrides} - set(overrides.load)
    if names := sorted(in_yaml) or sorted(set(overrides.load) & values):
        raise InvalidInputs(f"{', '.join(names)}: given both as a value and as a file to load.")
    update: dict[str, Any] = {"load": load}
    for part in ("inputs", "overrides"):
        update[part] = {k: v for k, v in getattr(run, part).items() if k not in load}
    return run.model_copy(update=update)


def merged_inputs(
    pipeline: PipelineConfig, overrides: RunOverrides, names: Collection[str]
) -> dict[str, Any]:
    """The values of a DAG's inputs, of which `names` are all; other `params` are left out."""
    params = {name: value for name, value in pipeline.params.items() if name in names}
    return {**params, **pipeline.run.inputs, **overrides.inputs}


def merged_adapters(pipeline: AdapterConfig, project: AdapterConfig) -> AdapterConfig:
    """The pipeline's adapters over the project's, setting by setting; both lists of `custom`."""
    update: dict[str, Any] = {}
    for name in AdapterConfig.model_fields:
        upper, lower = getattr(pipeline, name), getattr(project, name)
        if name == "custom":
            types = {adapter.type for adapter in upper}
            update[name] = [*(adapter for adapter in lower if adapter.type not in types), *upper]
        elif isinstance(upper, Adapter) and isinstance(lower, Adapter):
            settings = {key: getattr(upper, key) for key in upper.model_fields_set}
            # A mapping of settings turns its adapter on, even if the project has it off.
            update[name] = lower.model_copy(update={**settings, "enabled": upper.enabled})
        else:
            update[name] = lower if upper is None else upper
    return pipeline.model_copy(update=update)


def merged_notify(
    pipeline: Sequence[NotifyConfig], project: Sequence[NotifyConfig]
) -> list[NotifyConfig]:
    """Who is told of what happens in a pipeline: the project's entries, then the pipeline's own."""
    return [*project, *pipeline]


def wants_finished(pipeline: PipelineConfig, project: ProjectConfig, *, is_fire: bool) -> bool:
    """Whether anybody is told that a job of the pipeline has finished, or that of a fire."""
    if is_fire and any(entry.ping is not None for entry in pipeline.schedule):
        return True
    return any("finished" in entry.on for entry in merged_notify(pipeline.notify, project.notify))


def _merged_cache(cache: CacheConfig, overrides: RunOverrides) -> CacheConfig:
    """The cache with the caller's nodes to recompute, which turn it on; `cache` decides at last."""
    update: dict[str, Any] = {}
    if overrides.recompute is not None:
        names = overrides.recompute
        every = EVERY_NODE in names or EVERY_NODE in cache.recompute
        update["enabled"] = True
        # A node may be in one list only: those to recompute leave the other three.
        for part in ("default", "ignore", "disable"):
            rest = [] if every else [name for name in getattr(cache, part) if name not in names]
            update[part] = [] if EVERY_NODE in rest else rest
        joined = list(dict.fromkeys([*cache.recompute, *names]))
        update["recompute"] = [EVERY_NODE] if every else joined
    if overrides.cache is not None:
        update["enabled"] = overrides.cache
    return cache.model_copy(update=update)


def _with_turned_on(config: AdapterConfig, overrides: RunOverrides) -> AdapterConfig:
    """The pipeline's adapters, and those that the caller turns on."""
    names: list[AdapterName] = list(overrides.adapters)
    if overrides.progressbar:
        names.append("progressbar")
    settings: dict[str, Any] = dict.fromkeys(names, True)
    if config.progressbar not in (None, "none"):
        # Turned on already, perhaps as another kind of bar.
        settings.pop("progressbar", None)
    if overrides.progressbar is False:
        settings["progressbar"] = False
    known = {adapter.type for adapter in config.custom}
    settings["custom"] = [name for name in overrides.custom_adapters if name not in known]
    return merged_adapters(AdapterConfig.model_validate(settings), config)
