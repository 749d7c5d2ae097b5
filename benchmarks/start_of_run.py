"""What the start of a run costs beside a bare Hamilton script, and where more is installed.

`flowerpower pipeline run` of a small pipeline, with pandas in it and without: time of a processor,
which other programs disturb least, time by the clock, and the peak of memory; and the memory of a
worker at rest. Programs take turns, so that whatever else the machine does meets both.

    start_of_run.py [INTERPRETER ...]

By default this interpreter. Name two, the second of an environment with more packages (polars,
pyarrow, scikit-learn, matplotlib, lightgbm), to compare them.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROUNDS = int(os.environ.get("ROUNDS", "15"))
REPOSITORY = Path(__file__).parents[1]
WORKER_BOUND = 120_000_000

PLAIN = """\
def doubled(x: int) -> int:
    return 2 * x


def squared(doubled: int) -> int:
    return doubled**2


def text(squared: int) -> str:
    return f"it is {squared}"
"""
TABLES = """\
import pandas as pd


def table(x: int) -> pd.DataFrame:
    return pd.DataFrame({"a": [x, 2 * x]})


def total(table: pd.DataFrame) -> int:
    return int(table["a"].sum())


def text(total: int) -> str:
    return f"it is {total}"
"""
BARE = """\
import sys
from hamilton import driver
from pipelines import {0}

built = driver.Builder().with_modules({0}).build()
print(built.execute(["text"], inputs={{"x": 3}}))
"""


@dataclass(frozen=True)
class Usage:
    """Seconds by the clock and of a processor, and the most memory in bytes."""

    seconds: float
    cpu: float
    memory: int


def _usage(command: Sequence[str], folder: Path) -> Usage:
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    begun = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed")
    cpu = used.ru_utime + used.ru_stime
    return Usage(time.perf_counter() - begun, cpu, used.ru_maxrss * 1024)


def _pairs(ours: list[str], theirs: list[str], folder: Path) -> tuple[Usage, Usage]:
    """The medians of both."""
    usages: tuple[list[Usage], list[Usage]] = ([], [])
    for command in (ours, theirs):
        _usage(command, folder)
    for number in range(ROUNDS):
        order = ((0, ours), (1, theirs)) if number % 2 else ((1, theirs), (0, ours))
        for which, command in order:
            usages[which].append(_usage(command, folder))
    one, other = (
        Usage(
            statistics.median(usage.seconds for usage in some),
            statistics.median(usage.cpu for usage in some),
            int(statistics.median(usage.memory for usage in some)),
        )
        for some in usages
    )
    return one, other


def _processes(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task").glob("*/children")
    own = [int(child) for file in children for child in file.read_text().split()]
    return [pid, *(number for child in own for number in _processes(child))]


def _memory(pid: int) -> int:
    """What a process uses; memory that it shares with others counts in part."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def _cpu(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _worker_at_rest(python: str, folder: Path) -> int:
    """The memory of a worker and its fork server, once they have had nothing to do for a while."""
    command = [python, "-m", "flowerpower_cli", "job-queue", "start-worker"]
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    worker = subprocess.Popen(
        command, cwd=folder, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        before, calm = 0, 0
        while calm < 5:
            time.sleep(1)
            processes = _processes(worker.pid)
            used = sum(map(_cpu, processes))
            calm = calm + 1 if len(processes) > 1 and used - before <= 5 else 0
            before = used
        return sum(map(_memory, _processes(worker.pid)))
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait()


def _write_project(folder: Path, *pipelines: str) -> None:
    (folder / "conf" / "pipelines").mkdir(parents=True)
    (folder / "pipelines").mkdir()
    (folder / "conf" / "project.yml").write_text("name: bench\n")
    for name in pipelines:
        (folder / "conf" / "pipelines" / f"{name}.yml").write_text("run: {inputs: {x: 3}}\n")
        (folder / "pipelines" / f"{name}.py").write_text(PLAIN if name == "plain" else TABLES)
        (folder / f"bare_{name}.py").write_text(BARE.format(name))


def _add(table: Table, title: str, ours: Usage, theirs: Usage, ratio: str, is_kept: bool) -> None:
    table.add_row(
        title,
        *(
            f"{usage.cpu * 1000:.0f} ms ({usage.seconds * 1000:.0f}), {usage.memory / 1e6:.0f} MB"
            for usage in (ours, theirs)
        ),
        ratio,
        "yes" if is_kept else "NO",
    )


def main() -> None:
    """Measure, print a table, and end with 1 if a bound is broken."""
    table = Table("what", "ours: CPU (clock), memory", "theirs", "ratio (bound)", "kept")
    kept = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_project(folder, "plain", "tables")
        first: dict[str, float] = {}
        for number, python in enumerate(sys.argv[1:] or [sys.executable]):
            for pipeline, bound in (("plain", 0.6), ("tables", 1.05)):
                ours, theirs = _pairs(
                    [python, "-m", "flowerpower_cli", "pipeline", "run", pipeline],
                    [python, f"bare_{pipeline}.py"],
                    folder,
                )
                first.setdefault(pipeline, ours.cpu)
                ratio, growth = ours.cpu / theirs.cpu, ours.cpu / first[pipeline]
                limit = 0.35 if number else bound
                kept.append(ratio <= limit and growth <= 1.1)
                words = f"{ratio:.2f} x ({limit})"
                words += f", {growth:.2f} x the first (1.1)" if number else ""
                title = f"{number + 1}: run {pipeline} / a Hamilton script"
                _add(table, title, ours, theirs, words, kept[-1])
            site = folder / f"rest{number}"
            site.mkdir()
            _write_project(site, "plain")
            memory = _worker_at_rest(python, site)
            kept.append(memory < WORKER_BOUND)
            used = f"{memory / 1e6:.0f} MB"
            table.add_row(f"{number + 1}: a worker at rest", used, "", "(120 MB)",
                          "yes" if kept[-1] else "NO")  # fmt: skip
    Console(width=150).print(table)
    sys.exit(not all(kept))


if __name__ == "__main__":
    main()
