"""Fixtures of the tests that draw pipelines."""

from __future__ import annotations

import pytest

from tests.cli.dags import HOSTILE, REPORT, REPORT_CONFIG
from tests.conftest import MakeProject
from tests.terminal import Cli


@pytest.fixture
def report(cli: Cli, make_project: MakeProject) -> Cli:
    """The command line in a project whose pipeline has four nodes and three inputs."""
    make_project(report=(REPORT_CONFIG, REPORT))
    return cli


@pytest.fixture
def hostile(cli: Cli, make_project: MakeProject) -> Cli:
    """The command line in a project whose names, types and docs mean harm."""
    make_project(hostile=("{}\n", HOSTILE))
    return cli


@pytest.fixture(scope="module")
def weather(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """The command line in a project made from the example."""
    folder, home = tmp_path_factory.mktemp("folder"), tmp_path_factory.mktemp("home")
    Cli(folder, home).run("init", "my_weather", "--example", "weather", code=0)
    return Cli(folder / "my_weather", home)
