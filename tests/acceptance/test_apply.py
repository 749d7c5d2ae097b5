"""`schedule apply` against real backends: random edits of YAML, and kill -9 in their midst."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from flowerpower.jobs.schedule import Origin, ScheduleState
from flowerpower.pipeline import PipelineManager
from tests.conditions import WAIT_LIMIT

PIPELINES = ["daily", "hourly_report", "sales", "weather"]
MODULE = "def double(x: int = 1) -> int:\n    return 2 * x\n"
APPLY = """
import sys
from flowerpower.pipeline import PipelineManager
manager = PipelineManager(sys.argv[1], quiet=True, environ={})
manager.schedules.diff()
import flowerpower.run.runner
print("ready", flush=True)
sys.stdin.readline()
manager.schedules.apply(prune=True)
print("done", flush=True)
"""


def make_project(root: Path, url: str | None) -> PipelineManager:
    """A project of pipelines without schedules, with its queue at `url`."""
    kind = "rq" if url and url.startswith("redis") else "apscheduler"
    queue: dict[str, Any] = {"type": kind, "backend": {"queues": ["default", "slow"]}}
    if url is not None:
        queue["backend"]["url"] = url
    for folder in ("conf/pipelines", "pipelines"):
        (root / folder).mkdir(parents=True)
    project = {"name": f"{root.name}-{time.time_ns()}", "timezone": "Europe/Berlin"}
    (root / "conf/project.yml").write_text(yaml.safe_dump({**project, "job_queue": queue}))
    for name in PIPELINES:
        (root / f"pipelines/{name}.py").write_text(MODULE)
        (root / f"conf/pipelines/{name}.yml").write_text("{}\n")
    return PipelineManager(root, quiet=True, environ={})


def entry(dice: random.Random) -> dict[str, Any]:
    """A schedule as YAML has it: any trigger, any fields."""
    trigger = dice.choice([
        {"cron": f"{dice.randrange(60)} {dice.randrange(24)} * * *"},
        {"interval": f"{dice.randrange(1, 90)}m"},
        {"every": f"{dice.randrange(1, 9)} weeks", "start": "2026-01-05T09:00"},
        {"date": f"{dice.randrange(2100, 2200)}-01-01"},
    ])  # fmt: skip
    fields: dict[str, list[Any]] = {
        "timezone": ["UTC", "Asia/Tokyo"],
        "end": ["2299-01-01"],
        "jitter": ["20s", 5],
        "misfire_grace_time": ["10m", 60, 60.0],
        "coalesce": [True, False],
        "max_instances": [1, 3],
        "enabled": [True, False],
        "queue": ["default", "slow"],
        "result_ttl": [-1, 0, "1h"],
        "priority": [0, 7],
        "expires": ["5m"],
        "run": [{"inputs": {"x": 3}}, {}],
    }
    if "date" not in trigger:
        fields["except"] = [["2026-12-24"], ["2026-12-25", "2026-12-24"]]
    chosen = dice.sample(list(fields), dice.randrange(6))
    return {**trigger, **{name: dice.choice(fields[name]) for name in chosen}}


def edit(root: Path, name: str, dice: random.Random) -> None:
    """Write other schedules into a pipeline's YAML: none, one, or a list."""
    ids = dice.sample([f"{name}_{letter}" for letter in "abc"], dice.randrange(1, 4))
    schedule = dice.choice([
        None, entry(dice), entry(dice), {"id": ids[0], **entry(dice)},
        [{"id": schedule_id, **entry(dice)} for schedule_id in ids],
    ])  # fmt: skip
    config = {} if schedule is None else {"schedule": schedule}
    (root / f"conf/pipelines/{name}.yml").write_text(yaml.safe_dump(config))


def calendar(manager: PipelineManager) -> list[tuple[Any, ...]]:
    """The live schedules that YAML has made; without the numbers of those that have no id."""
    records = manager.job_queue.list_schedules()
    assert all(record.spec is not None for record in records), "one of them is not whole"
    return sorted(
        (
            record.pipeline,
            record.id if "_" in record.id.removeprefix(record.pipeline) else "",
            record.spec.definition(),
            str(record.state),
        )
        for record in records
        if record.spec is not None and record.spec.origin is Origin.CONFIG
    )


@pytest.mark.parametrize("edits", [20, pytest.param(100, marks=pytest.mark.faults)])
def test_after_apply_there_is_no_difference(
    tmp_path: Path, url: str | None, dice: random.Random, edits: int
) -> None:
    """Random edits, one after the other; what is paused or made by hand stays so."""
    manager = make_project(tmp_path / "edited", url)
    manager.schedule("daily", cron="0 0 1 1 *", schedule_id="by_hand")
    by_hand = manager.schedules.get("by_hand").record
    paused: set[str] = set()
    unnamed: dict[str, str] = {}
    for _ in range(edits):
        for name in dice.sample(PIPELINES, dice.randrange(1, 3)):
            edit(tmp_path / "edited", name, dice)
        differences = manager.schedules.diff()
        labels = sorted(change.label for change in differences)
        dry = manager.schedules.apply(prune=True, dry_run=True)
        assert sorted(change.label for change in dry) == labels
        assert manager.schedules.diff() == differences, "a dry run changes nothing"
        made = manager.schedules.apply(prune=True)
        assert sorted(change.label for change in made) == labels
        assert manager.schedules.diff() == []
        standings = manager.schedules.compare()
        live = {record.id: record for record in manager.job_queue.list_schedules()}
        assert set(live) == {change.id for change in standings if change.live} | {"by_hand"}
        assert live["by_hand"] == by_hand
        for schedule_id in paused & set(live):
            assert live[schedule_id].state is ScheduleState.PAUSED
        for change in standings:
            if change.declared is not None and change.declared.id is None and change.live:
                # The one without an id stays the same one for as long as it is declared.
                assert change.live.id == unnamed.setdefault(change.pipeline, change.live.id)
        for name in set(unnamed) - {row.pipeline for row in standings if row.declared}:
            del unnamed[name]
        unnamed = {name: known for name, known in unnamed.items() if known in live}
        candidates = sorted(set(live) - {"by_hand"} - paused)
        if candidates and dice.random() < 0.3:
            paused.add(dice.choice(candidates))
            for schedule_id in paused & set(live):
                manager.schedules.pause(schedule_id)
        paused &= set(live)
    manager.close()


def start_applying(root: Path) -> subprocess.Popen[str]:
    """A process that is about to apply, once it is told to."""
    process = subprocess.Popen(
        [sys.executable, "-c", APPLY, str(root)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.fault("apply-killed")
@pytest.mark.parametrize("kills", [3, pytest.param(12, marks=pytest.mark.faults)])
def test_a_killed_apply_is_taken_up_where_it_was(
    tmp_path: Path, url: str | None, dice: random.Random, kills: int
) -> None:
    """Kill -9 at random instants: each schedule is as before or as declared; again: the same end."""
    killed = make_project(tmp_path / "killed", url)
    twin = make_project(tmp_path / "twin", url)
    seconds, landed = 0.3, 0
    for _ in range(kills):
        for name in PIPELINES:
            edit(tmp_path / "killed", name, dice)
            source = tmp_path / "killed" / f"conf/pipelines/{name}.yml"
            (tmp_path / "twin" / f"conf/pipelines/{name}.yml").write_text(source.read_text())
        before = {row[2] for row in calendar(killed)}
        begun = time.monotonic()
        twin.schedules.apply(prune=True)
        seconds = 0.7 * seconds + 0.3 * (time.monotonic() - begun)
        expected = calendar(twin)
        with start_applying(tmp_path / "killed") as process:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
            time.sleep(dice.uniform(0, 1.5 * seconds))
            process.kill()
            process.wait(WAIT_LIMIT)
        between = calendar(killed)
        assert {row[2] for row in between} <= before | {row[2] for row in expected}
        landed += between != expected
        killed.schedules.apply(prune=True)
        assert killed.schedules.diff() == []
        assert calendar(killed) == expected
    print(f"{landed} of {kills} kills came before the end")
    killed.close()
    twin.close()
