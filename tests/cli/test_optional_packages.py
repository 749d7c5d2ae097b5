"""What needs a package that is not installed says so, with the command that installs it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MakeProject
from tests.terminal import Cli

MODULE = "def one() -> int:\n    return 1\n"
HIDING = """\
import sys

class Hiding:
    def __init__(self, finder):
        self._finder = finder

    def __getattr__(self, name):
        return getattr(self._finder, name)

    def find_spec(self, name, *rest):
        hidden = name.partition(".")[0] in HIDDEN
        return None if hidden else self._finder.find_spec(name, *rest)

sys.meta_path[:] = [Hiding(finder) for finder in sys.meta_path]
"""
OPTIONAL = (
    "dask", "distributed", "hamilton_sdk", "mlflow", "opentelemetry", "prometheus_client", "ray",
    "tqdm",
)  # fmt: skip
TRACKER = {"project_id": 1, "username": "ada@example.com"}


@pytest.fixture
def bare(cli: Cli, tmp_path: Path) -> Cli:
    """The command line in a Python that has none of the optional packages, or cannot find them."""
    hide(OPTIONAL, cli, tmp_path)
    return cli


def hide(packages: Iterable[str], cli: Cli, folder: Path) -> None:
    """Let Python find none of the packages when it runs the command line."""
    hooks = folder / "hooks"
    hooks.mkdir()
    (hooks / "sitecustomize.py").write_text(f"HIDDEN = {set(packages)!r}\n{HIDING}")
    cli.environ["PYTHONPATH"] = f"{hooks}:{Path(__file__).parents[2]}"


CASES: list[tuple[dict[str, Any], str, str]] = [
    ({"executor": {"type": "ray"}}, "The executor ray", "flowerpower-cli[ray]"),
    ({"executor": {"type": "dask"}}, "The executor dask", "flowerpower-cli[dask]"),
    ({"adapter": {"mlflow": True}}, "The adapter mlflow", "flowerpower-cli[trackers]"),
    (
        {"adapter": {"opentelemetry": True}},
        "The adapter opentelemetry",
        "flowerpower-cli[trackers]",
    ),
    (
        {"adapter": {"opentelemetry": {"exporter": "console"}}},
        "The adapter opentelemetry",
        "flowerpower-cli[trackers]",
    ),
    (
        {"adapter": {"hamilton_tracker": TRACKER}},
        "The adapter hamilton_tracker",
        "flowerpower-cli[trackers]",
    ),
    ({"adapter": {"progressbar": "tqdm"}}, "The progress bar tqdm", "pip install tqdm"),
]


@pytest.mark.parametrize(
    ("run", "what", "install"), CASES, ids=[json.dumps(run) for run, _, _ in CASES]
)
def test_a_run_names_the_package_and_how_to_install_it(
    bare: Cli, make_project: MakeProject, run: dict[str, Any], what: str, install: str
) -> None:
    """It ends with 4 before anything has run, with one error and one hint."""
    make_project(plain=(json.dumps({"run": run}), MODULE))
    error = bare.run("pipeline", "run", "plain", "--json", code=4).error
    assert error["message"].startswith(f"{what} is not installed")
    assert install in error["hint"]
    assert "pip install" in error["hint"]


@pytest.mark.parametrize(("run", "what", "install"), CASES[:-1], ids=[c[1] for c in CASES[:-1]])
def test_validate_tells_of_it(
    bare: Cli, make_project: MakeProject, run: dict[str, Any], what: str, install: str
) -> None:
    """`pipeline validate` finds what a run would lack."""
    make_project(plain=(json.dumps({"run": run}), MODULE))
    ended = bare.run("pipeline", "validate", "--json")
    assert ended.code != 0
    assert f"{what} is not installed" in ended.stdout + ended.stderr


def test_a_job_names_it_too(bare: Cli, make_project: MakeProject) -> None:
    """A job whose worker lacks a package has failed with the same message and hint."""
    root = make_project(plain=("run: {}\n", MODULE))
    refused = bare.run("job-queue", "add-job", "plain", "--executor", "ray", code=4)
    assert "The executor ray is not installed" in refused.stderr
    bare.run("job-queue", "add-job", "plain", "--job-id", "job", code=0)
    (root / "conf" / "pipelines" / "plain.yml").write_text("run: {executor: {type: ray}}\n")
    bare.run("job-queue", "start-worker", "--burst", code=0)
    error = bare.run("job-queue", "show-job", "job", "--json", code=0).json["error"]
    assert error["message"].startswith("The executor ray is not installed")
    assert "flowerpower-cli[ray]" in error["hint"]


def test_metrics_name_it(bare: Cli, make_project: MakeProject) -> None:
    """Without prometheus_client there is no metric, and no traceback."""
    make_project(plain=("", MODULE))
    error = bare.run("metrics", "--json", code=4).error
    assert "prometheus_client" in error["message"]
    assert "flowerpower-cli[metrics]" in error["hint"]
