"""The delay before a retry, and which exceptions are tried again."""

from __future__ import annotations

import random

import pytest

from flowerpower.config.run_section import RetryConfig
from flowerpower.jobs.run import delay_before_retry, is_retryable, names_of


def test_delays_grow_by_backoff_up_to_their_limit() -> None:
    """Without jitter the delays are 1, 2, 4 … and never more than max_delay."""
    policy = RetryConfig(delay=1, backoff=2, max_delay=10, jitter_factor=0)
    delays = [delay_before_retry(policy, retry, random.Random()) for retry in range(1, 8)]
    assert delays == [1, 2, 4, 8, 10, 10, 10]
    assert delay_before_retry(policy, 100_000, random.Random()) == 10


def test_jitter_spreads_by_its_part_of_the_delay() -> None:
    """With a factor of 0.1 delays lie within a tenth either way, and differ."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    delays = [delay_before_retry(RetryConfig(delay=10), 1, dice) for _ in range(1000)]
    assert all(9 <= delay <= 11 for delay in delays)
    assert max(delays) - min(delays) > 1


class Odd(ConnectionError):
    pass


@pytest.mark.parametrize(
    ("listed", "error", "expected"),
    [
        (["Exception"], ValueError, True),
        (["OSError"], Odd, True),
        (["builtins.OSError"], Odd, True),
        ([f"{__name__}.Odd"], Odd, True),
        (["Odd"], ConnectionError, False),
        (["ValueError", "KeyError"], KeyError, True),
        ([], ValueError, False),
        (["Exception"], SystemExit, False),
        (["BaseException"], SystemExit, True),
        (["object"], ValueError, False),
    ],
)
def test_exceptions_are_matched_by_name_along_their_classes(
    listed: list[str], error: type[BaseException], expected: bool
) -> None:
    """A listed class stands for what descends from it; nothing is imported for that."""
    assert is_retryable(RetryConfig(exceptions=listed), names_of(error)) is expected
