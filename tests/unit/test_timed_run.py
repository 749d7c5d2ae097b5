"""Runs with a time limit, from Python."""

from __future__ import annotations

import os

import pytest

from flowerpower.errors import MissingInputs
from flowerpower.jobs.run import NodeEvent
from flowerpower.pipeline.manager import PipelineManager
from flowerpower.pipeline.overrides import make_overrides
from flowerpower.pipeline.run_errors import raise_for_error
from tests.conftest import MakeProject

PIPELINE = (
    "run: {timeout: 20s}\n",
    "import os\n\n\n"
    "class Thing:\n    pass\n\n\n"
    "def process() -> int:\n    return os.getpid()\n\n\n"
    "def thing(process: int) -> Thing:\n    return Thing()\n",
)


def test_run_gives_real_objects_whatever_the_timeout(make_project: MakeProject) -> None:
    """`run` runs in this process, and leaves the timeout of the YAML to its caller."""
    values = PipelineManager(make_project(a=PIPELINE)).run("a", final_vars=["process", "thing"])
    assert values["process"] == os.getpid()
    assert type(values["thing"]).__name__ == "Thing"


def test_an_outcome_with_a_timeout_comes_from_another_process(make_project: MakeProject) -> None:
    """`run_outcome` keeps the timeout: its values are the encoded outputs of a child."""
    manager = PipelineManager(make_project(a=PIPELINE))
    events: list[NodeEvent] = []
    overrides = make_overrides({"final_vars": ["process", "thing"]})
    outcome = manager.run_outcome("a", overrides, on_event=events.append)
    assert outcome.status == "finished"
    assert outcome.values == outcome.outputs
    assert outcome.values["process"] != os.getpid()
    assert "summary_of" in outcome.values["thing"]
    assert [(event.node, event.state, event.done) for event in events] == [
        ("process", "running", 0),
        ("process", "finished", 1),
        ("thing", "running", 1),
        ("thing", "finished", 2),
    ]


def test_no_limit_is_no_process(make_project: MakeProject) -> None:
    """A timeout of 0 is no limit, over that of the YAML too."""
    manager = PipelineManager(make_project(a=PIPELINE))
    outcome = manager.run_outcome("a", make_overrides({"final_vars": ["process"], "timeout": 0}))
    assert outcome.values == {"process": os.getpid()}


def test_errors_of_a_child_keep_their_class(make_project: MakeProject) -> None:
    """An error of flowerpower in a child is raised as the class that it has there."""
    root = make_project(
        a=("run: {timeout: 20s}\n", "def a(x: int) -> int:\n    return x\n"),
    )
    outcome = PipelineManager(root).run_outcome("a")
    with pytest.raises(MissingInputs, match="x"):
        raise_for_error(outcome)
