"""The attempts of a run with a timeout: one fork server for all, and each as if it were alone."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from flowerpower.jobs.run import RunOutcome
from flowerpower.pipeline import PipelineManager
from tests.conditions import WAIT_LIMIT, eventually, processes_marked
from tests.conftest import MakeProject
from tests.terminal import Cli

MODULE = """\
import atexit
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

atexit.register(print, "goodbye")


def number() -> int:
    with open("attempts", "a") as stream:
        stream.write(f"{os.getpid()} {os.getppid()}\\n")
    return len(Path("attempts").read_text().splitlines())

def third(number: int) -> int:
    print("attempt", number)
    if number < 3:
        raise ValueError(f"not attempt {number}")
    return number

def leaves(number: int) -> list[int]:
    left = Path("left")
    earlier = [int(pid) for pid in left.read_text().split()] if left.exists() else []
    alive = [pid for pid in earlier if _is_alive(pid)]
    with left.open("a") as stream:
        stream.write(f"{_start('sleep 1000 & echo $!')}\\n")
    if number < 3:
        raise ValueError("not yet")
    return alive

def _start(script: str) -> str:
    # Its parent ends, and it is in a session of its own.
    started = subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, start_new_session=True)
    return started.stdout.readline().decode().strip()

def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True

def kills_its_parent(number: int) -> int:
    if number < 2:
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(100)
    return number

def endless(number: int) -> int:
    if number < 2:
        raise ValueError("not yet")
    Path("begun").touch()
    time.sleep(1000)
"""
CONFIG = "run:\n  timeout: 100s\n  retry: {max_retries: 2, delay: 10ms}\n  final_vars: [%s]\n"


@pytest.fixture
def project(make_project: MakeProject) -> Path:
    names = ("third", "leaves", "kills_its_parent", "endless")
    pipelines = {name: (CONFIG % name + "  modules: [pipelines.all]\n", "") for name in names}
    root = make_project(**pipelines)
    (root / "pipelines" / "all.py").write_text(MODULE)
    return root


def run(project: Path, pipeline: str) -> RunOutcome:
    return PipelineManager(project, quiet=True).run_outcome(pipeline)


def attempts(project: Path) -> list[tuple[int, int]]:
    """The process of each attempt, and the parent of that."""
    lines = (project / "attempts").read_text().splitlines()
    return [(int(pid), int(parent)) for pid, parent in map(str.split, lines)]


def test_all_attempts_share_a_fork_server(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Each is a process of its own, prints, and ends as a program does; all have one parent."""
    assert run(project, "third").outputs == {"third": 3}
    pids, parents = zip(*attempts(project), strict=True)
    assert len({*pids}) == 3
    assert len({*parents}) == 1
    assert os.getpid() not in parents
    printed = capfd.readouterr().err.split("\n")
    expected = [line for n in (1, 2, 3) for line in (f"attempt {n}", "goodbye")]
    assert [line for line in printed if line in expected] == expected


def test_what_an_attempt_starts_ends_before_the_next(project: Path) -> None:
    """Processes that left their group and session too."""
    outcome = run(project, "leaves")
    assert outcome.outputs == {"leaves": []}
    assert len((project / "left").read_text().split()) == 3


def test_an_attempt_after_the_fork_server_has_died(project: Path) -> None:
    """An attempt that kills its parent has failed; the next one gets another."""
    outcome = run(project, "kills_its_parent")
    assert outcome.outputs == {"kills_its_parent": 2}
    (_, first), (_, second) = attempts(project)
    assert first != second


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_the_end_of_the_command_ends_a_later_attempt(
    cli: Cli, project: Path, number: signal.Signals, code: int
) -> None:
    """Ctrl-C and kill -9 leave neither the second attempt nor the fork server."""
    mark = f"mark:{project}"
    with cli.start("pipeline", "run", "endless", FLOWERPOWER_TEST_MARK=mark) as command:
        eventually((project / "begun").exists)
        command.send_signal(number)
        _, errors = command.communicate(timeout=WAIT_LIMIT)
    assert command.returncode == code
    assert "Traceback" not in errors
    eventually(lambda: not processes_marked(mark))


def test_the_end_of_the_command_ends_a_wait_for_a_retry(cli: Cli, project: Path) -> None:
    """A kill -9 between two attempts leaves no fork server behind."""
    retry = ("--retry-delay", "5m", "--jitter-factor", "0")
    mark = f"mark:{project}"
    with cli.start("pipeline", "run", "third", *retry, FLOWERPOWER_TEST_MARK=mark) as command:
        assert command.stderr is not None
        while "trying again in" not in (line := command.stderr.readline()):
            assert line
        command.kill()
    eventually(lambda: not processes_marked(mark))
