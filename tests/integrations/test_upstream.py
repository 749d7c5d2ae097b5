"""Projects that the real packages of the upstream tool make (PyPI: flowerpower), converted here.

tests/upstream_projects holds what they made, filled in; so it is shown that it is true.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.test_init_upstream import PROJECTS, RESULTS
from tests.terminal import Cli

INSTALL_LIMIT = 1800
"""Seconds: each version brings some sixty packages."""


@dataclass(frozen=True)
class Version:
    """A version of upstream's, with packages that its metadata does not pin, or not name.

    0.11 imports pydala without requiring it, and both write files through a cache of fsspec, which
    cannot copy a file to itself: `pipeline new` of 0.37 fails so, its Python call does not.
    """

    number: str
    packages: tuple[str, ...]
    new: str
    folder: str
    pipeline: str


VERSIONS = (
    Version(
        "0.11.6.20",
        ("pydala2==0.9.4.5", "fsspec==2025.5.1", "s3fs==2025.5.1"),
        "from flowerpower.pipeline import PipelineManager\n"
        "PipelineManager(base_dir='.').new(name={!r})",
        "v0_11",
        "hello_world",
    ),
    Version(
        "0.37.0",
        ("fsspec==2026.6.0", "s3fs==2026.6.0"),
        "from flowerpower import FlowerPowerProject\n"
        "FlowerPowerProject.load('.').pipeline_manager.creator.create_pipeline(name={!r})",
        "v0_37",
        "hello",
    ),
)
RUN = """\
import json
from flowerpower.pipeline import PipelineManager
print("\\n" + json.dumps(PipelineManager(base_dir=".").run({!r})))
"""


@dataclass(frozen=True)
class Upstream:
    """An installed version."""

    version: Version
    home: Path

    def python(self, code: str, folder: Path) -> str:
        return self._run(["python", "-c", code], folder)

    def command(self, *arguments: str, folder: Path) -> str:
        return self._run(["flowerpower", *arguments], folder)

    def _run(self, command: list[str], folder: Path) -> str:
        program = self.home / "venv" / "bin" / command[0]
        # Its cache of files lies in the home.
        environ = {"HOME": str(self.home), "PATH": os.environ["PATH"]}
        ended = subprocess.run(
            [program, *command[1:]], cwd=folder, env=environ, capture_output=True, text=True,
            timeout=300, check=False,
        )  # fmt: skip
        assert ended.returncode in (0, 1), ended.stderr
        return ended.stdout


@pytest.fixture(scope="module", params=VERSIONS, ids=lambda version: version.number)
def upstream(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Upstream]:
    """A version in a virtual environment of its own."""
    version: Version = request.param
    home = tmp_path_factory.mktemp("upstream")
    subprocess.run([sys.executable, "-m", "venv", home / "venv"], check=True)
    pip = [home / "venv" / "bin" / "python", "-m", "pip", "install", "--quiet"]
    wanted = f"flowerpower=={version.number}"
    subprocess.run([*pip, wanted, *version.packages], check=True, timeout=INSTALL_LIMIT)
    yield Upstream(version, home)
    shutil.rmtree(home)


def _keys(data: Any) -> Any:
    """The keys of a configuration, all the way down to where upstream wrote nothing."""
    return {key: _keys(value) for key, value in data.items()} if isinstance(data, dict) else None


def _settings(file: Path) -> Any:
    data = yaml.safe_load(file.read_text())
    # What was filled in has keys of its own.
    return (
        {**data, "params": None, "run": {**data["run"], "inputs": None}} if "run" in data else data
    )


def test_what_upstream_makes_is_converted_and_gives_the_same(upstream: Upstream, cli: Cli) -> None:
    """Its new project has the keys of ours in the tests; filled in, both tools run it alike."""
    version = upstream.version
    upstream.command("init", "--name", "made", folder=cli.folder)
    made, known = cli.folder / "made", PROJECTS / version.folder
    upstream.python(version.new.format(version.pipeline), made)
    for path in ("conf/project.yml", f"conf/pipelines/{version.pipeline}.yml"):
        assert _keys(_settings(made / path)) == _keys(_settings(known / path)), path
    empty = cli.run("init", "empty", "--from", "made", code=4)
    assert f"{version.pipeline} has no nodes" in empty.stderr
    shutil.copytree(known, made, dirs_exist_ok=True)
    shown = upstream.python(RUN.format(version.pipeline), made).splitlines()
    theirs = json.loads(next(line for line in reversed(shown) if line.startswith("{")))
    assert theirs == {"full_greeting": RESULTS[version.pipeline]}
    cli.run("init", "new", "--from", "made", code=0)
    new = replace(cli, folder=cli.folder / "new")
    ours = new.run("pipeline", "run", version.pipeline, "--json", code=0).json["outputs"]
    assert ours == theirs
