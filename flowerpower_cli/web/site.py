"""A project as its pages see it: what they read, and what they may do."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from flowerpower.config.file_stamps import file_stamp
from flowerpower.config.files import pipeline_path
from flowerpower.errors import FlowerpowerError
from flowerpower.triggers import clock
from flowerpower_cli.web.descriptions import Description, Descriptions

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from flowerpower.pipeline import PipelineManager
    from flowerpower.pipeline.status import ProjectStatus

LISTED = 20
"""Jobs and schedules in each list of the overview."""
Query = Mapping[str, Sequence[str]]
"""The values of each parameter in an address."""


class Site:
    """A project, for all of its pages."""

    def __init__(self, manager: PipelineManager) -> None:
        self.manager = manager
        self.name = manager.project.name
        self.descriptions = Descriptions(manager.project.root, manager.job_queue.type)
        self._learned: dict[str, tuple[int, int] | None] = {}
        self.learn_secrets(manager.list())

    @property
    def zone(self) -> ZoneInfo:
        """The project's time zone."""
        return clock.timezone(self.manager.project.timezone)

    def learn_secrets(self, pipelines: Iterable[str]) -> None:
        """Read these pipelines' files, so that what they take from the environment is masked.

        A file that was edited is read again.
        """
        for name in set(pipelines):
            stamp = file_stamp(str(self.manager.project.root / pipeline_path(name)))
            if name not in self._learned or self._learned[name] != stamp:
                self._learned[name] = stamp
                with contextlib.suppress(FlowerpowerError):
                    self.manager.registry.get(name)

    def close(self) -> None:
        """Read nothing more."""
        self.descriptions.close()


@dataclass
class Reading:
    """One look at the queue: pages that are made from the same one show the same numbers.

    `waits` says whether it may take the seconds in which a pipeline's modules are imported.
    """

    site: Site
    now: datetime = field(default_factory=clock.now)
    waits: bool = True

    @cached_property
    def status(self) -> ProjectStatus:
        """What happens in the queue, with LISTED jobs and schedules in each list."""
        status = self.site.manager.status(LISTED)
        names = [job.pipeline for job in (*status.running, *status.failed)]
        names += [schedule.pipeline for schedule in status.upcoming]
        self.site.learn_secrets(names)
        return status

    def describe(self, pipeline: str) -> Description | None:
        """What is known of a pipeline; None if it is being read."""
        return self.site.descriptions.if_known(pipeline)
