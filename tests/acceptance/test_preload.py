"""A worker's fork server imports the packages that the project's pipelines use, and no others."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.working import Site, children_of, value
from tests.conditions import eventually

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
USES_NUMPY = """
import sys
was_there = "numpy" in sys.modules
import numpy

def uses_numpy() -> list[object]:
    return [was_there, float(numpy.random.random())]
"""
MEMORY_AT_REST = 120_000_000


def memory(pid: int) -> int:
    """Bytes that a process uses; what it shares with others counts in part."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def test_the_server_learns_what_jobs_import(site: Site) -> None:
    """The first job imports NumPy itself; later ones find it there, and random numbers differ."""
    site.module("uses_numpy", USES_NUMPY)
    worker = site.worker()
    was_there, first = value(site.run("uses_numpy"))
    assert not was_there
    eventually(lambda: value(site.run("uses_numpy"))[0])
    numbers = [value(site.run("uses_numpy"))[1] for _ in range(3)]
    assert len({first, *numbers}) == 4
    # The server before has ended, because it has no children any more.
    eventually(lambda: len(site.left()) == 2)
    assert worker.server() is not None


def test_a_job_that_runs_meanwhile_keeps_its_server(site: Site) -> None:
    """A long job is not disturbed when its server is replaced, and can be cancelled after that."""
    site.module("uses_numpy", USES_NUMPY)
    site.pipeline("long", "import time\ntime.sleep(300)")
    worker = site.worker(num_workers=2)
    long = site.add("long")
    eventually(lambda: site.is_running(long))
    eventually(lambda: value(site.run("uses_numpy"))[0])
    assert site.is_running(long)
    # The child that was not needed any more, or its server, may still be ending.
    eventually(lambda: len(site.left()) == 4)
    assert site.is_running(long)
    site.queue.cancel_job(long)
    assert site.ended(long).status == "cancelled"
    eventually(lambda: len(site.left()) == 2)
    assert worker.stop() == 0


def test_a_signature_says_what_to_import(site: Site) -> None:
    """What `add-job` has seen the pipeline import is there for the first job of a new worker."""
    site.module("uses_numpy", USES_NUMPY)
    command = [sys.executable, "-m", "flowerpower_cli", "job-queue", "add-job", "uses_numpy"]
    subprocess.run(command, cwd=site.root, check=True, capture_output=True)
    kept = json.loads((site.root / ".flowerpower/signatures/uses_numpy.json").read_text())
    assert kept["modules"] == ["numpy"]
    site.worker()
    assert value(site.run("uses_numpy"))[0]


def test_what_a_signature_names_is_imported_only_if_it_is_known(site: Site) -> None:
    """A signature is no authority: its other names, and files of the project, stay where they are."""
    site.pipeline(
        "good", "import sys\nreturn [n for n in ('antigravity', 'vaex') if n in sys.modules]"
    )
    (site.root / "vaex.py").write_text("")
    folder = site.root / ".flowerpower" / "signatures"
    folder.mkdir(parents=True, exist_ok=True)
    body = {"v": 1, "modules": ["antigravity", "vaex", "no_such", 3]}
    (folder / "good.json").write_text(json.dumps(body))
    site.worker()
    assert value(site.run("good")) == []


@on_linux
def test_a_worker_at_rest_is_small(site: Site) -> None:
    """Worker and fork server, for pipelines that use no large package: whatever is installed."""
    site.pipeline("good", "return 1")
    worker = site.worker()
    assert value(site.run("good")) == 1
    pids = [worker.process.pid, *children_of(worker.process.pid)]
    assert len(pids) == 2
    assert sum(map(memory, pids)) < MEMORY_AT_REST
    mapped = "".join(Path(f"/proc/{pid}/maps").read_text() for pid in pids)
    assert not [name for name in ("numpy", "pandas", "polars", "pyarrow") if f"/{name}/" in mapped]
