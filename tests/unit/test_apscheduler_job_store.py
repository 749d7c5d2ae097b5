"""The job store for a user's own scheduler, made from a project's folder, beside real workers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from apscheduler.schedulers.background import BackgroundScheduler

from flowerpower.errors import BackendUnreachable, ConfigError, ProjectNotFound, Refused
from flowerpower.job_queue.apscheduler.job_store import FlowerpowerJobStore
from flowerpower.pipeline import PipelineManager
from tests.conftest import MakeProject
from tests.contract import test_apscheduler_schedules as of_schedules
from tests.contract import test_apscheduler_tools as of_store
from tests.unit import test_apscheduler_triggers as of_triggers

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "apscheduler-tools.md"
HELLO = ("run: {inputs: {name: you}}\n", "def greeting(name: str) -> str:\n    return name\n")


@pytest.fixture
def manager(make_project: MakeProject) -> Iterator[PipelineManager]:
    opened = PipelineManager(make_project(hello=HELLO), quiet=True)
    yield opened
    opened.close()


def scheduler_of(manager: PipelineManager) -> BackgroundScheduler:
    """A scheduler with the project's jobs, by APScheduler's configuration alone."""
    reference = "flowerpower.job_queue.apscheduler.job_store:FlowerpowerJobStore"
    return BackgroundScheduler(
        {
            "apscheduler.timezone": "UTC",
            "apscheduler.jobstores.flowerpower": {
                "class": reference,
                "base_dir": manager.project.root,
            },
        }
    )


def test_a_project_in_a_scheduler_beside_its_worker(manager: PipelineManager) -> None:
    """What is added and run elsewhere is seen at once; what is done here counts for the worker."""
    scheduler = scheduler_of(manager)
    scheduler.start()
    try:
        manager.add_job("hello", job_id="kept")
        removed = manager.add_job("hello", job_id="removed")
        schedule_id = manager.schedule("hello", cron="0 8 * * *", timezone="UTC")
        assert {job.id for job in scheduler.get_jobs()} == {"kept", "removed", schedule_id}
        scheduler.remove_job("removed")
        scheduler.pause_job(schedule_id)
        assert manager.job_queue.run_worker(burst=True) == 1
        assert [(job.id, job.next_run_time) for job in scheduler.get_jobs()] == [
            (schedule_id, None)
        ]
        assert removed.refresh().status == "cancelled"
        assert manager.schedules.get(schedule_id).state == "paused"
    finally:
        scheduler.shutdown()


def test_a_scheduler_can_be_started_again(manager: PipelineManager) -> None:
    """The queue is open while the scheduler runs; before and after, the store says so."""
    manager.add_job("hello", job_id="waiting")
    store = FlowerpowerJobStore(base_dir=manager.project.root)
    scheduler = BackgroundScheduler(timezone="UTC", jobstores={"flowerpower": store})
    for _ in range(2):
        with pytest.raises(Refused, match="its scheduler was not started"):
            store.get_all_jobs()
        assert scheduler.get_jobs() == []
        scheduler.start()
        assert [job.id for job in scheduler.get_jobs()] == ["waiting"]
        scheduler.shutdown()


@pytest.mark.parametrize(
    ("project", "error"),
    [
        (None, ProjectNotFound),
        ("name: demo\njob_queu: {}\n", ConfigError),
        (
            "name: demo\njob_queue: {type: rq, backend: {url: 'redis://127.0.0.1:1/0'}}\n",
            BackendUnreachable,
        ),
    ],
)
def test_a_folder_that_cannot_be_opened_is_said_at_the_start(
    make_project: MakeProject, project: str | None, error: type[Exception]
) -> None:
    """`scheduler.start()` raises our error, and nothing is made in the folder."""
    root = make_project(project or "")
    if project is None:
        (root / "conf" / "project.yml").unlink()
    scheduler = BackgroundScheduler(jobstores={"default": FlowerpowerJobStore(base_dir=root)})
    with pytest.raises(error):
        scheduler.start()
    assert not scheduler.running
    assert not (root / ".flowerpower").exists()


ROWS: dict[str, list[Any]] = {
    "`get_jobs()`, `get_job(ID)`": [
        of_store.test_get_jobs_lists_what_is_pending,
        of_store.test_what_a_job_of_a_schedule_shows,
    ],
    "`print_jobs()`": [of_store.test_print_jobs],
    "`pause_job(ID)`, `resume_job(ID)`": [
        of_schedules.test_a_schedule_is_paused_resumed_and_removed,
        of_store.test_a_job_is_neither_paused_nor_changed,
    ],
    "`remove_job(ID)`": [
        of_store.test_a_waiting_job_is_removed_by_cancelling_it,
        of_store.test_a_running_job_is_not_removed,
    ],
    "`reschedule_job(ID, trigger=…)`": [
        of_schedules.test_a_schedule_gets_another_trigger,
        of_schedules.test_a_trigger_of_apscheduler_by_name_is_refused,
    ],
    "`modify_job(ID, …)`": [
        of_schedules.test_settings_of_a_schedule_are_changed,
        of_schedules.test_what_cannot_be_changed_of_a_schedule_is_refused,
    ],
    "`add_listener(…)`": [of_store.test_listeners_hear_what_is_done_here],
    "`add_job(…)`, `import_jobs(…)`": [of_store.test_functions_are_refused],
    "`remove_all_jobs()`": [of_store.test_removing_all_jobs_is_refused],
    "`add_job(…, CronTrigger(…))`": [
        of_triggers.test_clocks_go_forward_in_a_running_scheduler,
        of_triggers.test_clocks_go_back_in_a_running_scheduler,
    ],
    "stores that pickle, such as `RedisJobStore`": [
        of_triggers.test_jobs_in_a_pickling_store_survive
    ],
    "`export_jobs(…)`, `import_jobs(…)`": [of_triggers.test_exported_jobs_hold_no_pickle_of_ours],
    "`AndTrigger`, `OrTrigger`": [of_triggers.test_triggers_can_be_combined],
}


def test_each_row_of_the_page_has_its_tests() -> None:
    """The tables of docs/how-to/apscheduler-tools.md name what the tests above have tried."""
    rows = re.findall(r"^\| (.*?) \| .* \| .* \|$", HOW_TO.read_text("utf-8"), re.MULTILINE)
    assert [row for row in rows if row not in ("Tool", "---")] == list(ROWS)
    assert all(tests for tests in ROWS.values())
