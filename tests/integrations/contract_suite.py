"""The contract suite once more, against a server that is not the suite's own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PARTS = ("adding", "claiming", "ending", "firing", "opening", "schedules", "workers", "working")


def run_contract_suite(backend: str, *more: str, **environ: str) -> None:
    """Run what the suite has for every backend, on this one; AssertionError with its output.

    `more` are further files of the suite, for this backend alone.
    """
    files = [f"tests/contract/test_{part}.py" for part in (*PARTS, *more)]
    command = [
        sys.executable, "-m", "pytest", *files, "-p", "no:xdist", "-p", "no:cacheprovider", "-x",
        "-k", " or ".join((backend, *(f"test_{part}.py" for part in more))),
    ]  # fmt: skip
    # Not the outer run's own variables.
    kept = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST")}
    run = subprocess.run(
        command, cwd=REPOSITORY, env={**kept, **environ}, capture_output=True, text=True,
        timeout=900, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
    passed = re.search(r"(\d+) passed", run.stdout)
    print(run.stdout[-300:])
    assert passed is not None
    assert int(passed[1]) > 100
