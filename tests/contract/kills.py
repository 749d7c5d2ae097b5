"""Jobs that are added while the server of a queue is killed, and what is left of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from flowerpower.errors import BackendUnreachable
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.job import JobFilter
from tests.acceptance.fault_records import compared, counted
from tests.conditions import eventually
from tests.contract.fake_worker import FakeWorker, spec
from tests.contract.in_processes import in_threads

LONGEST = 1_000_000


def added_until(
    open_queue: Callable[[], JobQueueBackend], kill: Callable[[], None], grace: float = 0.0
) -> set[str]:
    """Let four add jobs until `kill`, after some hundred.

    Returns:
        The ids of those that were acknowledged `grace` seconds before the kill, or earlier.
    """
    acknowledged: dict[str, float] = {}

    def add(ready: Callable[[], object], number: int) -> None:
        with open_queue() as backend:
            ready()
            for index in range(LONGEST):
                try:
                    backend.add_job(spec(f"job-{number}-{index}"))
                except BackendUnreachable:
                    return
                acknowledged[f"job-{number}-{index}"] = time.monotonic()

    killed_at: list[float] = []

    def kill_once_many_are_added() -> None:
        eventually(lambda: len(acknowledged) > 200)
        began = time.monotonic()
        eventually(lambda: time.monotonic() > began + grace)
        killed_at.append(time.monotonic())
        kill()

    killer = threading.Thread(target=kill_once_many_are_added)
    killer.start()
    in_threads(4, add)
    killer.join()
    print(f"{len(acknowledged)} acknowledged")
    return {job for job, moment in acknowledged.items() if moment <= killed_at[0] - grace}


def assert_outlived(backend: JobQueueBackend, expected: set[str]) -> None:
    """All that are expected are there, each once, and each is claimed once."""
    there = [job.id for job in backend.list_jobs(JobFilter(limit=LONGEST))]
    claimed = [claim.job_id for claim in FakeWorker(backend).claim(LONGEST)]
    print(f"{len(there)} there")
    counted(lost=len(expected - set(there)))
    compared(set(there), claimed)
    assert len(expected) > 100
    assert expected <= set(there)
    assert len(there) == len(set(there))
    assert sorted(there) == sorted(claimed)
