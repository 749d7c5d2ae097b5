"""What the doctor examines: a project, and its job queue, which is opened once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from flowerpower.config.files import Project, load_project
from flowerpower.pipeline.job_queue import PipelineJobQueue
from flowerpower.pipeline.registry import PipelineRegistry


class Subject:
    """The project in the folder `root`, which may be wrong.

    Attributes:
        environ: where `${NAME}` and FLOWERPOWER_… variables are looked up.
        worker_id: the worker that is asked for; None stands for any of this machine.
        said: the messages of all problems so far.
        is_unreachable: whether a check could not reach the job queue.
        has_hung: whether a check was given up.
    """

    def __init__(
        self,
        root: Path,
        environ: Mapping[str, str],
        job_queue_type: str | None = None,
        worker_id: str | None = None,
    ) -> None:
        self.root = root
        self.environ = environ
        self.worker_id = worker_id
        self.said: set[str] = set()
        self.is_unreachable = False
        self.has_hung = False
        self._job_queue_type = job_queue_type

    @cached_property
    def project(self) -> Project:
        """The project; ConfigError each time if its file is wrong."""
        return load_project(self.root, self.environ)

    @cached_property
    def registry(self) -> PipelineRegistry:
        """The project's pipelines."""
        return PipelineRegistry(self.project, self.environ)

    @cached_property
    def job_queue(self) -> PipelineJobQueue:
        """The project's job queue, which may not be open."""
        return PipelineJobQueue(self.project, self.registry, self._job_queue_type)

    def close(self) -> None:
        """Close the job queue, if it was opened."""
        if "job_queue" in self.__dict__:
            self.job_queue.close()
