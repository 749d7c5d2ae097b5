"""From a pipeline's name and overrides to a job in the project's queue."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, get_args

from flowerpower.config import BackendType, RunOverrides
from flowerpower.config_files import Project
from flowerpower.errors import UsageError
from flowerpower.jobs import DEFAULT_QUEUE, Job, JobSpec
from flowerpower.names import did_you_mean
from flowerpower.pipeline.registry import PipelineRegistry

if TYPE_CHECKING:
    from flowerpower.job_queue.base import JobQueueBackend


class PipelineJobQueue:
    """The job queue of one project; its backend is opened at first use and kept.

    `job_queue_type` is used instead of the project's type; the URL in project.yml belongs to the
    project's type and is left out then.

    Raises:
        UsageError: if there is no such type.
    """

    def __init__(
        self, project: Project, registry: PipelineRegistry, job_queue_type: str | None = None
    ) -> None:
        known = get_args(BackendType)
        if job_queue_type is not None and job_queue_type not in known:
            raise UsageError(
                f"There is no job queue of type {job_queue_type!r}: expected "
                f"{' or '.join(known)}.{did_you_mean(job_queue_type, known)}"
            )
        self._project = project
        self._registry = registry
        self._config = project.config.job_queue
        self.type: str = job_queue_type or self._config.type
        self._backend: JobQueueBackend | None = None

    @property
    def backend(self) -> JobQueueBackend:
        """The backend, open.

        Raises:
            BackendUnreachable: if it cannot be opened.
        """
        if self._backend is None:
            from flowerpower.job_queue import JobQueueManager

            is_own = self.type == self._config.type
            self._backend = JobQueueManager(
                type=self.type,
                base_dir=self._project.root,
                url=self._config.backend.url if is_own else None,
                namespace=self._config.namespace or self._project.name,
                result_ttl=self._config.result_ttl,
                history_ttl=self._config.history_ttl,
            )
        return self._backend

    def add_job(
        self,
        name: str,
        overrides: RunOverrides | None = None,
        *,
        run_at: datetime | None = None,
        queue: str | None = None,
        job_id: str | None = None,
        result_ttl: float | None = None,
    ) -> Job:
        """Ask for one run of the pipeline `name`; returns once the queue holds it.

        Raises:
            PipelineNotFound: if there is none of that name.
            InvalidInputs: naming the input that is not JSON.
            UsageError: if no worker of the project looks at that queue.
            BackendUnreachable: if the job was not taken.
        """
        self._registry.files(name)
        queues = self._config.backend.queues
        if queue is not None and queue not in queues:
            raise UsageError(
                f"The project has no queue {queue!r}.{did_you_mean(queue, queues)}",
                hint=f"job_queue.backend.queues in conf/project.yml names: {', '.join(queues)}.",
            )
        default = DEFAULT_QUEUE if DEFAULT_QUEUE in queues else queues[0]
        spec = JobSpec(
            pipeline=name,
            overrides=overrides or RunOverrides(),
            id=str(uuid.uuid4()) if job_id is None else job_id,
            queue=queue or default,
            run_at=run_at,
            result_ttl=result_ttl,
        )
        return self.backend.add_job(spec)

    def result_ttl_of(self, asked: float | None) -> float:
        """Seconds that a job's result is kept, if `asked` is what it was given."""
        return self._config.result_ttl if asked is None else asked

    def close(self) -> None:
        """Let go of the backend, if it was opened."""
        if self._backend is not None:
            self._backend.close()
            self._backend = None
