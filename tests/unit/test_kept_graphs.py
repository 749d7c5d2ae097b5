"""What a child keeps from one job to the next: never another result than a fresh build gives."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flowerpower.config.overrides import RunOverrides
from flowerpower.errors import ConfigError
from flowerpower.jobs.run import RunOutcome, RunRequest
from flowerpower.pipeline.execute import execute, run_in_child
from flowerpower.pipeline.kept_configurations import KeptConfigurations
from flowerpower.run import preload, runner
from flowerpower.text import known_secrets, set_known_secrets

MODULE = "def doubled(x: int) -> int:\n    return 2 * x\n\n\ndef total(doubled: int) -> int:\n    return doubled + 1\n"
Builds = Callable[[], int]


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> Builds:
    """How many graphs were built since the last call."""
    calls: list[int] = []
    build_dag = runner.build_dag

    def counted(*arguments: Any) -> Any:
        calls.append(1)
        return build_dag(*arguments)

    def count() -> int:
        number = len(calls)
        calls.clear()
        return number

    monkeypatch.setattr(runner, "build_dag", counted)
    return count


class Site:
    """A project, and jobs that one process makes of its pipeline `main`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.kept = KeptConfigurations()

    def write(self, yaml: str = "run: {inputs: {x: 3}}\n", module: str = MODULE) -> None:
        for path, text in (
            ("conf/project.yml", "name: site\n"),
            ("conf/pipelines/main.yml", yaml),
            ("pipelines/main.py", module),
        ):
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text(text)
        self.settle()

    def settle(self) -> None:
        # ctime cannot be set: only time makes a file old.
        time.sleep(0.03)

    def run(self, **overrides: Any) -> RunOutcome:
        request = RunRequest(str(self.root), "main", RunOverrides(**overrides))
        outcome = execute(request, kept=self.kept)
        fresh = execute(request)
        assert outcome.outputs == fresh.outputs
        assert [n.name for n in outcome.nodes] == [n.name for n in fresh.nodes]
        assert (outcome.error and outcome.error.message) == (fresh.error and fresh.error.message)
        return outcome


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path)
    site.write()
    return site


def test_a_graph_is_built_once(site: Site, builds: Builds) -> None:
    """Jobs that differ in their inputs share it; each has its own events."""
    assert [site.run(inputs={"x": x}).outputs for x in (1, 2, 3)] == [
        {"total": n} for n in (3, 5, 7)
    ]
    assert builds() == 1 + 3, "the three others are those it is compared with"
    assert [node.name for node in site.run().nodes] == ["doubled", "total"]


def test_other_overrides_have_another_graph(site: Site, builds: Builds) -> None:
    """What takes part in the build makes a graph of its own."""
    assert site.run().outputs == {"total": 7}
    assert site.run(final_vars=["doubled"]).outputs == {"doubled": 6}
    assert site.run(overrides={"doubled": 10}).outputs == {"total": 11}
    assert site.run(overrides={"doubled": 11}).outputs == {"total": 12}
    assert site.run().outputs == {"total": 7}
    assert builds() == 4 + 5, "a node that is given a value is built for each job"


def test_an_edit_of_the_yaml_counts(site: Site) -> None:
    """From the next job on."""
    assert site.run().outputs == {"total": 7}
    site.write("run: {inputs: {x: 4}, final_vars: [doubled]}\n")
    assert site.run().outputs == {"doubled": 8}


def test_an_edit_right_after_a_job_counts(site: Site) -> None:
    """Even one of the same length, in the same moment."""
    for x in range(3, 9):
        (site.root / "conf/pipelines/main.yml").write_text(f"run: {{inputs: {{x: {x}}}}}\n")
        assert site.run().outputs == {"total": 2 * x + 1}


def test_an_edit_of_the_project_counts(site: Site) -> None:
    """Its adapters are the run's."""
    assert site.run().error is None
    (site.root / "conf/project.yml").write_text("adapter: {custom: ['pipelines.main:Missing']}\n")
    site.settle()
    error = site.run().error
    assert error is not None
    assert "Missing" in error.message


def test_an_edit_of_a_module_counts(site: Site) -> None:
    """Also of one that only a module imports."""
    (site.root / "pipelines/rates.py").write_text("RATE = 2\n")
    site.write(
        module="from pipelines import rates\n\n\ndef total(x: int) -> int:\n    return rates.RATE * x\n"
    )
    assert site.run().outputs == {"total": 6}
    (site.root / "pipelines/rates.py").write_text("RATE = 50\n")
    assert site.run().outputs == {"total": 150}


def test_a_variable_of_the_environment_counts(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set to another value, or to none."""
    site.write("run:\n  inputs:\n    x: ${RATE:-5}\n")
    assert site.run().outputs == {"total": 11}
    monkeypatch.setenv("RATE", "6")
    assert site.run().outputs == {"total": 13}
    monkeypatch.setenv("RATE", "7")
    assert site.run().outputs == {"total": 15}
    monkeypatch.delenv("RATE")
    assert site.run().outputs == {"total": 11}
    monkeypatch.setenv("FLOWERPOWER_JOB_QUEUE_TYPE", "nothing")
    with pytest.raises(ConfigError):
        site.kept.get(str(site.root), "main", RunOverrides())


def test_a_list_that_a_node_changes_is_new_for_the_next_job(site: Site, builds: Builds) -> None:
    """The file's value counts, not what a job has made of it."""
    site.write(
        "run: {inputs: {rows: [1, 2]}}\nparams: {more: [3]}\n",
        "def total(rows: list[int], more: list[int]) -> int:\n"
        "    rows.append(10)\n    more.append(10)\n    return sum(rows) + sum(more)\n",
    )
    assert [site.run().outputs for _ in range(3)] == [{"total": 26}] * 3
    assert builds() == 1 + 3


def test_a_file_to_load_counts_again_without_the_input(site: Site) -> None:
    """A caller's input that stands in for a file does so for this job alone."""
    (site.root / "x.json").write_text('{"a": 5}')
    site.write(
        "run: {load: {rows: x.json}}\n",
        "def total(rows: dict) -> int:\n    return rows['a']\n",
    )
    assert site.run(inputs={"rows": {"a": 1}}).outputs == {"total": 1}
    assert site.run().outputs == {"total": 5}
    assert site.run(inputs={"rows": {"a": 2}}).outputs == {"total": 2}


LIST = "def total(factors: list[int]) -> int:\n    factors.append(1)\n    return sum(factors)\n"
ASYNC = "async def total(x: int) -> int:\n    return x\n"
PARALLEL = """\
from hamilton.htypes import Collect, Parallelizable


def item(x: int) -> Parallelizable[int]:
    yield from range(x)


def total(item: Collect[int]) -> int:
    return sum(item)
"""
RESOLVER = """\
from hamilton.function_modifiers import config

SEEN = []


def _is_odd(config):
    SEEN.append(1)
    return len(SEEN) % 2 == 1


@config(_is_odd)
def total__odd(x: int) -> int:
    return x


def other(x: int) -> int:
    return x
"""
DECORATOR = """\
from hamilton.function_modifiers import base


class counted(base.NodeTransformLifecycle):
    get_lifecycle_name = classmethod(lambda cls: "transform")
    allows_multiple = classmethod(lambda cls: True)
    required_config = optional_config = lambda self: {}

    def validate(self, fn):
        pass

    def transform_dag(self, nodes, config, fn):
        return nodes


@counted()
def total(x: int) -> int:
    return x
"""


@pytest.mark.parametrize(
    ("setting", "module"),
    [
        ("adapter: {print: true}", MODULE),
        ("adapter: {type_check: true}", MODULE),
        ("adapter: {graceful_errors: true}", MODULE),
        ("cache: true", MODULE),
        ("executor: {type: threadpool}", MODULE),
        ("save: {total: out.json}", MODULE),
        ("config: {factors: [1, 2]}", LIST),
        ("timeout: 60s", ASYNC),
        ("timeout: 60s", PARALLEL),
        ("timeout: 60s", RESOLVER),
        ("timeout: 60s", DECORATOR),
    ],
)
def test_what_may_differ_is_built_for_each_job(
    site: Site, builds: Builds, setting: str, module: str
) -> None:
    """Adapters, caches, executors, files, lists in settings, and code of the user's that builds."""
    inputs = "" if module is LIST else "inputs: {x: 3}, "
    site.write(f"run: {{{inputs}{setting}}}\n", module)
    for _ in range(2):
        outcome = execute(RunRequest(str(site.root), "main"), kept=site.kept)
        assert outcome.error is None, outcome.error
    assert builds() == 2


@pytest.mark.parametrize(
    "decorator",
    ["tag(team='a')", "config.when(mode='fast')", "cache()", "check_output(range=(0, 100))",
     "extract_fields({'a': int})", "parameterize(total={'x': source('x')})"],
)  # fmt: skip
def test_hamiltons_own_decorators_need_no_new_build(
    site: Site, builds: Builds, decorator: str
) -> None:
    """They make the same nodes each time."""
    result = "dict" if "extract" in decorator else "int"
    value = "{'a': x}" if "extract" in decorator else "x"
    names = "cache, check_output, config, extract_fields, parameterize, source, tag"
    site.write(
        "run: {inputs: {x: 3}, config: {mode: fast}}\n",
        f"from hamilton.function_modifiers import {names}\n\n\n"
        f"@{decorator}\ndef total(x: int) -> {result}:\n    return {value}\n",
    )
    for _ in range(2):
        outcome = execute(RunRequest(str(site.root), "main"), kept=site.kept)
        assert outcome.error is None, outcome.error
    assert builds() == 1


def test_a_function_that_a_job_replaces_is_in_the_next_graph(site: Site) -> None:
    """As a fresh build takes what is in the module now."""
    site.write(
        module="import sys\n\n\ndef total(x: int) -> int:\n"
        "    def total(x: int) -> int:\n        return 100\n"
        "    total.__module__ = __name__\n"
        "    sys.modules[__name__].total = total\n    return x\n"
    )
    request = RunRequest(str(site.root), "main")
    outputs = [execute(request, kept=site.kept).outputs for _ in range(3)]
    assert outputs == [{"total": 3}, {"total": 100}, {"total": 100}]


def test_missing_and_wrong_inputs_are_said_with_a_kept_graph_too(site: Site) -> None:
    """What depends on the values of a job is checked for each."""
    site.write("run: {}\n")
    assert site.run(inputs={"x": 1}).outputs == {"total": 3}
    missing, wrong, unknown = site.run(), site.run(inputs={"x": "one"}), site.run(inputs={"y": 1})
    assert [outcome.status for outcome in (missing, wrong, unknown)] == ["failed"] * 3
    assert site.run(inputs={"x": 1}).outputs == {"total": 3}


def test_no_more_than_so_many_are_kept(site: Site) -> None:
    """A child that gets ever new overrides does not grow without end."""
    for number in range(40):
        site.run(config={"number": number})
        site.kept.get(str(site.root), "main", RunOverrides(config={f"k{number}": 1}))
    entry = site.kept.get(str(site.root), "main", RunOverrides(config={"number": 1}))
    assert len(entry.graphs._graphs) <= 16
    assert len(site.kept._kept) <= 32


def test_the_events_are_those_of_a_fresh_graph(site: Site) -> None:
    """Their order, and how many nodes have ended of how many."""
    runs: list[list[tuple[object, ...]]] = []
    for _ in range(3):
        events: list[tuple[object, ...]] = []
        runs.append(events)
        execute(
            RunRequest(str(site.root), "main"),
            lambda one, events=events: events.append((one.node, one.state, one.done, one.total)),  # type: ignore[misc]
            kept=site.kept,
        )
    assert runs[0] == [
        ("doubled", "running", 0, 2), ("doubled", "finished", 1, 2),
        ("total", "running", 1, 2), ("total", "finished", 2, 2),
    ]  # fmt: skip
    assert runs[1:] == runs[:1] * 2


def test_an_input_may_stand_in_for_variants_that_do_not_fit(site: Site) -> None:
    """The caller's, for each job; without it the message names them."""
    site.write(
        "run: {config: {mode: slow}}\n",
        "from hamilton.function_modifiers import config\n\n\n"
        "@config.when(mode='fast')\ndef rate__fast() -> int:\n    return 1\n\n\n"
        "def total(rate: int) -> int:\n    return 2 * rate\n",
    )
    for rate in (1, 2):
        assert site.run(inputs={"rate": rate}).outputs == {"total": 2 * rate}
    error = site.run().error
    assert error is not None
    assert "rate__fast" in error.message


def test_errors_of_nodes_show_no_secrets(site: Site) -> None:
    """Where the run goes on after them, they are in the records of its nodes."""
    before = known_secrets()
    set_known_secrets(["hunter22"])
    site.write(
        "run: {adapter: {graceful_errors: true}}\n",
        "def total() -> int:\n    raise ValueError('it is hunter22')\n",
    )
    request = {"run": RunRequest(str(site.root), "main").to_json(), "keep": True}
    try:
        outcome = run_in_child(request, lambda *_, **__: None)
    finally:
        set_known_secrets(before)
    (node,) = outcome["nodes"]
    assert "it is ***" in node["error"]
    assert "hunter22" not in str(outcome)


def test_a_package_is_news_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker starts another server for it."""
    monkeypatch.setattr(preload, "MODULES", ("json", "never_there"))
    monkeypatch.setattr(preload, "_news", {"json", "never_there"})
    assert preload.newly_imported() == ["json"]
    assert preload.newly_imported() == []
