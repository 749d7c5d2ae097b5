"""Every feature of Hamilton's documentation, as a pipeline that runs here and now and as a job."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conditions import WAIT_LIMIT
from tests.features.cases import CASES, FAILING, HOW_TO, PROJECT, Case, project_copy
from tests.terminal import Cli


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """A copy of the project for all runs in the foreground."""
    return project_copy(tmp_path_factory.mktemp("here"))


@pytest.fixture
def project(tmp_path: Path) -> Cli:
    """A copy of the project that nothing has run in."""
    return project_copy(tmp_path)


def written(cli: Cli, case: Case) -> dict[str, str]:
    return {name: (cli.folder / name).read_text("utf-8") for name in case.files}


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_each_pipeline_runs_here_and_now(here: Cli, case: Case) -> None:
    """`pipeline run` puts out exactly what the functions say, and writes what they write."""
    ended = here.run("pipeline", "run", case.pipeline, *case.arguments, "--json", code=0)
    assert ended.json["outputs"] == case.outputs
    assert written(here, case) == case.files


def test_each_pipeline_runs_as_a_job(project: Cli) -> None:
    """One worker does all of them as jobs, and each puts out the same as here and now."""

    def add(case: Case) -> None:
        arguments = (case.pipeline, *case.arguments, "--job-id", case.id)
        project.run("job-queue", "add-job", *arguments, code=0)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(add, CASES))
    with project.start("job-queue", "start-worker", "--burst") as worker:
        worker.communicate(timeout=WAIT_LIMIT)
    assert worker.returncode == 0
    ids = [case.id for case in CASES]
    jobs = project.run("job-queue", "wait", *ids, "--json").json
    done = {job["id"]: job["result"]["outputs"] if job["result"] else job["error"] for job in jobs}
    assert done == {case.id: case.outputs for case in CASES}
    assert [written(project, case) for case in CASES] == [case.files for case in CASES]


def test_a_check_that_fails_ends_the_run(here: Cli) -> None:
    """`check_output` with importance "fail" ends the run with 6 and names node and check."""
    error = here.run("pipeline", "run", FAILING, "--json", code=6).error
    assert error["code"] == "run_failed"
    assert "Node celsius" in error["message"]
    assert "range_validator" in error["message"]


def test_a_check_that_fails_ends_the_job(project: Cli) -> None:
    """A job of it is failed, and its error says which node it was."""
    project.run("job-queue", "add-job", FAILING, "--job-id", "checked", code=0)
    project.run("job-queue", "start-worker", "--burst", code=0)
    job = project.run("job-queue", "show-job", "checked", "--json", code=0).json
    assert (job["status"], job["error"]["node"]) == ("failed", "celsius")
    assert "1 outside" in job["error"]["message"]


def test_a_check_that_warns_is_told(here: Cli) -> None:
    """`check_output` with importance "warn" tells of node and check on stderr, and goes on."""
    ended = here.run("pipeline", "run", "check_output", "--json", code=0)
    assert "celsius:range_validator" in ended.stderr


def test_a_check_that_warns_is_in_the_log(project: Cli) -> None:
    """What `check_output` warns of in a job is in the job's log."""
    project.run("job-queue", "add-job", "check_output", "--job-id", "warned", code=0)
    project.run("job-queue", "start-worker", "--burst", code=0)
    log = project.run("job-queue", "logs", "warned", code=0).stdout
    assert "celsius:range_validator" in log


def test_cache_does_what_the_functions_say(project: Cli) -> None:
    """In a second run only the node with `cache(behavior="recompute")` is computed again."""
    for _ in range(2):
        ended = project.run("pipeline", "run", "cache", "--json", code=0)
        assert ended.json["outputs"] == {"quote": {"amount": 15.0}}
    calls = (project.folder / "calls.txt").read_text("utf-8").split()
    assert Counter(calls) == {"slow": 1, "rate": 2, "quote": 1}


def test_validate_finds_nothing_wrong(here: Cli) -> None:
    """Every feature is a valid pipeline."""
    here.run("pipeline", "validate", code=0)


def test_no_pipeline_is_forgotten() -> None:
    """Each module has its YAML, its row in the table above, and is named in the how-to."""
    tested = {case.pipeline for case in CASES} | {FAILING}
    how_to = HOW_TO.read_text("utf-8")
    assert {file.stem for file in PROJECT.glob("pipelines/*.py")} == tested
    assert {file.stem for file in PROJECT.glob("conf/pipelines/*.yml")} == tested
    assert {name for name in tested if f"`{name}`" not in how_to} == set()
