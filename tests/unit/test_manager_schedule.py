"""PipelineManager.schedule: the calendar from Python, and its printed line."""

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from flowerpower.config.overrides import RunOverrides
from flowerpower.errors import (
    ConfigError,
    InvalidInputs,
    InvalidTrigger,
    PipelineNotFound,
    Refused,
    UsageError,
)
from flowerpower.jobs.schedule import Origin, ScheduleState
from flowerpower.pipeline import PipelineManager
from flowerpower.pipeline.schedule_changes import Action, Standing
from tests.conftest import MakeProject

REPORT = "def total(region: str = 'all') -> str:\n    return region\n"
DECLARED = """
run: {inputs: {region: north}}
schedule: {cron: "0 8 * * 1-5", timezone: Europe/Berlin, max_instances: 2, queue: slow, priority: 5, expires: 10m}
"""
LISTED = """
schedule:
  - {id: mornings, cron: "0 8 * * *"}
  - {id: hourly, interval: 1h, run: {inputs: {region: south}}}
  - {id: never, interval: 2h, enabled: false}
"""
PROJECT = """
name: my_project
timezone: Asia/Tokyo
job_queue: {backend: {queues: [default, slow]}}
"""


@pytest.fixture
def root(make_project: MakeProject) -> Path:
    return make_project(
        PROJECT,
        report=("run: {}\n", REPORT),
        declared=(DECLARED, REPORT),
        listed=(LISTED, REPORT),
    )


@pytest.fixture
def manager(root: Path) -> PipelineManager:
    return PipelineManager(root, quiet=True)


def test_a_schedule_is_stored_and_its_id_returned(manager: PipelineManager) -> None:
    """With its trigger in the project's zone, the overrides and every option."""
    schedule_id = manager.schedule(
        name="report", cron="0 8 * * 1-5", inputs={"region": "east"}, timeout="1m",
        misfire_grace_time="10m", coalesce=False, max_instances=3, jitter=5, result_ttl=-1,
        priority=9, expires="2h",
    )  # fmt: skip
    assert schedule_id == "report-1"
    schedule = manager.job_queue.backend.schedules.get(schedule_id)
    spec = schedule.spec
    assert spec is not None
    assert (spec.trigger.timezone, spec.trigger.jitter) == ("Asia/Tokyo", 5.0)
    assert spec.overrides.inputs == {"region": "east"}
    assert (spec.overrides.timeout, spec.result_ttl, spec.origin) == (60.0, -1.0, Origin.API)
    assert (spec.misfire_grace_time, spec.coalesce, spec.max_instances) == (600.0, False, 3)
    assert (spec.priority, spec.expires) == (9, 7200.0)
    assert schedule.next_fire is not None
    assert schedule.next_fire.astimezone(UTC).hour == 23, "eight in Tokyo"


def test_intervals_and_dates(manager: PipelineManager) -> None:
    """An interval as a text or seconds; a date as a text or a datetime, in the zone named."""
    manager.schedule("report", interval="1h", schedule_id="a")
    manager.schedule("report", interval=timedelta(seconds=90), schedule_id="b")
    manager.schedule("report", date="2126-12-25T09:00:00", timezone="UTC", schedule_id="c")
    manager.schedule("report", date=datetime(2126, 1, 1, tzinfo=UTC), schedule_id="d")
    backend = manager.job_queue.backend
    schedules = {schedule.id: schedule for schedule in backend.schedules.list()}
    assert schedules["a"].to_json()["trigger"]["interval"] == 3600
    assert schedules["b"].to_json()["trigger"]["interval"] == 90
    assert schedules["c"].next_fire == datetime(2126, 12, 25, 9, tzinfo=UTC)
    assert schedules["d"].next_fire == datetime(2126, 1, 1, tzinfo=UTC)


def test_the_same_again_is_the_same(manager: PipelineManager) -> None:
    """Pipeline, trigger and overrides as before: the same id. Anything else: another one."""
    first = manager.schedule("report", interval="1h", inputs={"region": "east"})
    assert manager.schedule("report", interval=3600, inputs={"region": "east"}) == first
    assert manager.schedule("report", interval="1h") == "report-2"


def test_an_id_of_another_schedule_is_refused_without_overwrite(manager: PipelineManager) -> None:
    """overwrite=True replaces it."""
    manager.schedule("report", interval="1h", schedule_id="mine")
    with pytest.raises(Refused, match="There is a schedule mine already"):
        manager.schedule("report", interval="2h", schedule_id="mine")
    assert manager.schedule("report", interval="2h", schedule_id="mine", overwrite=True) == "mine"


def test_without_a_trigger_the_yaml_says_when(manager: PipelineManager) -> None:
    """With its zone, its queue, and the origin config; the run's own YAML is read at each run."""
    schedule_id = manager.schedule("declared")
    schedule = manager.job_queue.backend.schedules.get(schedule_id)
    assert schedule_id == "declared-1"
    assert schedule.spec is not None
    assert (schedule.spec.trigger.timezone, schedule.spec.queue) == ("Europe/Berlin", "slow")
    assert (schedule.spec.max_instances, schedule.spec.origin) == (2, Origin.CONFIG)
    assert (schedule.spec.priority, schedule.spec.expires) == (5, 600.0)
    assert schedule.spec.overrides.inputs == {}
    assert manager.schedule("declared") == schedule_id


def test_of_several_in_the_yaml_one_is_named(manager: PipelineManager) -> None:
    """By its id; those that are not enabled are no choice."""
    assert manager.schedule("listed", schedule_id="hourly") == "hourly"
    spec = manager.job_queue.backend.schedules.get("hourly").spec
    assert spec is not None
    assert spec.overrides == RunOverrides(declared="hourly")
    outcome = manager.run_outcome("listed", spec.overrides)
    assert outcome.values == {"total": "south"}
    with pytest.raises(UsageError, match="declares 2 schedules") as several:
        manager.schedule("listed")
    assert several.value.hint == "They are: mornings, hourly."
    for schedule_id in ("never", "morning"):
        with pytest.raises(UsageError, match=f"declares no schedule '{schedule_id}'"):
            manager.schedule("listed", schedule_id=schedule_id)


FIRED_IN_A_WORKER = """\
import sys
from flowerpower import PipelineManager
manager = PipelineManager(sys.argv[1], quiet=True)
manager.schedule("report")
manager.job_queue.run_schedule_now("report-1")
manager.job_queue.run_worker(burst=True)
manager.close()
"""


def test_what_a_declared_schedule_expands_is_not_stored(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret under its `run` is read at each attempt, and stands in no file of the queue."""
    monkeypatch.setenv("REGION_PASSWORD", "tulips-in-winter")
    config = "schedule: {interval: 1h, run: {inputs: {region: '${REGION_PASSWORD}'}}}\n"
    root = make_project(PROJECT, report=(config, REPORT))
    # In a process of its own: modules that other tests have left here may be younger than this one,
    # and then no check is kept.
    subprocess.run([sys.executable, "-c", FIRED_IN_A_WORKER, root], check=True)
    files = [path for path in (root / ".flowerpower").rglob("*") if path.is_file()]
    assert len(files) >= 2
    for file in files:
        assert b"tulips-in-winter" not in file.read_bytes()
    manager = PipelineManager(root, quiet=True)
    (listed,) = manager.jobs.list()
    job = manager.jobs.get(listed.id)
    assert job.record.to_json()["overrides"] == {"declared": ""}
    assert job.record.result is not None
    assert job.record.result["outputs"] == {"total": "***"}


def test_a_job_of_a_schedule_that_is_declared_no_more_fails(manager: PipelineManager) -> None:
    """And says so."""
    with pytest.raises(ConfigError, match="no longer declares the schedule 'gone'"):
        manager.run_outcome("listed", RunOverrides(declared="gone"))


def test_what_cannot_be_is_refused_before_anything_is_stored(manager: PipelineManager) -> None:
    """Each with its own error."""
    with pytest.raises(PipelineNotFound):
        manager.schedule("reprot", interval="1h")
    with pytest.raises(UsageError, match="has no schedule of its own"):
        manager.schedule("report")
    with pytest.raises(InvalidTrigger, match="exactly one"):
        manager.schedule("report", interval="1h", cron="@daily")
    with pytest.raises(InvalidTrigger):
        manager.schedule("report", cron="0 8 * *")
    with pytest.raises(InvalidInputs, match=r"inputs\.region"):
        manager.schedule("report", interval="1h", inputs={"region": object()})
    with pytest.raises(UsageError, match="max_instances is 0"):
        manager.schedule("report", interval="1h", max_instances=0)
    with pytest.raises(UsageError, match="no queue 'fast'"):
        manager.schedule("report", interval="1h", queue="fast")
    assert manager.job_queue.backend.schedules.list() == []


def test_success_is_printed_as_it_always_was(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line with project, pipeline and id; quiet managers say nothing."""
    assert PipelineManager(root).schedule("report", cron="0 8 * * 1-5") == "report-1"
    assert capsys.readouterr().out == (
        "✅ Successfully scheduled job for my_project.report with ID report-1\n"
    )
    PipelineManager(root, quiet=True).schedule("report", cron="0 9 * * 1-5")
    assert capsys.readouterr().out == ""


def test_a_run_now_does_not_shift_the_calendar(manager: PipelineManager) -> None:
    """It makes a job of the schedule, with its overrides and no nominal time."""
    manager.schedule("report", interval="1h", inputs={"region": "east"}, schedule_id="mine")
    before = manager.job_queue.backend.schedules.get("mine")
    job = manager.job_queue.run_schedule_now("mine")
    assert (job.schedule_id, job.scheduled_for, job.pipeline) == ("mine", None, "report")
    assert job.to_json()["overrides"]["inputs"] == {"region": "east"}
    assert manager.job_queue.backend.schedules.get("mine") == before
    assert manager.job_queue.backend.schedules.fires("mine") == []
    assert before.state is ScheduleState.ACTIVE
    assert before.next_fire is not None
    assert timedelta(minutes=59) < before.next_fire - before.anchor <= timedelta(hours=1)


@pytest.mark.parametrize("url", ["sqlite:///.flowerpower/jobs.db", "memory"])
def test_what_is_declared_is_applied_from_python(make_project: MakeProject, url: str) -> None:
    """`diff` says what `apply` will do; both return the changes, and nothing is left to do then."""
    root = make_project(
        f"{PROJECT.replace('{backend: {', '{backend: {url: ' + repr(url) + ', ')}",
        declared=(DECLARED, REPORT),
        listed=(LISTED, REPORT),
    )
    manager = PipelineManager(root, quiet=True)
    assert [(change.label, change.action) for change in manager.schedules.diff()] == [
        ("the schedule of declared", Action.ADD), ("mornings", Action.ADD), ("hourly", Action.ADD),
    ]  # fmt: skip
    assert [change.label for change in manager.schedules.apply("declared")] == [
        "the schedule of declared"
    ]
    manager.schedules.apply()
    assert manager.schedules.diff() == []
    assert manager.schedules.apply() == []
    standings = {change.label: change.standing for change in manager.schedules.compare()}
    assert standings == {
        "declared-1": Standing.SAME, "mornings": Standing.SAME, "hourly": Standing.SAME,
        "never": Standing.DISABLED,
    }  # fmt: skip
    (root / "conf" / "pipelines" / "listed.yml").write_text("{}\n")
    assert manager.schedules.apply() == []
    assert {change.id for change in manager.schedules.apply(prune=True)} == {"mornings", "hourly"}
    manager.close()


def test_an_edit_of_yaml_changes_the_schedule_in_place(
    make_project: MakeProject, manager: PipelineManager, root: Path
) -> None:
    """The same call again, after the edit: the same id, with the new times."""
    assert manager.schedule("declared") == "declared-1"
    before = manager.schedules.get("declared-1").record
    (root / "conf" / "pipelines" / "declared.yml").write_text(
        "schedule: {every: 2 weeks, start: 2126-01-07T09:00, except: 2126-01-21}\n"
    )
    assert manager.schedule("declared") == "declared-1"
    after = manager.schedules.get("declared-1").record
    assert after.created_at == before.created_at
    assert after.to_json()["trigger"] == {
        "every": "2 weeks", "timezone": "Asia/Tokyo", "start": "2126-01-07T00:00:00+00:00",
        "except": ["2126-01-21"],
    }  # fmt: skip
    assert len(manager.schedules.list()) == 1


def test_a_change_that_is_refused_is_raised_after_the_others(
    manager: PipelineManager, root: Path
) -> None:
    """With what was done; nothing is deleted then."""
    manager.schedules.apply()
    for name, text in (
        ("declared", "run: {inputs: {nowhere: 1}}\nschedule: {interval: 2h}\n"),
        ("listed", "schedule: {id: fresh, interval: 3h}\n"),
    ):
        (root / "conf" / "pipelines" / f"{name}.yml").write_text(text)
    with pytest.raises(UsageError, match="nowhere") as caught:
        manager.schedules.apply(prune=True)
    assert "done: fresh" in caught.value.details
    assert {schedule.id for schedule in manager.schedules.list()} == {
        "declared-1", "mornings", "hourly", "fresh",
    }  # fmt: skip


def test_steps_and_exceptions_from_python(manager: PipelineManager) -> None:
    """`every` with its start, and dates as text or as dates."""
    schedule_id = manager.schedule(
        "report",
        every="2 weeks",
        start="2126-01-07T09:00",
        except_=["2126-01-21", date(2126, 2, 4)],
    )
    rows = manager.schedules.get(schedule_id).preview(2)
    assert [f"{row.local:%Y-%m-%d %H:%M}" for row in rows] == [
        "2126-01-07 09:00",
        "2126-02-18 09:00",
    ]
    with pytest.raises(InvalidTrigger, match="needs a start"):
        manager.schedule("report", every="2 weeks")


def test_a_pipeline_with_schedules_or_waiting_jobs_is_not_deleted(
    manager: PipelineManager, root: Path
) -> None:
    """They are named; `with_schedules` deletes its schedules, and never a job."""
    manager.schedule("report", interval="1h")
    with pytest.raises(Refused, match=r"report has 1 schedule \(report-1\)"):
        manager.delete("report")
    manager.add_job("report", job_id="waits")
    with pytest.raises(Refused, match=r"1 waiting job \(waits\)"):
        manager.delete("report", with_schedules=True)
    manager.jobs.cancel("waits")
    assert len(manager.delete("report", with_schedules=True, dry_run=True)) == 2
    assert len(manager.schedules.list()) == 1
    manager.delete("report", with_schedules=True)
    assert manager.schedules.list() == []
    assert "report" not in manager.list()
