"""The files of the cache: damaged, forged, shared by many runs, and closed."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from flowerpower.errors import RunFailed
from tests.cli.cached import CONFIG, MODULE, calls, forecast, run
from tests.conditions import WAIT_LIMIT
from tests.conftest import MakeProject
from tests.terminal import Cli


@pytest.fixture
def project(cli: Cli, make_project: MakeProject, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of one pipeline that counts its calls, and is the current folder."""
    root = make_project(steps=(CONFIG, MODULE))
    monkeypatch.chdir(root)
    return root


def test_the_cache_may_be_elsewhere(project: Path) -> None:
    """`path` is relative to the project's folder."""
    config = project / "conf" / "pipelines" / "steps.yml"
    config.write_text("run:\n  inputs: {number: 3}\n  cache: {path: kept}\n")
    run(project)
    assert (project / "kept").is_dir()
    assert not (project / ".flowerpower" / "cache").exists()


def test_a_damaged_cache_is_computed_anew(project: Path) -> None:
    """Cut and foreign files in the cache cost time, and no more."""
    run(project, inputs={"bonus": 1})
    calls(project)
    folder = project / ".flowerpower" / "cache"
    damaged = [path for path in folder.iterdir() if path.name != "metadata_store.db"]
    assert len(damaged) == 3
    for number, path in enumerate(damaged):
        path.write_bytes(path.read_bytes()[:number])
    assert run(project, inputs={"bonus": 1}) == {"third": 8}
    assert sorted(calls(project)) == ["first", "second", "third"]
    assert run(project, inputs={"bonus": 1}) == {"third": 8}
    assert calls(project) == []


@pytest.mark.fault("forged-pickle", on="any")
def test_a_forged_value_is_not_loaded(project: Path) -> None:
    """What another hand put into the cache is not unpickled, but computed again."""
    import pickle

    run(project)
    calls(project)
    folder = project / ".flowerpower" / "cache"
    for path in folder.iterdir():
        if path.name != "metadata_store.db":
            path.write_bytes(pickle.dumps(_Bomb(str(project / "mark"))))
    assert run(project) == {"third": 7}
    assert calls(project)[:2] == ["first", "second"]
    assert not (project / "mark").exists()
    assert folder.stat().st_mode & 0o777 == folder.parent.stat().st_mode & 0o777 == 0o700


class _Bomb:
    """What makes a folder when it is unpickled."""

    def __init__(self, mark: str) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (self.mark,)


def test_a_cache_that_is_no_database_is_put_aside(project: Path, cli: Cli) -> None:
    """Rubbish in place of its database costs time; a file in place of its folder is an error."""
    folder = project / ".flowerpower" / "cache"
    folder.mkdir(parents=True)
    (folder / "metadata_store.db").write_bytes(
        b"no database, but long enough to be read as one" * 9
    )
    assert set(forecast(project).values()) == {"computed"}
    assert run(project) == {"third": 7}
    assert set(forecast(project).values()) == {"cached"}
    (project / "file").write_text("")
    (project / "conf" / "pipelines" / "steps.yml").write_text(
        "run:\n  inputs: {number: 3}\n  cache: {path: file}\n"
    )
    assert "cannot be used" in cli.run("pipeline", "run", "steps", code=4).stderr


def test_many_runs_at_once_share_a_cache(project: Path, cli: Cli) -> None:
    """Runs that use one cache at the same time all give what they should."""
    started = [
        cli.start("pipeline", "run", "steps", "--json", "-i", f"number={number % 2}")
        for number in range(6)
    ]
    for number, process in enumerate(started):
        out, err = process.communicate(timeout=WAIT_LIMIT)
        assert process.returncode == 0, err
        assert f'"third": {number % 2 * 2 + 1}' in out


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[sqlite3.Connection]:
    """Every connection to an SQLite database that this process opens from now on."""
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def remember(*arguments: Any, **options: Any) -> sqlite3.Connection:
        opened.append(connect(*arguments, **options))
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", remember)
    return opened


def is_closed(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("SELECT 1")
    except sqlite3.ProgrammingError:
        return True
    return False


@pytest.mark.parametrize("executor", ["synchronous", "threadpool", "future"])
def test_a_run_closes_its_database(
    project: Path, connections: list[sqlite3.Connection], executor: str
) -> None:
    """Whatever runs the nodes, no connection is open after the run: not for the collector to find."""
    for _ in range(2):
        run(project, cache=True, executor=executor)
    assert connections
    assert all(map(is_closed, connections))


def test_a_run_that_fails_closes_its_database(
    project: Path, connections: list[sqlite3.Connection]
) -> None:
    """A node that raises leaves no connection open."""
    (project / "pipelines" / "steps.py").write_text(
        "def broken(number: int) -> int:\n    raise ValueError(number)\n"
    )
    with pytest.raises(RunFailed, match="ValueError: 3"):
        run(project)
    assert connections
    assert all(map(is_closed, connections))


def test_a_forecast_closes_its_database(
    project: Path, connections: list[sqlite3.Connection]
) -> None:
    """Looking at the cache leaves no connection open, also where its file is damaged."""
    assert set(forecast(project).values()) == {"computed"}
    assert not (project / ".flowerpower" / "cache").exists()
    run(project)
    assert set(forecast(project).values()) == {"cached"}
    for file in (project / ".flowerpower" / "cache").glob("metadata_store.db*"):
        file.write_bytes(b"no database, by a long way" * 100)
    assert set(forecast(project).values()) == {"computed"}
    run(project)
    assert len(connections) >= 5
    assert all(map(is_closed, connections))
