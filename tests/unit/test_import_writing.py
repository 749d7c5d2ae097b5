"""Adding entries to the YAML of a pipeline."""

import difflib
from typing import Any

import pytest

from flowerpower.config.yaml_reader import parse_yaml
from flowerpower.errors import Refused
from flowerpower.pipeline.other_schedulers.plan import Action, ImportedLine
from flowerpower.pipeline.other_schedulers.sources import SourceLine
from flowerpower.pipeline.other_schedulers.write import with_entries


def _line(**entry: Any) -> ImportedLine:
    source = SourceLine(1, "0 8 * * 7")
    return ImportedLine(source, "Etc/UTC", pipeline="report", entry=entry, action=Action.ADD)


NEW = _line(
    id="report-cron-1", cron="0 8 * * *", run={"inputs": {"path": "${HOME}: 'x' # y", "ü": "☃"}}
)


@pytest.mark.parametrize(
    "before",
    [
        "",
        "# nothing yet\n",
        "run: {inputs: {x: 1}}  # of ours",
        "run:\n  inputs: {x: 1}\n\n# the end\n",
        "schedule:\n  # morning\n  - id: a\n    cron: '@daily'  # early\n\n# params\nparams: {x: 1}\n",
        "schedule:\n- id: a\n  cron: |\n    0 8 * * *\nrun: {}\n",
        "schedule:\n- {id: a, cron: '@daily'}\n- {id: b, cron: '@daily'}",
        "run: {}\r\nschedule:\r\n  - {id: a, cron: '@daily'}\r\n",
        "---\nschedule:\n    - {id: a, interval: 1h}\n",
    ],
)
def test_every_line_stays(before: str) -> None:
    """Entries are added behind the last one; comments, order and line ends are as they were."""
    after = with_entries(before.encode(), [NEW, _line(id="b2", interval=60)], "x.yml").decode()
    removed = [
        line
        for line in difflib.ndiff(before.splitlines(), after.splitlines())
        if line.startswith("- ")
    ]
    assert removed == []
    assert ("\r\n" in after) == ("\r\n" in before)
    data = parse_yaml(after.encode(), "x.yml", {}).root.plain()
    old = parse_yaml(before.encode(), "x.yml", {}).root.plain()
    assert data.pop("schedule")[len(old.pop("schedule", [])) :] == [
        NEW.entry,
        {"id": "b2", "interval": 60},
    ]
    assert data == old


@pytest.mark.parametrize(
    "before",
    [
        "schedule: {cron: '@daily'}\n",
        "schedule: [{id: a, cron: '@daily'}]\n",
        "schedule: []\n",
        "{run: {}}\n",
        "  run: {}\n",
        "schedule:\n",
        "run: {}\n...\n",
    ],
)
def test_a_form_that_would_change_is_refused(before: str) -> None:
    """Rather than to write its lines anew."""
    with pytest.raises(Refused):
        with_entries(before.encode(), [NEW], "x.yml")
