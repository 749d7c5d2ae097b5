"""Pipelines on the calendar: add, list, show, preview, pause, resume, run-now, delete."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from flowerpower.jobs.schedule import Origin, ScheduleSpec
from flowerpower.pipeline import PipelineManager
from flowerpower.triggers.make import make_trigger
from tests.cli.schedules import DECLARED, OFF, PROJECT, QUICK, add, ids, shown
from tests.conftest import MakeProject
from tests.terminal import COMMAND, Cli, Ended

KEYS = {
    "id", "pipeline", "state", "trigger", "in_words", "timezone", "overrides", "queue",
    "result_ttl", "misfire_grace_time", "coalesce", "max_instances", "origin", "created_at",
    "next_fire", "last_fire", "fault", "priority", "expires", "overlap", "last_outcome", "failures",
}  # fmt: skip


@pytest.fixture
def project(make_project: MakeProject) -> Path:
    return make_project(PROJECT, quick=QUICK, declared=DECLARED, off=OFF)


def test_add_says_what_will_happen(cli: Cli, project: Path) -> None:
    """One is told the id, the trigger in words, and the next fire in its zone."""
    ended = cli.run("schedule", "add", "quick", "--cron", "30 9 1 1 *", code=0)
    assert re.fullmatch(
        r"quick-1  quick  at 09:30, on day 1 of the month, in January, Europe/Berlin\n"
        r"  next fire  \w{3} \d{4}-01-01 09:30:00 CET, in \S+\n",
        ended.stdout,
    )
    assert "No worker takes jobs from default; start one" in ended.stderr
    elsewhere = cli.run("schedule", "add", "quick", "--cron", "@yearly", "--timezone", "Asia/Tokyo")
    assert re.search(r"next fire  \w{3} \d{4}-01-01 00:00:00 JST, in ", elsewhere.stdout)


def test_adding_the_same_again_changes_nothing(cli: Cli, project: Path) -> None:
    """A schedule that is there just so comes back, says so, and ends with 0."""
    arguments = ("schedule", "add", "quick", "--interval", "1h", "-i", "x=5")
    first = cli.run(*arguments, "--json", code=0).json
    again = cli.run(*arguments, code=0)
    assert again.stdout.startswith("quick-1  quick  every 1h, Europe/Berlin\n")
    assert "Nothing to do: the schedule quick-1 exists already." in again.stderr
    assert cli.run(*arguments, "--json", code=0).json == first | {"created": False}
    assert (first["created"], first["origin"], first["overrides"]) == (
        True, "cli", {"inputs": {"x": 5}}
    )  # fmt: skip
    assert add(cli, "quick", "--interval", "2h") == "quick-2"
    assert ids(cli) == ["quick-1", "quick-2"]


def test_every_option_reaches_the_schedule(cli: Cli, make_project: MakeProject) -> None:
    """What is said of a schedule and of its jobs is what it is."""
    make_project(
        PROJECT + "job_queue: {backend: {queues: [default, slow]}}\n",
        quick=QUICK,
        declared=DECLARED,
    )
    add(
        cli, "quick", "--interval", "1h30m", "--schedule-id", "all", "--start", "2199-07-01T08:00",
        "--end", "2199-08-01T00:00:00Z", "--jitter", "5m", "--misfire-grace-time", "10m",
        "--no-coalesce", "--max-instances", "3", "--queue", "slow", "--result-ttl", "-1",
        "--priority", "-7", "--expires", "1h30m",
        "--inputs", '{"x": 1}', "--max-retries", "2", "--timeout", "1h",
    )  # fmt: skip
    body = shown(cli, "all")
    assert body["trigger"] == {
        "interval": 5400, "timezone": "Europe/Berlin", "start": "2199-07-01T06:00:00+00:00",
        "end": "2199-08-01T00:00:00+00:00", "jitter": 300,
    }  # fmt: skip
    assert body["next_fire"] == "2199-07-01T07:30:00+00:00"
    assert (body["coalesce"], body["max_instances"], body["queue"]) == (False, 3, "slow")
    assert (body["misfire_grace_time"], body["result_ttl"]) == (600.0, -1.0)
    assert (body["priority"], body["expires"]) == (-7, 5400.0)
    assert body["overrides"]["inputs"] == {"x": 1}
    assert body["overrides"]["retry"] == {"max_retries": 2}
    text = cli.run("schedule", "show", "all", code=0).stdout
    for words in (
        "every 1h30m, Europe/Berlin, from Monday 1 July 2199 08:00", "up to 5m late",
        "with jitter", "coalesce            no", "misfire grace time  10m", "max instances       3",
        "queue               slow", "as long as the job", "priority            -7",
        "1h30m after a job is due", "on the command line", "Next fires",
        "Mon 2199-07-01 09:30:00 CEST",
    ):  # fmt: skip
        assert words in text, (words, text)


def test_without_a_trigger_those_in_the_yaml_are_added(cli: Cli, project: Path) -> None:
    """All enabled schedules that the pipeline declares are added; --schedule-id picks one."""
    assert add(cli, "declared", "--schedule-id", "hourly") == "hourly"
    ended = cli.run("schedule", "add", "declared", "--json", code=0)
    assert {each["id"]: each["created"] for each in ended.json} == {
        "morning": True, "hourly": False
    }  # fmt: skip
    assert {each["origin"] for each in ended.json} == {"config"}
    assert "Nothing to do: the schedule hourly exists already." in ended.stderr
    assert shown(cli, "hourly")["overrides"] == {"declared": "hourly"}
    told = cli.run("schedule", "show", "hourly", code=0).stdout
    assert "the run of hourly in the pipeline's YAML" in told


def test_one_of_several_that_is_refused_does_not_stop_the_others(cli: Cli, project: Path) -> None:
    """Of the declared schedules those are added that can be; the exit code tells of the other."""
    add(cli, "quick", "--interval", "5h", "--schedule-id", "morning")
    ended = cli.run("schedule", "add", "declared", "--quiet", code=8)
    assert ended.stdout == "hourly\n"
    assert "There is a schedule morning already" in ended.stderr
    assert add(cli, "declared", "--overwrite") == "morning\nhourly"
    assert shown(cli, "morning")["pipeline"] == "declared"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--date", "2199-03-31T02:30:00"), "does not exist in Europe/Berlin"),
        (("--cron", "@daily", "--start", "2199-10-27T02:30:00"), "The start 2199-10-27 02:30"),
    ],
)
def test_odd_readings_are_told(
    arguments: tuple[str, ...], says: str, cli: Cli, project: Path
) -> None:
    """A time that clocks skip or show twice is told on stderr, and what is meant by it."""
    assert says in cli.run("schedule", "add", "quick", *arguments, code=0).stderr


def test_a_schedule_without_fires_to_come_is_not_added(cli: Cli, project: Path) -> None:
    """A date that has gone by makes no schedule; the same one that is there already stays."""
    for trigger in (("--date", "2020-01-01"), ("--cron", "@daily", "--end", "2020-01-01")):
        ended = cli.run("schedule", "add", "quick", *trigger, code=2)
        assert "Error: The schedule would never fire" in ended.stderr
    assert cli.run("schedule", "list", "--json", code=0).json == []
    _add_done(project, "once")
    again = ("schedule", "add", "quick", "--date", "2020-01-01", "--schedule-id", "once")
    assert "the schedule once exists already" in cli.run(*again, code=0).stderr
    ended = cli.run(*again[:4], "2021-01-01", *again[5:], "--overwrite", code=2)
    assert "1 January 2021" in ended.stderr
    assert [(s["id"], s["state"]) for s in cli.run("schedule", "list", "--json", code=0).json] == [
        ("once", "done")
    ]


def _add_done(project: Path, schedule_id: str) -> None:
    """Store a schedule whose only fire is over, as a scheduler leaves it."""
    manager = PipelineManager(project, quiet=True, environ={})
    trigger = make_trigger(date="2020-01-01", timezone=manager.project.timezone)
    spec = ScheduleSpec("quick", trigger, id=schedule_id, origin=Origin.CLI)
    manager.job_queue.backend.schedules.add(spec)
    manager.close()


def test_the_list_narrows(cli: Cli, project: Path) -> None:
    """The list takes the oldest first, by pipeline and state; an empty one is no error."""
    assert cli.run("schedule", "list", "--json", code=0).json == []
    ended = cli.run("schedule", "list", code=0)
    assert (ended.stdout, "There are no schedules yet" in ended.stderr) == ("", True)
    add(cli, "quick", "--cron", "@daily", "--schedule-id", "b")
    add(cli, "declared")
    _add_done(project, "a")
    cli.run("schedule", "pause", "hourly", code=0)
    assert ids(cli) == ["b", "morning", "hourly", "a"]
    assert ids(cli, "--pipeline", "declared") == ["morning", "hourly"]
    assert ids(cli, "--state", "paused,done") == ["hourly", "a"]
    assert ids(cli, "--state", "active", "--pipeline", "quick") == ["b"]
    assert ids(cli, "--pipeline", "none") == []
    assert (
        "No schedule meets these conditions."
        in cli.run("schedule", "list", "--pipeline", "none").stderr
    )
    text = cli.run("schedule", "list", code=0).stdout
    assert re.search(r"^id +pipeline +state +next fire +zone +trigger", text)
    assert re.search(
        r"morning +declared +active .* Europe/Berlin +at 08:00, Monday to Friday", text
    )
    assert re.search(r"hourly +declared +paused +Europe/Berlin +every 1h\n", text), text


def test_the_keys_of_a_schedule_as_json_are_stable(cli: Cli, project: Path) -> None:
    """A schedule's JSON has these keys; one may be added, none may go."""
    add(cli, "declared")
    assert all(set(each) >= KEYS for each in cli.run("schedule", "list", "--json").json)
    body = shown(cli, "morning")
    assert KEYS | {"next_fires", "fires"} <= set(body)
    assert len(body["next_fires"]) == 3
    assert set(body["next_fires"][0]) >= {"fire", "local", "note"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:00:00\+00:00", body["next_fire"])
    assert cli.run("schedule", "history", "morning", "--json", code=0).json == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "quick", "--cron", "@daily"),
        ("add", "declared"),
        ("list",),
        ("show", "one"),
        ("preview", "one"),
        ("preview", "--cron", "@daily"),
        ("pause", "one"),
        ("resume", "one"),
        ("run-now", "one"),
        ("delete", "one", "--dry-run"),
        ("delete", "one", "--yes"),
        ("history", "one"),
    ],
    ids=" ".join,
)
def test_every_command_prints_json_when_asked(
    arguments: tuple[str, ...], cli: Cli, project: Path
) -> None:
    """With --json stdout is one JSON value with snake_case keys."""
    add(cli, "quick", "--interval", "1h", "--schedule-id", "one")
    body = cli.run("schedule", *arguments, "--json", code=0).json
    first = (body or [{}])[0] if isinstance(body, list) else body
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", key) for key in first)


def test_a_stored_trigger_is_previewed(cli: Cli, project: Path) -> None:
    """With an id preview shows the fires of that schedule, also while it is paused."""
    add(cli, "quick", "--cron", "30 2 * * *", "--schedule-id", "night")
    arguments = ("preview", "night", "--start", "2027-03-26T12:00:00", "--count", "3")
    ended = cli.run("schedule", *arguments, code=0)
    assert "at 02:30, every day, Europe/Berlin" in ended.stdout
    assert "Sun 2027-03-28 03:00:00 CEST" in ended.stdout
    given = cli.run("schedule", "preview", "--cron", "30 2 * * *", *arguments[2:], code=0)
    assert given.stdout == ended.stdout
    cli.run("schedule", "pause", "night", code=0)
    paused = cli.run("schedule", *arguments, code=0)
    assert paused.stdout == ended.stdout
    assert "The schedule night is paused" in paused.stderr


def test_pausing_and_resuming(cli: Cli, project: Path) -> None:
    """A paused schedule has no next fire; pausing the paused is done already, with 0."""
    add(cli, "declared")
    ended = cli.run("schedule", "pause", "morning", "hourly", code=0)
    assert ended == Ended(0, "morning  declared  paused\nhourly  declared  paused\n", "")
    assert shown(cli, "morning")["next_fire"] is None
    again = cli.run("schedule", "pause", "morning", "--json", code=0)
    assert (again.json[0]["state"], again.json[0]["changed"]) == ("paused", False)
    assert again.stderr == "Nothing to do: morning is paused already.\n"
    resumed = cli.run("schedule", "resume", "morning", code=0)
    assert re.fullmatch(
        r"morning  declared  active\n  next fire  \w{3} .* 08:00:00 CES?T, in \S+\n", resumed.stdout
    )
    assert (
        "Nothing to do: morning is active already."
        in cli.run("schedule", "resume", "morning", code=0).stderr
    )


def test_an_edit_of_a_paused_schedule_leaves_it_paused(cli: Cli, project: Path) -> None:
    """With --overwrite a paused schedule has another trigger, stays paused, and says so."""
    add(cli, "quick", "--cron", "@daily", "--schedule-id", "one")
    cli.run("schedule", "pause", "one", code=0)
    changed = ("schedule", "add", "quick", "--cron", "@hourly", "--schedule-id", "one")
    ended = cli.run(*changed, "--overwrite", code=0)
    assert ended.stdout.endswith("  paused: no next fire\n")
    assert shown(cli, "one")["trigger"]["cron"] == "@hourly"


def test_what_can_be_done_is_done(cli: Cli, project: Path) -> None:
    """Of several ids the known ones are paused; the exit code tells of the unknown one."""
    add(cli, "declared")
    ended = cli.run("schedule", "pause", "mornin", "hourly", "hourly", code=3)
    assert ended.stdout == "hourly  declared  paused\n"
    assert "There is no schedule 'mornin'. Did you mean 'morning'?" in ended.stderr


def test_run_now_makes_a_job_and_leaves_the_calendar(cli: Cli, project: Path) -> None:
    """run-now prints the id of a job with the schedule's overrides; the next fire stays."""
    add(cli, "quick", "--cron", "@yearly", "--schedule-id", "one", "-i", "x=21")
    before = shown(cli, "one")
    ended = cli.run("schedule", "run-now", "one", code=0)
    assert re.fullmatch(r"one-now-\w+  quick  queued\n", ended.stdout)
    assert "No worker takes jobs from default" in ended.stderr
    job = ended.stdout.split()[0]
    cli.run("job-queue", "start-worker", "--burst", code=0)
    body = cli.run("job-queue", "show-job", job, "--json", code=0).json
    assert body["result"]["outputs"] == {"double": 42}
    assert (body["schedule_id"], body["scheduled_for"]) == ("one", None)
    assert cli.run("job-queue", "list-jobs", "--schedule", "one", "-q").stdout == f"{job}\n"
    assert shown(cli, "one") == before


def test_what_is_deleted_is_gone(cli: Cli, project: Path) -> None:
    """Deleting asks for --yes, does nothing with --dry-run, and then forgets; all or none."""
    add(cli, "declared")
    refused = cli.run("schedule", "delete", "morning", code=8)
    assert "This deletes 1 schedule, with history." in refused.stderr
    dry = cli.run("schedule", "delete", "morning", "hourly", "--dry-run", code=0)
    assert (dry.stdout, dry.stderr) == ("morning\nhourly\n", "2 schedules would be deleted.\n")
    cli.run("schedule", "delete", "morning", "nothing", "--yes", code=3)
    assert ids(cli) == ["morning", "hourly"]
    asked = cli.run_in_terminal("schedule", "delete", "morning", typed="y\n")
    assert (asked.code, asked.stdout) == (0, "morning\r\n")
    gone = cli.run("schedule", "delete", "hourly", "--yes", "--json", code=0).json
    assert gone == {"schedules": ["hourly"], "count": 1, "deleted": True}
    assert ids(cli) == []


def test_a_terminal_shows_colours(cli: Cli, project: Path) -> None:
    """On a terminal states are coloured, and a narrow one folds nothing away."""
    add(cli, "declared")
    cli.run("schedule", "pause", "hourly", code=0)
    ended = cli.run_in_terminal("schedule", "list")
    assert "\x1b[32mactive" in ended.stdout
    assert "\x1b[33mpaused" in ended.stdout
    narrow = cli.run_in_terminal("schedule", "list", columns=60).stdout
    assert "morning" in narrow
    assert "paused" in narrow


@pytest.mark.parametrize("command", ["add", "list"])
def test_a_look_at_the_calendar_imports_nothing_heavy(
    command: str, cli: Cli, project: Path
) -> None:
    """Adding and listing import neither Hamilton nor pandas nor what only workers need."""
    more = ["quick", "--cron", "@daily"] if command == "add" else []
    # The first of its kind is checked by importing the pipeline, and the check is kept.
    add(cli, "quick", "--cron", "@hourly")
    done = subprocess.run(
        [COMMAND[0], "-X", "importtime", *COMMAND[1:], "schedule", command, *more],
        cwd=cli.folder,
        env=cli.merged_environ(),
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {
        line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()
    }
    assert "flowerpower_cli" in imported
    assert not imported & {"hamilton", "pandas", "numpy", "rq", "redis", "apscheduler", "rich"}


def test_ids_of_schedules_are_completed(cli: Cli, project: Path) -> None:
    """Completion offers ids of schedules from the SQLite file, and nothing where there is none."""
    assert cli.run("--complete-names", "schedules", code=0) == Ended(0, "", "")
    assert not (project / ".flowerpower").exists()
    add(cli, "declared")
    assert cli.run("--complete-names", "schedules", code=0) == Ended(0, "hourly\nmorning\n", "")
    for url in ("redis://127.0.0.1:1/0", "sqlite:////no/such/file.db"):
        ended = cli.run("--complete-names", "schedules", FLOWERPOWER_JOB_QUEUE_URL=url)
        assert ended == Ended(0, "", "")


def test_without_a_project_a_trigger_can_still_be_previewed(cli: Cli) -> None:
    """The preview of a trigger needs no project; of a schedule it does."""
    cli.run("schedule", "preview", "--cron", "@daily", code=0)
    cli.run("schedule", "preview", "one", code=4)
