"""Backfills on the command line: what was missed, a range, a second time, and what is asked."""

from __future__ import annotations

import contextlib
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from flowerpower.pipeline import PipelineManager
from flowerpower.triggers import clock
from tests.conftest import MakeProject
from tests.jobs_database import jobs_database
from tests.terminal import Cli

TIMED = (
    "",
    "import datetime\n\n\n"
    "def day(scheduled_for: datetime.datetime) -> str:\n"
    "    if scheduled_for.day == 13:\n"
    "        raise ValueError('bad luck')\n"
    "    return scheduled_for.isoformat()\n",
)
PROJECT = "name: demo\ntimezone: Europe/Berlin\njob_queue: {result_ttl: -1}\n"
DAYS = 30


@pytest.fixture
def project(make_project: MakeProject) -> Path:
    return make_project(PROJECT, timed=TIMED)


@pytest.fixture
def down(cli: Cli, project: Path) -> Cli:
    """A command line in a project with a daily schedule that nobody fired for a month."""
    command = ("schedule", "add", "timed", "--cron", "0 8 * * *", "--quiet")
    assert cli.run(*command, code=0).stdout == "timed-1\n"
    with contextlib.closing(PipelineManager(project)) as manager:
        store = manager.job_queue.backend.schedules
        first = store.get("timed-1").trigger.previous(clock.now() - timedelta(days=DAYS))
        with jobs_database(project) as database:
            database.execute(
                "UPDATE flowerpower_schedules SET anchor = ?, next_fire = ?, due_at = ?",
                (first.timestamp() - 60, first.timestamp(), first.timestamp()),
            )
        database.close()
        store.fire_due()
    return cli


def backfill(cli: Cli, *arguments: str, code: int = 0) -> dict[str, Any]:
    """The JSON of a backfill of the schedule."""
    body: dict[str, Any] = cli.run(
        "schedule", "backfill", "timed-1", *arguments, "--json", code=code
    ).json
    return body


def test_a_month_that_was_missed_is_made(down: Cli, project: Path) -> None:
    """Each missing day once, with its time; the worker runs them one after another."""
    planned = backfill(down, "--missed", "--dry-run")
    assert (planned["count"], planned["added"], planned["max_parallel"]) == (DAYS, False, 1)
    assert (planned["already"], planned["unknown"], planned["unfired_since"]) == (1, 0, None)
    made = backfill(down, "--missed")
    assert made == planned | {"added": True}
    again = backfill(down, "--missed")
    assert (again["count"], again["jobs"], again["already"]) == (0, [], DAYS + 1)
    waiting = down.run("job-queue", "list-jobs", "--json", "--limit", "100", code=0).json
    assert sum(job["blocked"] for job in waiting) == DAYS
    down.run("job-queue", "start-worker", "--burst", code=0)
    history = down.run("schedule", "history", "timed-1", "--json", code=0).json
    assert len(history) == DAYS + 1
    for fire in history:
        failed = clock.parse_time(fire["fire_time"]).day == 13
        assert fire["job_status"] == ("failed" if failed else "finished"), fire
        job = down.run("job-queue", "show-job", fire["job_id"], "--json", code=0).json
        assert job["scheduled_for"] == fire["fire_time"]
        if not failed:
            assert job["result"]["outputs"] == {"day": fire["fire_time"]}
    ended = [job["ended_at"] for job in made_jobs(down)]
    assert ended == sorted(ended)


def made_jobs(cli: Cli) -> list[dict[str, Any]]:
    """The jobs of the backfill, by the time of their fires."""
    jobs = cli.run("job-queue", "list-jobs", "--json", "--limit", "100", code=0).json
    made = [job for job in jobs if job["concurrency_key"] == "timed-1:backfill"]
    return sorted(made, key=lambda job: str(job["scheduled_for"]))


def test_it_says_what_it_does(down: Cli) -> None:
    """A table of times and jobs; how many, how many at once, and that a worker is needed."""
    shown = down.run("schedule", "backfill", "timed-1", "--missed", "--dry-run", code=0)
    assert len(shown.stdout.splitlines()) == DAYS + 1
    assert re.search(r" 08:00:00 CES?T +timed-1-\d{8}T0[67]0000Z", shown.stdout)
    assert f"{DAYS} jobs would be added; at most 1 of them at once." in shown.stderr
    assert "1 fire has made a job already." in shown.stderr
    made = down.run("schedule", "backfill", "timed-1", "--missed", "--max-parallel", "40", code=0)
    assert f"{DAYS} jobs added." in made.stderr
    assert "No worker takes jobs from default" in made.stderr
    again = down.run("schedule", "backfill", "timed-1", "--missed", code=0)
    assert again.stdout == ""
    assert "No job added." in again.stderr
    one = made_jobs(down)[0]["id"]
    text = down.run("job-queue", "show-job", one, code=0).stdout
    assert "for other jobs of the backfill: at most 40 at once" in text


def test_a_range_in_the_zone_of_the_schedule(down: Cli) -> None:
    """Both ends belong to it; its order can be turned; fires before the schedule count too."""
    made = backfill(
        down, "--from", "2026-01-01T08:00", "--to", "2026-01-03T08:00", "--order", "newest"
    )
    assert [job["scheduled_for"] for job in made["jobs"]] == [
        "2026-01-03T07:00:00+00:00", "2026-01-02T07:00:00+00:00", "2026-01-01T07:00:00+00:00"
    ]  # fmt: skip
    part = backfill(down, "--from", "2026-01-03T08:00:01", "--to", "2026-01-04T12:00Z", "--dry-run")
    assert [job["id"] for job in part["jobs"]] == ["timed-1-20260104T070000Z"]
    quiet = down.run("schedule", "backfill", "timed-1", "--from", "2026-01-02", "--to",
                     "2026-01-05", "--quiet", code=0)  # fmt: skip
    assert quiet.stdout == "timed-1-20260104T070000Z\n"


def test_more_than_a_thousand_are_asked_about(cli: Cli, project: Path) -> None:
    """Nobody can answer here, so nothing is done without --yes."""
    cli.run("schedule", "add", "timed", "--cron", "*/10 * * * *", code=0)
    span = ("--from", "2026-03-01", "--to", "2026-03-08")
    ended = cli.run("schedule", "backfill", "timed-1", *span, code=8)
    assert "This adds 1009 jobs of timed-1. Nothing was done." in ended.stderr
    assert "Say --yes" in ended.stderr
    assert backfill(cli, *span, "--dry-run")["count"] == 1009
    done = cli.run("schedule", "backfill", "timed-1", *span, "--yes", code=0)
    assert "1009 of 1009 fires are done." in done.stderr
    assert backfill(cli, *span)["count"] == 0


def test_fires_that_nobody_has_dealt_with_are_left_to_a_scheduler(cli: Cli, project: Path) -> None:
    """Whether they are missed is not yet decided; that is said."""
    cli.run("schedule", "add", "timed", "--cron", "0 8 * * *", code=0)
    due = clock.now().replace(microsecond=0) - timedelta(hours=1)
    with jobs_database(project) as database:
        database.execute(
            "UPDATE flowerpower_schedules SET next_fire = ?, due_at = ?",
            (due.timestamp(), due.timestamp()),
        )
    database.close()
    ended = cli.run("schedule", "backfill", "timed-1", "--missed", code=0)
    assert "are due, and no worker or scheduler has dealt with them" in ended.stderr
    assert backfill(cli, "--missed")["unfired_since"] == clock.format_time(due)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("timed-1",), 2, "Expected --from TIME, or --missed."),
        (("timed-2", "--missed"), 3, "Did you mean 'timed-1'?"),
        (("timed-1", "--from", "2026-02-30"), 2, "--from"),
        (("timed-1", "--from", "2026-02-02", "--to", "2026-02-01"), 2, "lies after the end"),
        (("timed-1", "--from", "2199-01-01"), 2, "lies after now"),
        (("timed-1", "--missed", "--max-parallel", "0"), 2, "expected 1 to 1000"),
        (("timed-1", "--missed", "--order", "random"), 2, "--order"),
        (("fast", "--from", "2024-01-01", "--to", "2026-01-01"), 2, "at most 100000"),
    ],
)
def test_what_cannot_be_is_refused(
    cli: Cli, project: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    """With one sentence and the code of its kind."""
    cli.run("schedule", "add", "timed", "--cron", "0 8 * * *", code=0)
    cli.run("schedule", "add", "timed", "--cron", "* * * * *", "--schedule-id", "fast", code=0)
    ended = cli.run("schedule", "backfill", *arguments, code=code)
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def test_what_a_run_would_refuse_is_refused(down: Cli, project: Path) -> None:
    """The pipeline has got an input that nobody gives: no job is added."""
    module = project / "pipelines" / "timed.py"
    module.write_text("def day(scheduled_for: str, region: str) -> str:\n    return region\n")
    ended = down.run("schedule", "backfill", "timed-1", "--missed", code=2)
    assert "region" in ended.stderr
    assert made_jobs(down) == []


def test_outcomes_in_list_and_show(down: Cli, project: Path) -> None:
    """What became of the last fire, how many failed in a row, and the history's reasons."""
    module = project / "pipelines" / "timed.py"
    module.write_text("def day(scheduled_for: str) -> str:\n    raise ValueError('no')\n")
    down.run("job-queue", "start-worker", "--burst", code=0)
    (listed,) = down.run("schedule", "list", "--json", code=0).json
    assert (listed["last_outcome"], listed["failures"]) == ("failed", 1)
    assert re.search(r"\bfailed\b", down.run("schedule", "list", code=0).stdout)
    text = down.run("schedule", "show", "timed-1", code=0).stdout
    assert re.search(r"last outcome +failed\n", text)
    assert re.search(r"failures in a row +1\n", text)
    history = down.run("schedule", "history", "timed-1", code=0).stdout
    assert "ValueError: no" in history
    job_id = down.run("schedule", "history", "timed-1", "--quiet", code=0).stdout.strip()
    down.run("job-queue", "delete-job", job_id, "--yes", code=0)
    (listed,) = down.run("schedule", "list", "--json", code=0).json
    assert (listed["last_outcome"], listed["failures"]) == ("failed", 1)
    fire = down.run("schedule", "history", "timed-1", "--json", code=0).json[0]
    assert (fire["job_status"], fire["job_error"]) == ("failed", None)


def test_a_run_by_hand_for_a_time(cli: Cli, project: Path) -> None:
    """`--scheduled-for` gives the input that a fire's job has; without an offset, in the zone."""
    command = ("pipeline", "run", "timed", "--json", "--scheduled-for")
    ended = cli.run(*command, "2026-02-03T08:00", code=0)
    assert ended.json["outputs"] == {"day": "2026-02-03T07:00:00+00:00"}
    timed = cli.run(*command, "2026-02-03T08:00+05:00", "--timeout", "1m", code=0)
    assert timed.json["outputs"] == {"day": "2026-02-03T03:00:00+00:00"}
    cli.run(*command, "tomorrow", code=2)


def test_overlap_by_option_and_yaml(cli: Cli, project: Path, make_project: MakeProject) -> None:
    """Both reach the schedule; another word is refused with the nearest."""
    cli.run("schedule", "add", "timed", "--cron", "@daily", "--overlap", "queue", code=0)
    body = cli.run("schedule", "show", "timed-1", "--json", code=0).json
    assert body["overlap"] == "queue"
    assert re.search(r"overlap +queue\n", cli.run("schedule", "show", "timed-1", code=0).stdout)
    refused = cli.run("schedule", "add", "timed", "--cron", "@hourly", "--overlap", "wait", code=2)
    assert "--overlap" in refused.stderr
    config = project / "conf" / "pipelines" / "timed.yml"
    config.write_text("schedule: {cron: '@weekly', overlap: replace}\n")
    added = cli.run("schedule", "add", "timed", "--json", code=0).json
    assert [schedule["overlap"] for schedule in added] == ["replace"]
    config.write_text("schedule: {cron: '@weekly', overlap: replac}\n")
    ended = cli.run("schedule", "add", "timed", code=4)
    assert "overlap: expected skip, queue or replace, got the text 'replac'" in ended.stderr
