"""A project at a URL on the command line: run, queued, worked on, and never written to."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.conditions import eventually
from tests.conftest import project_maker
from tests.terminal import Cli

CODE = "import os\n\n\ndef word() -> str:\n    return '{}'\n\n\ndef here() -> str:\n    return os.getcwd()\n"
YAML = "run: {final_vars: [word, here]}\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Where the project is published."""
    folder = tmp_path / "published"
    project_maker(folder)(p=(YAML, CODE.format("first")))
    return folder


@pytest.fixture
def remote(cli: Cli, source: Path) -> Cli:
    """The command line on a machine without a checkout."""
    cli.environ["FLOWERPOWER_BASE_DIR"] = f"file://{source}"
    cli.environ["XDG_CACHE_HOME"] = str(cli.home / "cache")
    cli.environ["XDG_STATE_HOME"] = str(cli.home / "state")
    return cli


def publish(source: Path, word: str) -> None:
    (source / "pipelines" / "p.py").write_text(CODE.format(word))


def outputs(cli: Cli, job: str) -> dict[str, str]:
    body = cli.run("job-queue", "show-job", job, "--json", code=0).json
    found: dict[str, str] = (body["result"] or {}).get("outputs", {})
    return found


def test_a_remote_project_runs_and_its_jobs_keep_their_version(remote: Cli, source: Path) -> None:
    """A run takes what is there now, a job what was there when it was added."""
    ran = remote.run("pipeline", "run", "p", "--json", code=0).json["outputs"]
    assert ran["word"] == "first"
    work = Path(ran["here"])
    assert work.is_relative_to(remote.home / "state")
    first = remote.run("job-queue", "add-job", "p", "-q", code=0).stdout.strip()
    publish(source, "second one")
    second = remote.run("job-queue", "add-job", "p", "-q", code=0).stdout.strip()
    remote.run("job-queue", "start-worker", "--burst", code=0)
    assert outputs(remote, first) == {"word": "first", "here": str(work)}
    assert outputs(remote, second)["word"] == "second one"
    shown = remote.run("job-queue", "show-job", first, code=0).stdout
    version = remote.run("job-queue", "show-job", first, "--json", code=0).json["project_version"]
    assert version[:12] in shown
    again = remote.run("job-queue", "retry-job", first, "--again", "-q", code=0).stdout.strip()
    remote.run("job-queue", "start-worker", "--burst", code=0)
    assert outputs(remote, again)["word"] == "second one"
    assert (work / ".flowerpower" / "jobs.db").exists()
    assert not (source / ".flowerpower").exists()


def test_a_worker_learns_of_new_versions(remote: Cli, source: Path) -> None:
    """Its schedules fire with the newest; a job whose version is gone fails, and the worker lives."""
    remote.environ["FLOWERPOWER_LOOK_EVERY"] = "0.2s"
    remote.run("schedule", "add", "p", "--interval", "1s", "--schedule-id", "tick", code=0)
    remote.run("job-queue", "add-job", "p", "--job-id", "old", "--run-in", "1h", code=0)

    def words() -> set[str]:
        selection = ("--schedule", "tick", "--status", "finished", "--limit", "2")
        jobs = remote.run("job-queue", "list-jobs", *selection, "--json", code=0).json
        return {outputs(remote, job["id"]).get("word", "") for job in jobs}

    with remote.start("job-queue", "start-worker") as worker:
        eventually(words)
        publish(source, "second one")
        eventually(lambda: "second one" in words())
        worker.terminate()
        assert worker.wait() == 0
    remote.run("schedule", "delete", "tick", "--yes", code=0)
    # Another machine, which has never had the first version.
    shutil.copytree(remote.home / "state", remote.home / "state-2")
    remote.environ["XDG_CACHE_HOME"] = str(remote.home / "cache-2")
    remote.environ["XDG_STATE_HOME"] = str(remote.home / "state-2")
    remote.run("job-queue", "cancel-job", "old", code=0)
    remote.run("job-queue", "retry-job", "old", code=0)
    remote.run("job-queue", "add-job", "p", "--job-id", "new", code=0)
    remote.run("job-queue", "start-worker", "--burst", code=0)
    assert outputs(remote, "new")["word"] == "second one"
    old = remote.run("job-queue", "show-job", "old", "--json", code=0).json
    assert old["status"] == "failed"
    assert "which is gone" in old["error"]["message"]


@pytest.mark.parametrize(
    "command",
    [
        ("pipeline", "new", "q"),
        ("pipeline", "delete", "p", "--yes"),
        ("pipeline", "import", "bundle.zip"),
    ],
    ids=" ".join,
)
def test_nothing_writes_into_a_remote_project(remote: Cli, command: tuple[str, ...]) -> None:
    """What would change its files is refused in one sentence."""
    (remote.folder / "bundle.zip").write_bytes(b"")
    ended = remote.run(*command, code=8)
    assert "which is only read" in ended.stderr
    assert len(ended.stderr.splitlines()) == 2


def test_offline_means_the_last_version_or_exit_code_5(remote: Cli, tmp_path: Path) -> None:
    """With a warning on stderr and whole JSON on stdout; without a cache in one sentence."""
    archive = Path(shutil.make_archive(str(tmp_path / "published"), "zip", tmp_path / "published"))
    remote.environ["FLOWERPOWER_BASE_DIR"] = f"zip://::file://{archive}"
    remote.run("pipeline", "run", "p", code=0)
    whole = archive.read_bytes()
    # Half an upload.
    archive.write_bytes(whole[: len(whole) // 2])
    ran = remote.run("pipeline", "run", "p", "--json", code=0)
    assert ran.json["outputs"]["word"] == "first"
    assert "Going on with its version" in ran.stderr
    remote.environ["XDG_CACHE_HOME"] = str(remote.home / "empty")
    ended = remote.run("pipeline", "run", "p", "--json", code=5)
    assert ended.error["code"] == "source_unreachable"
    assert str(archive) in ended.error["message"]


def test_the_other_commands_work_on_it_too(remote: Cli, source: Path) -> None:
    """What is shown is of the version there now, and no secret is in it."""
    remote.environ["FLOWERPOWER_STORAGE_OPTIONS"] = json.dumps({"auto_mkdir": False})
    assert remote.run("pipeline", "list", "-q", code=0).stdout == "p\n"
    assert "word" in remote.run("pipeline", "show", "p", code=0).stdout
    remote.run("pipeline", "validate", code=0)
    remote.run("pipeline", "dag", "p", code=0)
    remote.run("status", code=0)
    printed = remote.run("service", "print", "systemd", code=0).stdout
    assert "FLOWERPOWER_BASE_DIR=" in printed
    assert "FLOWERPOWER_STORAGE_OPTIONS=" in printed
    assert f"WorkingDirectory={remote.home}/state/" in printed
    assert "build an image" in remote.run("service", "print", "compose", code=8).stderr
    ran = remote.run("pipeline", "run", "p", "--timeout", "100s", "--json", code=0).json
    assert ran["outputs"]["word"] == "first"
    checks = {check["name"]: check for check in remote.run("doctor", "--json").json}
    assert not checks["pipelines"]["problems"]
    assert {path.name for path in source.iterdir()} == {"conf", "pipelines"}
