"""Processor time of one job, by process: what other programs on the machine disturb least.

One worker with two slots runs a pipeline of three nodes, with a fresh child for each job and with
100 jobs a child, on SQLite and on Redis. Printed are milliseconds of processor for each job: of the
worker, of its fork server and children (without what the server needs to start), and of Redis; and
the pages of memory that a child has to copy or map.

Needs the extra `bench`. Two roots can be compared: cpu_per_job.py ANOTHER_CHECKOUT.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import programs
from beside import output, project, queue_jobs, redis
from rich.console import Console
from rich.table import Table

JOBS = {1: (100, 400), 100: (1000, 4000)}
"""How many jobs are run, by jobs per child: what the longer run takes more is that of its jobs."""
WORK = """\
import json, resource, sys, time
from flowerpower.job_queue import JobQueueManager
from flowerpower.job_queue.worker_options import WorkerOptions

options = json.loads(sys.argv[2])
with JobQueueManager(base_dir=".", **options) as queue:
    before = time.process_time()
    queue.run_worker(WorkerOptions(burst=True, num_workers=2, jobs_per_child=int(sys.argv[1])))
    worker = time.process_time() - before
children = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([worker, children.ru_utime + children.ru_stime, children.ru_minflt]))
"""


def _seconds_of_process(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _usage(
    folder: Path, per_child: int, jobs: int, options: dict[str, Any], pid: int | None
) -> Any:
    queue_jobs(folder, jobs, **options)
    before = _seconds_of_process(pid) if pid else 0.0
    usage = json.loads(output(folder, "usage.py", str(per_child), json.dumps(options)))
    return [*usage, _seconds_of_process(pid) - before if pid else 0.0]


def main() -> None:
    """Measure and print a table."""
    if len(sys.argv) > 1:
        programs.REPOSITORY = Path(sys.argv[1]).absolute()
    table = Table("jobs", "worker", "children", "Redis", "together", "page faults")
    with tempfile.TemporaryDirectory() as name, redis(Path(name)) as url:
        import redis as client

        folder = Path(name)
        project(folder)
        (folder / "usage.py").write_text(WORK)
        server = client.Redis.from_url(url).info()["process_id"]
        on_redis = {"type": "rq", "url": url, "namespace": "bench"}
        cases: list[tuple[str, dict[str, Any], int | None]] = [
            ("SQLite", {}, None),
            ("Redis", on_redis, server),
        ]
        for per_child, (few, many) in JOBS.items():
            for backend, options, pid in cases:
                short = _usage(folder, per_child, few, options, pid)
                long = _usage(folder, per_child, many, options, pid)
                worker, children, faults, server_time = (
                    (more - less) / (many - few) for more, less in zip(long, short, strict=True)
                )
                times = (worker, children, server_time, worker + children + server_time)
                table.add_row(
                    f"{backend}, {per_child} per child",
                    *(f"{seconds * 1000:.2f} ms" for seconds in times),
                    f"{faults:.0f}",
                )
    Console(width=130).print(table)


if __name__ == "__main__":
    main()
