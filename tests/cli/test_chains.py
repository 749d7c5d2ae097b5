"""Jobs that depend on others, as a user adds them: --after, --on, --unique, after and limits in YAML."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest

from flowerpower.errors import ConfigError, JobNotFound, Refused, UsageError
from flowerpower.job_queue import JobQueueManager
from flowerpower.jobs.claim import AttemptResult, WorkerInfo
from flowerpower.jobs.job import JobStatus
from flowerpower.jobs.job_spec import JobSpec
from flowerpower.pipeline import PipelineManager
from flowerpower.triggers import clock
from tests.conftest import MakeProject
from tests.terminal import Cli, Ended

ONE = "def one() -> int:\n    return 1\n"
FAILS = "def fails() -> int:\n    raise ValueError('no luck')\n"
TELLS = (
    "def told(parent_job_id: str, scheduled_for: str, parent_job_ids: list[str]) -> list[str]:\n"
    "    return [parent_job_id, scheduled_for, *parent_job_ids]\n"
)
PIPELINES = {
    "one": ("", ONE),
    "fails": ("", FAILS),
    "tells": ("", TELLS),
    "follower": ("after: {pipeline: one}\n", TELLS),
    "sorry": ("after: [{pipeline: fails, on: failure}, {pipeline: follower, on: end}]\n", ONE),
}


@pytest.fixture
def project(make_project: MakeProject) -> Path:
    return make_project("name: demo\ntimezone: UTC\n", **PIPELINES)


@pytest.fixture
def manager(project: Path) -> PipelineManager:
    return PipelineManager(project, quiet=True)


def add(cli: Cli, *arguments: str, code: int = 0) -> Ended:
    return cli.run("job-queue", "add-job", *arguments, code=code)


def jobs(manager: PipelineManager) -> dict[str, str]:
    return {job.id: str(job.status) for job in manager.jobs.list()}


def end(manager: PipelineManager, job_id: str, status: JobStatus) -> None:
    """Claim the job, which must be the only one that is due, and end it."""
    backend = manager.job_queue.backend
    backend.register_worker(WorkerInfo("w", "here", 1, ("default",), 1, clock.now()))
    (claim,) = backend.claim("w", 1, ["default"])
    assert claim.job_id == job_id
    error = {"type": "ValueError", "message": "no luck"} if status is JobStatus.FAILED else None
    assert backend.finish(claim, AttemptResult(status, error=error), "", None)
    backend.unregister_worker("w")


def test_a_job_runs_after_another_and_is_told_its_id(cli: Cli, manager: PipelineManager) -> None:
    """By --after and by YAML, with the time of the parent's fire; a burst runs the whole chain."""
    message = add(cli, "one", "--job-id", "first").stderr
    assert "No worker" in message
    added = add(cli, "tells", "--after", "first", "--job-id", "second", "-i", "scheduled_for=now")
    assert "It waits for first." in added.stderr
    assert jobs(manager) == {
        "first": "queued", "second": "waiting", "follower-after-first": "waiting",
        "sorry-after-follower-after-first": "waiting",
    }  # fmt: skip
    cli.run("job-queue", "start-worker", "--burst", code=0)
    assert set(jobs(manager).values()) == {"finished"}
    assert manager.jobs.get("second").result() == {"told": ["first", "now", "first"]}
    told = manager.jobs.get("follower-after-first").result()["told"]
    assert (told[0], told[2:]) == ("first", ["first"])


def test_a_fire_gives_its_time_to_its_followers(manager: PipelineManager) -> None:
    """So that all jobs of a chain are of one day; its schedule is the parent's alone."""
    with JobQueueManager(base_dir=manager.project.root) as backend:
        moment = clock.parse_time("2026-01-01T00:00:00Z")
        spec = JobSpec("one", id="fire", scheduled_for=moment, schedule_id="daily")
        backend.add_job(backend.with_followers(spec))
    follower = manager.jobs.get("follower-after-fire").record
    assert (follower.scheduled_for, follower.schedule_id) == (moment, None)
    child = manager.add_job("tells", after=manager.jobs.get("fire"))
    assert child.record.scheduled_for == moment
    manager.add_job("fails", job_id="other")
    many = manager.add_job("one", after=[child, "other"])
    assert (many.record.after, many.record.scheduled_for) == ({child.id: None, "other": None}, None)


def test_every_way_of_adding_adds_followers(manager: PipelineManager) -> None:
    """By hand, again, run-now and a backfill."""
    job = manager.add_job("fails", job_id="by-hand")
    assert "sorry-after-by-hand" in jobs(manager)
    job.cancel()
    again = job.again("once-more")
    assert "sorry-after-once-more" in jobs(manager)
    again.cancel()
    manager.schedule("fails", cron="0 0 * * *", schedule_id="daily", timezone="UTC")
    now = manager.schedules.get("daily").run_now()
    assert f"sorry-after-{now.id}" in jobs(manager)
    yesterday = clock.after(clock.now(), -86_400)
    filled = manager.schedules.get("daily").backfill(start=yesterday, end=clock.now())
    assert filled.added
    assert {f"sorry-after-{job_id}" for job_id in filled.added} <= jobs(manager).keys()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--after", "parnet"), 3, "There is no job 'parnet'. Did you mean 'parent'?"),
        (("--after", "parent,gone"), 3, "There is no job 'gone'."),
        (("--after", "parent,parent"), 2, "after names a job twice."),
        (("--after", "me", "--job-id", "me"), 3, "There is no job 'me'."),
        (("--after", ","), 2, "--after names no job."),
        (("--after", "parent,,broken"), 2, "--after 'parent,,broken' has an empty name."),
        (("--on", "failure"), 2, "expected --after too"),
        (("--after", "parent", "--on", "succes"), 2, "success"),
        (("--after", "broken"), 8, "The job broken of fails is failed: a job that runs once it has finished would never run."),
        (("--after", "broken", "--on", "failure"), 0, ""),
        (("--after", "broken", "--on", "end"), 0, ""),
        (("--depends-on", "parent"), 2, "Say --after."),
        (("--trigger-rule", "all_done"), 2, "Say --on."),
        (("--pool", "warehouse"), 2, "Limits stand in YAML"),
        (("--singleton",), 2, "Say --unique."),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(
    cli: Cli, manager: PipelineManager, arguments: tuple[str, ...], code: int, message: str
) -> None:
    """With its exit code; nothing is added then."""
    manager.add_job("fails", job_id="broken")
    end(manager, "broken", JobStatus.FAILED)
    manager.add_job("fails", job_id="parent")
    before = jobs(manager)
    error = add(cli, "one", *arguments, code=code).stderr
    assert message in " ".join(error.split())
    assert code == 0 or jobs(manager) == before


def test_refusals_say_what_helps(cli: Cli, manager: PipelineManager) -> None:
    """retry-job for a parent that has failed; as one error in JSON."""
    manager.add_job("fails", job_id="broken")
    end(manager, "broken", JobStatus.FAILED)
    error = add(cli, "one", "--after", "broken", "--json", code=8).error
    assert error["code"] == "refused"
    assert "flowerpower job-queue retry-job broken" in error["hint"]
    parents = ",".join(manager.add_job("one").id for _ in range(2))
    hint = add(cli, "tells", "--after", parents, "--json", code=2).error["hint"]
    assert "parent_job_ids after any number" in hint


def test_python_takes_jobs_and_ids(manager: PipelineManager) -> None:
    """And refuses what is neither."""
    parent = manager.add_job("fails", job_id="parent")
    assert manager.add_job("one", after="parent").record.after == {"parent": None}
    child = manager.add_job("one", after=[parent], on="failure")
    assert (child.status, child.record.after_on) == ("waiting", "failure")
    wrong: Any
    holds, meant, too = "after holds", "Did you mean 'failure'", "expected after too"
    refused = [(5, "end", holds), ([None], "end", holds), ([["parent"]], "end", holds)]
    for wrong, on, told in (*refused, (parent, "failur", meant), ((), "end", too)):
        with pytest.raises(UsageError, match=told):
            manager.add_job("one", after=wrong, on=on)
    with pytest.raises(JobNotFound):
        manager.add_job("one", after="ghost")
    with pytest.raises(UsageError, match=r"Say after=job\."):
        manager.add_job("one", depends_on=parent)  # type: ignore[call-arg]


def test_a_parent_that_fails_while_the_job_is_added_is_told(
    manager: PipelineManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job is there, cancelled: a Refused says so, and how it comes back."""
    manager.add_job("fails", job_id="parent")
    backend = manager.job_queue.backend
    add_job = backend.add_job

    def late(spec: JobSpec) -> object:
        backend.cancel_job("parent")
        return add_job(spec)

    monkeypatch.setattr(backend, "add_job", late)
    with pytest.raises(Refused, match="was added, and cancelled at once") as caught:
        manager.add_job("one", after="parent", job_id="child")
    assert "retry-job parent" in str(caught.value.hint)
    assert manager.jobs.get("child").status == "cancelled"


def test_unique_gives_the_first_back(cli: Cli, manager: PipelineManager) -> None:
    """Exit 0; JSON says that it was not created; other inputs are another job."""
    first = add(cli, "fails", "--unique", "--json").json
    second = add(cli, "fails", "--unique", "--json")
    assert (first["created"], second.json["created"]) == (True, False)
    assert second.json["id"] == first["id"]
    assert f"The job {first['id']} exists already; nothing was added." in second.stderr
    named = add(cli, "fails", "--unique", "--job-id", "mine", "--quiet")
    assert named.stdout.split() == [first["id"]]
    assert len(jobs(manager)) == 2, "its followers came with the first one alone"
    manager.jobs.cancel(first["id"])
    assert manager.add_job("fails", unique=True).created
    refused = cli.run("job-queue", "retry-job", first["id"], "--json", code=8).error
    assert "Wait for it: flowerpower job-queue wait" in refused["hint"]


def test_the_same_id_after_other_jobs_is_refused(manager: PipelineManager) -> None:
    """And the same request is the same job, also when its parent has failed meanwhile."""
    manager.add_job("fails", job_id="parent")
    manager.add_job("one", job_id="child", after="parent")
    with pytest.raises(Refused, match='after is "parent" there and not given here'):
        manager.add_job("one", job_id="child")
    with pytest.raises(Refused, match='on is "success" there and "end" here'):
        manager.add_job("one", job_id="child", after="parent", on="end")
    end(manager, "parent", JobStatus.FAILED)
    same = manager.add_job("one", job_id="child", after="parent")
    assert (same.created, same.status) == (False, JobStatus.CANCELLED)


def test_waiting_for_a_job_that_a_parent_has_cancelled_ends_with_6(
    cli: Cli, manager: PipelineManager
) -> None:
    """And says why; before that it says whom the job waits for."""
    manager.add_job("fails", job_id="parent")
    manager.add_job("one", job_id="child", after="parent")
    waiting = cli.run("job-queue", "wait", "child", "--timeout", "0", code=7).stderr
    assert "child (one) is waiting" in waiting
    end(manager, "parent", JobStatus.FAILED)
    error = cli.run("job-queue", "wait", "child", code=6).stderr
    text = " ".join(error.split())
    assert (
        "was cancelled. It was to run once the job parent has finished, but that has failed."
        in text
    )
    assert "`flowerpower job-queue retry-job parent` brings both back." in text


def test_a_retry_says_who_waits_for_it(cli: Cli, manager: PipelineManager) -> None:
    """Of a parent its children and theirs, of a child that it waits for nobody."""
    manager.add_job("fails", job_id="parent")
    manager.add_job("one", job_id="child", after="parent")
    end(manager, "parent", JobStatus.FAILED)
    cli.run("job-queue", "retry-job", "parent", "--dry-run", code=0)
    answer = cli.run("job-queue", "retry-job", "parent", "--json", code=0)
    (body,) = answer.json
    # Those that were due because of its end wait again, as they have not begun.
    assert {"child", "follower-after-child", "sorry-after-parent"} <= set(body["waiting"])
    assert f"{len(body['waiting'])} jobs wait for parent: " in answer.stderr
    assert jobs(manager)["child"] == "waiting"
    cli.run("job-queue", "cancel-job", "child", code=0)
    retried = cli.run("job-queue", "retry-job", "child", code=0).stderr
    assert "child waits for no other job, whatever became of parent." in retried


def test_a_retry_names_the_children_that_stay_cancelled(cli: Cli, manager: PipelineManager) -> None:
    """With the reason: another job asks for the same, or another parent has failed."""
    for name in ("parent", "other"):
        manager.add_job("fails", job_id=name)
    manager.add_job("one", job_id="unique", after="parent", unique=True)
    manager.add_job("one", job_id="of-two", after=["parent", "other"], inputs={})
    manager.add_job("one", job_id="by-hand", after="parent")
    manager.jobs.cancel("by-hand")
    for name in ("parent", "other"):
        manager.jobs.cancel(name)
    manager.add_job("one", job_id="twin", unique=True)
    answer = cli.run("job-queue", "retry-job", "parent", "--json", code=0)
    (body,) = answer.json
    reasons = {one["id"]: one["reason"] for one in body["still_cancelled"]}
    assert reasons == {
        "unique": "twin, which asks for the same, has not ended", "of-two": "other was cancelled",
    }  # fmt: skip
    assert "unique stays cancelled: twin, which asks for the same, has not ended." in answer.stderr
    assert "by-hand" not in answer.stderr
    assert jobs(manager)["unique"] == "cancelled"


def test_cancelling_says_which_children_it_cancels(cli: Cli, manager: PipelineManager) -> None:
    """Those that wait for a success of it, and theirs; --dry-run and JSON say the same."""
    manager.add_job("fails", job_id="parent")
    for number in range(7):
        manager.add_job("one", job_id=f"child-{number}", after="parent")
    manager.add_job("tells", job_id="anyway", after="parent", on="end")
    names = jobs(manager).keys() - {"parent", "anyway"}
    # `sorry` follows the parent only if it has failed, each child has a follower, and that has
    # one which runs whatever becomes of it.
    expected = {name for name in names if not name.startswith("sorry-after-follower")}
    for flags in (("--dry-run",), ()):
        answer = cli.run("job-queue", "cancel-job", "parent", "--json", *flags, code=0)
        (body,) = answer.json
        assert set(body["also_cancelled"]) == expected
        verb = "would be" if flags else "are"
        assert re.search(
            rf"^{len(expected)} jobs that wait for it {verb} cancelled too: (\S+, ){{5}}…\.$",
            answer.stderr, re.MULTILINE,
        ), answer.stderr  # fmt: skip
    assert {name for name, status in jobs(manager).items() if status == "cancelled"} == (
        expected | {"parent"}
    )
    again = cli.run("job-queue", "cancel-job", "parent", "--json", code=0)
    assert (again.json[0]["also_cancelled"], again.stderr.count("wait")) == ([], 0)


def test_deleting_says_which_children_it_cancels(cli: Cli, manager: PipelineManager) -> None:
    """In the question too; not those that are deleted with it."""
    manager.add_job("fails", job_id="parent")
    manager.add_job("tells", job_id="child", after="parent")
    refused = cli.run("job-queue", "delete-job", "parent", code=8).stderr
    assert "and cancels 2 jobs that wait for it: " in " ".join(refused.split())
    dry = cli.run("job-queue", "delete-job", "parent", "child", "--dry-run", "--json", code=0)
    assert dry.json["also_cancelled"] == ["sorry-after-parent"]
    assert "1 job that waits for them would be cancelled too: sorry-after-parent." in dry.stderr
    done = cli.run("job-queue", "delete-job", "parent", "--yes", code=0).stderr
    assert "2 jobs that wait for it are cancelled too: " in done
    assert jobs(manager) == {"child": "cancelled", "sorry-after-parent": "cancelled"}


def test_a_child_that_runs_again_is_told_its_parents_again(manager: PipelineManager) -> None:
    """It waits for none of them, because they have ended."""
    manager.add_job("fails", job_id="parent")
    end(manager, "parent", JobStatus.FAILED)
    child = manager.add_job("one", job_id="child", after="parent", on="failure")
    child.cancel()
    again = child.again("again")
    assert (again.status, again.record.after) == ("queued", {"parent": "failed"})


def test_a_pipeline_that_others_follow_is_not_deleted(cli: Cli, project: Path) -> None:
    """The error names them and their files."""
    error = cli.run("pipeline", "delete", "one", code=8).stderr
    assert "follower follows one" in error
    assert "conf/pipelines/follower.yml" in error
    cli.run("pipeline", "delete", "tells", "--yes", code=0)


def test_validate_names_what_is_wrong_with_chains_and_limits(cli: Cli, project: Path) -> None:
    """Unknown pipelines and limits with the nearest, cycles with the way round."""
    folder = project / "conf" / "pipelines"
    (project / "conf" / "project.yml").write_text("name: demo\nlimits: {warehouse: 1}\n")
    (folder / "one.yml").write_text("after: {pipeline: sorry, on: end}\n")
    (folder / "tells.yml").write_text("run:\n  limits: [wharehouse]\nafter:\n- pipeline: on\n")
    (folder / "fails.yml").write_text("after: {pipeline: fails}\n")
    texts = {
        name: " ".join(cli.run("pipeline", "validate", name, code=4).stderr.split())
        for name in ("one", "tells", "fails")
    }
    assert (
        "line 1: after.pipeline: the chain comes back to where it began: one → follower → sorry → one."
        in texts["one"]
    )
    assert "line 2: run.limits[0]: the project has no limit 'wharehouse'" in texts["tells"]
    assert "Did you mean 'warehouse'?" in texts["tells"]
    assert (
        "line 4: after[0].pipeline: there is no pipeline 'on'. Did you mean 'one'?"
        in texts["tells"]
    )
    assert "fails → fails." in texts["fails"]


def test_the_door_refuses_a_pipeline_with_unknown_limits(cli: Cli, project: Path) -> None:
    """With file, line and key; another pipeline's mistakes stop nobody."""
    folder = project / "conf" / "pipelines"
    (folder / "one.yml").write_text("run: {limits: [warehouse]}\n")
    (folder / "broken.yml").write_text("after: [\n")
    error = add(cli, "one", code=4).stderr
    assert "conf/pipelines/one.yml, line 1: run.limits[0]: the project has no limit" in error
    (folder / "one.yml").write_text("after: {pipeline: nowhere}\n")
    assert "there is no pipeline 'nowhere'" in add(cli, "one", code=4).stderr
    add(cli, "fails")


def test_a_worker_keeps_to_limits(cli: Cli, project: Path) -> None:
    """max_running of a pipeline, and what several share: JobQueueManager's workers do, too."""
    (project / "conf" / "project.yml").write_text("name: demo\nlimits: {warehouse: 1}\n")
    config = project / "conf" / "pipelines" / "fails.yml"
    config.write_text("run: {limits: [warehouse], max_running: 2}\n")
    with JobQueueManager(base_dir=project) as backend:
        limits = backend.limits()
        assert limits.of_pipeline == {"fails": ("warehouse", "pipeline:fails")}
        backend.register_worker(WorkerInfo("w", "here", 1, ("default",), 2, clock.now()))
        for number in range(3):
            backend.add_job(JobSpec("fails", id=f"job-{number}"))
        assert len(backend.claim("w", 3, ["default"], None, limits)) == 1
        backend.unregister_worker("w")
    cli.run("job-queue", "start-worker", "--burst", "--num-workers", "2", code=0)
    listed = cli.run("job-queue", "list-jobs", "--status", "failed", "--json", code=0).json
    spans = sorted((job["started_at"], job["ended_at"]) for job in listed)
    assert len(spans) == 3
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))


def test_a_wrong_project_yml_is_an_error_at_the_door(project: Path) -> None:
    """As of any other key."""
    (project / "conf" / "project.yml").write_text("limits: {a: {per: often}}\n")
    with pytest.raises(ConfigError) as caught:
        PipelineManager(project)
    assert "limits.a.per" in json.dumps([str(fault) for fault in caught.value.faults])
