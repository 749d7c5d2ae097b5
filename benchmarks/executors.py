"""What an executor costs where most nodes come from the cache, over a synchronous run.

`pipeline run` of 20 nodes, of which 17 are in the cache and 3 depend on an input that is another
one each time; and of the 17 alone. The executors take turns, so that whatever else the machine does
meets all. Seconds of processor count processes of a pool too; seconds are medians.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

EXECUTORS = ("synchronous", "threadpool", "processpool")
BOUNDS = {"17 of 20": 2.5, "17 of 17": 1.1}
"""Processor seconds over those of a synchronous run; a pool that has a task starts Python anew."""
CONFIG = """\
run:
  inputs: {kept: 1, other: 0}
  cache: true
"""


def _module() -> str:
    functions = ["def n0(kept: int) -> list[int]:\n    return [kept] * 10_000\n"]
    functions += [
        f"def n{n}(n{n - 1}: list[int]) -> list[int]:\n    return [x + 1 for x in n{n - 1}]\n"
        for n in range(1, 17)
    ]
    functions.append("def first(n16: list[int], other: int) -> int:\n    return n16[0] + other\n")
    functions.append("def second(first: int) -> int:\n    return first + 1\n")
    functions.append("def third(second: int) -> int:\n    return second + 1\n")
    return "\n\n".join(functions)


def _measure(folder: Path, *arguments: str) -> tuple[float, float]:
    """Seconds, and seconds of processor."""
    environ = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    command = [sys.executable, "-m", "flowerpower_cli", "pipeline", "run", "many", *arguments]
    subprocess.run(command, cwd=folder, env=environ, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - began, used


def main() -> None:
    """Measure, print a table, and end with 1 if a bound is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    table = Table("from the cache", "executor", "seconds", "processor", "over synchronous", "bound")
    is_kept = True
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "conf" / "pipelines").mkdir(parents=True)
        (folder / "pipelines").mkdir()
        (folder / "conf" / "project.yml").write_text("name: many\n")
        (folder / "conf" / "pipelines" / "many.yml").write_text(CONFIG)
        (folder / "pipelines" / "many.py").write_text(_module())
        for case, node in (("17 of 20", "third"), ("17 of 17", "n16")):
            measured: dict[str, list[tuple[float, float]]] = {one: [] for one in EXECUTORS}
            other = 0
            for number in range(rounds + 1):
                for executor in EXECUTORS:
                    other += 1
                    arguments = ("--final-vars", node, "--executor", executor)
                    arguments += ("-i", f"other={other}") if node == "third" else ()
                    seconds = _measure(folder, *arguments)
                    if number:
                        # The first round fills the cache.
                        measured[executor].append(seconds)
            base = 0.0
            for executor, pairs in measured.items():
                wall, used = (statistics.median(pair[which] for pair in pairs) for which in (0, 1))
                base = base or used
                bound = BOUNDS[case] if executor == "processpool" else 1.1
                is_kept = is_kept and used / base <= bound
                row = f"{wall:.2f}", f"{used:.2f}", f"{used / base:.2f} x", f"{bound} x"
                table.add_row(case, executor, *row)
    Console().print(table)
    sys.exit(not is_kept)


if __name__ == "__main__":
    main()
