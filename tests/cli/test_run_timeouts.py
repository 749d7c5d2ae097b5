"""`pipeline run --timeout`: a run that is ended in time, and else is as any other."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.cli.background import GATE, PIPELINES, PROJECT
from tests.conditions import WAIT_LIMIT, eventually, slowed
from tests.conftest import MakeProject
from tests.terminal import Cli


@pytest.fixture
def project(make_project: MakeProject) -> Path:
    return make_project(PROJECT, **PIPELINES)


def test_a_run_is_ended_at_its_timeout(cli: Cli, project: Path) -> None:
    """A run with --timeout ends what takes longer, with 6 and the node it was in."""
    ended = cli.run("pipeline", "run", "gate", "--timeout", "300ms", code=6)
    assert ended.stdout == ""
    assert "Node passed of gate failed" in ended.stderr
    assert "It ran longer than its timeout of 300ms" in ended.stderr
    assert "begun" in ended.stderr


def test_the_yaml_may_hold_the_timeout(cli: Cli, make_project: MakeProject) -> None:
    """run.timeout in YAML is kept by pipeline run, and --timeout is put over it."""
    root = make_project(gate=("run: {timeout: 300ms}\n", GATE[1]))
    assert "timeout of 300ms" in cli.run("pipeline", "run", "gate", code=6).stderr
    (root / "open").touch()
    ended = cli.run("pipeline", "run", "gate", "--timeout", "1m", "--json", code=0)
    assert ended.json["outputs"] == {"after": "through"}


def test_a_run_with_a_timeout_is_like_one_without(cli: Cli, project: Path) -> None:
    """With --timeout, results, errors, retries and exit codes are those of any run."""
    plain = cli.run("pipeline", "run", "quick", "--json", code=0)
    timed = cli.run("pipeline", "run", "quick", "--json", "--timeout", "1m", code=0)
    assert timed.json["outputs"] == plain.json["outputs"]
    assert set(timed.json) == set(plain.json)
    assert "doubling 2" in timed.stderr
    ended = cli.run("pipeline", "run", "second", "--timeout", "1m", code=0)
    assert "trying again in" in ended.stderr
    for arguments in (("broken",), ("quick", "-i", "y=1")):
        plain = cli.run("pipeline", "run", *arguments)
        timed = cli.run("pipeline", "run", *arguments, "--timeout", "1m")
        assert timed.code == plain.code
        assert timed.stderr.partition("Error: ")[2] == plain.stderr.partition("Error: ")[2] != ""


def test_a_run_that_will_not_end_is_made_to(cli: Cli, make_project: MakeProject) -> None:
    """A run that bears SIGTERM is killed a few seconds after its timeout."""
    make_project(
        deaf=(
            "",
            "import signal, time\n\n\ndef deaf() -> int:\n"
            "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            "    print('asleep', flush=True)\n    time.sleep(60)\n    return 1\n",
        )
    )
    began = time.monotonic()
    ended = cli.run("pipeline", "run", "deaf", "--timeout", "1s", code=6)
    assert "asleep" in ended.stderr
    assert "It ran longer than its timeout of 1s" in ended.stderr
    assert time.monotonic() - began < slowed(30)


def test_a_run_whose_process_dies_is_told(cli: Cli, make_project: MakeProject) -> None:
    """A run with --timeout whose process dies has failed, and the message says of what."""
    make_project(dies=("", "import os\n\n\ndef dies() -> int:\n    os.abort()\n"))
    ended = cli.run("pipeline", "run", "dies", "--timeout", "1m", code=6)
    assert "Node dies of dies failed: ProcessDied: The job's process was killed by SIGABRT" in (
        ended.stderr
    )


def test_ctrl_c_ends_a_run_with_a_timeout(cli: Cli, project: Path) -> None:
    """Ctrl-C on a run with --timeout ends it with 130, soon, and its process with it."""
    with cli.start("pipeline", "run", "gate", "--timeout", "1m") as run:
        eventually((project / "begun").exists)
        run.send_signal(signal.SIGINT)
        _, errors = run.communicate(timeout=WAIT_LIMIT)
    assert run.returncode == 130
    assert "Traceback" not in errors
