"""The calendar in YAML: diff, apply, and what lists and shows say of it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MakeProject
from tests.servers import RedisServer
from tests.terminal import COMMAND, Cli, Ended

MODULE = "def double(x: int = 1) -> int:\n    return 2 * x\n"
PROJECT = "name: demo\ntimezone: Europe/Berlin\n"
DAILY = "schedule: {cron: '0 8 * * *'}\n"
LISTED = (
    "schedule:\n"
    "  - {id: morning, cron: '0 8 * * 1-5'}\n"
    "  - {id: hourly, interval: 1h, run: {inputs: {x: 3}}}\n"
    "  - {id: never, cron: '@daily', enabled: false}\n"
)
NOT_LIVE = "Not live: never, it has enabled: false.\n"


@pytest.fixture
def project(make_project: MakeProject) -> Path:
    return make_project(
        PROJECT, daily=(DAILY, MODULE), listed=(LISTED, MODULE), plain=("{}\n", MODULE)
    )


def write(project: Path, name: str, text: str) -> None:
    (project / "conf" / "pipelines" / f"{name}.yml").write_text(text)


def ids(cli: Cli) -> list[str]:
    return cli.run("schedule", "list", "--quiet", code=0).stdout.split()


def differences(cli: Cli, *pipelines: str, code: int = 1, **environ: str) -> list[dict[str, Any]]:
    ended = cli.run("schedule", "diff", *pipelines, "--json", code=code, **environ)
    rows: list[dict[str, Any]] = ended.json
    return rows


def test_diff_shows_and_apply_does(cli: Cli, project: Path) -> None:
    """From nothing: what is declared is shown, added, and then no difference is left."""
    shown = cli.run("schedule", "diff", code=1)
    assert re.fullmatch(
        r"action +schedule +pipeline +field +live +declared\n"
        r"add +daily-… +daily +at 08:00, every day, Europe/Berlin\n"
        r"add +morning +listed +at 08:00, Monday to Friday, Europe/Berlin\n"
        r"add +hourly +listed +every 1h, Europe/Berlin\n",
        shown.stdout,
    )
    assert shown.stderr == f"{NOT_LIVE}To do this: flowerpower schedule apply\n"
    assert not (project / ".flowerpower" / "jobs.db").exists(), "looking makes no queue"
    rows = differences(cli)
    assert [(row["id"], row["action"], row["standing"]) for row in rows] == [
        (None, "add", "declared_only"),
        ("morning", "add", "declared_only"),
        ("hourly", "add", "declared_only"),
    ]
    dry = cli.run("schedule", "apply", "--dry-run", code=0)
    assert (dry.stdout, dry.stderr) == (
        shown.stdout, f"{NOT_LIVE}3 schedules would be changed.\n",
    )  # fmt: skip
    assert ids(cli) == []
    done = cli.run("schedule", "apply", "--json", code=0)
    assert [(row["id"], row["action"], row["done"]) for row in done.json] == [
        ("daily-1", "add", True), ("morning", "add", True), ("hourly", "add", True),
    ]  # fmt: skip
    same = cli.run("schedule", "diff", code=0)
    assert same == Ended(0, "", f"{NOT_LIVE}The live schedules are those that YAML declares.\n")
    assert differences(cli, code=0) == []
    again = cli.run("schedule", "apply", code=0)
    assert (again.stdout, again.stderr) == ("", f"{NOT_LIVE}No schedule changed.\n")


def test_an_edit_changes_in_place(cli: Cli, project: Path) -> None:
    """Each field that differs is a row; the id and a pause stay, and no second one is made."""
    cli.run("schedule", "apply", code=0)
    cli.run("schedule", "pause", "daily-1", code=0)
    write(project, "daily", "schedule: {cron: '0 9 * * *', jitter: 30s, except: [2026-12-24]}\n")
    text = cli.run("schedule", "diff", "daily", code=1).stdout
    assert re.search(r"change +daily-1 +daily +cron +0 8 \* \* \* +0 9 \* \* \*\n", text)
    assert re.search(r"\n +jitter +- +30s\n", text)
    assert re.search(r'\n +except +- +\["2026-12-24"\]\n', text)
    (row,) = differences(cli)
    assert row["changes"] == [
        {"field": "cron", "live": "0 8 * * *", "declared": "0 9 * * *"},
        {"field": "jitter", "live": None, "declared": 30},
        {"field": "except", "live": None, "declared": ["2026-12-24"]},
    ]
    assert row["paused"] is True
    done = cli.run("schedule", "apply", code=0)
    assert "daily-1 stays paused." in done.stderr
    assert "1 schedule changed." in done.stderr
    assert ids(cli) == ["daily-1", "morning", "hourly"]
    body = cli.run("schedule", "show", "daily-1", "--json", code=0).json
    assert (body["state"], body["trigger"]["cron"]) == ("paused", "0 9 * * *")
    assert (body["declaration"], body["changes"]) == ("declared_and_live", [])


def test_a_schedule_that_is_switched_off_does_not_fire(cli: Cli, project: Path) -> None:
    """`enabled: false` of a live one is a change; it is told everywhere, and is no pause."""
    cli.run("schedule", "apply", code=0)
    write(project, "daily", "schedule: {cron: '0 8 * * *', enabled: false}\n")
    (row,) = differences(cli)
    assert row["changes"] == [{"field": "enabled", "live": True, "declared": False}]
    cli.run("schedule", "apply", code=0)
    assert differences(cli, code=0) == []
    text = cli.run("schedule", "show", "daily-1", code=0).stdout
    assert text.startswith("daily-1  daily  disabled\n")
    assert re.search(r"enabled +no, says the pipeline's YAML", text)
    assert re.search(r"daily-1 +daily +disabled", cli.run("schedule", "list", code=0).stdout)
    resumed = cli.run("schedule", "resume", "daily-1", code=0)
    assert "daily-1 has enabled: false in its pipeline's YAML: it does not fire." in resumed.stderr
    body = cli.run("schedule", "show", "daily-1", "--json", code=0).json
    assert (body["enabled"], body["next_fire"], body["next_fires"]) == (False, None, [])


def test_only_prune_deletes_and_only_after_a_question(cli: Cli, project: Path) -> None:
    """What YAML declares no more stays until --prune --yes; what was added by hand stays always."""
    cli.run("schedule", "apply", code=0)
    cli.run("schedule", "add", "plain", "--cron", "@daily", "--schedule-id", "by_hand", code=0)
    write(project, "listed", "{}\n")
    (first, second) = differences(cli)
    assert [(row["id"], row["action"]) for row in (first, second)] == [
        ("morning", "remove"), ("hourly", "remove"),
    ]  # fmt: skip
    left = cli.run("schedule", "apply", code=0)
    assert "Declared no more, and still live: morning, hourly. --prune deletes them." in left.stderr
    refused = cli.run("schedule", "apply", "--prune", code=8)
    assert "This deletes 2 schedules with history: morning, hourly." in refused.stderr
    assert "Say --yes to do it." in refused.stderr
    dry = cli.run("schedule", "apply", "--prune", "--dry-run", code=0)
    assert dry.stdout == cli.run("schedule", "diff", code=1).stdout
    assert ids(cli) == ["daily-1", "morning", "hourly", "by_hand"]
    asked = cli.run_in_terminal("schedule", "apply", "--prune", typed="n\n")
    assert asked.code == 8
    cli.run("schedule", "apply", "daily", "--prune", "--yes", code=0)
    assert ids(cli) == ["daily-1", "morning", "hourly", "by_hand"], "not of other pipelines"
    done = cli.run("schedule", "apply", "--prune", "--yes", "--json", code=0)
    assert [(row["id"], row["done"]) for row in done.json] == [("morning", True), ("hourly", True)]
    assert ids(cli) == ["daily-1", "by_hand"]
    assert differences(cli, code=0) == []


def test_what_cannot_be_done_stops_no_other_and_nothing_is_deleted(cli: Cli, project: Path) -> None:
    """An id of another pipeline's schedule, and a pipeline that a run would refuse: exit code of it."""
    cli.run("schedule", "apply", code=0)
    write(project, "listed", "schedule: {id: afternoon, cron: '0 15 * * *'}\n")
    write(project, "daily", "run: {inputs: {nothing: 1}}\nschedule: {cron: '0 9 * * *'}\n")
    cli.run("schedule", "add", "plain", "--cron", "@daily", "--schedule-id", "noon", code=0)
    write(project, "plain", "schedule: [{id: night, cron: '@daily'}]\n")
    write(
        project, "other", "run: {modules: [pipelines.plain]}\nschedule: {id: noon, interval: 2h}\n"
    )
    ended = cli.run("schedule", "apply", "--prune", "--yes", code=2)
    assert "3 schedules could not be brought in line:" not in ended.stderr
    assert "4 schedules could not be brought in line:" in ended.stderr
    assert "There is a schedule noon already: it is of the pipeline plain" in ended.stderr
    assert "morning was not removed, because not all else was done." in ended.stderr
    assert "done: afternoon, night" in ended.stderr
    assert set(ids(cli)) == {"daily-1", "morning", "hourly", "afternoon", "noon", "night"}
    conflict = [row for row in differences(cli) if row["conflict"]]
    assert [row["id"] for row in conflict] == ["noon"]
    one = cli.run("schedule", "add", "other", code=8)
    assert "There is a schedule noon already" in one.stderr
    assert cli.run("schedule", "add", "other", "--overwrite", "-q", code=0).stdout == "noon\n"


def test_a_yaml_that_is_wrong_stops_everything(cli: Cli, project: Path) -> None:
    """Nothing is known of what it declares: no difference is shown, and nothing is done."""
    cli.run("schedule", "apply", "daily", code=0)
    write(project, "listed", "schedule: {cron: '61 * * * *'}\n")
    for command in ("diff", "apply"):
        ended = cli.run("schedule", command, code=4)
        assert "conf/pipelines/listed.yml, line 1: schedule.cron" in ended.stderr
        assert ended.stdout == ""
    write(project, "daily", "schedule: [{id: twice, interval: 1h}]\n")
    write(project, "listed", "schedule: [{id: twice, interval: 1h}]\n")
    ended = cli.run("schedule", "diff", code=4)
    assert "conf/pipelines/listed.yml: conf/pipelines/daily.yml declares the schedule 'twice'" in (
        ended.stderr
    )
    assert ids(cli) == ["daily-1"]
    assert "The schedules of listed cannot be compared" in cli.run("schedule", "list").stderr


def test_diff_ends_with_more_than_1_if_it_fails(cli: Cli, project: Path) -> None:
    """Also where another command would end with 1."""
    assert cli.run("schedule", "diff", "dialy", code=3).stderr.startswith(
        "Error: There is no pipeline 'dialy'. Did you mean 'daily'?"
    )
    unreachable = {
        "FLOWERPOWER_JOB_QUEUE_TYPE": "rq",
        "FLOWERPOWER_JOB_QUEUE_URL": "redis://127.0.0.1:1/0",
    }
    assert cli.run("schedule", "diff", code=5, **unreachable).stdout == ""
    # No difference that nobody could read.
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*COMMAND, "schedule", "diff"], cwd=cli.folder, env=cli.merged_environ(), stdout=full
        )
    assert done.returncode == 2


def test_adding_without_a_trigger_is_applying(cli: Cli, project: Path) -> None:
    """An edit of the YAML changes the schedule in place, and says so."""
    assert cli.run("schedule", "add", "daily", "-q", code=0).stdout == "daily-1\n"
    write(project, "daily", "schedule: {every: 2 weeks, start: 2026-12-07T09:00}\n")
    ended = cli.run("schedule", "add", "daily", "--json", code=0)
    assert [(row["id"], row["created"]) for row in ended.json] == [("daily-1", False)]
    assert ended.json[0]["trigger"]["every"] == "2 weeks"
    assert "Changed in place: daily-1." in ended.stderr
    assert "Nothing to do: the schedule daily-1 exists already." in cli.run(
        "schedule", "add", "daily", code=0
    ).stderr  # fmt: skip
    assert differences(cli, "daily", code=0) == []
    assert "Not live: never, it has enabled: false." in cli.run(
        "schedule", "add", "listed", code=0
    ).stderr  # fmt: skip


def test_one_that_was_added_by_hand_becomes_the_declared_one(cli: Cli, project: Path) -> None:
    """If it is the very same; its next fire stays."""
    cli.run("schedule", "add", "daily", "--cron", "0 8 * * *", code=0)
    before = cli.run("schedule", "show", "daily-1", "--json", code=0).json
    assert (before["origin"], before["declaration"]) == ("cli", None)
    (row,) = differences(cli, "daily")
    assert row["changes"] == [{"field": "origin", "live": "cli", "declared": "config"}]
    cli.run("schedule", "apply", "daily", code=0)
    after = cli.run("schedule", "show", "daily-1", "--json", code=0).json
    assert after == before | {"origin": "config", "declaration": "declared_and_live"}
    assert ids(cli) == ["daily-1"]


def test_lists_tell_how_schedules_stand(cli: Cli, project: Path) -> None:
    """Declared and live, declared only, live only, changed since, disabled: told apart."""
    cli.run("schedule", "apply", code=0)
    write(project, "daily", "schedule: {cron: '0 9 * * *'}\n")
    write(project, "listed", LISTED.replace("id: hourly", "id: often"))
    listed = cli.run("schedule", "list", code=0)
    assert re.search(r"daily-1 .* changed since ", listed.stdout)
    assert re.search(r"morning .* as declared ", listed.stdout)
    assert re.search(r"hourly .* declared no more ", listed.stdout)
    assert "Declared and not live: often." in listed.stderr
    rows = cli.run("schedule", "list", "--json", code=0).json
    assert {row["id"]: row["declaration"] for row in rows} == {
        "daily-1": "changed", "morning": "declared_and_live", "hourly": "live_only",
    }  # fmt: skip
    pipelines = {row["name"]: row for row in cli.run("pipeline", "list", "--json", code=0).json}
    assert [(row["id"], row["standing"]) for row in pipelines["listed"]["schedules"]] == [
        ("morning", "declared_and_live"), ("often", "declared_only"), ("never", "disabled"),
        ("hourly", "live_only"),
    ]  # fmt: skip
    text = cli.run("pipeline", "list", code=0).stdout
    assert "at 09:00, every day, Europe/Berlin (changed since)" in text
    assert "every 1h, Europe/Berlin (not live)" in text
    assert "every 1h, Europe/Berlin (declared no more)" in text
    assert "(enabled: false)" in text
    assert "Scheduled at 09:00, every day, Europe/Berlin (changed since)" in cli.run(
        "pipeline", "show", "daily", code=0
    ).stdout  # fmt: skip
    shown = cli.run("schedule", "show", "daily-1", code=0).stdout
    assert "YAML  changed since" in shown
    assert re.search(r"change +daily-1 +daily +cron +0 8 \* \* \* +0 9", shown)
    valid = cli.run("pipeline", "validate", code=0)
    for words in (
        "daily: daily-1 is not as its YAML declares.",
        "listed: often is declared, and not live.",
        "listed: hourly is live, and declared no more.",
    ):
        assert words in valid.stderr


def test_pipelines_are_listed_while_the_queue_is_away(cli: Cli, project: Path) -> None:
    """What is not known is null, and said once; no list or check of files fails because of it."""
    away = {
        "FLOWERPOWER_JOB_QUEUE_TYPE": "rq",
        "FLOWERPOWER_JOB_QUEUE_URL": "redis://127.0.0.1:1/0",
    }
    ended = cli.run("pipeline", "list", "--json", code=0, **away)
    assert {row["name"]: row["schedules"] for row in ended.json}["daily"] is None
    assert ended.stderr.count("Whether schedules are live is not known") == 1
    assert "at 08:00, every day" in cli.run("pipeline", "list", code=0, **away).stdout
    cli.run("pipeline", "validate", code=0, **away)
    cli.run("pipeline", "show", "daily", code=0, **away)
    cli.run("pipeline", "list", code=0)
    assert not (project / ".flowerpower" / "jobs.db").exists(), "looking makes no queue"


def test_a_pipeline_that_is_needed_is_not_deleted(cli: Cli, project: Path) -> None:
    """Its schedules and waiting jobs are named; --with-schedules deletes the former too."""
    cli.run("schedule", "apply", code=0)
    ended = cli.run("pipeline", "delete", "listed", "--yes", code=8)
    assert "listed has 2 schedules (morning, hourly)" in ended.stderr
    assert "--with-schedules deletes them too." in ended.stderr
    cli.run("job-queue", "add-job", "listed", "--job-id", "waits", code=0)
    for more in ((), ("--with-schedules",)):
        ended = cli.run("pipeline", "delete", "listed", "--yes", *more, code=8)
        assert "1 waiting job (waits)" in ended.stderr
        assert "cancel-job --pipeline listed --status waiting,scheduled,queued" in ended.stderr
    assert (project / "conf" / "pipelines" / "listed.yml").exists()
    cli.run("job-queue", "cancel-job", "waits", code=0)
    dry = cli.run("pipeline", "delete", "listed", "--with-schedules", "--dry-run", code=0)
    assert dry.stdout.splitlines() == [
        "conf/pipelines/listed.yml", "pipelines/listed.py", "morning", "hourly",
    ]  # fmt: skip
    done = cli.run("pipeline", "delete", "listed", "--with-schedules", "--yes", "--json", code=0)
    assert (done.json["schedules"], done.json["deleted"]) == (["morning", "hourly"], True)
    assert ids(cli) == ["daily-1"]
    assert not (project / "conf" / "pipelines" / "listed.yml").exists()
    cli.run("pipeline", "delete", "plain", "--yes", code=0)


def test_the_same_on_redis(cli: Cli, project: Path, redis_server: RedisServer) -> None:
    """The same words and exit codes with the other backend."""
    queue = f"job_queue: {{type: rq, backend: {{url: '{redis_server.url()}'}}}}\n"
    (project / "conf" / "project.yml").write_text(PROJECT.replace("demo", "on-redis") + queue)
    assert len(differences(cli)) == 3
    cli.run("schedule", "apply", code=0)
    assert differences(cli, code=0) == []
    write(
        project,
        "daily",
        "schedule: {every: 1 month, start: 2026-12-31T09:00, except: [2027-01-31]}\n",
    )
    write(project, "listed", "{}\n")
    assert {row["id"]: row["action"] for row in differences(cli)} == {
        "daily-1": "change", "morning": "remove", "hourly": "remove",
    }  # fmt: skip
    cli.run("schedule", "apply", "--prune", "--yes", code=0)
    assert differences(cli, code=0) == []
    ended = cli.run("pipeline", "delete", "daily", "--yes", code=8)
    assert "daily has 1 schedule (daily-1)" in ended.stderr


def test_two_weeks_and_exceptions_on_the_command_line(cli: Cli, project: Path) -> None:
    """`--every` and `--except` reach the schedule; preview and show say what each does."""
    arguments = (
        "--every",
        "2 weeks",
        "--start",
        "2026-10-12T09:00",
        "--except",
        "2026-12-21,2026-11-09",
    )
    ended = cli.run("schedule", "preview", *arguments, "--count", "3", code=0)
    assert "It counts the calendar: it keeps its local time when clocks change." in ended.stdout
    assert re.findall(r"\w{3} \d{4}-\d\d-\d\d \d\d:\d\d:00 \w+", ended.stdout) == [
        "Mon 2026-10-12 09:00:00 CEST", "Mon 2026-10-26 09:00:00 CET", "Mon 2026-11-23 09:00:00 CET",
    ]  # fmt: skip
    assert "On Monday 9 November 2026 an exception takes the fire of 09:00 away." in ended.stdout
    data = cli.run("schedule", "preview", *arguments, "--count", "9", "--json", code=0).json
    assert data["exceptions"] == [
        {"date": "2026-11-09", "fires": 1}, {"date": "2026-12-21", "fires": 1},
    ]  # fmt: skip
    drifts = cli.run(
        "schedule",
        "preview",
        "--interval",
        "2w",
        "--start",
        "2026-10-12T09:00",
        "--count",
        "2",
        code=0,
    ).stdout
    assert "It counts elapsed time: its local time moves when clocks change." in drifts
    assert "clocks changed: 1h earlier by the clock than before" in drifts
    assert "from then on fires come 1h earlier by the clock" in drifts
    cli.run("schedule", "add", "plain", "--every", "1 day", "--start", "2199-01-01T09:00",
            "--except", "2199-01-02", "--except", "2199-01-03", "--schedule-id", "one", code=0)  # fmt: skip
    body = cli.run("schedule", "show", "one", "--json", code=0).json
    assert body["trigger"] == {
        "every": "1 day", "timezone": "Europe/Berlin", "start": "2199-01-01T08:00:00+00:00",
        "except": ["2199-01-02", "2199-01-03"],
    }  # fmt: skip
    assert body["exceptions"] == [
        {"date": "2199-01-02", "fires": 1}, {"date": "2199-01-03", "fires": 1},
    ]  # fmt: skip
    text = cli.run("schedule", "show", "one", code=0).stdout
    assert re.search(r"counts +the calendar: it keeps its local time", text)
    assert re.search(r"exceptions +2199-01-02 \(1 fire less\), 2199-01-03 \(1 fire less\)", text)
    ended = cli.run("schedule", "add", "plain", "--every", "2 weeks", code=2)
    assert "needs a start" in ended.stderr


def test_secrets_need_not_be_known_where_schedules_are_applied(cli: Cli, project: Path) -> None:
    """A variable under `run` may be set for the workers alone; one that says when must be set."""
    write(
        project,
        "daily",
        "run: {inputs: {x: '${NUMBER_TOKEN}'}}\n"
        "schedule: {cron: '0 8 * * *', run: {inputs: {x: '${OTHER_TOKEN}'}}}\n",
    )
    assert "daily-1" in cli.run("schedule", "apply", "--quiet", code=0).stdout
    assert differences(cli, code=0) == []
    assert differences(cli, code=0, NUMBER_TOKEN="1", OTHER_TOKEN="2") == []
    for text in ("cron: '${WHEN}'", "cron: '@daily', enabled: '${ON}'", "interval: '${EVER}'"):
        write(project, "daily", f"schedule: {{{text}}}\n")
        assert "conf/pipelines/daily.yml, line 1" in cli.run("schedule", "diff", code=4).stderr
