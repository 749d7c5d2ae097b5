"""Which queues a project has."""

from __future__ import annotations

from flowerpower.config.files import Project
from flowerpower.errors import UsageError
from flowerpower.jobs.job import DEFAULT_QUEUE
from flowerpower.text import did_you_mean


def default_queue(project: Project) -> str:
    """The queue of jobs that name none."""
    queues = project.config.job_queue.backend.queues
    return DEFAULT_QUEUE if DEFAULT_QUEUE in queues else queues[0]


def check_queue(project: Project, queue: str) -> None:
    """The project's workers look at that queue.

    Raises:
        UsageError: if they do not.
    """
    queues = project.config.job_queue.backend.queues
    if queue not in queues:
        raise UsageError(
            f"The project has no queue {queue!r}.{did_you_mean(queue, queues)}",
            hint=f"job_queue.backend.queues in conf/project.yml names: {', '.join(queues)}.",
        )
