"""kill -9 of commands that add a job: it is there as a whole, or not at all."""

import random
import time
from pathlib import Path

import pytest

from flowerpower.job_queue import JobQueueManager
from flowerpower.jobs.job import JobFilter, JobStatus
from tests.acceptance.fault_records import compared, counted, raised
from tests.conftest import MakeProject
from tests.terminal import Cli

KILLS = 20
GOOD = ("run: {}\n", "def good() -> int:\n    return 1\n")


def _killed_adds(cli: Cli, dice: random.Random) -> tuple[list[str], list[str]]:
    """Ids of jobs whose command said that it had added them, and of all."""
    began = time.monotonic()
    cli.run("job-queue", "add-job", "good", "--job-id", "first", code=0)
    seconds = time.monotonic() - began
    acknowledged, ids = ["first"], ["first"]
    for number in range(KILLS):
        began = time.monotonic()
        with cli.start("job-queue", "add-job", "good", "--job-id", f"job-{number}") as command:
            time.sleep(dice.uniform(0, 1.2 * seconds))
            command.kill()
            command.wait()
        ids.append(f"job-{number}")
        if command.returncode == 0:
            acknowledged.append(f"job-{number}")
            # The time that it takes, as measured last: most kills come before its end.
            seconds = 0.5 * seconds + 0.5 * (time.monotonic() - began)
    return acknowledged, ids


@pytest.mark.fault("enqueue-killed")
def test_a_killed_command_adds_a_whole_job_or_none(
    cli: Cli, make_project: MakeProject, url: str | None, dice: random.Random, tmp_path: Path
) -> None:
    """Exit code 0 says that the job is there; one that is there runs, once; the queue goes on."""
    place = (
        f"type: {'rq' if url.startswith('redis') else 'apscheduler'}, backend: {{url: '{url}'}}"
        if url
        else ""
    )
    namespace = f"kills_{tmp_path.name}".replace("-", "_")
    root = make_project(f"name: kills\njob_queue: {{namespace: {namespace}, {place}}}\n", good=GOOD)
    acknowledged, ids = _killed_adds(cli, dice)
    with JobQueueManager(base_dir=root) as queue:
        there = [job.id for job in queue.list_jobs(JobFilter(limit=1000))]
        print(f"{len(acknowledged)} acknowledged, {len(there)} of {len(ids)} there")
        cli.run("job-queue", "start-worker", "--burst", code=0)
        jobs = queue.list_jobs(JobFilter(limit=1000))
        logs = [job.id for job in jobs for _ in range(job.attempt)]
    raised({"enqueue-killed": len(ids) - len(acknowledged)})
    counted(lost=len(set(acknowledged) - set(there)), doubled=len(there) - len(set(there)))
    compared(there, logs)
    assert set(acknowledged) <= set(there) <= set(ids)
    assert len(there) == len(set(there))
    # A half job would fail, or never end.
    assert {job.status for job in jobs} == {JobStatus.FINISHED}
    assert sorted(logs) == sorted(there)
