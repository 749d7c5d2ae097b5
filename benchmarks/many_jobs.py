"""Acting on ten thousand jobs with one command: cancel, retry, run again as new ones, delete.

On SQLite, Redis and PostgreSQL, each command with its condition (`--pipeline`) and `--yes`, beside
the same as calls for one job after another (measured for a few hundred, and multiplied).

    python benchmarks/many_jobs.py [--jobs 10000]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from beside import PYTHON, REPOSITORY

sys.path.insert(0, str(REPOSITORY))

from flowerpower.jobs.job_spec import JobSpec
from flowerpower.pipeline import PipelineManager
from tests.servers import PostgresServer, RedisServer

FEW = 200
MODULE = "def doubled(n: int) -> int:\n    return 2 * n\n"
COMMANDS = {
    "cancel": ("cancel-job",),
    "retry": ("retry-job", "--status", "cancelled"),
    "cancel again": ("cancel-job",),
    "retry --again": ("retry-job", "--again", "--status", "cancelled"),
    "delete": ("delete-job",),
}


def make_project(folder: Path, url: str) -> PipelineManager:
    """A project of one pipeline, with its queue at `url`."""
    kind = "rq" if url.startswith("redis") else "apscheduler"
    for name in ("conf/pipelines", "pipelines"):
        (folder / name).mkdir(parents=True)
    (folder / "conf/project.yml").write_text(
        f"name: many\njob_queue: {{type: {kind}, backend: {{url: '{url}'}}}}\n"
    )
    (folder / "conf/pipelines/doubled.yml").write_text("run: {inputs: {n: 1}}\n")
    (folder / "pipelines/doubled.py").write_text(MODULE)
    return PipelineManager(folder, quiet=True)


def timed(act: Callable[[], object]) -> float:
    """The seconds that a call takes."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def measure(name: str, url: str, count: int) -> None:
    """Print the seconds of each command, and of one call after another."""
    with tempfile.TemporaryDirectory() as folder:
        manager = make_project(Path(folder), url)
        backend = manager.job_queue.backend
        few = [job.id for job in backend.add_jobs([JobSpec("doubled") for _ in range(FEW)])]
        for verb, act in (
            ("cancel", backend.cancel_job), ("retry", backend.retry_job),
            ("delete", backend.delete_job),
        ):  # fmt: skip
            seconds = timed(lambda act=act: [act(job_id) for job_id in few])
            print(f"{name:12} {verb:14} one by one {seconds * count / FEW:8.1f} s", flush=True)
        backend.add_jobs([JobSpec("doubled") for _ in range(count)])
        manager.close()
        for verb, command in COMMANDS.items():
            arguments = [PYTHON, "-m", "flowerpower_cli", "job-queue", *command, "--pipeline",
                         "doubled", "--yes", "-q"]  # fmt: skip
            began = time.perf_counter()
            ended = subprocess.run(
                arguments, cwd=folder, capture_output=True, check=True,
                env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            )  # fmt: skip
            seconds, ids = time.perf_counter() - began, len(ended.stdout.split())
            print(f"{name:12} {verb:14} {ids:7} jobs {seconds:8.1f} s", flush=True)


def main() -> None:
    """Measure each backend."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=10_000)
    count = parser.parse_args().jobs
    with tempfile.TemporaryDirectory() as folder:
        measure("SQLite", f"sqlite:///{folder}/jobs.db", count)
    for name, start in (("Redis", RedisServer), ("PostgreSQL", PostgresServer)):
        server = start()
        try:
            measure(name, server.url(), count)
        finally:
            server.close()


if __name__ == "__main__":
    main()
