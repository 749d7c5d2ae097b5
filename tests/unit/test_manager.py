"""PipelineManager and what stands behind it: runs from Python, in this process."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from flowerpower.config.overrides import RunOverrides
from flowerpower.errors import (
    ConfigError,
    FlowerpowerError,
    InvalidInputs,
    MissingInputs,
    PipelineNotFound,
    ProjectNotFound,
    RunFailed,
    UnknownNode,
    UsageError,
)
from flowerpower.jobs.run import NodeEvent, RunOutcome, RunRequest
from flowerpower.pipeline import PipelineManager
from flowerpower.pipeline.execute import execute
from tests.conditions import WAIT_LIMIT, slowed
from tests.conftest import MakeProject

FRAME = (
    "params: {rows: 3, unused: 1}\n",
    "import pandas as pd\n\n\n"
    "def frame(rows: int) -> pd.DataFrame:\n    return pd.DataFrame({'n': range(rows)})\n\n\n"
    "def total(frame: pd.DataFrame) -> int:\n    return int(frame['n'].sum())\n",
)
FLAKY = (
    "run: {retry: {max_retries: 2, delay: 0.01, exceptions: [OSError]}}\n",
    "import pathlib\n\n\n"
    "def flaky(file: str, kind: str) -> int:\n"
    "    path = pathlib.Path(file)\n"
    "    tries = int(path.read_text()) + 1 if path.exists() else 1\n"
    "    path.write_text(str(tries))\n"
    "    if tries < 3:\n"
    "        raise {'listed': ConnectionError, 'not': KeyError}[kind]('again')\n"
    "    return tries\n",
)


def test_run_returns_the_real_objects(make_project: MakeProject) -> None:
    """The result is a dict from node to value, a data frame as a data frame."""
    manager = PipelineManager(make_project(frame=FRAME))
    result = manager.run("frame", final_vars=["frame", "total"], inputs={"rows": 4})
    assert list(result) == ["frame", "total"]
    assert isinstance(result["frame"], pd.DataFrame)
    assert result["total"] == 6


def test_without_final_vars_the_leaves_are_computed(make_project: MakeProject) -> None:
    """Every node that nothing else depends on is in the result; params are inputs of their name."""
    assert PipelineManager(make_project(frame=FRAME)).run("frame") == {"total": 3}


def test_the_project_is_found_from_the_current_folder(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """PipelineManager() looks upwards from here, and says so if there is nothing."""
    root = make_project(frame=FRAME)
    (root / "deep").mkdir()
    monkeypatch.chdir(root / "deep")
    assert PipelineManager().registry.names() == ["frame"]
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ProjectNotFound):
        PipelineManager()


def test_what_the_caller_gets_wrong_raises_before_anything_runs(make_project: MakeProject) -> None:
    """Each mistake has an error class of its own."""
    ran = "def a(x: int, mark: str) -> int:\n    open(mark, 'w').close()\n    return x\n"
    root = make_project(a=("run: {inputs: {x: 1}}\n", ran))
    manager, mark = PipelineManager(root), str(root / "mark")
    calls: list[tuple[type[FlowerpowerError], dict[str, Any]]] = [
        (MissingInputs, {}),
        (UnknownNode, {"inputs": {"mark": mark}, "final_vars": ["b"]}),
        (InvalidInputs, {"inputs": {"mark": mark, "z": 1}}),
        (InvalidInputs, {"inputs": {"mark": mark, "x": "no"}}),
        (InvalidInputs, {"inputs": {"mark": mark}, "config": {"x": 2}}),
        (UsageError, {"inputs": {"mark": mark}, "executor": "rayy"}),
        (UsageError, {"inputs": {"mark": mark}, "max_retries": -1}),
        (UsageError, {"inputs": {"mark": mark}, "retry_delay": "soon"}),
    ]
    for error, arguments in calls:
        with pytest.raises(error):
            manager.run("a", **arguments)
    with pytest.raises(PipelineNotFound):
        manager.run("b")
    assert not os.path.exists(mark)
    assert manager.run("a", inputs={"mark": mark}) == {"a": 1}


def test_a_failing_pipeline_raises_with_its_own_exception_as_cause(
    make_project: MakeProject, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """RunFailed names node, file and line; Hamilton's banner is not shown."""
    manager = PipelineManager(make_project(a=("", "def a() -> int:\n    raise KeyError('x')\n")))
    with caplog.at_level(logging.DEBUG), pytest.raises(RunFailed) as caught:
        manager.run("a")
    assert isinstance(caught.value.__cause__, KeyError)
    assert str(caught.value) == "Node a of a failed (pipelines/a.py, line 2): KeyError: 'x'"
    assert "*****" not in caplog.text
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""


def test_listed_exceptions_are_retried_and_no_others(make_project: MakeProject) -> None:
    """A ConnectionError is an OSError and tried again, a KeyError is not."""
    root = make_project(flaky=FLAKY)
    manager = PipelineManager(root)
    retries: list[tuple[int, float]] = []
    outcome = manager.run_outcome(
        "flaky",
        RunOverrides(inputs={"file": str(root / "one"), "kind": "listed"}),
        on_retry=lambda error, left, delay: retries.append((left, delay)),
    )
    assert outcome.values == {"flaky": 3}
    assert [left for left, _ in retries] == [1, 0]
    assert 0.009 <= retries[0][1] <= 0.011
    assert 0.018 <= retries[1][1] <= 0.022
    with pytest.raises(RunFailed, match="KeyError"):
        manager.run("flaky", inputs={"file": str(root / "two"), "kind": "not"})
    assert (root / "two").read_text() == "1"
    with pytest.raises(RunFailed, match="ConnectionError"):
        manager.run("flaky", inputs={"file": str(root / "three"), "kind": "listed"}, max_retries=1)
    assert (root / "three").read_text() == "2"


def test_the_threadpool_runs_independent_nodes_at_once(make_project: MakeProject) -> None:
    """Two nodes that wait for each other finish with threads, and a failure is reported as ever."""
    module = (
        "import threading\n\nBARRIER = threading.Barrier(2)\n\n\n"
        "def left() -> int:\n    BARRIER.wait(60)\n    return 1\n\n\n"
        "def right() -> int:\n    BARRIER.wait(60)\n    return 2\n\n\n"
        "def total(left: int, right: int) -> int:\n    return left + right\n\n\n"
        "def bad(left: int) -> int:\n    raise ValueError('no')\n"
    )
    manager = PipelineManager(make_project(a=("", module)))
    assert manager.run("a", final_vars=["total"], executor="threadpool") == {"total": 3}
    assert manager.run("a", final_vars=["total"], max_workers=2) == {"total": 3}
    with pytest.raises(RunFailed, match=r"Node bad of a failed \(pipelines/a.py, line 21\)"):
        manager.run("a", final_vars=["bad", "total"], executor="threadpool")


def test_the_cache_keeps_results_between_runs(make_project: MakeProject) -> None:
    """With cache=True a node runs once for the same inputs, in the project's own folder."""
    module = "def a(x: int) -> int:\n    with open(__file__ + '.f', 'a') as out:\n        out.write('x')\n    return 1\n"
    root = make_project(a=("run: {cache: true}\n", module))
    for cache, runs in ((None, 1), (None, 1), (False, 2)):
        assert PipelineManager(root).run("a", inputs={"x": 1}, cache=cache) == {"a": 1}
        assert len((root / "pipelines" / "a.py.f").read_text()) == runs
    assert (root / ".flowerpower" / "cache").is_dir()


def test_inputs_become_the_types_that_the_pipeline_declares(make_project: MakeProject) -> None:
    """Whole numbers become floats and ISO texts dates and times where nodes ask for them."""
    module = (
        "import datetime as dt\nimport pathlib\n\n\n"
        "def kinds(a: float, b: dt.date, c: dt.datetime, d: pathlib.Path, e: float | None, f: dict, g: list[int]) -> list:\n"
        "    return [type(x).__name__ for x in (a, b, c, d, e, f, g)]\n"
    )
    manager = PipelineManager(make_project(a=("", module)))
    inputs = {
        "a": 1,
        "b": "2026-01-02",
        "c": "2026-01-02T03:04:05",
        "d": "x",
        "e": 2,
        "f": {},
        "g": [1],
    }
    kinds = manager.run("a", inputs=inputs)["kinds"]
    assert kinds[:3] == ["float", "date", "datetime"]
    assert kinds[3].endswith("Path")
    assert kinds[4:] == ["float", "dict", "list"]
    for name, wrong in (("a", True), ("b", "soon"), ("c", "2026-13-01"), ("f", [])):
        with pytest.raises(InvalidInputs, match=f"(?s)do.* not fit.*{name}"):
            manager.run("a", inputs=inputs | {name: wrong})


def test_scheduled_for_reaches_a_pipeline_that_declares_it(make_project: MakeProject) -> None:
    """It is an aware datetime, or None without a fire; others are not given it."""
    module = "import datetime as dt\n\n\ndef when(scheduled_for: dt.datetime | None) -> str:\n    return str(scheduled_for)\n"
    root = make_project(a=("", module), frame=FRAME)
    assert PipelineManager(root).run("a") == {"when": "None"}
    fire = "2026-03-29T01:00:00+00:00"
    outcome = execute(RunRequest(str(root), "a", scheduled_for=fire))
    assert outcome.values == {"when": "2026-03-29 01:00:00+00:00"}
    assert execute(RunRequest(str(root), "frame", scheduled_for=fire)).status == "finished"


def test_an_edit_counts_from_the_next_run(make_project: MakeProject) -> None:
    """A module whose file changed is imported again, without a new process."""
    root = make_project(a=("", "def a() -> int:\n    return 1\n"))
    manager = PipelineManager(root)
    assert manager.run("a") == {"a": 1}
    for number in (22, 33, 44):
        (root / "pipelines" / "a.py").write_text(f"def a() -> int:\n    return {number}\n")
        assert manager.run("a") == {"a": number}


def test_two_projects_in_one_process_do_not_mix(make_project: MakeProject, tmp_path: Path) -> None:
    """Modules of the same name come from their own project."""
    first = make_project(a=("", "def a() -> int:\n    return 1\n"))
    second = tmp_path / "second"
    first.rename(second)
    first = make_project(a=("", "def a() -> int:\n    return 2\n"))
    for _ in range(2):
        assert PipelineManager(first).run("a") == {"a": 2}
        assert PipelineManager(second).run("a") == {"a": 1}


def test_an_outcome_and_a_request_are_json_both_ways(make_project: MakeProject) -> None:
    """What execute takes and gives survives JSON; newer payloads are refused."""
    root = make_project(a=("", "def a(x: int) -> float:\n    return 1 / x\n"))
    for x in (0, 1):
        request = RunRequest(str(root), "a", RunOverrides(inputs={"x": x}), None)
        again = RunRequest.from_json(json.loads(json.dumps(request.to_json())))
        assert again == request
        outcome = execute(again)
        assert RunOutcome.from_json(json.loads(json.dumps(outcome.to_json()))) == outcome
        assert outcome.status == ("finished" if x else "failed")
        assert outcome.retryable == (not x)
    with pytest.raises(FlowerpowerError, match="version 2"):
        RunRequest.from_json({"v": 2})


def test_an_outcome_has_node_file_line_and_traceback_of_the_user(
    make_project: MakeProject,
) -> None:
    """Frames of Hamilton and of flowerpower are left out of the traceback."""
    module = "def _inner() -> int:\n    return {}['no']\n\n\ndef a(x: int) -> int:\n    return _inner()\n"
    outcome = execute(
        RunRequest(str(make_project(a=("", module))), "a", RunOverrides(inputs={"x": 1}))
    )
    error = outcome.error
    assert error is not None
    assert (error.type, error.node, error.file, error.line) == (
        "KeyError",
        "a",
        "pipelines/a.py",
        2,
    )
    assert "hamilton" not in error.traceback
    assert "flowerpower" not in error.traceback
    assert [node.state for node in outcome.nodes] == ["failed"]


def test_progress_comes_node_by_node(make_project: MakeProject) -> None:
    """Each node begins and ends once, counted of all that will run."""
    events: list[NodeEvent] = []
    execute(RunRequest(str(make_project(frame=FRAME)), "frame"), events.append)
    assert [(event.node, event.state, event.done, event.total) for event in events] == [
        ("frame", "running", 0, 2),
        ("frame", "finished", 1, 2),
        ("total", "running", 1, 2),
        ("total", "finished", 2, 2),
    ]


def test_runs_in_threads_do_not_disturb_each_other(make_project: MakeProject) -> None:
    """Eight runs of one manager at once give each its own result."""
    manager = PipelineManager(make_project(frame=FRAME))
    totals: dict[int, object] = {}

    def run(rows: int) -> None:
        totals[rows] = manager.run("frame", inputs={"rows": rows})["total"]

    threads = [threading.Thread(target=run, args=(rows,)) for rows in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_LIMIT)
    assert totals == {rows: sum(range(rows)) for rows in range(8)}


def test_validate_finds_all_faults_without_running(make_project: MakeProject) -> None:
    """A pipeline's configuration, trigger, modules and inputs are all looked at."""
    root = make_project(
        good=FRAME,
        bad=(
            "run: {final_vars: [nope], inputs: {q: 1}}\nschedule: {cron: '* * * *'}\n",
            "def a() -> int:\n    raise SystemExit\n",
        ),
        broken=("", "def a(:\n"),
    )
    manager = PipelineManager(root)
    assert manager.validate("good") == []
    faults = " ".join(manager.validate("bad"))
    assert "line 2: schedule.cron" in faults
    assert "nope" in faults
    assert "SyntaxError" in " ".join(manager.validate("broken"))


def test_a_hundred_runs_cost_little_each(make_project: MakeProject) -> None:
    """A second run of the same manager needs no second import."""
    manager = PipelineManager(make_project(frame=FRAME))
    manager.run("frame")
    begun = time.monotonic()
    for _ in range(100):
        manager.run("frame")
    assert time.monotonic() - begun < slowed(10)


def test_validate_looks_at_the_runs_of_schedules(make_project: MakeProject) -> None:
    """What a declared schedule gives its runs is checked as what a caller gives."""
    yaml = (
        "schedule:\n"
        "  - {id: one, cron: '@daily', run: {inputs: {x: 1, y: 2}}}\n"
        "  - {id: two, cron: '@daily', run: {final_vars: [aa], inputs: {x: 1}}}\n"
        "  - {id: three, cron: '@daily', run: {inputs: {x: 1}}}\n"
    )
    root = make_project(a=(yaml, "def a_value(x: int) -> int:\n    return x\n"))
    faults = PipelineManager(root).validate("a")
    assert len(faults) == 2
    assert faults[0].startswith("schedule one: The pipeline takes no input 'y'")
    assert faults[1].startswith("schedule two: a has no node 'aa'")


VARIANTS = """\
from hamilton.function_modifiers import config

@config.when(mode="sum")
def total__sum(x: int) -> int:
    return x

@config.when(mode="mean")
def total__mean(x: int) -> int:
    return x

def out(total: int) -> int:
    return total
"""


@pytest.mark.parametrize("run", ["inputs: {x: 1}", "params", "save: {total: t.json}"])
def test_a_configuration_without_a_variant_is_an_error(make_project: MakeProject, run: str) -> None:
    """Where config.when leaves a node without a function, that is said, and which there are."""
    yaml = "params: {x: 1}\n" if run == "params" else f"run: {{{run}}}\n"
    manager = PipelineManager(make_project(a=(yaml, VARIANTS)))
    for config, shown in (({"mode": "foo"}, "mode='foo'"), ({}, "it is empty")):
        with pytest.raises(ConfigError) as caught:
            manager.run("a", config=config)
        message = f"No variant of total fits the configuration ({shown}); there are total__sum"
        assert message in str(caught.value)
    assert manager.run("a", config={"mode": "sum"}, inputs={"x": 1}) == {"out": 1}
