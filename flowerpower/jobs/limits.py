"""Limits: how many jobs that share something run at once, and how many start in a time.

Law: they are counted in the step that claims jobs, over all workers of the queue. The jobs of a
pipeline take one place in each limit of their pipeline for as long as they run, and one start of
each rate. What counts is the configuration of the worker that claims: with a lower limit running
jobs finish, and none starts until there is room. Jobs that the limits hold back are *parked*: they
stay queued, and keep their order, but no claim has to look at each of them again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

PIPELINE_LIMIT = "pipeline:"
"""Before the name of a pipeline: the limit that is its `max_running`. Other names have no colon."""


@dataclass(frozen=True)
class Limit:
    """At most `at_once` running jobs, and at most `starts` starts in any `seconds`; None: any."""

    at_once: int | None = None
    starts: int | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Limits:
    """All limits of a project by name, and the names of those that each limited pipeline has.

    `left_out` are sentences on rules that do not count because they are wrong.
    """

    by_name: Mapping[str, Limit] = field(default_factory=dict)
    of_pipeline: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any(self.of_pipeline.values())

    def pipelines_of(self, name: str) -> list[str]:
        """The pipelines that have this limit."""
        return [pipeline for pipeline, names in self.of_pipeline.items() if name in names]

    def rates(self) -> Iterator[tuple[str, Limit]]:
        """The limits that say how many jobs may start in a time."""
        return ((name, limit) for name, limit in self.by_name.items() if limit.starts is not None)


NO_LIMITS = Limits()


@dataclass(frozen=True)
class LimitUse:
    """What a limit's places are taken by: running jobs, those that have run the longest first.

    `starts` are those that count now; `next_start_in` is in how many seconds there is room for one
    more, 0 if there is now. `parked` is how many jobs of its pipelines are parked.
    """

    running: tuple[str, ...] = ()
    starts: int = 0
    next_start_in: float = 0.0
    parked: int = 0

    def to_json(self) -> dict[str, Any]:
        """All fields as a JSON object."""
        return {**vars(self), "running": list(self.running)}


class Room:
    """The free places of one claim, which offers it the jobs in their order.

    Args:
        limits: the configuration.
        running: how many jobs of each pipeline run.
        starts: how many starts of each rate count now.
    """

    def __init__(
        self, limits: Limits, running: Mapping[str, int], starts: Mapping[str, int]
    ) -> None:
        self._limits = limits
        self._places: dict[str, float] = {}
        self._starts: dict[str, float] = {}
        for name, limit in limits.by_name.items():
            used = sum(running.get(pipeline, 0) for pipeline in limits.pipelines_of(name))
            self._places[name] = float("inf") if limit.at_once is None else limit.at_once - used
            left = float("inf") if limit.starts is None else limit.starts - starts.get(name, 0)
            self._starts[name] = left
        self._reserved: set[str] = set()

    def is_open(self, pipeline: str) -> bool:
        """Whether a job of the pipeline could start now."""
        names = self._limits.of_pipeline.get(pipeline, ())
        return all(self._places[name] >= 1 and self._starts[name] >= 1 for name in names)

    def may_reserve(self, pipeline: str) -> bool:
        """Whether a job of the pipeline, which cannot start, would keep places that others want."""
        names = self._limits.of_pipeline.get(pipeline, ())
        has_starts = all(self._starts[name] >= 1 for name in names)
        return has_starts and any(self._places[name] >= 1 for name in names)

    def closed(self, count: int) -> list[str] | None:
        """The pipelines without room, if a claim of `count` jobs need not look at anything else.

        So it is if all others have room for as many jobs beside what these may reserve; else None.
        """
        limited = self._limits.of_pipeline
        closed = [pipeline for pipeline in limited if not self.is_open(pipeline)]
        names = {
            name for pipeline in limited if pipeline not in closed for name in limited[pipeline]
        }
        needed = count + len(closed)
        is_wide = all(min(self._places[name], self._starts[name]) >= needed for name in names)
        return closed if is_wide else None

    def take(self, pipeline: str) -> bool:
        """Take the places of a job of the pipeline, and return whether it starts.

        If there are none, the first job of each pipeline reserves one place of each of its limits,
        so that later jobs, which need fewer of them, do not keep it waiting for ever. Not while it
        waits for a rate, though: others would wait for a long time with free places.
        """
        names = self._limits.of_pipeline.get(pipeline, ())
        is_open = self.is_open(pipeline)
        has_starts = all(self._starts[name] >= 1 for name in names)
        if is_open or (has_starts and pipeline not in self._reserved):
            for name in names:
                self._places[name] -= 1
                self._starts[name] -= 1
        if not is_open:
            self._reserved.add(pipeline)
        return is_open
