"""Streams, colours, signals, and what a program reads."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flowerpower.triggers import clock
from flowerpower_cli import command
from tests.conditions import WAIT_LIMIT, slowed
from tests.conftest import MakeProject
from tests.terminal import COMMAND, Cli

NOISY = (
    "run: {adapter: {progressbar: true}}\n",
    "import os, subprocess, sys\n\n\n"
    "def noise() -> int:\n"
    "    print('printed')\n"
    "    os.write(1, b'written\\n')\n"
    "    subprocess.run(['echo', 'echoed'], check=True)\n"
    "    return 1\n\n\n"
    "def table(noise: int) -> dict:\n"
    "    return {'nan': float('nan'), 'text': '[/] \\x1b[31m\\u202e', 'n': noise}\n",
)
SLOW = (
    "",
    "import time\n\n\ndef wait() -> int:\n    print('begun', flush=True)\n    time.sleep(60)\n    return 1\n",
)


def test_json_on_stdout_is_valid_whatever_the_pipeline_prints(
    cli: Cli, make_project: MakeProject
) -> None:
    """Prints of Python, of C code and of subprocesses go to stderr, stdout holds JSON alone."""
    make_project(noisy=NOISY)
    ended = cli.run("pipeline", "run", "noisy", "--json", code=0)
    assert ended.json["outputs"]["table"] == {"nan": None, "text": "[/] \x1b[31m\u202e", "n": 1}
    assert "\x1b" not in ended.stdout
    assert {"output": "table", "note": "1 x NaN or infinity written as null"} in ended.json["notes"]
    for word in ("printed", "written", "echoed"):
        assert word in ended.stderr
    in_terminal = cli.run_in_terminal("pipeline", "run", "noisy", "--json", "--progress")
    assert json.loads(in_terminal.stdout)["status"] == "finished"


@pytest.mark.parametrize(
    "arguments",
    [
        ("pipeline", "list"),
        ("pipeline", "show", "noisy"),
        ("pipeline", "run", "noisy"),
        ("pipeline", "run", "noisy", "--dry-run"),
        ("pipeline", "validate"),
        ("pipeline", "new", "fresh"),
        ("pipeline", "delete", "noisy", "--yes"),
        ("pipeline", "delete", "noisy", "--dry-run"),
        ("init", "another"),
    ],
    ids=" ".join,
)
def test_every_command_prints_json_when_asked(
    arguments: tuple[str, ...], cli: Cli, make_project: MakeProject
) -> None:
    """With --json stdout is one JSON value with snake_case keys."""
    make_project(noisy=NOISY)
    body = cli.run(*arguments, "--json", code=0).json
    first = body[0] if isinstance(body, list) else body
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", key) for key in first)


def test_the_keys_of_a_run_as_json_are_stable(cli: Cli, make_project: MakeProject) -> None:
    """A run's JSON has these keys; one may be added, none may go."""
    make_project(noisy=NOISY)
    body = cli.run("pipeline", "run", "noisy", "--json", code=0).json
    assert {
        "pipeline", "status", "started_at", "ended_at", "seconds", "outputs", "notes", "nodes"
    } <= set(body)  # fmt: skip
    assert {"name", "state", "started_at", "seconds"} <= set(body["nodes"][0])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00", body["started_at"])


def test_nothing_but_text_is_written_to_pipes(cli: Cli, make_project: MakeProject) -> None:
    """Off a terminal there is no colour, no bar, one line per node, and escapes are shown."""
    make_project(noisy=NOISY)
    ended = cli.run("pipeline", "run", "noisy", code=0)
    assert "\x1b" not in ended.stdout + ended.stderr
    assert "\u202e" not in ended.stdout
    assert r"\u001b[31m" in ended.stdout or r"\x1b[31m" in ended.stdout
    assert "[1/2] noise finished in" in ended.stderr
    assert "[2/2] table finished in" in ended.stderr


def test_a_terminal_shows_a_bar_and_colours(cli: Cli, make_project: MakeProject) -> None:
    """On a terminal the progress is a bar on stderr and the result is coloured."""
    make_project(noisy=NOISY)
    ended = cli.run_in_terminal("pipeline", "run", "noisy")
    assert ended.code == 0
    assert "2/2" in ended.stderr
    assert "━" in ended.stderr
    assert "\x1b[1m" in ended.stdout
    assert "\x1b[31m" not in ended.stdout
    quiet = cli.run_in_terminal("pipeline", "run", "noisy", "--no-progress")
    assert "2/2" not in quiet.stderr


@pytest.mark.parametrize(
    ("flags", "environ"),
    [((), {"NO_COLOR": "1"}), (("--no-color",), {}), ((), {"TERM": "dumb"})],
    ids=["NO_COLOR", "--no-color", "dumb"],
)
def test_colours_can_be_switched_off(
    flags: tuple[str, ...], environ: dict[str, str], cli: Cli, make_project: MakeProject
) -> None:
    """NO_COLOR, --no-color and a dumb terminal leave no colour on either stream."""
    make_project(noisy=NOISY)
    ended = cli.run_in_terminal("pipeline", "run", "noisy", "--no-progress", *flags, **environ)
    assert ended.code == 0
    assert not re.search(r"\x1b\[[0-9;]*m", ended.stdout + ended.stderr)


def test_force_color_colours_a_pipe(cli: Cli, make_project: MakeProject) -> None:
    """FORCE_COLOR colours the result on a pipe too."""
    make_project(noisy=NOISY)
    assert "\x1b[" in cli.run("pipeline", "list", code=0, FORCE_COLOR="1").stdout


def test_quiet_prints_ids_only(cli: Cli, make_project: MakeProject) -> None:
    """With --quiet a list is one id a line, and nothing is on stderr."""
    make_project(one=NOISY, two=NOISY)
    ended = cli.run("pipeline", "list", "--quiet", code=0)
    assert (ended.stdout, ended.stderr) == ("one\ntwo\n", "")
    assert cli.run("pipeline", "run", "one", "--quiet", code=0).stdout == "one\n"


def test_an_empty_list_is_no_error(cli: Cli, make_project: MakeProject) -> None:
    """Without pipelines the list is `[]`, or one sentence on stderr."""
    make_project()
    assert cli.run("pipeline", "list", "--json", code=0).json == []
    ended = cli.run("pipeline", "list", code=0)
    assert ended.stdout == ""
    assert "no pipelines yet" in ended.stderr


def test_a_reader_that_goes_away_is_no_error(cli: Cli, make_project: MakeProject) -> None:
    """Output piped to `head` ends quietly."""
    make_project(**{f"p{n}": NOISY for n in range(200)})
    line = f"{shlex.join(COMMAND)} pipeline list --json | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=cli.folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[\n0\n"
    assert done.stderr == ""


@pytest.mark.fault("dev-full")
def test_a_full_disk_is_told(cli: Cli, make_project: MakeProject) -> None:
    """A stdout that takes nothing ends with exit code 1 and one message."""
    make_project(noisy=NOISY)
    for arguments in (["pipeline", "list"], ["pipeline", "list", "--json"], ["--help"]):
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                [*COMMAND, *arguments],
                cwd=cli.folder,
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
        assert done.returncode == 1
        assert "cannot be written" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.fault("stream-closed")
@pytest.mark.parametrize("number", [0, 1, 2])
def test_closed_descriptors_do_no_harm(number: int, cli: Cli, make_project: MakeProject) -> None:
    """With stdin, stdout or stderr closed a run works and writes into no file of ours."""
    root = make_project(noisy=NOISY)
    ended = cli.run_closed("pipeline", "run", "noisy", "-o", "out.json", number=number)
    assert ended.code == 0, ended
    assert json.loads((root / "out.json").read_text())["status"] == "finished"


@pytest.mark.fault("arguments-not-utf8")
def test_arguments_that_are_not_utf8_are_shown_escaped(cli: Cli, make_project: MakeProject) -> None:
    """A name of stray bytes is told with escapes, not with a crash."""
    make_project(noisy=NOISY)
    ended = cli.run("pipeline", "run", b"\xff\xfe", code=3)
    assert r"\udcff\udcfe" in ended.stderr
    ended = cli.run("pipeline", "run", b"\xff", "--json", code=3, LC_ALL="C", PYTHONUTF8="0")
    assert ended.error["code"] == "pipeline_not_found"


@pytest.mark.fault("signal-command")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_end_a_run(
    number: signal.Signals, code: int, cli: Cli, make_project: MakeProject
) -> None:
    """Ctrl-C ends a run with 130 and SIGTERM with 143, soon, without a traceback."""
    make_project(slow=SLOW)
    process = subprocess.Popen(
        [*COMMAND, "pipeline", "run", "slow"],
        cwd=cli.folder,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert "begun" in process.stderr.readline()
    begun = time.monotonic()
    process.send_signal(number)
    _, errors = process.communicate(timeout=WAIT_LIMIT)
    assert process.returncode == code
    assert time.monotonic() - begun < slowed(10)
    assert "Traceback" not in errors


def test_an_unforeseen_failure_is_short_and_leaves_a_log(
    cli: Cli, make_project: MakeProject, tmp_path: Path
) -> None:
    """A bug of ours shows one message and saves the story, masked, in a private file."""
    root = make_project(noisy=NOISY)
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text(
        "import flowerpower.pipeline.registry as registry\n"
        "def names(self):\n"
        "    raise LookupError('postgresql://me:hunter2@host/db')\n"
        "registry.PipelineRegistry.names = names\n"
    )
    path = f"{broken}:{Path(__file__).parents[2]}"
    ended = cli.run("pipeline", "list", code=1, PYTHONPATH=path)
    assert "Traceback" not in ended.stderr
    assert "hunter2" not in ended.stderr
    (log,) = (cli.home / ".local" / "state" / "flowerpower").iterdir()
    assert log.stat().st_mode & 0o777 == 0o600
    story = log.read_text()
    assert "Traceback" in story
    assert "hunter2" not in story
    assert str(log) in ended.stderr.replace("\n", "")
    assert root.exists()


@pytest.mark.fault("log-link")
def test_that_log_is_written_through_no_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever guesses its name and puts a link there gets nothing; the failure is told without it."""
    moment = clock.now().replace(microsecond=0)
    target = tmp_path / "target"
    target.write_text("as it was")
    folder = tmp_path / "flowerpower"
    folder.mkdir()
    link = folder / f"error-{moment:%Y%m%dT%H%M%S.%fZ}-{os.getpid()}.log"
    link.symlink_to(target)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    clock.set_source(moment.timestamp)
    try:
        assert command._save_debug_log(LookupError("a story")) is None
    finally:
        clock.set_source(None)
    assert target.read_text() == "as it was"


def test_secrets_of_the_environment_are_masked(cli: Cli, make_project: MakeProject) -> None:
    """A password from the environment shows in no output, not even in the pipeline's own error."""
    make_project(
        leak=(
            "run: {inputs: {db_password: '${DB_PASSWORD}'}}\n",
            "def leak(db_password: str) -> str:\n    return f'it is {db_password}'\n\n\n"
            "def fail(db_password: str) -> str:\n    raise ValueError(f'login with {db_password}')\n",
        )
    )
    for arguments in (
        ("run", "leak"),
        ("run", "leak", "--json"),
        ("run", "leak", "--final-vars", "leak"),
        ("run", "leak", "--final-vars", "leak", "--json"),
        ("run", "leak", "-vv"),
        ("run", "leak", "--dry-run"),
        ("show", "leak"),
        ("show", "leak", "--json"),
    ):
        ended = cli.run("pipeline", *arguments, DB_PASSWORD="s3cr3t-s3cr3t")
        assert "s3cr3t" not in ended.stdout + ended.stderr, arguments
    make_project(
        plain=(
            "run: {inputs: {api_token: s3cr3t-s3cr3t}}\n",
            "def a(api_token: str) -> int:\n    return 1\n",
        )
    )
    for arguments in (
        ("show", "plain"),
        ("show", "plain", "--json"),
        ("run", "plain", "--dry-run"),
    ):
        ended = cli.run("pipeline", *arguments, code=0)
        assert "s3cr3t" not in ended.stdout + ended.stderr, arguments
    assert "${DB_PASSWORD}" in cli.run("pipeline", "show", "leak", DB_PASSWORD="s3cr3t").stdout


def test_python_dash_m_is_the_same_program() -> None:
    """`python -m flowerpower_cli` and `flowerpower` say the same version."""
    done = subprocess.run(
        [sys.executable, "-m", "flowerpower_cli", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.fullmatch(r"flowerpower \d+\.\d+\.\d+\n", done.stdout)
