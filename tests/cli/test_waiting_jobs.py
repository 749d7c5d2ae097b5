"""Jobs that wait: what the commands say of parents, children and limits."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from flowerpower.jobs.chain import AfterCondition
from flowerpower.pipeline import PipelineManager
from tests.cli.watching import beating
from tests.conftest import MakeProject
from tests.contract.fake_worker import FAILED, FakeWorker, spec
from tests.terminal import Cli

PROJECT = "name: demo\nlimits: {warehouse: 1, api: {at_once: 5, per: 2/1h}}\n"
CODE = "def total(n: int = 1) -> int:\n    return n\n"


@pytest.fixture
def manager(make_project: MakeProject) -> Iterator[PipelineManager]:
    root: Path = make_project(
        PROJECT,
        report=("run: {limits: [warehouse]}\n", CODE),
        fetch=("run: {limits: [api]}\n", CODE),
        alone=("run: {max_running: 1}\n", CODE),
        free=("", CODE),
    )
    with contextlib.closing(PipelineManager(root, quiet=True)) as opened:
        yield opened


@pytest.fixture
def worker(manager: PipelineManager) -> Iterator[FakeWorker]:
    with beating(FakeWorker(manager.job_queue.backend)) as beating_worker:
        yield beating_worker


def claim_all(manager: PipelineManager, worker: FakeWorker) -> list[str]:
    backend, limits = manager.job_queue.backend, manager.job_queue.limits()
    return [one.job_id for one in backend.claim(worker.name, 20, ["default"], limits=limits)]


def add_chain(manager: PipelineManager) -> None:
    backend = manager.job_queue.backend
    for name in ("one", "two"):
        backend.add_job(spec(name, pipeline="free"))
    backend.add_job(
        spec("child", pipeline="free", after=("one", "two"), after_on=AfterCondition.END)
    )
    backend.add_job(spec("grandchild", pipeline="free", after=("child",)))


def test_a_child_says_what_it_waits_for(
    cli: Cli, manager: PipelineManager, worker: FakeWorker
) -> None:
    """In show-job with its parents and children, in list-jobs, in logs, and as JSON."""
    add_chain(manager)
    shown = cli.run("job-queue", "show-job", "child", code=0).stdout
    assert "  waits    for 2 jobs to end: one and two\n" in shown
    assert (
        "Parents  it runs once all its parents have ended, in whatever way\njob  end\none  not yet"
        in shown
    )
    assert re.search(r"Children .*\n.*\ngrandchild +free +waiting +waits for the job child", shown)
    worker.finish(worker.take(), FAILED)
    body = cli.run("job-queue", "show-job", "child", "--json", code=0).json
    assert (body["after"], body["after_on"]) == ({"one": "failed", "two": None}, "end")
    assert body["waits_for"] == {
        "reason": "parents", "message": "waits for the job two to end", "jobs": ["two"],
        "until": None, "limit": None, "parked": None,
    }  # fmt: skip
    assert body["children"] == [{"id": "grandchild", "pipeline": "free", "status": "waiting"}]
    listed = cli.run("job-queue", "list-jobs", "--status", "waiting", code=0).stdout
    assert re.search(r"^child +free +waiting .* waits for the job two to end$", listed, re.M)
    assert len(listed.splitlines()) == 3
    logs = cli.run("job-queue", "logs", "child", code=0).stderr
    assert logs == "The job child has not run yet: it waits for the job two to end.\n"
    ended = cli.run("job-queue", "show-job", "one", "--json", code=0).json
    assert ended["waits_for"] is None
    cli.run("job-queue", "cancel-job", "child", code=0)
    cancelled = cli.run("job-queue", "show-job", "child", code=0).stdout
    assert (
        "\nParents  it was to run once all its parents have ended, in whatever way\n" in cancelled
    )


def test_a_held_back_job_says_by_which_limit(
    cli: Cli, manager: PipelineManager, worker: FakeWorker
) -> None:
    """And behind whom; status has the limits with their use, at 80 columns too."""
    for name, pipeline in (("a", "report"), ("b", "report"), ("c", "alone"), ("d", "alone"),
                           ("e", "fetch"), ("f", "fetch"), ("g", "fetch")):  # fmt: skip
        manager.job_queue.backend.add_job(spec(name, pipeline=pipeline))
    assert claim_all(manager, worker) == ["a", "c", "e", "f"]
    place = cli.run("job-queue", "show-job", "b", code=0).stdout
    assert "  waits    for the limit warehouse, 1 at once: a runs\n" in place
    own = cli.run("job-queue", "show-job", "d", "--json", code=0).json["waits_for"]
    assert (own["reason"], own["limit"], own["jobs"]) == ("limit", "pipeline:alone", ["c"])
    assert own["message"] == "waits for max_running of alone, 1 at once: c runs"
    reason = manager.jobs.get("d").waits_for()
    assert reason is not None
    assert reason.to_json() == own
    assert manager.jobs.get("c").waits_for() is None
    rate = cli.run("job-queue", "show-job", "g", "--json", code=0).json["waits_for"]
    assert (rate["reason"], rate["limit"], rate["parked"]) == ("rate", "api", 1)
    assert rate["until"].endswith("+00:00")
    listed = cli.run("job-queue", "list-jobs", "--status", "queued", code=0).stdout
    assert re.search(r"^b .* waits for the limit warehouse, 1 at once: a runs$", listed, re.M)
    status = cli.run("status", code=0).stdout
    for row in (r"^warehouse +1 of 1 +1 +report$", r"^api +2 of 5 +2 in 1h +2 +in .* +1 +fetch$",
                r"^max_running of alone +1 of 1 +1 +alone$"):  # fmt: skip
        assert re.search(row, status, re.MULTILINE), (row, status)
    wide = cli.run_in_terminal("status", columns=80).stdout
    plain = re.sub(r"\x1b\[[0-9;]*m", "", wide).replace("\r", "")
    assert max(map(len, plain.splitlines())) <= 80
    limits = cli.run("status", "--json", code=0).json["limits"]
    assert [(one["name"], one["running"], one["parked"]) for one in limits] == [
        ("api", ["e", "f"], 1), ("warehouse", ["a"], 1), ("pipeline:alone", ["c"], 1),
    ]  # fmt: skip


def test_who_waits_is_told_what_is_waited_for(
    cli: Cli, manager: PipelineManager, worker: FakeWorker
) -> None:
    """One line each time that it changes; the rest is as ever."""
    add_chain(manager)
    ended = cli.run("job-queue", "wait", "child", "--timeout", "300ms", code=7)
    assert ended.stderr.splitlines()[0] == "waits for 2 jobs to end: one and two"
    assert ended.stderr.count("waits for") == 1


def test_parents_that_nobody_runs_are_a_problem(cli: Cli, manager: PipelineManager) -> None:
    """Beside that of their queue."""
    add_chain(manager)
    assert cli.run("status", "--quiet", code=0).stdout == "queue_without_worker\nparents_stuck\n"
    assert "1 job waits for jobs of the queue default, which has no worker." in (
        cli.run("status", code=0).stdout
    )


def test_an_unused_max_running_is_not_announced(cli: Cli, make_project: MakeProject) -> None:
    """Without a table of limits there is nothing that more limits could follow."""
    make_project(alone=("run: {max_running: 1}\n", CODE))
    assert "more limit" not in cli.run("status", code=0).stdout
