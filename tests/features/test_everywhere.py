"""The same features under every executor and with the cache: the values stay what they are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flowerpower.errors import ConfigError
from flowerpower.jobs.encoding import encode_outputs
from flowerpower.pipeline import PipelineManager
from flowerpower.pipeline.overrides import JobArguments, make_overrides
from tests.features.cases import CASES, Case, project_copy

COROUTINES = {"async_functions"}
"""Pipelines of coroutines, which Hamilton's async driver alone can run."""

PARALLEL = {"parallel", "parallel_twice"}
"""Pipelines with Parallelizable blocks, which futures cannot run."""


def arguments_of(case: Case) -> JobArguments:
    """A case's flags as the library takes them."""
    given: dict[str, Any] = {"inputs": {}, "config": {}}
    flags = iter(case.arguments)
    for flag in flags:
        value = next(flags)
        if flag in ("-i", "--config"):
            name, _, text = value.partition("=")
            try:
                parsed = json.loads(text)
            except ValueError:
                parsed = text
            given["inputs" if flag == "-i" else "config"][name] = parsed
        elif flag == "--final-vars":
            given["final_vars"] = value.split(",")
    return JobArguments(**given)  # type: ignore[typeddict-item]


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> PipelineManager:
    """A copy of the project, opened."""
    return PipelineManager(project_copy(tmp_path_factory.mktemp("everywhere")).folder, quiet=True)


def outputs(manager: PipelineManager, case: Case, **more: Any) -> dict[str, Any]:
    """What a run puts out, as JSON."""
    given: dict[str, Any] = {**arguments_of(case), **more}
    outcome = manager.run_outcome(case.pipeline, make_overrides(JobArguments(**given)))
    if isinstance(outcome.exception, ConfigError):
        raise outcome.exception
    assert outcome.error is None, outcome.error
    return encode_outputs(outcome.values)[0]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_each_pipeline_gives_the_same_everywhere(
    manager: PipelineManager, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Computed or from the cache, in threads or by futures: the outputs are the same."""
    monkeypatch.chdir(manager.project.root)
    if case.pipeline in COROUTINES:
        for wrong in ({"executor": "threadpool"}, {"executor": "future"}, {"cache": True}):
            with pytest.raises(ConfigError, match="cannot serve coroutines"):
                outputs(manager, case, **wrong)
        return
    results = {"computed": outputs(manager, case, executor="synchronous", cache=True)}
    results["cached"] = outputs(manager, case, executor="synchronous", cache=True)
    results["threads"] = outputs(manager, case, executor="threadpool", cache=False)
    results["threads, cached"] = outputs(manager, case, executor="threadpool", cache=True)
    if case.pipeline in PARALLEL:
        with pytest.raises(ConfigError, match="cannot serve Parallelizable nodes"):
            outputs(manager, case, executor="future", cache=False)
    else:
        results["futures"] = outputs(manager, case, executor="future", cache=False)
    assert results == dict.fromkeys(results, case.outputs)


def test_other_processes_give_the_same(
    manager: PipelineManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Functions that decorators have made, and Parallelizable blocks, run in other processes."""
    monkeypatch.chdir(manager.project.root)
    wanted = ("parallel", "extract_columns", "parameterize", "subdag", "pipe_output")
    chosen = {case.pipeline: case for case in CASES if case.pipeline in wanted}
    assert set(chosen) == set(wanted)
    for case in chosen.values():
        # The second time most of it comes from the cache of the first.
        for cache in (False, True, True):
            results = outputs(manager, case, executor="processpool", max_workers=2, cache=cache)
            assert results == case.outputs
