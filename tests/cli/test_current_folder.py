"""A pipeline runs in the project's folder, wherever the caller is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flowerpower.pipeline import PipelineManager
from tests.conftest import MakeProject
from tests.terminal import Cli

CODE = (
    "import os\nimport pathlib\n\n"
    "AT_IMPORT = pathlib.Path('data.txt').read_text()\n\n\n"
    "def here() -> str:\n    return os.getcwd()\n\n\n"
    "def content(file: str, here: str) -> str:\n    return pathlib.Path(file).read_text()\n"
)
YAML = "run: {inputs: {file: data.txt}, final_vars: [here, content]}\n"


@pytest.fixture
def project(make_project: MakeProject) -> Path:
    root = make_project(p=(YAML, CODE))
    (root / "data.txt").write_text("the project's")
    return root


@pytest.fixture
def elsewhere(tmp_path: Path, cli: Cli, project: Path) -> Cli:
    """The command line in another folder, which has a file of that name, too."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "data.txt").write_text("the caller's")
    return Cli(folder, tmp_path / "home")


@pytest.mark.parametrize(
    "options", [(), ("--timeout", "100s"), ("--executor", "threadpool"), ("-i", "file=data.txt")]
)
def test_a_run_is_in_the_projects_folder(
    options: tuple[str, ...], elsewhere: Cli, project: Path
) -> None:
    """With and without a timeout; files of the command line itself are the caller's."""
    ran = elsewhere.run(
        "pipeline", "run", "p", "--base-dir", str(project), "--json", "-o", "out.json",
        "--save", "content=content.txt", *options, code=0,
    )  # fmt: skip
    outputs = {"here": str(project), "content": "the project's"}
    assert ran.json["outputs"] == outputs
    assert json.loads((elsewhere.folder / "out.json").read_text())["outputs"] == outputs
    assert (elsewhere.folder / "content.txt").read_text() == "the project's"


@pytest.mark.parametrize(
    "command", [("run", "p", "--dry-run"), ("validate",), ("show", "p"), ("dag", "p")]
)
def test_modules_are_imported_there_too(
    command: tuple[str, ...], elsewhere: Cli, project: Path
) -> None:
    """What only looks at a pipeline imports it where a run does."""
    (elsewhere.folder / "data.txt").unlink()
    elsewhere.run("pipeline", *command, "--base-dir", str(project), code=0)


def test_a_job_is_there_too(elsewhere: Cli, project: Path) -> None:
    """Whatever the folders of the caller and the worker."""
    there = ("--base-dir", str(project))
    elsewhere.run("job-queue", "add-job", "p", "--job-id", "one", *there, code=0)
    elsewhere.run("job-queue", "start-worker", "--burst", *there, code=0)
    shown = elsewhere.run("job-queue", "show-job", "one", "--json", *there, code=0)
    assert shown.json["result"]["outputs"] == {"here": str(project), "content": "the project's"}


def test_a_run_in_python_leaves_the_callers_folder_alone(
    elsewhere: Cli, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`run` is in the caller's process and its folder; `run_outcome` runs as the command does."""
    monkeypatch.chdir(elsewhere.folder)
    manager = PipelineManager(project)
    assert manager.run("p")["here"] == str(elsewhere.folder)
    assert manager.run_outcome("p").outputs["here"] == str(project)
    assert Path.cwd() == elsewhere.folder


def test_a_folder_that_is_gone_is_no_hindrance(elsewhere: Cli, project: Path) -> None:
    """The caller's folder may be deleted before the run, or by it."""
    code = f"import shutil\n\n\ndef a() -> str:\n    shutil.rmtree({str(elsewhere.folder)!r})\n    return 'x'\n"
    (project / "pipelines" / "q.py").write_text(code)
    (project / "conf" / "pipelines" / "q.yml").write_text("")
    ran = elsewhere.run("pipeline", "run", "q", "--base-dir", str(project), "--json", code=0)
    assert ran.json["outputs"] == {"a": "x"}
