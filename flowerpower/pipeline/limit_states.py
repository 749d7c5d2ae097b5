"""The limits of a project, each with what its places are taken by: for every view of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flowerpower.jobs.limits import PIPELINE_LIMIT, Limit, Limits, LimitUse
from flowerpower.triggers.clock import format_duration


@dataclass(frozen=True)
class LimitState:
    """A limit, the pipelines that have it, and its use at one moment."""

    name: str
    limit: Limit
    pipelines: tuple[str, ...]
    use: LimitUse = field(default_factory=LimitUse)

    @property
    def is_of_pipeline(self) -> bool:
        """Whether it is the `run.max_running` of a pipeline."""
        return self.name.startswith(PIPELINE_LIMIT)

    @property
    def is_full(self) -> bool:
        """Whether as many jobs run as may run at once."""
        return self.limit.at_once is not None and len(self.use.running) >= self.limit.at_once

    @property
    def waits_for_rate(self) -> bool:
        """Whether as many jobs have started lately as may start."""
        return self.limit.starts is not None and self.use.next_start_in > 0

    @property
    def title(self) -> str:
        """Its name for people: of `run.max_running` that of its pipeline."""
        if self.is_of_pipeline:
            return f"max_running of {self.name.removeprefix(PIPELINE_LIMIT)}"
        return self.name

    @property
    def words(self) -> str:
        """Its name in a sentence."""
        return self.title if self.is_of_pipeline else f"the limit {self.name}"

    @property
    def rate(self) -> str:
        """`60 in 1m`; empty without a rate."""
        limit = self.limit
        return "" if limit.starts is None else f"{limit.starts} in {format_duration(limit.seconds)}"

    def to_json(self) -> dict[str, Any]:
        """What is set and what is used, as a JSON object; `seconds` is null without a rate."""
        limit, use = self.limit, self.use
        return {
            "name": self.name,
            "pipelines": list(self.pipelines),
            "at_once": limit.at_once,
            "starts": limit.starts,
            "seconds": None if limit.starts is None else limit.seconds,
            "running": list(use.running),
            "started": use.starts,
            "next_start_in": use.next_start_in,
            "parked": use.parked,
        }


def limit_states(limits: Limits, use: Mapping[str, LimitUse]) -> list[LimitState]:
    """The limits that some pipeline has, by name; those of single pipelines come last."""
    states = [
        LimitState(name, limit, tuple(sorted(pipelines)), use.get(name, LimitUse()))
        for name, limit in limits.by_name.items()
        if (pipelines := limits.pipelines_of(name))
    ]
    return sorted(states, key=lambda state: (state.is_of_pipeline, state.name))
