"""What a caller may change of a run, from keyword arguments to one checked object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from flowerpower import clock
from flowerpower.config import ExecutorConfig, RetryOverrides, RunOverrides
from flowerpower.config_files import explained
from flowerpower.errors import UsageError

_OVERRIDE_NAMES = {"delay": "retry_delay", "type": "executor"}


def make_overrides(
    *,
    inputs: Mapping[str, Any] | None = None,
    final_vars: Sequence[str] | str | None = None,
    config: Mapping[str, Any] | None = None,
    executor: str | Mapping[str, Any] | None = None,
    max_workers: int | None = None,
    cache: bool | None = None,
    progressbar: bool | None = None,
    timeout: float | str | None = None,
    max_retries: int | None = None,
    retry_delay: float | str | None = None,
    jitter_factor: float | None = None,
) -> RunOverrides:
    """The caller's overrides of a run as one object.

    Raises:
        UsageError: naming the first that is not valid.
    """
    names = [final_vars] if isinstance(final_vars, str) else list(final_vars or [])
    executed: dict[str, Any] = (
        {}
        if executor is None
        else {"type": executor}
        if isinstance(executor, str)
        else {**executor}
    )
    if max_workers is not None:
        # A number of workers asks for the executor that has them.
        executed = {"type": "threadpool", **executed, "max_workers": max_workers}
    retry = {"max_retries": max_retries, "delay": retry_delay, "jitter_factor": jitter_factor}
    try:
        return RunOverrides(
            inputs=dict(inputs or {}),
            final_vars=names or None,
            config=dict(config or {}),
            executor=ExecutorConfig.model_validate(executed) if executed else None,
            cache=cache,
            progressbar=progressbar,
            timeout=timeout,  # type: ignore[arg-type] # text is read by the model
            retry=RetryOverrides.model_validate(retry),
        )
    except ValidationError as error:
        first: dict[str, Any] = dict(error.errors(include_url=False)[0])
        key = _OVERRIDE_NAMES.get(str(first["loc"][-1]), ".".join(map(str, first["loc"])))
        raise UsageError(f"{key}: {explained(RunOverrides, first, first['input'])}") from None


def parse_result_ttl(text: float | str) -> float:
    """Seconds that a result is kept: a duration, 0 for not at all, -1 for as long as the record."""
    return -1.0 if text in (-1, "-1") else clock.parse_duration(text)
