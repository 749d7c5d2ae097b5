"""Counters of ended jobs and of fires, which a queue adds up for as long as it exists."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

BOUNDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0)
"""Seconds: the upper bounds of the buckets of a histogram; the last bucket has none."""
NO_BUCKET = -1
"""The bucket of a duration that is not known, as of a job that never ran."""


class CounterKind(StrEnum):
    """What a counter counts."""

    JOB = "job"
    FIRE = "fire"


@dataclass(frozen=True)
class Counter:
    """How many jobs of a pipeline have ended so, or how many fires had that outcome.

    Jobs with the same `bucket` of their own time and the same `waited_bucket` of their waiting are
    counted together (see BOUNDS); `seconds` and `waited` are the sums. A fire's `seconds` are how
    late it was; fires wait for nothing.
    """

    kind: CounterKind
    pipeline: str
    outcome: str
    bucket: int = NO_BUCKET
    waited_bucket: int = NO_BUCKET
    count: int = 1
    seconds: float = 0.0
    waited: float = 0.0

    @property
    def key(self) -> tuple[str, str, str, int, int]:
        """What is equal for those that are counted together."""
        return self.kind, self.pipeline, self.outcome, self.bucket, self.waited_bucket


def bucket_of(seconds: float | None) -> int:
    """The bucket of a duration; NO_BUCKET for None."""
    return NO_BUCKET if seconds is None else bisect_left(BOUNDS, seconds)


def job_counter(pipeline: str, status: str, seconds: float | None, waited: float | None) -> Counter:
    """The counter of one ended job; a clock that was set back makes no time negative."""
    seconds = None if seconds is None else max(0.0, seconds)
    waited = None if waited is None else max(0.0, waited)
    return Counter(
        CounterKind.JOB, pipeline, status, bucket_of(seconds), bucket_of(waited), 1,
        seconds or 0.0, waited or 0.0,
    )  # fmt: skip


def added_up(counters: Iterable[Counter]) -> list[Counter]:
    """Those that are counted together as one, in the order of their keys."""
    by_key: dict[tuple[str, str, str, int, int], list[Counter]] = {}
    for counter in counters:
        by_key.setdefault(counter.key, []).append(counter)
    return [
        replace(
            same[0],
            count=sum(one.count for one in same),
            seconds=sum(one.seconds for one in same),
            waited=sum(one.waited for one in same),
        )
        for _, same in sorted(by_key.items())
    ]
