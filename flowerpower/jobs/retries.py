"""Whether and when a failed attempt is tried again, for `pipeline run` and for queues."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flowerpower.config.run import RetryConfig

if TYPE_CHECKING:
    import random


def is_retryable(policy: RetryConfig, exception_names: Iterable[str]) -> bool:
    """Whether the policy lists one of the exception's names (`names_of`)."""
    return not set(policy.exceptions).isdisjoint(exception_names)


def names_of(exception_type: type[BaseException]) -> list[str]:
    """The class and all its base classes but `object`, each as `Name` and as `module.Name`."""
    # Names, not classes: a queue decides about retries without importing the pipeline's code.
    names: list[str] = []
    for cls in exception_type.__mro__[:-1]:
        names += [cls.__name__, f"{cls.__module__}.{cls.__qualname__}"]
    return names


def delay_before_retry(policy: RetryConfig, retry: int, dice: random.Random) -> float:
    """Seconds to wait before the `retry`-th retry (counted from 1).

    The delay is multiplied by `backoff` for each retry, up to `max_delay`. Then up to
    `jitter_factor` of it is added or subtracted at random.
    """
    try:
        delay = policy.delay * policy.backoff ** (retry - 1)
    except OverflowError:
        delay = policy.max_delay
    base = min(delay, policy.max_delay)
    return max(0.0, base * (1 + policy.jitter_factor * dice.uniform(-1, 1)))
