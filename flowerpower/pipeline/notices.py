"""The notices of a project: who is told of what, a test of that, and what is on its way."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flowerpower.config.files import Project
from flowerpower.errors import UsageError
from flowerpower.jobs.event import EventKind
from flowerpower.jobs.notice import TEST, Delivery, Notice
from flowerpower.pipeline.registry import PipelineRegistry
from flowerpower.text import did_you_mean
from flowerpower.triggers import clock

if TYPE_CHECKING:
    from flowerpower.job_queue.notices.targets import ConfiguredNotices, Target
    from flowerpower.pipeline.job_queue import PipelineJobQueue


@dataclass(frozen=True)
class NoticeTarget:
    """A target as people see it: what it is called, what it is told of, and of which pipelines.

    `id` is what deliveries call it. Without `pipelines` it is told of all.
    """

    id: str
    label: str
    on: tuple[str, ...]
    pipelines: tuple[str, ...] | None

    def to_json(self) -> dict[str, Any]:
        """All fields as a JSON object."""
        pipelines = None if self.pipelines is None else list(self.pipelines)
        return {**vars(self), "on": list(self.on), "pipelines": pipelines}


@dataclass(frozen=True)
class TargetResult:
    """Whether a test notice has arrived, after so many `seconds`; `error` says why not."""

    target: NoticeTarget
    seconds: float
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """All fields as a JSON object."""
        body = {"sent": self.error is None, "seconds": self.seconds, "error": self.error}
        return {**self.target.to_json(), **body}


class Notices:
    """The notices of one project.

    Its methods raise ConfigError if a file is wrong, or a variable in its `notify` is not set.
    """

    def __init__(
        self, project: Project, registry: PipelineRegistry, job_queue: PipelineJobQueue
    ) -> None:
        self._project = project
        self._registry = registry
        self._job_queue = job_queue

    def targets(self, pipeline: str | None = None, on: str | None = None) -> list[NoticeTarget]:
        """Who is told of anything, or of what happens in one pipeline, or of one kind of event.

        Raises:
            PipelineNotFound: if there is no such pipeline.
            UsageError: if there is no such kind.
        """
        return [_shown(target) for target in self._targets(pipeline, on)]

    def send_test(
        self, pipeline: str | None = None, on: str | None = None
    ) -> Iterator[TargetResult]:
        """Send each of those targets a test notice now, in turn; errors as `targets`."""
        from flowerpower.job_queue.notices.outcome import NotSent
        from flowerpower.job_queue.notices.send import send_notice
        from flowerpower.jobs.notice_text import NoticeText

        for target in self._targets(pipeline, on):
            notice = Notice(f"{TEST}-{uuid.uuid4().hex[:24]}", TEST)
            text = NoticeText(notice, self._project.name, self._project.timezone)
            began, error = clock.monotonic(), None
            try:
                send_notice(target.config, text, self._project.work)
            except NotSent as failure:
                error = failure.reason
            yield TargetResult(_shown(target), round(clock.monotonic() - began, 3), error)

    def waiting(self, limit: int = 100) -> list[Delivery]:
        """Notices that are on their way, the oldest first."""
        return self._job_queue.backend.notices.waiting(limit)

    def given_up(self, limit: int = 100) -> list[Delivery]:
        """Notices that could not be sent, the last one first, for as long as history_ttl."""
        return self._job_queue.backend.notices.given_up(limit)

    def _targets(self, pipeline: str | None, on: str | None) -> list[Target]:
        from flowerpower.job_queue.notices.targets import ConfiguredNotices

        kinds = [kind.value for kind in EventKind]
        if on is not None and on not in kinds:
            raise UsageError(
                f"There are no notices of {on!r}: expected {', '.join(kinds)}."
                f"{did_you_mean(on, kinds)}"
            )
        configured = ConfiguredNotices(self._project.root, self._registry.environ)
        if pipeline is not None:
            self._registry.files(pipeline)
            found = configured.targets_of(pipeline)
        else:
            found = list(_of_all(configured, self._registry.names()).values())
        return [target for target in found if on is None or on in target.kinds]


def _of_all(configured: ConfiguredNotices, pipelines: list[str]) -> Mapping[str, Target]:
    """All targets of a project by digest; one that several pipelines name has all of them."""
    from dataclasses import replace

    targets = {target.digest: target for target in configured.project_targets()}
    for pipeline in pipelines:
        for target in configured.targets_of(pipeline):
            known = targets.get(target.digest, target)
            names = known.pipelines
            targets[target.digest] = replace(
                target,
                kinds=known.kinds | target.kinds,
                pipelines=None if names is None else names | {pipeline},
            )
    return targets


def _shown(target: Target) -> NoticeTarget:
    kinds = tuple(kind.value for kind in EventKind if kind in target.kinds)
    pipelines = None if target.pipelines is None else tuple(sorted(target.pipelines))
    return NoticeTarget(target.digest, target.config.label, kinds, pipelines)
