"""Fixtures that every ring of tests shares."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.acceptance import fault_records
from tests.servers import PostgresServer, RedisServer
from tests.terminal import Cli

MakeProject = Callable[..., Path]

# How long an example takes, or is looked for, says on a busy machine nothing of the code.
settings.register_profile(
    "busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("busy machine")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell that starts the tests in the background has it ignored, in all that they start too.
    signal.signal(signal.SIGINT, signal.default_int_handler)


_outcomes: dict[str, str] = {}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread the files of tests/acceptance, which wait most of their time, among all others.

    Side by side they would leave processors idle; the tests of one file stay together, as they
    share what it sets up.
    """
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    waiting = [tests for path, tests in files.items() if path.parent.name == "acceptance"]
    others = [tests for path, tests in files.items() if path.parent.name != "acceptance"]
    total, ahead, done = sum(map(len, others)), 0, 0
    items.clear()
    for tests in others:
        while waiting and ahead >= done * total / (done + len(waiting)):
            items += waiting.pop(0)
            done += 1
        items += tests
        ahead += len(tests)
    for tests in waiting:
        items += tests


def pytest_runtest_setup(item: pytest.Item) -> None:
    fault_records.begin_test(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    yield
    fault_records.end_test(item)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    # Of reports from pytest-xdist's workers the one process writes that has started them.
    if "PYTEST_XDIST_WORKER" not in os.environ:
        fault_records.write_report(report, _outcomes)


def pytest_sessionfinish(exitstatus: int) -> None:
    if "PYTEST_XDIST_WORKER" not in os.environ:
        fault_records.Record("pytest", "any", exitstatus == 0).write()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server for this test process."""
    server = PostgresServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A Redis for this test process."""
    server = RedisServer()
    yield server
    server.close()


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """The command line as a real process, in an empty folder with an empty home."""
    home, folder = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    folder.mkdir()
    return Cli(folder, home)


def project_maker(root: Path) -> MakeProject:
    """What makes a project in the folder `root` out of texts."""

    def make(project: str = "name: demo\n", /, **pipelines: tuple[str, str]) -> Path:
        (root / "conf" / "pipelines").mkdir(parents=True, exist_ok=True)
        (root / "pipelines").mkdir(exist_ok=True)
        (root / "conf" / "project.yml").write_text(project, encoding="utf-8")
        for name, (config, module) in pipelines.items():
            (root / "conf" / "pipelines" / f"{name}.yml").write_text(config, encoding="utf-8")
            (root / "pipelines" / f"{name}.py").write_text(module, encoding="utf-8")
        return root

    return make


@pytest.fixture
def make_project(tmp_path: Path) -> MakeProject:
    """Makes a project out of texts: `make_project(a=("yaml", "python"), project="yaml")`."""
    return project_maker(tmp_path / "work")
