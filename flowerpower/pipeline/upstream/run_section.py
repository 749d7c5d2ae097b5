"""The `run` section of an upstream pipeline as ours."""

from __future__ import annotations

from typing import Any

from flowerpower.pipeline.upstream.adapters import convert_pipeline_adapters
from flowerpower.pipeline.upstream.old_file import OldFile, Section
from flowerpower.pipeline.upstream.report import Outcome, Row

_EXECUTORS = {
    "synchronous": "synchronous",
    "local": "synchronous",
    "threadpool": "threadpool",
    "processpool": "processpool",
    "ray": "ray",
    "dask": "dask",
}
_CACHE = (
    "path", "default", "recompute", "ignore", "disable", "default_behavior",
    "default_loader_behavior", "default_saver_behavior",
)  # fmt: skip
_RETRY = {
    "max_retries": ("max_retries", 0),
    "retry_delay": ("delay", 1),
    "jitter_factor": ("jitter_factor", 0.1),
    "retry_exceptions": ("exceptions", ["Exception"]),
}
"""Ours for each of upstream's settings, and our default."""
_RAW = (
    "explicit_overrides", "with_adapter_override_raw", "executor_override_raw",
    "retry_override_raw", "pipeline_adapter_cfg_override_raw", "project_adapter_cfg_override_raw",
)  # fmt: skip
_LOG_LEVEL = "a job's log has what is logged from INFO on; a module may set another level."
_NO_SUCH_EXECUTOR = "there is no such executor: nodes run one after another, as there."
_BLOCKS_ALONE = (
    "it ran Parallelizable blocks alone, of which this pipeline has none; run.executor here is for "
    "every node."
)
_ALL_NODES = "it ran Parallelizable blocks alone; here it runs every node."
_CALLBACK = "a run calls no function of yours: declare `notify`, which may call a command."


def convert_run(file: OldFile, *, has_blocks: bool) -> tuple[dict[str, Any], list[Row]]:
    """Our `run` section, but for its modules, and what became of each setting.

    `has_blocks` says whether the DAG has Parallelizable nodes.
    """
    old = Section(file, ("run",))
    data: dict[str, Any] = {}
    for key in ("inputs", "final_vars", "config"):
        if (value := old.moved(key, f"run.{key}")) is not None:
            data[key] = value
    adapters, executor, rows = convert_pipeline_adapters(
        Section(file, ("adapter",)), old.section("with_adapter")
    )
    if settings := _executor(old, executor, rows, has_blocks=has_blocks):
        data["executor"] = settings
    if (cache := _cache(old, rows)) is not None:
        data["cache"] = cache
    if adapters:
        data["adapter"] = adapters
    if retry := _retry(old, rows):
        data["retry"] = retry
    old.left_out("log_level", _LOG_LEVEL, default="INFO")
    for key in ("on_success", "on_failure"):
        old.left_out(key, _CALLBACK)
    for key in ("pipeline_adapter_cfg", "project_adapter_cfg", "adapter"):
        old.left_out(key, "write the settings under run.adapter.")
    old.not_needed("reload", advice="modules that were edited are imported again by themselves.")
    old.not_needed("async_driver", advice="a DAG of coroutines runs on Hamilton's async driver.")
    old.not_needed(*_RAW)
    # The modules of a run are looked for among the files of the project.
    old.take("additional_modules")
    return data, [*rows, *old.close()]


def _executor(
    run: Section, by_adapter: str | None, rows: list[Row], *, has_blocks: bool
) -> dict[str, Any]:
    old, key, to = run.section("executor"), "type", "run.executor.type"
    kind = old.take("type")
    where = old
    if isinstance(old.content, str):
        # A type alone is upstream's short form.
        kind, old.rows, where, key = old.content, [], run, "executor"
    known = _EXECUTORS.get(str(kind or "synchronous"))
    if known is None:
        where.say(key, "left_out", advice=_NO_SUCH_EXECUTOR)
    elif known == "synchronous" or not has_blocks:
        # Upstream writes `threadpool` into every file.
        outcome: Outcome = "left_out" if known in ("processpool", "ray", "dask") else "not_needed"
        where.say(key, outcome, advice=_BLOCKS_ALONE if known != "synchronous" else "")
    else:
        where.say(key, "converted", to, _ALL_NODES)
    kind = by_adapter or (known if has_blocks else None) or "synchronous"
    data: dict[str, Any] = {} if kind == "synchronous" else {"type": kind}
    workers = old.take("max_workers")
    if data and kind != "ray" and isinstance(workers, int) and 1 <= workers <= 1000:
        data["max_workers"] = workers
        old.say("max_workers", "converted", "run.executor.max_workers")
    else:
        old.say("max_workers", "not_needed")
    if kind == "ray":
        old.left_out("num_cpus", "a Ray that is started for the run has run.executor.max_workers.")
    else:
        old.not_needed("num_cpus", advice="it was Ray's alone.")
    rows += old.close()
    return data


def _cache(run: Section, rows: list[Row]) -> Any:
    value = run.take("cache")
    if not isinstance(value, dict):
        run.say("cache", "converted" if value else "not_needed", "run.cache" if value else "")
        return True if value else None
    old = run.section("cache")
    data = {
        key: found for key in _CACHE if (found := old.moved(key, f"run.cache.{key}")) is not None
    }
    for key in ("metadata_store", "result_store"):
        old.left_out(key, "results and what is known of them lie together in run.cache.path.")
    old.not_needed("log_to_file")
    rows += old.close()
    return data or True


def _retry(run: Section, rows: list[Row]) -> dict[str, Any]:
    """Our `retry`: from upstream's own mapping (from 0.31), or the keys of before."""
    data: dict[str, Any] = {}
    nested = run.section("retry")
    for old in (nested, run):
        for key, (ours, _) in _RETRY.items():
            value = old.take(key)
            if value is None:
                old.say(key, "not_needed")
                continue
            if ours in data:
                old.say(key, "left_out", advice=f"run.retry.{key} says it too, and wins.")
                continue
            value = _exceptions(value) if ours == "exceptions" else value
            data[ours] = value
            old.say(key, "converted", f"run.retry.{ours}")
    rows += nested.close()
    return {key: value for key, value in data.items() if value != _default(key)}


def _default(key: str) -> Any:
    return next(default for ours, default in _RETRY.values() if ours == key)


def _exceptions(value: Any) -> list[str]:
    names = value if isinstance(value, list) else [value]
    # Upstream has written classes as Python shows them.
    return [str(name).removeprefix("<class '").removesuffix("'>") for name in names]
