"""From a caller's keyword arguments to checked values: a run's overrides, a due time, a TTL."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypedDict, get_args

from flowerpower.config.files import Project
from flowerpower.config.overrides import RunOverrides
from flowerpower.errors import UsageError
from flowerpower.pipeline.other_names import ARGUMENTS
from flowerpower.text import did_you_mean
from flowerpower.triggers import clock

_ARGUMENT_OF_KEY = {"delay": "retry_delay", "type": "executor", "custom_adapters": "adapters"}
"""The argument that sets a key of RunOverrides, where their names differ."""
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
    """The same for a job, and `timeout`: how long an attempt may take, as `retry_delay`."""

    timeout: float | str | None


def make_overrides(
    arguments: JobArguments | RunArguments,
    *,
    progressbar: bool | None = None,
    written: Mapping[str, str] | None = None,
    allowed: type = JobArguments,
) -> RunOverrides:
    """The caller's overrides of a run as one object; `allowed` declares the arguments.

    `written` is as in RunOverrides.

    Raises:
        UsageError: naming the first argument that is not valid or not allowed.
    """
    known = list(allowed.__annotations__)
    for name in arguments:
        if name not in known:
            ours = f" Say {ARGUMENTS[name]}." if name in ARGUMENTS else did_you_mean(name, known)
            guess = ours or f" Expected one of: {', '.join(known)}."
            raise UsageError(f"There is no argument {name!r}.{guess}")
    settings: dict[str, Any] = {**arguments, "progressbar": progressbar}
    settings["written"] = dict(written or {})
    for key in ("inputs", "overrides", "config"):
        settings[key] = dict(settings.get(key) or {})
    for key in ("load", "save"):
        settings[key] = _absolute(settings.get(key))
    for key in ("final_vars", "recompute"):
        settings[key] = _as_list(settings.get(key)) or None
    settings["executor"] = _executor(settings.get("executor"), settings.pop("max_workers", None))
    retry = {key: settings.pop(key, None) for key in ("max_retries", "jitter_factor")}
    retry["delay"] = settings.pop("retry_delay", None)
    settings["retry"] = {key: value for key, value in retry.items() if value is not None} or None
    adapters = _as_list(settings.get("adapters"))
    settings["adapters"], settings["custom_adapters"] = _adapters(adapters)
    try:
        return RunOverrides.model_validate(settings)
    except ValueError as error:
        raise _as_usage_error(error) from None


def _as_usage_error(error: ValueError) -> UsageError:
    # Not at the top: see `RunOverrides`.
    from pydantic import ValidationError

    from flowerpower.config.run import CheckedOverrides
    from flowerpower.config.validation import explain

    assert isinstance(error, ValidationError)
    first: dict[str, Any] = dict(error.errors(include_url=False)[0])
    path = [str(step) for step in first["loc"]]
    if path[0] in ("executor", "retry"):
        path = path[1:] or path
    name = _ARGUMENT_OF_KEY.get(path[0]) or ".".join(path)
    return UsageError(f"{name}: {explain(CheckedOverrides, first, first['input'])}")


def with_relative_paths(overrides: RunOverrides, root: Path) -> RunOverrides:
    """The same with paths in the project's folder relative to it, for a job on any machine."""

    def relative(path: str) -> str:
        is_inside = Path(path).is_relative_to(root)
        return Path(path).relative_to(root).as_posix() if is_inside else path

    load = {node: relative(path) for node, path in overrides.load.items()}
    save = {node: relative(path) for node, path in overrides.save.items()}
    return overrides.with_changes(load=load, save=save)


def due_time(
    project: Project,
    run_at: datetime | str | None = None,
    run_in: float | str | timedelta | None = None,
) -> datetime | None:
    """When a job is due, in UTC; None for at once.

    A time without an offset is in the project's time zone.

    Raises:
        UsageError: if both are given.
        InvalidTime, InvalidDuration: if one cannot be read.
    """
    if run_at is not None and run_in is not None:
        raise UsageError("run_at and run_in are both given; expected one of them.")
    if run_in is not None:
        return clock.after(clock.now(), clock.parse_duration(run_in))
    if run_at is None:
        return None
    time = clock.parse_time(run_at) if isinstance(run_at, str) else run_at
    if time.tzinfo is None:
        time = time.replace(tzinfo=clock.timezone(project.timezone))
    return clock.after(time, 0)


def parse_result_ttl(text: float | str | None) -> float | None:
    """Seconds that a result is kept: a duration, 0 for not at all, -1 for as long as the record."""
    if text is None:
        return None
    return -1.0 if text in (-1, "-1") else clock.parse_duration(text)


def parse_expires(text: float | str | timedelta | None) -> float | None:
    """Seconds that a due job waits in its queue at most; None for no limit."""
    return None if text is None else clock.parse_duration(text)


def _adapters(names: list[str]) -> tuple[list[str], list[str]]:
    """Hamilton's adapters by name, and the classes written `package.module:Class`."""
    if not names:
        return [], []
    from flowerpower.config.adapters import AdapterName

    standard = get_args(AdapterName)
    for name in names:
        if not isinstance(name, str):
            raise UsageError(
                f"adapters: expected names, got an object of type {type(name).__name__}.",
                hint="Name its class, package.module:Class; options go into run.adapter.custom.",
            )
        if ":" not in name and name not in standard:
            raise UsageError(
                f"There is no adapter {name!r}: expected {', '.join(standard)} or "
                f"package.module:Class.{did_you_mean(name, standard)}"
            )
    return [name for name in names if ":" not in name], [name for name in names if ":" in name]


def _as_list(names: Sequence[str] | str | None) -> list[str]:
    return [names] if isinstance(names, str) else list(names or [])


def _absolute(paths: Mapping[str, StrPath] | None) -> dict[str, str]:
    """The paths by node, from the current folder now: a job or a child runs in another one."""
    texts = {node: os.fspath(path) for node, path in (paths or {}).items()}
    return {
        node: text if "://" in text else str(Path(text).expanduser().absolute())
        for node, text in texts.items()
    }


def _executor(executor: str | Mapping[str, Any] | None, max_workers: int | None) -> object:
    settings = {"type": executor} if isinstance(executor, str) else dict(executor or {})
    if max_workers is not None:
        # The default executor has no workers, so a number of them means a pool of threads.
        settings = {"type": "threadpool", **settings, "max_workers": max_workers}
    return settings or None
