"""The checks of health probes: whether the worker of this machine, or a scheduler, is alive."""

from __future__ import annotations

import os
import socket
from collections.abc import Generator

from flowerpower.jobs.claim import WorkerInfo
from flowerpower.jobs.problem import Level, Problem
from flowerpower.pipeline.doctor.subject import Subject
from flowerpower.triggers.clock import format_duration


def check_worker(subject: Subject) -> Generator[Problem, None, str]:
    """A worker of this machine or container, or the one that is asked for, sends heartbeats."""
    job_queue, worker_id = subject.job_queue, subject.worker_id
    workers = job_queue.list_workers() if job_queue.is_made and not job_queue.in_memory else []
    if worker_id is None:
        who = f"worker of this machine ({socket.gethostname()})"
        wanted = [worker for worker in workers if _is_here(worker)]
    else:
        who, wanted = f"worker {worker_id}", [row for row in workers if row.id == worker_id]
    if not wanted:
        yield Problem(
            "worker_not_alive", Level.ERROR,
            f"There is no {who}.",
            "Start one: flowerpower job-queue start-worker",
        )  # fmt: skip
        return ""
    now = job_queue.backend.clock()
    latest = min(wanted, key=lambda worker: worker.seconds_silent(now))
    ago = f"{format_duration(round(latest.seconds_silent(now)))} ago"
    if not latest.is_alive(now):
        yield Problem(
            "worker_not_alive", Level.ERROR,
            f"The {who} sent its last heartbeat {ago}.",
            "It hangs, or cannot reach the job queue: see its log, and start it again.",
        )  # fmt: skip
    return f"{latest.id} sent its last heartbeat {ago}."


def _is_here(worker: WorkerInfo) -> bool:
    """Whether its process is one of this machine or container.

    One that was killed stays listed for a while, and a container that is started again has the
    same name.
    """
    if worker.host != socket.gethostname():
        return False
    try:
        os.kill(worker.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # Another user's.
        return True
    return True


def check_scheduler(subject: Subject) -> Generator[Problem, None, str]:
    """Some process has looked for due fires in the last minute."""
    job_queue = subject.job_queue
    if job_queue.is_made and not job_queue.in_memory and job_queue.has_scheduler():
        return "A scheduler has looked for due fires in the last minute."
    command = "start-worker" if job_queue.type == "apscheduler" else "start-scheduler"
    yield Problem(
        "scheduler_not_alive", Level.ERROR,
        "No scheduler has looked for due fires in the last minute.",
        f"Start one: flowerpower job-queue {command}",
    )  # fmt: skip
    return ""
