"""A command on many jobs, page by page: what it says when it is stopped half-way."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from flowerpower.errors import BackendUnreachable, FlowerpowerError, Refused
from flowerpower.jobs.job import Job, JobFilter, JobStatus
from flowerpower.jobs.job_spec import JobSpec
from flowerpower.pipeline import PipelineManager
from flowerpower.triggers import clock
from flowerpower_cli.bulk import PAGE, Selected, act_on
from flowerpower_cli.command import CommandContext
from flowerpower_cli.options import SharedOptions
from tests.conftest import MakeProject

CONTEXT = CommandContext(SharedOptions(), None)
Act = Callable[[Sequence[Job]], Sequence[Job | FlowerpowerError]]


def jobs(count: int) -> list[Job]:
    now = clock.now()
    return [
        Job(f"job-{number}", "report", "default", JobStatus.FAILED, now, now)
        for number in range(count)
    ]


def act_and_show(selected: Selected, act: Act) -> list[str]:
    """The ids of the jobs that are shown as done, also if it ends in an error."""
    shown: list[str] = []
    try:
        act_on(CONTEXT, selected, act, lambda done: shown.extend(job.id for job, _ in done), "Act")
    finally:
        selected.jobs = [job for job in selected.jobs if job.id in shown]
    return shown


def stopping(at: int, stops: BaseException) -> Act:
    """What does all up to the page that the job number `at` is in."""

    def act(page: Sequence[Job]) -> Sequence[Job]:
        if f"job-{at}" in [job.id for job in page]:
            raise stops
        return page

    return act


def test_a_backend_that_goes_away_ends_it() -> None:
    """What was done is shown; the error says what is in doubt, and what was not done."""
    selected = Selected(jobs(3 * PAGE + 1))
    with pytest.raises(BackendUnreachable) as raised:
        act_and_show(selected, stopping(PAGE, BackendUnreachable("It does not answer.")))
    assert len(selected.jobs) == PAGE
    assert raised.value.details == [
        f"{PAGE} done",
        f"in doubt: {PAGE} jobs, from job-{PAGE} to job-{2 * PAGE - 1}",
        f"not done: {PAGE + 1} jobs, from job-{2 * PAGE} to job-{3 * PAGE}",
    ]


def test_ctrl_c_ends_it(capfd: pytest.CaptureFixture[str]) -> None:
    """The same is printed, and the interrupt goes on; a few jobs are named."""
    selected = Selected(jobs(PAGE + 2))
    with pytest.raises(KeyboardInterrupt):
        act_and_show(selected, stopping(PAGE, KeyboardInterrupt()))
    assert capfd.readouterr().err == f"{PAGE} done\nin doubt: job-{PAGE}, job-{PAGE + 1}\n"


def test_a_refused_job_stops_no_other() -> None:
    """Its error comes at the end, with those of names that are no jobs."""
    first, second, third = jobs(3)
    selected = Selected([first, second, third], [Refused("nothing")])
    with pytest.raises(Refused) as raised:
        act_and_show(selected, lambda page: [page[0], Refused("no"), page[2]])
    assert [job.id for job in selected.jobs] == ["job-0", "job-2"]
    assert raised.value.details == ["nothing", "no"]


def test_listed_jobs_are_shown_as_a_list_is() -> None:
    """They are acted on from the oldest on, and the newest is shown first."""
    acted: list[str] = []

    def act(page: Sequence[Job]) -> Sequence[Job]:
        acted.extend(job.id for job in page)
        return page

    shown = act_and_show(Selected(jobs(3), are_listed=True), act)
    assert (acted, shown) == (["job-0", "job-1", "job-2"], ["job-2", "job-1", "job-0"])


def test_what_is_in_doubt_can_be_done_again(make_project: MakeProject) -> None:
    """The job database is away after a page; once it is back, the same act does the rest."""
    root = make_project(report=("", "def total() -> int:\n    return 1\n"))
    manager = PipelineManager(root, quiet=True)
    queue, database = manager.job_queue, root / ".flowerpower" / "jobs.db"
    count = PAGE + 5
    queue.backend.add_jobs([JobSpec("report", id=f"job-{n}") for n in range(count)])

    def cancel(page: Sequence[Job]) -> Sequence[Job | FlowerpowerError]:
        if queue.list_jobs(JobFilter(frozenset({JobStatus.CANCELLED}))):
            database.rename(database.with_suffix(".away"))
        return queue.change_jobs("cancel", [job.id for job in page])

    waiting = queue.list_jobs(JobFilter(limit=count))[::-1]
    with pytest.raises(BackendUnreachable) as raised:
        act_and_show(Selected(waiting), cancel)
    assert raised.value.details == [
        f"{PAGE} done",
        "in doubt: job-200, job-201, job-202, job-203, job-204",
    ]
    database.with_suffix(".away").rename(database)
    left = queue.list_jobs(JobFilter(frozenset({JobStatus.QUEUED}), limit=count))
    assert len(left) == 5
    manager.close()
