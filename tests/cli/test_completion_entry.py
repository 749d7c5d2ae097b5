"""The entry that completion scripts ask for names: what it offers, where it looks, and how long it takes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flowerpower.config import files
from flowerpower_cli.completion import names
from tests.cli.completing import ATTEMPTS, HOSTILE, NAMES, REPOSITORY, fill
from tests.conditions import eventually, slowed
from tests.terminal import TIMEOUT, Cli


def _names(cli: Cli, *arguments: str, **environ: str) -> set[str]:
    # Names that are not there within a moment are left out, as happens on a busy machine.
    for _ in range(ATTEMPTS):
        ended = cli.run("--complete-names", *arguments, code=0, **environ)
        assert ended.stderr == ""
        if ended.stdout:
            break
    return set(ended.stdout.splitlines())


@pytest.mark.fault("completion-names")
def test_the_entry_prints_valid_names_alone(cli: Cli) -> None:
    """The entry offers what matches the rule for names and cannot be taken for an option."""
    fill(cli.folder / "demo", [*NAMES, *HOSTILE])
    pipelines = cli.folder / "demo" / "conf" / "pipelines"
    (pipelines / "folder.yml").mkdir()
    (pipelines / "dangling.yml").symlink_to("nowhere")
    os.mkfifo(pipelines / "fifo.yml")
    (pipelines / "other.yaml").touch()
    assert _names(cli, "pipelines", "--base-dir", "demo") == NAMES


def test_the_entry_finds_the_project(cli: Cli) -> None:
    """--base-dir comes before FLOWERPOWER_BASE_DIR, that before the folders from here upwards."""
    fill(cli.folder, ["here"])
    fill(cli.home / "named", ["named"])
    fill(cli.home / "set", ["set"])
    below = cli.folder / "a" / "b"
    below.mkdir(parents=True)
    inside = Cli(below, cli.home)
    assert _names(inside, "pipelines") == {"here"}
    assert _names(inside, "pipelines", FLOWERPOWER_BASE_DIR=str(cli.home / "set")) == {"set"}
    named = ("--base-dir", "~/named")
    assert _names(inside, "pipelines", *named, FLOWERPOWER_BASE_DIR="x") == {"named"}
    assert _names(inside, "pipelines", "--base-dir", str(below)) == set()


@pytest.mark.parametrize(
    "arguments",
    [(), ("",), ("no-such-kind",), ("pipelines", "--other", "."), ("pipelines", "a", "b", "c")],
)
def test_the_entry_is_silent_on_what_it_does_not_know(arguments: tuple[str, ...], cli: Cli) -> None:
    """A call that asks for nothing known prints nothing and ends with 0."""
    fill(cli.folder, ["here"])
    assert _names(cli, *arguments) == set()


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_entry_bears_closed_streams(number: int, cli: Cli) -> None:
    """Whichever stream is closed, the entry ends with 0 and says nothing on stderr."""
    fill(cli.folder, ["here"])
    ended = cli.run_closed("--complete-names", "pipelines", number=number)
    assert (ended.code, ended.stderr) == (0, "")


@pytest.mark.parametrize("place", ["conf/pipelines", "conf/project.yml", "conf"])
def test_the_entry_does_not_wait_for_a_fifo(place: str, cli: Cli) -> None:
    """A FIFO in place of a folder or a file of the project holds nobody up."""
    fill(cli.folder, [])
    path = cli.folder / place
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    os.mkfifo(path)
    started = time.monotonic()
    assert _names(cli, "pipelines") == set()
    assert time.monotonic() - started < slowed(2)


def test_the_entry_is_quick_in_a_huge_folder(cli: Cli) -> None:
    """Ten thousand pipelines are offered, or none, within a moment."""
    fill(cli.folder, [f"p{number}" for number in range(10_000)])
    started = time.monotonic()
    assert len(_names(cli, "pipelines")) in (0, 10_000)
    assert time.monotonic() - started < slowed(2)


def test_the_entry_gives_up_on_a_read_that_hangs(cli: Cli) -> None:
    """A read of the folder that never returns ends with the process, with 0 and in silence."""
    fill(cli.folder, ["here"])
    os.mkfifo(cli.folder / "hangs")
    program = (
        "import os; os.scandir = lambda path: open('hangs');"
        "from flowerpower_cli.completion import names; names.run(['pipelines'])"
    )
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=cli.folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert names.TIME_LIMIT <= time.monotonic() - started < slowed(2)


def test_the_entry_imports_little(cli: Cli) -> None:
    """The entry imports the standard library, and of this project only what the rule needs."""
    fill(cli.folder, ["here"])
    command = [sys.executable, "-X", "importtime", "-m", "flowerpower_cli", "--complete-names"]

    def complete() -> subprocess.CompletedProcess[str] | None:
        done = subprocess.run(
            [*command, "pipelines"],
            cwd=cli.folder,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=True,
        )
        # On a busy machine it may give up at its time limit: it is asked until it answers.
        return done if done.stdout else None

    done = eventually(complete)
    assert done is not None
    assert done.stdout == "here\n"
    modules = [line.rpartition("|")[2].strip() for line in done.stderr.splitlines()]
    assert not {"typer", "rich", "yaml", "pydantic", "hamilton"} & set(modules)
    assert {name for name in modules if name.startswith("flowerpower")} == {
        "flowerpower",
        "flowerpower.errors",
        "flowerpower.text",
        "flowerpower_cli",
        "flowerpower_cli.completion",
        "flowerpower_cli.completion.names",
        "flowerpower_cli.main",
    }


def test_the_entry_looks_where_the_library_looks() -> None:
    """The entry, which does not import the library's places, has the same ones."""
    assert Path(names.PROJECT_FILE) == files.PROJECT_FILE
    assert Path(names.PIPELINES_FOLDER) == files.PIPELINES_FOLDER
    assert names.BASE_DIR_VARIABLE == files.BASE_DIR_VARIABLE
