"""The progress bar of tqdm."""

from __future__ import annotations

from tests.conftest import MakeProject
from tests.terminal import Cli

CONFIG = "run:\n  adapter: {progressbar: tqdm}\n"
MODULE = """\
import time

def one() -> int:
    time.sleep(0.3)
    return 1

def two(one: int) -> int:
    time.sleep(0.3)
    return one + 1
"""


def test_tqdm_draws_on_a_terminal_alone(cli: Cli, make_project: MakeProject) -> None:
    """On a terminal there is a bar with its count; on a pipe there are lines as ever."""
    make_project(steps=(CONFIG, MODULE))
    shown = cli.run_in_terminal("pipeline", "run", "steps")
    assert shown.code == 0
    assert "steps:" in shown.stderr
    assert "1/2 [" in shown.stderr
    assert "two" in shown.stdout
    piped = cli.run("pipeline", "run", "steps", code=0)
    assert piped.stderr.splitlines()[0].startswith("[1/2] one finished")
    assert "\r" not in piped.stderr
    assert cli.run("pipeline", "run", "steps", "--json", code=0).stderr.count("\n") == 1
