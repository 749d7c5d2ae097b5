"""What tests let other processes and threads do, all at the same moment."""

from __future__ import annotations

import multiprocessing
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import Any

from flowerpower.errors import FlowerpowerError
from flowerpower.job_queue import JobQueueManager
from flowerpower.jobs.job import JobFilter, JobStatus
from tests.contract.fake_worker import FINISHED, FakeWorker, spec

_CONTEXT = multiprocessing.get_context("forkserver")
# What each of the processes would import anew.
_CONTEXT.set_forkserver_preload(
    [
        __name__,
        "pytest",
        "psycopg_pool",
        "flowerpower.job_queue.apscheduler.queue",
        "flowerpower.job_queue.rq.queue",
    ]
)
LIMIT = 120.0

Ready = Callable[[], Any]
"""Waits until all are ready."""


def in_processes(count: int, what: Callable[..., Any], *arguments: Any) -> list[Any]:
    """What `what(ready, number, *arguments)` gives in each of `count` processes."""
    barrier = _CONTEXT.Barrier(count)
    pipes, processes = [], []
    for number in range(count):
        mine, theirs = _CONTEXT.Pipe(duplex=False)
        process = _CONTEXT.Process(target=_one, args=(theirs, barrier, what, number, arguments))
        process.start()
        theirs.close()
        pipes.append(mine)
        processes.append(process)
    answers = []
    for pipe in pipes:
        assert pipe.poll(LIMIT), "a process did not answer"
        answers.append(pipe.recv())
        pipe.close()
    for process in processes:
        process.join(LIMIT)
        process.close()
    errors = [text for is_error, text in answers if is_error]
    assert not errors, errors[0]
    return [answer for _, answer in answers]


def _one(
    pipe: Connection, barrier: Any, what: Callable[..., Any], number: int, arguments: Any
) -> None:
    try:
        answer = (False, what(lambda: barrier.wait(LIMIT), number, *arguments))
    except BaseException:  # noqa: BLE001 - it is told in the other process
        answer = (True, traceback.format_exc())
    pipe.send(answer)
    pipe.close()


def in_threads(count: int, what: Callable[..., Any], *arguments: Any) -> list[Any]:
    """What `what(ready, number, *arguments)` gives in each of `count` threads."""
    barrier = threading.Barrier(count)
    with ThreadPoolExecutor(count) as pool:
        begun = [
            pool.submit(what, lambda: barrier.wait(LIMIT), number, *arguments)
            for number in range(count)
        ]
        return [future.result(LIMIT) for future in begun]


def open_only(ready: Ready, number: int, options: dict[str, Any]) -> str:
    """Open the queue and add a job; the error's message, or nothing."""
    ready()
    try:
        with JobQueueManager(**options) as backend:
            backend.add_job(spec(f"of-{number}"))
    except FlowerpowerError as error:
        return error.message
    return ""


def add_one(ready: Ready, number: int, options: dict[str, Any], job_id: str) -> bool:
    """Whether this process made the job."""
    with JobQueueManager(**options) as backend:
        ready()
        return backend.add_job(spec(job_id)).created


def add_many(ready: Ready, number: int, options: dict[str, Any], count: int) -> int:
    """Add so many jobs one by one."""
    with JobQueueManager(**options) as backend:
        ready()
        for index in range(count):
            backend.add_job(spec(f"job-{number}-{index}"))
    return count


def release_all(
    ready: Ready, number: int, options: dict[str, Any], expected: int
) -> list[tuple[float, float, str]]:
    """Claim and finish until `expected` jobs have ended; when each that ran here began and ended."""
    ran: list[tuple[float, float, str]] = []
    with JobQueueManager(**options) as backend:
        worker = FakeWorker(backend, f"worker-{number}")
        ready()
        while True:
            claims = worker.claim(3)
            # The claim was made before now, and ends after the next time.
            began = time.monotonic()
            time.sleep(0.002)
            for claim in claims:
                ended = time.monotonic()
                assert worker.finish(claim)
                ran.append((began, ended, claim.job_id))
            finished = JobFilter(frozenset({JobStatus.FINISHED}), limit=expected)
            if not claims and len(backend.list_jobs(finished)) == expected:
                return ran


def claim_and_finish(
    ready: Ready, number: int, options: dict[str, Any], expected: int
) -> list[tuple[str, int]]:
    """Claim and finish until `expected` jobs have ended; what this process ran."""
    ran: list[tuple[str, int]] = []
    with JobQueueManager(**options) as backend:
        worker = FakeWorker(backend, f"worker-{number}")
        ready()
        while True:
            claims = worker.claim(3)
            # Work takes its time; without it the first to come would do it all.
            time.sleep(0.002)
            for claim in claims:
                assert worker.finish(claim, FINISHED, f"by {number}\n")
                ran.append((claim.job_id, claim.attempt))
            ended = JobFilter(frozenset({JobStatus.FINISHED}), limit=expected)
            if not claims and len(backend.list_jobs(ended)) == expected:
                return ran
