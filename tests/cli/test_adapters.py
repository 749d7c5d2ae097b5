"""Hamilton's adapters by configuration and by flag, those of one's own, and values of nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flowerpower.errors import ConfigError, FlowerpowerError, InvalidInputs, UnknownNode, UsageError
from flowerpower.jobs.job_spec import overrides_of
from flowerpower.pipeline import PipelineManager
from tests.conftest import MakeProject
from tests.terminal import Cli

MODULE = """\
def good(number: int) -> int:
    return number

def bad(number: int) -> int:
    raise LookupError("nothing there")

def after(bad: int) -> int:
    return bad + 1

def wrong(number: int) -> str:
    return number

def both(good: int, after: int) -> list:
    return [good, after]
"""
CONFIG = "run:\n  inputs: {number: 3}\n  final_vars: [good]\n"
MINE = """\
from hamilton.lifecycle import GraphExecutionHook, NodeExecutionHook, NodeExecutionMethod

class Tell(NodeExecutionHook):
    def __init__(self, word: str = "told") -> None:
        self.word = word

    def run_before_node_execution(self, **told) -> None:
        pass

    def run_after_node_execution(self, *, node_name, result, **told) -> None:
        print(self.word, node_name, result)

class Instead(NodeExecutionMethod):
    def run_to_execute_node(self, *, node_name, **told):
        return f"instead of {node_name}"

class Breaks(GraphExecutionHook):
    def __init__(self) -> None:
        raise RuntimeError("not made")

    def run_before_graph_execution(self, **told) -> None:
        pass

    def run_after_graph_execution(self, **told) -> None:
        pass

class Nothing:
    pass
"""


@pytest.fixture
def project(cli: Cli, make_project: MakeProject) -> Path:
    """A project with nodes that fail, and adapters of its own."""
    root = make_project(nodes=(CONFIG, MODULE))
    (root / "hooks.py").write_text(MINE)
    return root


def configure(project: Path, adapter: str) -> None:
    (project / "conf" / "pipelines" / "nodes.yml").write_text(f"{CONFIG}  adapter: {adapter}\n")


def test_graceful_errors_let_the_rest_go_on(project: Path, cli: Cli) -> None:
    """What fails, and what depends on it, gives the sentinel; that is told, not hidden."""
    ran = cli.run(
        "pipeline", "run", "nodes", "--with-adapter", "graceful_errors", "--final-vars",
        "good,both,after", "--json", code=0,
    )  # fmt: skip
    assert ran.json["outputs"] == {"good": 3, "both": None, "after": None}
    nodes = {node["name"]: node for node in ran.json["nodes"]}
    assert (nodes["bad"]["state"], nodes["bad"]["error"]) == (
        "failed", "LookupError: nothing there",
    )  # fmt: skip
    assert nodes["good"]["error"] is None
    assert "Warning: bad failed, and the run went on: LookupError: nothing there" in ran.stderr


def test_graceful_errors_go_on_for_the_errors_they_name(project: Path) -> None:
    """Exceptions are matched by name, along their classes; others end the run."""
    manager = PipelineManager(project, quiet=True)
    for names in ("[LookupError]", "[builtins.LookupError]", "[Exception]"):
        configure(project, f"{{graceful_errors: {{errors: {names}, sentinel: -1}}}}")
        assert manager.run("nodes", final_vars="after") == {"after": -1}
    configure(project, "{graceful_errors: {errors: [KeyError]}}")
    with pytest.raises(FlowerpowerError, match="Node bad of nodes failed"):
        manager.run("nodes", final_vars="after")


def test_a_graceful_job_says_what_failed(project: Path, cli: Cli) -> None:
    """A job that went on is finished, and its result tells of the failure."""
    cli.run("job-queue", "add-job", "nodes", "--with-adapter", "graceful_errors", "--final-vars",
            "both", "--job-id", "j", code=0)  # fmt: skip
    cli.run("job-queue", "start-worker", "--burst", code=0)
    waited = cli.run("job-queue", "wait", "j", code=0)
    assert "Warning: bad failed, and the run went on" in waited.stderr
    seen = cli.run("job-queue", "show-job", "j", code=0).stdout
    assert "Warning: bad failed, and the run went on: LookupError: nothing there" in seen
    shown = cli.run("job-queue", "show-job", "j", "--json", code=0).json
    assert shown["result"]["survived"] == {"bad": "LookupError: nothing there"}


def test_type_check_finds_what_is_not_as_declared(project: Path, cli: Cli) -> None:
    """A node that gives another type fails with the adapter, and passes without."""
    cli.run("pipeline", "run", "nodes", "--final-vars", "wrong", code=0)
    ran = cli.run(
        "pipeline", "run", "nodes", "--final-vars", "wrong", "--with-adapter", "type_check", code=6
    )
    assert "Node wrong of nodes failed: TypeError" in ran.stderr
    configure(project, "{type_check: {check_output: false}}")
    cli.run("pipeline", "run", "nodes", "--final-vars", "wrong", code=0)


TYPES = """\
from collections.abc import Callable, Generator
from typing import Annotated, Literal, NewType, Optional, TypedDict, Union

import numpy as np
import pandas as pd
from hamilton.htypes import Collect, Parallelizable

class Row(TypedDict):
    a: int

Id = NewType("Id", int)

def item(number: int) -> Parallelizable[int]:
    yield from range(number)

def each(item: int) -> int:
    return item

def together(each: Collect[int]) -> int:
    return sum(each)

def stream(number: int) -> Generator[int, None, None]:
    yield number

def streamed(stream: Generator[int, None, None]) -> list[int]:
    return list(stream)
"""


@pytest.mark.parametrize(
    ("declared", "right", "wrong"),
    [
        ("int", "1", "'1'"), ("float", "1", "'1'"), ("str", "'a'", "1"), ("bool", "True", "1"),
        ("tuple[int, str]", "(1, 'a')", "(1, 2)"), ("list[int]", "[1]", "['1']"),
        ("dict[str, pd.DataFrame]", "{'a': pd.DataFrame()}", "{'a': 1}"),
        ("Optional[list[int]]", "None", "[None]"), ("Union[int, str]", "'x'", "1.5"),
        ("Literal['a', 'b']", "'a'", "'c'"), ("Row", "{'a': 1}", "{'b': 1}"),
        ("Row", "{'a': 1}", "{'a': 'x'}"), ("Id", "1", "'x'"),
        ("Annotated[pd.Series, int]", "pd.Series([1])", "[1]"),
        ("Callable[[int], int]", "abs", "1"), ("np.ndarray", "np.arange(2)", "[0, 1]"),
    ],
)  # fmt: skip
def test_type_check_knows_the_types_of_python(
    project: Path, declared: str, right: str, wrong: str
) -> None:
    """Values of a declared type pass, as they are, and others do not."""
    configure(project, "{type_check: true}")
    manager = PipelineManager(project, quiet=True)
    module = project / "pipelines" / "nodes.py"
    for value in (right, wrong):
        module.write_text(
            f"{TYPES}\ndef good(number: int) -> {declared}:\n    return {value}\n\n"
            f"def user(good: {declared}) -> int:\n    return 1\n"
        )
        if value == right:
            assert manager.run("nodes", final_vars="user") == {"user": 1}
        else:
            with pytest.raises(FlowerpowerError, match="Node good of nodes failed: TypeError"):
                manager.run("nodes", final_vars="user")


def test_type_check_uses_nothing_up(project: Path) -> None:
    """Generators and the items of Parallelizable nodes come through it."""
    configure(project, "{type_check: true}")
    (project / "pipelines" / "nodes.py").write_text(TYPES)
    got = PipelineManager(project, quiet=True).run("nodes", final_vars=["together", "streamed"])
    assert got == {"together": 3, "streamed": [3]}


def test_a_nodes_own_none_is_no_failure(project: Path) -> None:
    """With graceful errors a node that gives the sentinel has given a value."""
    (project / "pipelines" / "nodes.py").write_text(
        "def nothing() -> None:\n    return None\n\n"
        "def done(nothing: None) -> str:\n    return f'done: {nothing}'\n\n"
        "def bad() -> int:\n    raise ValueError('no')\n\n"
        "def after(bad: int) -> int:\n    return bad\n"
    )
    (project / "conf" / "pipelines" / "nodes.yml").write_text(
        "run: {adapter: {graceful_errors: true, type_check: true}}\n"
    )
    outcome = PipelineManager(project, quiet=True).run_outcome("nodes")
    assert outcome.values == {"done": "done: None", "after": None}
    assert {node.name: node.state for node in outcome.nodes} == {
        "nothing": "finished", "done": "finished", "bad": "failed", "after": "skipped",
    }  # fmt: skip


def test_a_block_that_fails_in_part_is_collected(project: Path) -> None:
    """Failed items of a Parallelizable block are the sentinel where they are collected."""
    (project / "pipelines" / "nodes.py").write_text(
        TYPES.replace("    return item", "    return 6 // (item - 1)")
        .replace("sum(each)", "list(each)")
        .replace("-> int:\n    return list", "-> list:\n    return list")
    )
    for executor in ("synchronous", "processpool"):
        (project / "conf" / "pipelines" / "nodes.yml").write_text(
            "run:\n  inputs: {number: 3}\n  final_vars: [together]\n"
            f"  executor: {{type: {executor}}}\n  adapter: {{graceful_errors: {{sentinel: -1}}}}\n"
        )
        got = PipelineManager(project, quiet=True).run("nodes")
        assert got == {"together": [-6, -1, 6]}


def test_print_hides_secrets(project: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the adapter prints is masked like everything else."""
    (project / "conf" / "pipelines" / "nodes.yml").write_text(
        "run:\n  inputs: {number: 3, word: '${DB_PASSWORD}'}\n  final_vars: [told]\n"
        "  adapter: {print: {verbosity: 2}}\n"
    )
    (project / "pipelines" / "nodes.py").write_text(
        f"{MODULE}\ndef told(word: str) -> int:\n    return len(word)\n"
    )
    ran = cli.run("pipeline", "run", "nodes", DB_PASSWORD="hunter2hunter2", code=0)
    assert "hunter2" not in ran.stdout + ran.stderr
    assert "Executing node: told." in ran.stderr


def test_print_tells_of_each_node(project: Path, cli: Cli) -> None:
    """What it prints goes to stderr in a run and to the log of a job."""
    ran = cli.run("pipeline", "run", "nodes", "--with-adapter", "print", "--json", code=0)
    assert ran.json["outputs"] == {"good": 3}
    assert "Executing node: good." in ran.stderr
    configure(project, "{print: {verbosity: 2, nodes: [good]}}")
    stderr = cli.run("pipeline", "run", "nodes", "--final-vars", "good,wrong", code=0).stderr
    assert "'number': 3" in stderr
    assert "Executing node: wrong" not in stderr
    cli.run("job-queue", "add-job", "nodes", "--job-id", "j", code=0)
    cli.run("job-queue", "start-worker", "--burst", code=0)
    assert "Executing node: good." in cli.run("job-queue", "logs", "j", code=0).stdout


def test_adapters_of_ones_own_are_made_with_their_options(project: Path, cli: Cli) -> None:
    """YAML and --with-adapter name classes; those of the project come first."""
    configure(project, "{custom: ['hooks:Tell', {type: 'hooks:Tell', options: {word: hi}}]}")
    stderr = cli.run("pipeline", "run", "nodes", code=0).stderr
    assert "told good 3" in stderr
    assert "hi good 3" in stderr
    cli.run("job-queue", "add-job", "nodes", "--job-id", "j", code=0)
    cli.run("job-queue", "start-worker", "--burst", code=0)
    assert "hi good 3" in cli.run("job-queue", "logs", "j", code=0).stdout
    configure(project, "{}")
    flagged = cli.run("pipeline", "run", "nodes", "--with-adapter", "hooks:Tell", code=0)
    assert "told good 3" in flagged.stderr
    instead = cli.run("pipeline", "run", "nodes", "--with-adapter", "hooks:Instead", "--json")
    assert instead.json["outputs"] == {"good": "instead of good"}


@pytest.mark.parametrize(
    ("adapter", "message"),
    [
        ("{custom: ['hooks:Tel']}", "hooks has no Tel. Did you mean 'Tell'?"),
        ("{custom: ['hooks:Nothing']}", "hooks:Nothing is not a Hamilton adapter"),
        ("{custom: ['hooks:Breaks']}", "hooks:Breaks cannot be created: RuntimeError: not made"),
        ("{custom: [{type: 'hooks:Tell', options: {wrd: 1}}]}", "cannot be created: TypeError"),
        ("{custom: ['hoks:Tell']}", "There is no module 'hoks'"),
        ("{custom: [hooks]}", "'hooks' is not a class: expected package.module:Class."),
        ("{custom: ['hooks:Instead'], graceful_errors: true}", "cannot be on together"),
        ("{hamilton_tracker: true}", "hamilton_tracker lacks project_id and username"),
        ("{graceful_errors: {errors: []}}", "expected at least one entry"),
        ("{mlfow: true}", "Did you mean 'mlflow'?"),
    ],
)
def test_wrong_adapters_are_told_before_anything_runs(
    project: Path, adapter: str, message: str
) -> None:
    """What is missing or does not fit is one error that says what there is."""
    configure(project, adapter)
    with pytest.raises(ConfigError) as caught:
        PipelineManager(project, quiet=True).run("nodes")
    assert message in str(caught.value)


def test_the_pipeline_goes_over_the_project(project: Path, cli: Cli) -> None:
    """Settings of project.yml hold for all, a pipeline's go over them one by one."""
    (project / "conf" / "project.yml").write_text(
        "name: demo\nadapter:\n  print: {verbosity: 2, enabled: false}\n  custom: ['hooks:Tell']\n"
    )
    silent = cli.run("pipeline", "run", "nodes", code=0).stderr
    assert "told good 3" in silent
    assert "Executing node" not in silent
    configure(project, "{print: true}")
    assert "'number': 3" in cli.run("pipeline", "run", "nodes", code=0).stderr
    configure(project, "{}")
    flagged = cli.run("pipeline", "run", "nodes", "--with-adapter", "print", code=0).stderr
    assert "'number': 3" in flagged
    configure(project, "{print: {verbosity: 1}}")
    assert "'number': 3" not in cli.run("pipeline", "run", "nodes", code=0).stderr


def test_a_job_names_no_code(project: Path, cli: Cli) -> None:
    """A class of one's own is refused for a job and a schedule, and in a forged record too."""
    for command in (("job-queue", "add-job"), ("schedule", "add")):
        more = ("--cron", "@daily") if command[0] == "schedule" else ()
        ran = cli.run(*command, "nodes", "--with-adapter", "hooks:Tell", *more, code=2)
        assert "A job names no code" in ran.stderr
    forged: dict[str, Any] = {"v": 1, "overrides": {"custom_adapters": ["os:system"]}}
    with pytest.raises(FlowerpowerError, match="names code to import; it is not run"):
        overrides_of(forged)


def test_an_unknown_adapter_is_told(project: Path, cli: Cli) -> None:
    """--with-adapter of a name that is none says which there are, and the nearest."""
    ran = cli.run("pipeline", "run", "nodes", "--with-adapter", "prnt", code=2)
    assert "There is no adapter 'prnt'" in ran.stderr
    assert "Did you mean 'print'?" in ran.stderr


def test_a_nodes_value_may_be_given(project: Path, cli: Cli) -> None:
    """--override and run.overrides give values of nodes, and nothing before them is computed."""
    ran = cli.run(
        "pipeline", "run", "nodes", "--override", "bad=4", "--final-vars", "both", "--json", code=0
    )
    assert ran.json["outputs"] == {"both": [3, 5]}
    assert [node["name"] for node in ran.json["nodes"]] == ["good", "after", "both"]
    config = project / "conf" / "pipelines" / "nodes.yml"
    config.write_text("run:\n  inputs: {number: 3}\n  overrides: {after: 7}\n")
    manager = PipelineManager(project, quiet=True)
    assert manager.run("nodes", final_vars="both") == {"both": [3, 7]}
    assert manager.run("nodes", final_vars="both", overrides={"good": 1}) == {"both": [1, 7]}
    cli.run("job-queue", "add-job", "nodes", "--override", "good=2", "--final-vars", "both",
            "--job-id", "j", code=0)  # fmt: skip
    cli.run("job-queue", "start-worker", "--burst", code=0)
    job = cli.run("job-queue", "show-job", "j", "--json", code=0).json
    assert job["result"]["outputs"] == {"both": [2, 7]}


@pytest.mark.parametrize(
    ("overrides", "kind", "message"),
    [
        ({"goood": 1}, UnknownNode, "nodes has no node 'goood'. Did you mean 'good'?"),
        ({"number": 1}, InvalidInputs, "number is an input, not a node that is computed"),
        ({"good": "x"}, InvalidInputs, "good takes int, got the text 'x'"),
    ],
)
def test_a_value_must_fit_its_node(
    project: Path, overrides: dict[str, Any], kind: type[FlowerpowerError], message: str
) -> None:
    """Unknown nodes, inputs and wrong types are refused before anything runs."""
    with pytest.raises(kind) as caught:
        PipelineManager(project, quiet=True).run("nodes", overrides=overrides)
    assert message in str(caught.value)


def test_later_modules_may_override_earlier_ones(project: Path) -> None:
    """With `allow_module_overrides` a function of a later module counts, else it is an error."""
    (project / "pipelines" / "other.py").write_text(
        "def good(number: int) -> int:\n    return -1\n"
    )
    config = project / "conf" / "pipelines" / "nodes.yml"
    modules = f"{CONFIG}  modules: [pipelines.nodes, pipelines.other]\n"
    config.write_text(modules)
    manager = PipelineManager(project, quiet=True)
    with pytest.raises(FlowerpowerError) as caught:
        manager.run("nodes")
    assert "run.allow_module_overrides: true" in str(caught.value.hint)
    config.write_text(f"{modules}  allow_module_overrides: true\n")
    assert manager.run("nodes") == {"good": -1}


def test_an_unknown_argument_is_told(project: Path) -> None:
    """A misspelt keyword of Python's `run` names the nearest, as a flag would."""
    with pytest.raises(UsageError, match="Did you mean 'final_vars'"):
        PipelineManager(project, quiet=True).run("nodes", final_var="good")  # type: ignore[call-arg]
    with pytest.raises(UsageError, match="There is no argument 'timeout'"):
        PipelineManager(project, quiet=True).run("nodes", timeout=3)  # type: ignore[call-arg]


def test_an_adapter_itself_is_told(project: Path) -> None:
    """Objects in place of names are refused with what to write."""
    with pytest.raises(UsageError, match="adapters: expected names, got an object of type object"):
        PipelineManager(project, quiet=True).run("nodes", adapters=[object()])  # type: ignore[list-item]
