"""What a caller may change of a run, from keyword arguments to one checked object."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict, get_args

from pydantic import ValidationError

from flowerpower.config.adapters import AdapterName
from flowerpower.config.faults import explain
from flowerpower.config.run import ExecutorOverrides, RetryOverrides, RunOverrides
from flowerpower.errors import UsageError
from flowerpower.text import did_you_mean
from flowerpower.triggers import clock

_OVERRIDE_NAMES = {"delay": "retry_delay", "type": "executor", "custom_adapters": "adapters"}
StrPath = str | os.PathLike[str]


class RunArguments(TypedDict, total=False):
    """What a run takes over its pipeline's YAML; None leaves a setting as it is.

    `inputs`, `overrides` (values of nodes that are not computed then) and `config` are merged into
    the YAML's, as are `load` and `save`: paths by node, from the current folder, whose suffix
    tells the format. `executor` is a type or a mapping of type and max_workers. `recompute` are
    nodes to compute though they are cached, and turns the cache on. `adapters` are names of
    Hamilton's adapters to turn on; for a run here also classes, `package.module:Class`.
    `retry_delay` is in seconds or a text such as `1m30s`.
    """

    inputs: Mapping[str, Any] | None
    overrides: Mapping[str, Any] | None
    final_vars: Sequence[str] | str | None
    config: Mapping[str, Any] | None
    load: Mapping[str, StrPath] | None
    save: Mapping[str, StrPath] | None
    executor: str | Mapping[str, Any] | None
    max_workers: int | None
    cache: bool | None
    recompute: Sequence[str] | str | None
    adapters: Sequence[str] | str | None
    max_retries: int | None
    retry_delay: float | str | None
    jitter_factor: float | None


class JobArguments(RunArguments, total=False):
    """The same of a job, and `timeout`: how long an attempt may take, as `retry_delay`."""

    timeout: float | str | None


def make_overrides(
    given: JobArguments | RunArguments,
    *,
    progressbar: bool | None = None,
    known: type = JobArguments,
) -> RunOverrides:
    """The caller's overrides of a run as one object.

    Raises:
        UsageError: naming the first that is not valid, or that is none of `known`.
    """
    names = list(known.__annotations__)
    for each in given:
        if each not in names:
            guess = did_you_mean(each, names) or f" There are: {', '.join(names)}."
            raise UsageError(f"There is no argument {each!r}.{guess}")
    executed = _executor(given.get("executor"), given.get("max_workers"))
    retry = {
        "max_retries": given.get("max_retries"),
        "delay": given.get("retry_delay"),
        "jitter_factor": given.get("jitter_factor"),
    }
    adapters = _names(given.get("adapters"))
    for each in adapters:
        if not isinstance(each, str):
            raise UsageError(
                f"adapters takes names, got an object of {type(each).__name__}.",
                hint="Name its class, package.module:Class; options go into run.adapter.custom.",
            )
    standard = [each for each in adapters if ":" not in each]
    for each in standard:
        if each not in get_args(AdapterName):
            raise UsageError(
                f"There is no adapter {each!r}: expected {', '.join(get_args(AdapterName))} or "
                f"package.module:Class.{did_you_mean(each, get_args(AdapterName))}"
            )
    try:
        return RunOverrides(
            inputs=dict(given.get("inputs") or {}),
            overrides=dict(given.get("overrides") or {}),
            final_vars=_names(given.get("final_vars")) or None,
            config=dict(given.get("config") or {}),
            load=_paths(given.get("load")),
            save=_paths(given.get("save")),
            executor=ExecutorOverrides.model_validate(executed) if executed else None,
            cache=given.get("cache"),
            recompute=_names(given.get("recompute")) or None,
            progressbar=progressbar,
            adapters=standard,  # type: ignore[arg-type] # checked a moment before
            custom_adapters=[each for each in adapters if ":" in each],
            timeout=given.get("timeout"),  # type: ignore[arg-type] # text is read by the model
            retry=RetryOverrides.model_validate(retry),
        )
    except ValidationError as error:
        first: dict[str, Any] = dict(error.errors(include_url=False)[0])
        path = [str(step) for step in first["loc"]]
        key = _OVERRIDE_NAMES.get(path[-1]) or _OVERRIDE_NAMES.get(path[0]) or ".".join(path)
        raise UsageError(f"{key}: {explain(RunOverrides, first, first['input'])}") from None


def with_relative_paths(overrides: RunOverrides, root: Path) -> RunOverrides:
    """The same with paths in the project's folder relative to it, for a job on any machine."""

    def shortened(paths: dict[str, str]) -> dict[str, str]:
        return {
            name: Path(path).relative_to(root).as_posix()
            if Path(path).is_relative_to(root)
            else path
            for name, path in paths.items()
        }

    return overrides.model_copy(
        update={"load": shortened(overrides.load), "save": shortened(overrides.save)}
    )


def _names(given: Sequence[str] | str | None) -> list[str]:
    return [given] if isinstance(given, str) else list(given or [])


def _paths(given: Mapping[str, StrPath] | None) -> dict[str, str]:
    texts = {name: os.fspath(path) for name, path in (given or {}).items()}
    return {
        name: text if "://" in text else str(Path(text).expanduser().absolute())
        for name, text in texts.items()
    }


def _executor(executor: str | Mapping[str, Any] | None, max_workers: int | None) -> dict[str, Any]:
    told: dict[str, Any] = (
        {}
        if executor is None
        else {"type": executor}
        if isinstance(executor, str)
        else {**executor}
    )
    if max_workers is not None:
        # A number of workers asks for an executor that has them.
        told = {"type": "threadpool", **told, "max_workers": max_workers}
    return told


def parse_result_ttl(text: float | str) -> float:
    """Seconds that a result is kept: a duration, 0 for not at all, -1 for as long as the record."""
    return -1.0 if text in (-1, "-1") else clock.parse_duration(text)
