"""`schedule import`: from the files of other schedulers to declared schedules."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.conftest import MakeProject
from tests.terminal import COMMAND, Cli

MODULE = "def double(x: int = 1) -> int:\n    return 2 * x\n"
PROJECT = "name: demo\ntimezone: Europe/Berlin\n"
CRONTAB = """\
# what the shop does at night
MAILTO=ops@example.com
30 2 * * * flowerpower pipeline run report -i x=3
0 8 * * 7 flowerpower job-queue add-job backup --priority 5
"""
LEFT = """\
0 9 * * * /usr/local/bin/rotate --all
@reboot flowerpower job-queue start-worker
0 9 * * * flowerpower pipeline run repotr
61 9 * * * flowerpower pipeline run report
"""


@pytest.fixture
def project(make_project: MakeProject) -> Path:
    root = make_project(
        PROJECT, report=("run: {}  # nightly\n", MODULE), backup=("params: {x: 2}\n", MODULE)
    )
    (root / "tab").write_text(CRONTAB)
    return root


def _yaml(project: Path, name: str) -> str:
    return (project / "conf" / "pipelines" / f"{name}.yml").read_text()


def test_lines_become_declared_schedules(cli: Cli, project: Path) -> None:
    """Each in the YAML of its pipeline, with what it meant there; a second import adds nothing."""
    ended = cli.run("schedule", "import", "tab", "--dialect", "busybox", code=0)
    assert "at 08:00, every day" in ended.stdout
    assert (
        "Sun 2027-03-28: there no fire, here 03:00 CEST." in ended.stdout
        or "there no fire" in ended.stdout
    )
    assert (
        "2 schedules declared in conf/pipelines/report.yml, conf/pipelines/backup.yml."
        in ended.stderr
    )
    assert _yaml(project, "report") == (
        "run: {}  # nightly\nschedule:\n  # 30 2 * * *\n"
        '  - id: "report-cron-1"\n    cron: "30 2 * * *"\n    run: {"inputs": {"x": 3}}\n'
    )
    assert 'cron: "0 8 * * *"\n    priority: 5\n' in _yaml(project, "backup")
    # Who tunes an entry does not get a second one.
    path = project / "conf" / "pipelines" / "backup.yml"
    path.write_text(_yaml(project, "backup").replace("priority: 5", "overlap: queue"))
    before = _yaml(project, "report") + _yaml(project, "backup")
    again = cli.run("schedule", "import", "tab", "--dialect", "busybox", "--json", code=0)
    assert [row["action"] for row in again.json] == ["exists", "exists"]
    assert _yaml(project, "report") + _yaml(project, "backup") == before
    assert cli.run("schedule", "apply", "-q", code=0).stdout.split() == [
        "backup-cron-1",
        "report-cron-1",
    ]


def test_a_dry_run_writes_nothing(cli: Cli, project: Path) -> None:
    """It shows the same table, and says what would be done."""
    dry = cli.run("schedule", "import", "tab", "--dry-run", code=0)
    assert "2 schedules would be declared." in dry.stderr
    assert "schedule" not in _yaml(project, "report")
    assert cli.run("schedule", "import", "tab", code=0).stdout == dry.stdout


def test_lines_that_cannot_be_kept_are_named(cli: Cli, project: Path) -> None:
    """They are left, with the reason; the others are declared, and the exit code is 1."""
    (project / "tab").write_text(CRONTAB + LEFT)
    ended = cli.run("schedule", "import", "tab", code=1)
    assert "Error: 4 of 6 lines are left: 5, 6, 7, 8." in ended.stderr
    for part in (
        "it runs no pipeline of this project",
        "run a service instead",
        "there is no pipeline 'repotr'. Did you mean 'report'?",
        "'61' is not 0 to 59",
        "To paste under `schedule` of a pipeline",
    ):
        assert part in ended.stdout
    assert "report-cron-1" in _yaml(project, "report")


def test_a_pipeline_can_be_named_for_the_rest(cli: Cli, project: Path) -> None:
    """Expressions alone, from stdin, become schedules of that pipeline, in their own zone."""
    words = ["--dialect", "kubernetes", "--to-pipeline", "report", "--json"]
    done = subprocess.run(
        [*COMMAND, "schedule", "import", "-", *words], input="0 8 * * 1-5\n@every 90m\n",
        env=cli.merged_environ(), cwd=project, capture_output=True, text=True, check=True,
    )  # fmt: skip
    rows = json.loads(done.stdout)
    assert [row["entry"] for row in rows] == [
        {"id": "report-cron-1", "cron": "0 8 * * 1-5", "timezone": "Etc/UTC"},
        {"id": "report-cron-2", "interval": 5400, "timezone": "Etc/UTC"},
    ]
    assert [row["done"] for row in rows] == [True, True]
    assert rows[0]["days"] == []


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        (["gone"], 2, "gone cannot be read: No such file or directory"),
        (["tab", "--dialect", "vixie"], 2, "vixie"),
        (["tab", "--to-pipeline", "gone"], 3, "gone"),
        (["tab", "--timezone", "Europe/Berlim"], 2, "Europe/Berlim"),
        (["tab", "--pipeline", "report"], 2, "--to-pipeline"),
    ],
)
def test_what_is_wrong_is_said(
    arguments: list[str], code: int, part: str, cli: Cli, project: Path
) -> None:
    """One error with its exit code, and nothing is written."""
    ended = cli.run("schedule", "import", *arguments, code=code)
    assert part in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "schedule" not in _yaml(project, "report")


def test_a_file_that_cannot_take_an_entry_stops_all(cli: Cli, project: Path) -> None:
    """Either every file is changed or none; the error names it and what to do."""
    (project / "conf" / "pipelines" / "backup.yml").write_text("schedule: {cron: '@daily'}\n")
    ended = cli.run("schedule", "import", "tab", code=8)
    assert "conf/pipelines/backup.yml has one schedule, which is no list." in ended.stderr
    assert "schedule" not in _yaml(project, "report")


def test_hostile_text_is_shown_escaped(cli: Cli, project: Path) -> None:
    """Control characters of a crontab reach no terminal, passwords are masked."""
    (project / "tab").write_text(
        "0 8 * * * \x1b[31mred postgresql://a:hidden@db/x\n\x1b[2J 1 2 3 4 x\n"
    )
    for options in ([], ["--json"]):
        ended = cli.run("schedule", "import", "tab", *options, code=1)
        assert "\x1b" not in ended.stdout + ended.stderr
        assert "hidden" not in ended.stdout + ended.stderr


def test_a_timer_has_its_command_beside_it(cli: Cli, project: Path) -> None:
    """The service of the same name says what the timer runs; its delay becomes jitter."""
    (project / "night.timer").write_text(
        "[Timer]\nOnCalendar=Mon..Fri 02:30 Europe/London\nRandomizedDelaySec=90s\nOnBootSec=5min\n"
    )
    (project / "night.service").write_text(
        f"[Service]\nWorkingDirectory={project}\nExecStart=/opt/venv/bin/flowerpower pipeline run report\n"
    )
    rows = cli.run(
        "schedule", "import", "night.timer", "--dialect", "systemd", "--json", code=1
    ).json
    assert rows[0]["entry"] == {
        "id": "report-cron-1", "cron": "30 2 * * 1-5", "timezone": "Europe/London", "jitter": 90.0,
    }  # fmt: skip
    assert [row["action"] for row in rows] == ["add", "left"]
    assert "OnBootSec" in rows[1]["problem"]


DEBIANS = """\
# /etc/crontab: system-wide crontab
SHELL=/bin/sh
# m h dom mon dow user\tcommand
17 *\t* * *\troot\tcd / && run-parts --report /etc/cron.hourly
25 6\t* * *\troot\ttest -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }
47 6\t* * 7\troot\ttest -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.weekly; }
52 6\t1 * *\troot\ttest -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.monthly; }
#
"""


def test_the_crontab_of_debian_is_read(cli: Cli, project: Path) -> None:
    """/etc/crontab as Debian 12 has it, with its column for the user."""
    (project / "crontab").write_text(DEBIANS)
    rows = cli.run("schedule", "import", "crontab", "--system", "--json", code=1).json
    assert [row["there"] for row in rows] == [
        "every hour, at minute 17",
        "at 06:25, every day",
        "at 06:47, on Sunday",
        "at 06:52, on day 1 of the month",
    ]
    assert {row["problem"] for row in rows} == {"it runs no pipeline of this project"}
    assert {row["verdict"] for row in rows} == {"same"}
    words = ["--system", "--to-pipeline", "report", "-q"]
    ids = cli.run("schedule", "import", "crontab", *words, code=0).stdout.split()
    assert ids == [f"report-cron-{number}" for number in range(1, 5)]
