"""The end of a job's process: nothing is lost that a program would keep, and logging is its own."""

from __future__ import annotations

import bz2
import re
import signal
import sys
from pathlib import Path

import pytest

from flowerpower.jobs.job import JobStatus
from tests.acceptance.working import Site, value
from tests.conditions import WAIT_LIMIT
from tests.conftest import MakeProject
from tests.terminal import Cli

LEAVES_THINGS_OPEN = """
import atexit, bz2, logging, logging.handlers, os, tempfile, threading, time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import Process
from pathlib import Path

print("imported")
FILE = open("file", "w")
ARCHIVE = bz2.open("archive.bz2", "wt")
FOLDER = tempfile.TemporaryDirectory(dir=".", prefix="temporary-")
BUFFER = logging.handlers.MemoryHandler(1000, target=logging.FileHandler("records"))
logging.getLogger("mine").addHandler(BUFFER)
atexit.register(lambda: (print("goodbye"), Path("exited").write_text("complete")))

def _be_slow(name: str) -> None:
    time.sleep(0.3)
    Path(name).write_text("complete")

def leaves() -> int:
    FILE.write("complete")
    ARCHIVE.write("complete")
    logging.getLogger("mine").warning("complete")
    threading.Thread(target=_be_slow, args=["threaded"]).start()
    ThreadPoolExecutor().submit(_be_slow, "pooled")
    Process(target=_be_slow, args=["processed"]).start()
    return 1
"""
# Not gzip: Python 3.14 itself loses a gzip file that a module leaves open.
LEFT = ["file", "archive.bz2", "records", "exited", "threaded", "pooled", "processed"]


def _assert_all_is_complete(root: Path) -> None:
    texts = {name: (root / name).read_bytes() for name in LEFT}
    texts["archive.bz2"] = bz2.decompress(texts["archive.bz2"])
    texts["records"] = texts["records"].rstrip()
    assert texts == dict.fromkeys(LEFT, b"complete")
    assert not list(root.glob("temporary-*"))


@pytest.mark.parametrize("jobs_per_child", [1, 50])
def test_a_job_keeps_what_a_program_keeps(site: Site, jobs_per_child: int):
    """Files, archives, logs, exit handlers, threads and folders are done when the job is finished."""
    site.module("leaves", LEAVES_THINGS_OPEN)
    site.worker(jobs_per_child=jobs_per_child)
    job = site.run("leaves")
    assert value(job) == 1
    _assert_all_is_complete(site.root)
    words = re.findall("imported|goodbye", site.log(job.id))
    # From Python 3.14 on the process that the job starts imports the module once more.
    imports = 1 if sys.version_info < (3, 14) else 2
    assert sorted(words) == ["goodbye", *["imported"] * imports]


@pytest.mark.parametrize("options", [[], ["--timeout", "1m"]], ids=["here", "timed"])
def test_a_run_keeps_what_a_program_keeps(
    cli: Cli, make_project: MakeProject, options: list[str]
) -> None:
    """`pipeline run` does the same, with a timeout too."""
    root = make_project(leaves=("", LEAVES_THINGS_OPEN))
    assert "goodbye" in cli.run("pipeline", "run", "leaves", *options, code=0).stderr
    _assert_all_is_complete(root)


INTERRUPTED = """
import atexit, logging, logging.handlers, threading, time
from pathlib import Path

FILE = open("file", "w")
BUFFER = logging.handlers.MemoryHandler(1000, target=logging.FileHandler("records"))
logging.getLogger("mine").addHandler(BUFFER)
atexit.register(lambda: Path("exited").write_text("complete"))

def interrupted() -> int:
    FILE.write("complete")
    logging.getLogger("mine").warning("complete")
    threading.Thread(target=time.sleep, args=[1000]).start()
    print("begun", flush=True)
    time.sleep(1000)
    return 1
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_loses_nothing_but_its_threads(
    cli: Cli, make_project: MakeProject, number: signal.Signals, code: int
) -> None:
    """Ctrl-C calls exit handlers and writes what is buffered, and waits for no thread."""
    root = make_project(interrupted=("", INTERRUPTED))
    with cli.start("pipeline", "run", "interrupted") as run:
        assert run.stderr is not None
        assert "begun" in run.stderr.readline()
        run.send_signal(number)
        _, errors = run.communicate(timeout=WAIT_LIMIT)
    assert run.returncode == code
    assert "Traceback" not in errors
    texts = [(root / name).read_text().rstrip() for name in ("file", "records", "exited")]
    assert texts == ["complete"] * 3


KEEPS_OPEN = """
import atexit, os
from pathlib import Path

FILE = open("file", "a")
atexit.register(lambda: Path("exited").write_text(f"{os.getpid()}"))

def keeps(text: str) -> int:
    FILE.write(text)
    return os.getpid()
"""


@pytest.mark.parametrize("end", ["edit", "stop"])
def test_a_child_that_waits_for_jobs_ends_as_a_program(site: Site, end: str):
    """After each job its files are complete; exit handlers are called when the child ends."""
    site.module("keeps", KEEPS_OPEN)
    worker = site.worker(num_workers=1, jobs_per_child=50)
    first = value(site.run("keeps", text="one"))
    assert (site.root / "file").read_text() == "one"
    assert value(site.run("keeps", text="two")) == first
    assert (site.root / "file").read_text() == "onetwo"
    assert not (site.root / "exited").exists()
    if end == "edit":
        site.module("keeps", KEEPS_OPEN + "\n# edited\n")
        assert value(site.run("keeps", text="three")) != first
    else:
        assert worker.stop() == 0
    assert (site.root / "exited").read_text() == str(first)


def test_a_failed_job_keeps_it_too(site: Site):
    """A job that fails, or exits, calls its exit handlers."""
    code = """
        import atexit
        atexit.register(lambda: print("goodbye"))
        def fails(how: str) -> int:
            {"raise": lambda: 1 / 0, "exit": exit}[how]()
            return 1
    """
    site.module("fails", code)
    site.worker()
    for how in ("raise", "exit"):
        job = site.run("fails", how=how)
        assert job.status is JobStatus.FAILED
        assert site.log(job.id) == "goodbye\n"


def test_an_end_has_a_limit(site: Site):
    """A thread or handler that does not end is cut off; the job is finished, and its log says so."""
    code = """
        import atexit, threading, time
        from flowerpower.job_queue.worker import child_exit

        child_exit.EXIT_LIMIT = 0.5

        def stays(how: str) -> int:
            if how == "thread":
                threading.Thread(target=time.sleep, args=[1000], name="sleeper").start()
            else:
                atexit.register(time.sleep, 1000)
            return 1
    """
    site.module("stays", code)
    site.worker()
    for how, what in (
        ("thread", "these threads ran on: sleeper"),
        ("exit", "exit handlers ran on"),
    ):
        job = site.run("stays", how=how)
        assert value(job) == 1
        assert site.log(job.id) == (f"\nThe process is ended 0.5 s after the run; {what}.\n")


LOGS = """
import logging

logging.basicConfig(format="mine %(message)s", level="WARNING")

def logs() -> list[str]:
    logging.info("unheard")
    logging.warning("heard")
    return [str(logging.getLogger().handlers), str(logging.getLogger().level)]
"""
LOGS_MORE = """
import logging, sys

def logs_more() -> int:
    own, root = logging.getLogger("own"), logging.getLogger()
    own.addHandler(logging.StreamHandler())
    own.setLevel("DEBUG")
    own.debug("once")
    root.addHandler(logging.FileHandler("file"))
    root.setLevel("ERROR")
    logging.getLogger("asyncio").setLevel("DEBUG")
    logging.disable(logging.INFO)
    return 1
"""
LOOKS = """
import logging

def looks() -> list[object]:
    own, root = logging.getLogger("own"), logging.getLogger()
    logging.getLogger("other").info("heard")
    return [len(own.handlers), own.level, len(root.handlers), root.level,
            logging.getLogger("asyncio").level, root.manager.disable]
"""


def test_a_modules_own_logging_counts(site: Site):
    """`basicConfig` and handlers of a module work as in a program, and print each line once."""
    site.module("logs", LOGS)
    site.module("logs_more", LOGS_MORE)
    site.worker()
    assert site.log(site.run("logs").id) == "mine heard\n"
    assert site.log(site.run("logs_more").id) == "once\n"


@pytest.mark.parametrize("jobs_per_child", [1, 50])
def test_logging_reaches_no_other_job(site: Site, jobs_per_child: int):
    """Handlers and levels that a job sets are gone in the next one, whose default is INFO."""
    for name, code in (("logs", LOGS), ("logs_more", LOGS_MORE), ("looks", LOOKS)):
        site.module(name, code)
    site.worker(num_workers=1, jobs_per_child=jobs_per_child)
    for disturb in ("looks", "logs", "logs", "logs_more"):
        site.run(disturb)
        look = site.run("looks")
        assert value(look) == [0, 0, 0, 20, 0, 0]
        assert site.log(look.id).endswith(" INFO other: heard\n")
