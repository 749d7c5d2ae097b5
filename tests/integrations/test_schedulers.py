"""The schedulers whose dialects are read, asked again: those that answer within a minute.

The others (busybox is compiled, daemons live through a year) are asked by hand:
`python -m tests.tools.record_schedulers tests/unit/scheduler_fires.json`.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.tools.record_schedulers import compact, questions
from tests.tools.schedulers.programs import PROGRAMS

RECORDED = Path(__file__).parents[1] / "unit" / "scheduler_fires.json"


@pytest.mark.parametrize("dialect", ["systemd", "systemd-cron", "quartz", "apscheduler", "airflow"])
def test_a_scheduler_still_does_what_was_recorded(dialect: str) -> None:
    """Every answer of the table that our readings are compared with is that of the program."""
    if dialect == "quartz":
        assert shutil.which("javac"), "Quartz is asked in Java: install a JDK."
    recorded = json.loads(RECORDED.read_text())["dialects"][dialect]["fires"]
    rows = questions(dialect)
    answers = PROGRAMS[dialect]([question for _, question in rows])
    different = {
        (span, question.expression): (compact(answer), recorded[span][question.expression])
        for (span, question), answer in zip(rows, answers, strict=True)
        if compact(answer) != recorded[span][question.expression]
    }
    assert different == {}
