"""What the start of a run costs beside a bare Hamilton script, and where more is installed.

`flowerpower pipeline run` of a small pipeline, with pandas in it and without, in milliseconds of a
processor, which other programs disturb least; the memory of a worker at rest; and what pandas alone
costs where more is installed. All programs take turns.

    start_of_run.py [--wide INTERPRETER]

INTERPRETER is that of an environment with more packages (polars, pyarrow, scikit-learn, matplotlib,
lightgbm); `make bench` makes one in .venv-wide.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from beside import MODULE
from lines import Bound, Line, beside_other, print_table
from programs import ProgramFailed, environ, in_turns

BARE_BOUNDS = {"plain": Bound(0.6), "tables": Bound(1.05)}
WIDE_BOUND = Bound(0.35)
GROWTH_BOUND = Bound(1.1)
WORKER_BOUND = Bound(120, "value")
NAMES = {"plain": "without pandas", "tables": "with pandas"}
TABLES = """\
import pandas as pd


def table(x: int) -> pd.DataFrame:
    return pd.DataFrame({"a": [x, 2 * x]})


def total(table: pd.DataFrame) -> int:
    return int(table["a"].sum())


def text(total: int) -> str:
    return f"it is {total}"
"""
HAMILTON_SCRIPT = """\
import sys
from hamilton import driver
from pipelines import {0}

built = driver.Builder().with_modules({0}).build()
print(built.execute(["text"], inputs={{"x": 3}}))
"""
PANDAS_SCRIPT = """\
from pipelines import tables

print(tables.text(tables.total(tables.table(3))))
"""


def write_project(folder: Path) -> None:
    """Two pipelines, and scripts that do the same without us."""
    (folder / "conf" / "pipelines").mkdir(parents=True)
    (folder / "pipelines").mkdir()
    (folder / "conf" / "project.yml").write_text("name: bench\n")
    for name, module in {"plain": MODULE, "tables": TABLES}.items():
        (folder / "conf" / "pipelines" / f"{name}.yml").write_text("run: {inputs: {x: 3}}\n")
        (folder / "pipelines" / f"{name}.py").write_text(module)
        (folder / f"hamilton_{name}.py").write_text(HAMILTON_SCRIPT.format(name))
    (folder / "pandas_alone.py").write_text(PANDAS_SCRIPT)


def runs(pipeline: str, pythons: dict[str, str]) -> Iterator[Line]:
    """The lines of one pipeline, in each environment."""
    programs: dict[str, list[str]] = {}
    for place, python in pythons.items():
        ours = [python, "-m", "flowerpower_cli", "pipeline", "run", pipeline]
        programs |= {f"ours {place}": ours, f"script {place}": [python, f"hamilton_{pipeline}.py"]}
        if pipeline == "tables":
            programs[f"pandas {place}"] = [python, "pandas_alone.py"]
    with tempfile.TemporaryDirectory() as name:
        write_project(Path(name))
        turns = in_turns(programs, Path(name), 15)

    def line(what: str, place: str, mine: str, its: str, other: str, bound: Bound | None) -> Line:
        pairs = [(turn[mine].cpu * 1000, turn[its].cpu * 1000) for turn in turns]
        return beside_other(what, place, "ms", pairs, other, bound)

    run, script = f"pipeline run, {NAMES[pipeline]}", "a Hamilton script"
    yield line(run, "bare", "ours bare", "script bare", script, BARE_BOUNDS[pipeline])
    if "wide" in pythons:
        yield line(run, "wide", "ours wide", "script wide", script, WIDE_BOUND)
        yield line(run, "wide", "ours wide", "ours bare", "itself, bare", GROWTH_BOUND)
    if "wide" in pythons and pipeline == "tables":
        alone = "a script of pandas alone"
        yield line(alone, "wide", "pandas wide", "pandas bare", "itself, bare", None)


def _processes(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task").glob("*/children")
    own = [int(child) for file in children for child in file.read_text().split()]
    return [pid, *(number for child in own for number in _processes(child))]


def _memory(pid: int) -> int:
    """What a process uses; memory that it shares with others counts in part."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def worker_at_rest(place: str, python: str) -> Line:
    """The memory of a worker and its fork server, once they have had nothing to do for a while."""
    command = [python, "-m", "flowerpower_cli", "job-queue", "start-worker"]
    with tempfile.TemporaryDirectory() as name:
        write_project(Path(name))
        worker = subprocess.Popen(
            command, cwd=name, env=environ(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            before, calm = 0, 0
            while calm < 5:
                time.sleep(1)
                if worker.poll() is not None:
                    raise ProgramFailed(f"{' '.join(command)} ended with {worker.returncode}")
                processes = _processes(worker.pid)
                used = sum(map(_ticks, processes))
                calm = calm + 1 if len(processes) > 1 and used - before <= 5 else 0
                before = used
            memory = sum(map(_memory, _processes(worker.pid)))
        finally:
            worker.send_signal(signal.SIGTERM)
            worker.wait()
    return Line("a worker at rest, memory", place, "MB", memory / 1e6, bound=WORKER_BOUND)


def lines(wide: str | None) -> Iterator[Line]:
    """Those of the table of benchmarks."""
    pythons = {"bare": sys.executable} | ({"wide": wide} if wide else {})
    for pipeline in ("plain", "tables"):
        yield from runs(pipeline, pythons)
    for place, python in pythons.items():
        yield worker_at_rest(place, python)


def main() -> None:
    """Measure and print the lines."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--wide", metavar="INTERPRETER", type=os.path.abspath)
    print_table(lines(parser.parse_args().wide))


if __name__ == "__main__":
    main()
