"""How declared schedules stand beside live ones: one pure function, as a table."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flowerpower.config.overrides import RunOverrides
from flowerpower.jobs.schedule import Origin, Schedule, ScheduleSpec, ScheduleState
from flowerpower.pipeline.schedule_changes import (
    Action,
    FieldChange,
    ScheduleChange,
    Standing,
    compare,
)
from flowerpower.triggers.make import make_trigger

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def spec(
    schedule_id: str | None = None, hour: int = 8, pipeline: str = "report", **fields: Any
) -> ScheduleSpec:
    """A declared schedule, each day at that hour."""
    trigger = fields.pop("trigger", None) or make_trigger(cron=f"0 {hour} * * *", timezone="UTC")
    return ScheduleSpec(
        **{"pipeline": pipeline, "trigger": trigger, "id": schedule_id, "origin": Origin.CONFIG}
        | fields
    )


def live(schedule_id: str, hour: int = 8, age: int = 0, **fields: Any) -> Schedule:
    """A live one of that id, `age` days old."""
    state = fields.pop("state", ScheduleState.ACTIVE)
    made = spec(schedule_id, hour, **fields)
    moment = NOW - timedelta(days=age)
    return Schedule(schedule_id, made.pipeline, made, state, moment, moment)


def by_hand(schedule_id: str, hour: int = 8, **fields: Any) -> Schedule:
    return live(schedule_id, hour, origin=Origin.CLI, **fields)


def standings(changes: list[ScheduleChange]) -> list[tuple[str | None, Standing]]:
    return [(change.id, change.standing) for change in changes]


TABLE: list[tuple[str, list[ScheduleSpec], list[Schedule], list[tuple[str | None, str]]]] = [
    ("nothing", [], [], []),
    ("new with an id", [spec("a")], [], [("a", "declared_only")]),
    ("new without an id", [spec()], [], [(None, "declared_only")]),
    ("as declared", [spec("a")], [live("a")], [("a", "declared_and_live")]),
    ("paused, which is live state", [spec("a")], [live("a", state=ScheduleState.PAUSED)],
     [("a", "declared_and_live")]),
    ("edited", [spec("a", 9)], [live("a")], [("a", "changed")]),
    ("without an id: the declared one", [spec(None, 9)], [live("report-1")],
     [("report-1", "changed")]),
    ("its id is gone from YAML", [spec(None, 9)], [live("morning")], [("morning", "changed")]),
    ("of several the numbered one", [spec(None)], [live("morning", 8), live("report-3", 9)],
     [("report-3", "changed"), ("morning", "live_only")]),
    ("of several numbered the oldest", [spec(None, 9)], [live("report-2", 8), live("report-1", 9)],
     [("report-2", "changed"), ("report-1", "live_only")]),
    ("another id in YAML", [spec("b")], [live("a")], [("b", "declared_only"), ("a", "live_only")]),
    ("an orphan", [], [live("a")], [("a", "live_only")]),
    ("by hand, and not declared", [], [by_hand("a")], []),
    ("by hand, another pipeline's number", [spec(None)], [by_hand("report-1", 9)],
     [(None, "declared_only")]),
    ("by hand, the very same", [spec(None)], [by_hand("report-1")], [("report-1", "changed")]),
    ("by hand, that id", [spec("a", 9)], [by_hand("a")], [("a", "changed")]),
    ("by hand and done, the very same", [spec(None)],
     [by_hand("report-1", state=ScheduleState.DONE)], [(None, "declared_only")]),
    ("disabled and not live", [spec("a", enabled=False)], [], [("a", "disabled")]),
    ("disabled and live", [spec("a", enabled=False)], [live("a")], [("a", "changed")]),
    ("disabled and live so", [spec("a", enabled=False)], [live("a", enabled=False)],
     [("a", "declared_and_live")]),
    ("enabled again", [spec("a")], [live("a", enabled=False)], [("a", "changed")]),
    ("over", [spec("a", trigger=make_trigger(date="2020-01-01", timezone="UTC"))], [],
     [("a", "over")]),
    ("over, and known", [spec("a", trigger=make_trigger(date="2020-01-01", timezone="UTC"))],
     [live("a", trigger=make_trigger(date="2020-01-01", timezone="UTC"), state=ScheduleState.DONE)],
     [("a", "declared_and_live")]),
    ("of a pipeline that is gone", [], [live("a", pipeline="gone")], [("a", "live_only")]),
    ("moved to another pipeline", [spec("a")], [live("a", pipeline="old")], [("a", "changed")]),
    ("an id is not taken twice", [spec("report-1"), spec(None, pipeline="report", hour=5)],
     [live("report-1")], [("report-1", "declared_and_live"), (None, "declared_only")]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("declared", "known", "expected"),
    [row[1:] for row in TABLE],
    ids=[row[0] for row in TABLE],
)
def test_standings(
    declared: list[ScheduleSpec], known: list[Schedule], expected: list[tuple[str | None, str]]
) -> None:
    """What is declared, what is live, and how each stands."""
    changes = compare(declared, known, NOW)
    assert standings(changes) == expected
    # Whatever has a difference is acted on, and nothing else.
    for change in changes:
        assert bool(change.changes) is (change.action is Action.CHANGE)
        assert change.conflict is None


def test_every_field_that_differs_is_named() -> None:
    """By its key in YAML, with what is live and what is declared; None is the default."""
    declared = spec(
        "a", trigger=make_trigger(every="2 weeks", start="2026-12-07", timezone="UTC",
                                  except_=["2026-12-21"]),
        queue="slow", misfire_grace_time=60.0, coalesce=False, max_instances=3, result_ttl=-1.0,
        priority=5, expires=90.0, overrides=RunOverrides(declared="a"),
    )  # fmt: skip
    (change,) = compare([declared], [live("a")], NOW)
    assert {row.field: (row.live, row.declared) for row in change.changes} == {
        "every": (None, "2 weeks"),
        "cron": ("0 8 * * *", None),
        "start": (None, "2026-12-07T00:00:00+00:00"),
        "except": (None, ["2026-12-21"]),
        "queue": ("default", "slow"),
        "misfire_grace_time": (None, 60.0),
        "coalesce": (True, False),
        "max_instances": (1, 3),
        "result_ttl": (None, -1.0),
        "priority": (0, 5),
        "expires": (None, 90.0),
        "run": (None, {"declared": "a"}),
    }
    (adopted,) = compare([spec()], [by_hand("report-1")], NOW)
    assert adopted.changes == (FieldChange("origin", "cli", "config"),)


def test_a_number_that_is_only_written_otherwise_is_no_difference() -> None:
    """60 and 60.0 are one duration."""
    known = live("a", misfire_grace_time=60)
    assert standings(compare([spec("a", misfire_grace_time=60.0)], [known], NOW)) == [
        ("a", Standing.SAME)
    ]


def test_another_pipelines_schedule_is_not_taken_over() -> None:
    """One that was added by hand, or one of YAML while only some pipelines are looked at."""
    declared = [spec("a", 9)]
    (of_hand,) = compare(declared, [by_hand("a", pipeline="other")], NOW)
    assert of_hand.conflict is not None
    assert "of the pipeline other, and was not made from YAML" in of_hand.conflict
    of_yaml = live("a", pipeline="other")
    (of_part,) = compare(declared, [of_yaml], NOW, pipelines={"report"})
    assert of_part.conflict is not None
    (of_all,) = compare(declared, [of_yaml], NOW)
    assert of_all.conflict is None
    assert of_all.changes[0] == FieldChange("pipeline", "other", "report")


def test_only_the_pipelines_in_question_have_orphans() -> None:
    """And none whose YAML cannot be read: what that declares is not known."""
    known = [live("a", pipeline="one"), live("b", pipeline="two")]
    assert standings(compare([], known, NOW, pipelines={"two"})) == [("b", Standing.LIVE_ONLY)]
    assert standings(compare([], known, NOW, unreadable={"two"})) == [("a", Standing.LIVE_ONLY)]


def test_a_damaged_schedule_is_replaced_and_never_an_orphan() -> None:
    """Its fault is the difference; who made it is not known, so it is not removed."""
    damaged = replace(live("a"), spec=None, fault="The schedule a is damaged.")
    (change,) = compare([spec("a")], [damaged], NOW)
    assert (change.standing, change.changes[0].live) == (Standing.CHANGED, damaged.fault)
    assert compare([], [damaged], NOW) == []
