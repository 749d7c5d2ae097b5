"""A worker of the APScheduler backend."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from flowerpower.job_queue.apscheduler.loop import ApsLoop
from flowerpower.job_queue.base import JobQueueBackend, WorkerEvent, WorkerOptions
from flowerpower.job_queue.worker.worker import Worker


def work(
    backend: JobQueueBackend,
    base_dir: Path,
    options: WorkerOptions,
    on_event: Callable[[WorkerEvent], None] | None = None,
) -> int:
    """Work as the options say; how many attempts were made."""
    return Worker(backend, base_dir, options, ApsLoop, on_event).run()
