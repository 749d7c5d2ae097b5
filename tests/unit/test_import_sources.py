"""Reading the files of other schedulers, and the commands in them."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowerpower.errors import ConfigError, UsageError
from flowerpower.pipeline.other_schedulers.commands import read_command
from flowerpower.pipeline.other_schedulers.sources import SourceLine, read_source

ROOT = Path("/srv/shop")

CRON_JOB = b"""apiVersion: v1
kind: ConfigMap
---
# nightly
kind: CronJob
spec:
  schedule: "0 2 * * *"
  timeZone: Europe/Berlin
  suspend: true
  startingDeadlineSeconds: 600
  concurrencyPolicy: Forbid
  jobTemplate:
    spec: {template: {spec: {containers: [{name: a, command: [flowerpower], args: [pipeline, run, report]}]}}}
---
kind: CronJob
spec: {suspend: false}
"""
TIMER = b"""[Unit]
Description=Report
[Timer]
OnCalendar=Mon..Fri 08:00
OnCalendar=daily
OnBootSec=5min
RandomizedDelaySec=90s
"""


def _lines(content: bytes, dialect: str = "debian", **options: Any) -> list[SourceLine]:
    return read_source(content, dialect, **options)


def test_a_crontab_has_variables_comments_and_commands() -> None:
    """Variables and comments are no lines; a zone is known to have no effect."""
    lines = _lines(
        b"# nightly\nMAILTO = a\nSHELL=/bin/sh\n\n30 2\t* *  1 run  it\n@daily x\nTZ=UTC\n0 8 * * * y"
    )
    assert [(x.number, x.expression, x.command) for x in lines] == [
        (5, "30 2 * * 1", "run  it"),
        (6, "@daily", "x"),
        (8, "0 8 * * *", "y"),
    ]
    assert [bool(line.notes) for line in lines] == [False, False, True]


def test_a_system_crontab_has_a_user() -> None:
    """The column before the command is not part of it."""
    lines = _lines(b"17 * * * * root cd / && x\n@daily www y\n", system=True)
    assert [(x.expression, x.command) for x in lines] == [
        ("17 * * * *", "cd / && x"),
        ("@daily", "y"),
    ]


@pytest.mark.parametrize(
    ("text", "part"), [(b"0 8 * *\n", "ends too early"), (b"@reboot x\n", "service")]
)
def test_a_line_without_a_time_says_why(text: bytes, part: str) -> None:
    """It is kept as a line with a problem."""
    (line,) = _lines(text)
    assert part in (line.problem or "")


def test_a_timer_gives_its_calendars() -> None:
    """Each OnCalendar is a line; what counts from a start is none; the delay is jitter."""
    first, second, third = _lines(
        TIMER, "systemd", unit="[Service]\nExecStart=-/opt/flowerpower x\n"
    )
    assert (first.number, first.expression, first.command) == (
        4,
        "Mon..Fri 08:00",
        "/opt/flowerpower x",
    )
    assert (second.expression, second.options) == ("daily", {"jitter": 90.0})
    assert "OnBootSec" in (third.problem or "")


def test_a_cron_job_gives_its_settings() -> None:
    """Zone, suspension and deadline become keys of the entry; other objects are passed over."""
    first, second = _lines(CRON_JOB, "kubernetes")
    assert (first.number, first.expression, first.timezone) == (7, "0 2 * * *", "Europe/Berlin")
    assert first.command == "flowerpower pipeline run report"
    assert first.options == {"enabled": False, "misfire_grace_time": 600}
    assert second.problem == "It has no spec.schedule."


def test_other_files_have_an_expression_a_line() -> None:
    """Quotes around it, and comments, do not count."""
    assert [x.expression for x in _lines(b'# a\n"0 0 8 ? * 1"\n0 0 9 * * ?\n', "quartz")] == [
        "0 0 8 ? * 1",
        "0 0 9 * * ?",
    ]


@pytest.mark.parametrize(
    ("content", "dialect", "system", "error"),
    [
        (b"\xff\xfe", "debian", False, UsageError),
        (b"x" * 1_000_001, "debian", False, UsageError),
        (b"0 8 * * *", "quartz", True, UsageError),
        (
            b"kind: CronJob\nspec: {a: !!python/name:os.system x}\n",
            "kubernetes",
            False,
            ConfigError,
        ),
        (b"kind: CronJob\nspec: {a\n", "kubernetes", False, ConfigError),
    ],
)
def test_what_is_no_such_file_is_refused(
    content: bytes, dialect: str, system: bool, error: type[Exception]
) -> None:
    """With one error, and nothing of it is executed."""
    with pytest.raises(error):
        read_source(content, dialect, system=system)


@pytest.mark.parametrize(
    ("command", "pipeline", "run", "options"),
    [
        ("flowerpower pipeline run report", "report", {}, {}),
        ("/opt/venv/bin/flowerpower job-queue add-job report --queue slow --priority -5", "report", {},
         {"queue": "slow", "priority": -5}),
        ("cd /srv/shop && python3 -m flowerpower_cli pipeline run report -i x=3 --input name=world", "report",
         {"inputs": {"x": 3, "name": "world"}}, {}),
        ("flowerpower pipeline run report --timeout=5m --executor threadpool --max-workers 4 -q >> log 2>&1",
         "report", {"timeout": 300.0, "executor": {"type": "threadpool", "max_workers": 4}}, {}),
        ("flowerpower pipeline run report --final-vars a,b --no-cache --max-retries 2 > /dev/null 2>&1",
         "report", {"final_vars": ["a", "b"], "cache": False, "retry": {"max_retries": 2}}, {}),
        ("flowerpower pipeline run --base-dir /srv/shop 'report' --save total=out.csv", "report",
         {"save": {"total": "out.csv"}}, {}),
    ],
)  # fmt: skip
def test_a_command_names_its_pipeline(
    command: str, pipeline: str, run: dict[str, Any], options: dict[str, Any]
) -> None:
    """With its options as they are under `run` and beside it."""
    found = read_command(command, ROOT)
    assert found is not None
    assert (found.pipeline, found.run, found.options, found.problem) == (
        pipeline,
        run,
        options,
        None,
    )


@pytest.mark.parametrize(
    ("command", "part"),
    [
        ("flowerpower pipeline run report; rm -rf x", "another command"),
        ("flowerpower pipeline run report | mail ops", "another command"),
        ("cd /srv/other && flowerpower pipeline run report", "/srv/other"),
        ("flowerpower pipeline run report --base-dir /srv/other", "/srv/other"),
        ("TOKEN=1 flowerpower pipeline run report", "sets TOKEN"),
        ("flowerpower pipeline run report -i api_token=abc", "may be a secret"),
        ("flowerpower pipeline run report --inputs @more.yml", "no setting of a schedule"),
        ("flowerpower pipeline run report --timeout soon", "cannot be read"),
        ("flowerpower pipeline run report one", "got 2"),
        ("flowerpower pipeline run report%input", "%"),
        ("flock -n lock flowerpower pipeline run report", "'flock'"),
    ],
)
def test_what_a_schedule_cannot_keep_is_said(command: str, part: str) -> None:
    """The pipeline is known, and why the line is left."""
    found = read_command(command, ROOT)
    assert found is not None
    assert part in (found.problem or "")


@pytest.mark.parametrize(
    "command", ["rotate --all", "flowerpower status", "echo 'flowerpower", "", "a 'b"]
)
def test_other_commands_run_no_pipeline(command: str) -> None:
    """Nor is anything guessed of them."""
    assert read_command(command, ROOT) is None


@given(
    st.text(max_size=80), st.sampled_from(["", "flowerpower pipeline run report ", "0 8 * * * "])
)
def test_any_text_is_read(text: str, before: str) -> None:
    """No command and no crontab raises anything else than what is expected of it."""
    read_command(before + text, ROOT)
    read_source((before + text).encode("utf-8", "replace"), "debian")
