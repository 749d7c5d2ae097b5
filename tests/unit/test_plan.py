"""What is found, or filled in, before a pipeline runs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flowerpower.errors import (
    ConfigError,
    FlowerpowerError,
    InvalidInputs,
    MissingInputs,
    UsageError,
)
from flowerpower.jobs.run import RunRequest
from flowerpower.pipeline import PipelineManager
from flowerpower.pipeline.execute import execute
from flowerpower.pipeline.overrides import JobArguments, make_overrides
from tests.conftest import MakeProject

INPUTS = (
    "def a(x: int, y: int = 3, z: int = 1) -> int:\n    return x + y + z\n\n\n"
    "def b(y: int = 3, z: int = 2, text: str = 'none') -> int:\n    return y + z\n"
)


@pytest.mark.parametrize("executor", ["synchronous", "threadpool", "future"])
def test_an_input_that_is_asked_for_has_its_value(executor: str, make_project: MakeProject) -> None:
    """The value that is given, else its default; without both it is missing."""
    manager = PipelineManager(make_project(p=("", INPUTS)))
    assert manager.run("p", final_vars=["y"], executor=executor) == {"y": 3}
    assert manager.run("p", final_vars=["y", "b"], executor=executor, inputs={"z": 1}) == {
        "y": 3,
        "b": 4,
    }
    assert manager.run("p", final_vars=["x"], executor=executor, inputs={"x": 4}) == {"x": 4}
    for nodes in (["x"], ["x", "b"], ["x", "a"]):
        with pytest.raises(MissingInputs, match="p lacks 1 input"):
            manager.run("p", final_vars=nodes, executor=executor)


def test_an_input_with_two_defaults_must_be_given(make_project: MakeProject) -> None:
    """Which of the two is meant is not known, unless nobody asks for the input itself."""
    manager = PipelineManager(make_project(p=("", INPUTS)))
    with pytest.raises(InvalidInputs, match=r"z has different defaults .*: 1, 2"):
        manager.run("p", final_vars=["z"])
    assert manager.run("p", final_vars=["z"], inputs={"z": 5}) == {"z": 5}
    assert manager.run("p", final_vars=["b"]) == {"b": 5}


def test_an_input_is_written_with_its_default(make_project: MakeProject) -> None:
    """`run.save` of an input writes what the run uses."""
    root = make_project(p=("run: {final_vars: [b], save: {y: y.json}}\n", INPUTS))
    PipelineManager(root).run("p")
    assert json.loads((root / "y.json").read_text()) == 3


def test_an_input_of_coroutines_is_returned_too(make_project: MakeProject) -> None:
    """Hamilton's async driver gets the default as well."""
    code = "async def a(x: int = 2) -> int:\n    return x\n"
    assert PipelineManager(make_project(p=("", code))).run("p", final_vars=["a", "x"]) == {
        "a": 2,
        "x": 2,
    }


EXTRACTED = """\
from hamilton.function_modifiers import extract_fields

@extract_fields({"model": str, "size": int})
def parts() -> dict:
    return {"model": "m", "size": 1}

def out(model: str) -> str:
    return model
"""


def test_a_setting_with_the_name_of_a_node_is_refused(make_project: MakeProject) -> None:
    """Hamilton would use the setting for the node; nodes made by decorators are found, too."""
    manager = PipelineManager(
        make_project(
            a=("run:\n  config:\n    model: x\n", EXTRACTED),
            b=("run: {config: {kind: x}}\n", EXTRACTED),
        )
    )
    with pytest.raises(ConfigError) as caught:
        manager.run("a")
    assert str(caught.value).startswith(
        "conf/pipelines/a.yml, line 3: run.config.model: model is a node of a;"
    )
    assert manager.validate("a") == [str(caught.value)]
    with pytest.raises(UsageError, match="config: model is a node of b"):
        manager.run("b", config={"model": "x"})
    assert manager.run("b", config={"other": 1}) == {"out": "m", "size": 1}


@pytest.mark.parametrize(
    ("code", "place", "says"),
    [
        ("X = 1\n\n\ndef a(b):\n    return b\n", "pipelines/p.py, line 4: a", "Missing type hint"),
        (
            "def a(b) -> int:\n    return b\n",
            "pipelines/p.py, line 1: a",
            "Missing type hint for b",
        ),
        (
            "def b() -> str:\n    return ''\n\n\ndef a(b: int) -> int:\n    return b\n",
            "pipelines/p.py, line 5: a",
            "expecting b",
        ),
    ],
)
def test_functions_that_make_no_dag_are_named_with_file_and_line(
    code: str, place: str, says: str, make_project: MakeProject
) -> None:
    """`run` and `validate` say the same: the configuration of the pipeline is wrong, code 4."""
    manager = PipelineManager(make_project(p=("", code)))
    with pytest.raises(ConfigError) as caught:
        manager.run("p")
    assert caught.value.exit_code == 4
    assert str(caught.value).startswith(f"{place}: The functions do not make a DAG: ")
    assert says in str(caught.value)
    assert manager.validate("p") == [str(caught.value)]


def test_a_function_that_is_defined_twice_is_named(make_project: MakeProject) -> None:
    """The second one is at fault, and the hint says how to let it win."""
    code = "def a() -> int:\n    return 1\n"
    yaml = "run: {modules: [pipelines.p, pipelines.q]}\n"
    manager = PipelineManager(make_project(p=(yaml, code), q=("", f"# {yaml}{code}")))
    with pytest.raises(
        ConfigError, match=r"pipelines/q.py, line 2: a: .* more than once"
    ) as caught:
        manager.run("p")
    assert "allow_module_overrides" in str(caught.value.hint)


def test_a_missing_input_is_compared_with_nodes_and_params(make_project: MakeProject) -> None:
    """A parameter that is nearly a node's name is probably mistyped."""
    code = (
        "def orders() -> int:\n    return 1\n\n\n"
        "def total(order: int, price: int, left: int) -> int:\n    return order\n"
    )
    manager = PipelineManager(make_project(p=("params: {prices: 1}\n", code)))
    with pytest.raises(MissingInputs) as caught:
        manager.run("p")
    assert caught.value.details == [
        "left (int), needed by total",
        "order (int), needed by total. Did you mean 'orders'?",
        "price (int), needed by total. Did you mean 'prices'?",
    ]


@pytest.mark.parametrize("yaml", ["run:\n  inputs:\n    zip: ${ZIP}\n", "params:\n  zip: ${ZIP}\n"])
@pytest.mark.parametrize(
    ("declared", "value"),
    [("str", "01234"), ("str | None", "01234"), ("int", 1234), ("object", 1234)],
)
def test_a_text_from_the_environment_is_read_by_what_the_dag_declares(
    declared: str, value: object, yaml: str, make_project: MakeProject
) -> None:
    """An input of text gets the text, with its first zero; others the value that it stands for."""
    code = f"def a(zip: {declared}) -> object:\n    return zip\n"
    manager = PipelineManager(make_project(p=(yaml, code)), environ={"ZIP": "01234"})
    assert manager.run("p") == {"a": value}
    assert manager.run("p", inputs={"zip": value}) == {"a": value}


@pytest.mark.parametrize("key", ["inputs", "params"])
def test_a_variable_need_not_be_set_if_the_caller_gives_the_input(
    key: str, make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a run, a plan and a job alike; without the input it is missing."""
    monkeypatch.delenv("ZIP", raising=False)
    yaml = "run:\n  inputs:\n    zip: ${ZIP}\n" if key == "inputs" else "params:\n  zip: ${ZIP}\n"
    root = make_project(p=(yaml, "def a(zip: str) -> str:\n    return zip\n"))
    manager = PipelineManager(root)
    given: JobArguments = {"inputs": {"zip": "x"}}
    overrides = make_overrides(given)
    assert manager.run("p", inputs={"zip": "x"}) == {"a": "x"}
    assert manager.plan("p", overrides).input_values == {"zip": "x"}
    assert execute(RunRequest(str(root), "p", overrides)).status == "finished"
    calls: list[Any] = [lambda: manager.run("p"), lambda: manager.plan("p")]
    for call in calls:
        with pytest.raises(FlowerpowerError, match="ZIP is not set"):
            call()
