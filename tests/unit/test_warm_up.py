"""What a fork server does before its first fork."""

import sys
from typing import Any

import pytest

from flowerpower.pipeline import execute
from flowerpower.run import modules, patches


@pytest.fixture(autouse=True)
def loud(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests of this process want to hear what a fork server silences for good."""
    monkeypatch.setattr(patches, "stay_quiet", lambda: None)


def test_a_small_pipeline_is_run_and_leaves_no_trace(monkeypatch: Any) -> None:
    """It really runs, often enough for Python to adapt its code; then it is on no path."""
    modules.leave_project()  # that of a test before
    path, outcomes = list(sys.path), []
    run_in_child = execute.run_in_child

    def recorded(*arguments: Any) -> Any:
        outcomes.append(run_in_child(*arguments))
        return outcomes[-1]

    monkeypatch.setattr(execute, "run_in_child", recorded)
    execute.warm_up()
    assert [outcome["outputs"] for outcome in outcomes] == [{"text": "it is 2"}] * 10
    assert "flowerpower_warm_up" not in sys.modules
    assert (sys.path, modules._roots) == (path, [])


def test_what_a_fork_server_has_imported_is_no_code_of_a_project(monkeypatch: Any) -> None:
    """A child looks at the modules that it imports itself, and at no other."""
    execute.warm_up()
    monkeypatch.setattr(modules, "module_paths", lambda module: paths.append(module) or [])
    paths: list[Any] = []
    modules._imports.note(["/"])
    assert paths == []
