"""From events to notices: who is told, how they are grouped, and what people read."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flowerpower.config.notify import MAX_SEND_TIMEOUT
from flowerpower.job_queue.notices.planning import NoticePlan, plan_notices
from flowerpower.job_queue.notices.sender import (
    FIRST_DELAY,
    LEASE,
    MAX_DELAY,
    delay_after,
)
from flowerpower.job_queue.notices.targets import ConfiguredNotices
from flowerpower.jobs.event import Event, EventKind
from flowerpower.jobs.notice import EVENTS_SHOWN, Notice
from flowerpower.jobs.notice_text import NoticeText
from flowerpower.text import remember_secret
from tests.conftest import MakeProject

AT = datetime(2026, 3, 28, 7, tzinfo=UTC)
ALL = "notify: {on: [failed, recovered, missed, late, lost, finished], to: {command: all}}\n"


def event(number: int, kind: str = "failed", pipeline: str = "report", **facts: Any) -> Event:
    body = {
        "pipeline": pipeline, "schedule_id": None, "scheduled_for": None, "job_id": f"j{number}",
        "attempt": 1, "seconds": 2.0, "error": None, **facts,
    }  # fmt: skip
    return Event(f"{kind}:j{number}:1", EventKind(kind), AT + timedelta(seconds=number), body)


def planned(
    root: Path, events: Sequence[Event], overdue: Sequence[str] = (), declared: bool = True
) -> NoticePlan:
    return plan_notices(events, ConfiguredNotices(root, {}), lambda _: declared, overdue)


def test_a_hundred_failures_are_one_notice(make_project: MakeProject) -> None:
    """With the first ones; each kind and each target has its own."""
    root = make_project(
        "name: demo\n" + ALL,
        report=("", ""),
        other=("notify: {on: failed, to: {command: own}}\n", ""),
    )
    events = [event(number) for number in range(100)]
    events += [event(100, pipeline="other"), event(101, "lost"), event(102, "recovered")]
    plan = planned(root, events)
    assert plan.event_ids == [one.id for one in events]
    notices = sorted(
        (one.notice.kind, one.notice.count, len(one.notice.events)) for one in plan.deliveries
    )
    assert notices == [
        ("failed", 1, 1), ("failed", 101, EVENTS_SHOWN), ("lost", 1, 1), ("recovered", 1, 1),
    ]  # fmt: skip
    many = next(one for one in plan.deliveries if one.notice.count > 1)
    assert many.notice.pipelines == {"report": 100, "other": 1}
    assert many.lane is None


def test_the_same_events_make_the_same_notices(make_project: MakeProject) -> None:
    """Whoever plans them: so their ids are the same, too."""
    root = make_project(ALL)
    events = [event(1), event(2, "lost")]
    assert planned(root, events) == planned(root, events)
    ids = {one.id for one in planned(root, events).deliveries}
    assert not ids & {one.id for one in planned(root, [*events, event(3)]).deliveries} - {
        one.id for one in planned(root, events).deliveries if one.notice.kind == "lost"
    }


def test_of_what_nobody_wants_to_know_nothing_is_left(make_project: MakeProject) -> None:
    """Nor where there is no project; its events go all the same."""
    root = make_project("name: demo\nnotify: {on: lost, to: {command: x}}\n")
    plan = planned(root, [event(1), event(2, pipeline="../../etc/passwd")])
    assert (len(plan.event_ids), plan.deliveries) == (2, [])
    plan = planned(root / "nowhere", [event(1)])
    assert (len(plan.event_ids), plan.deliveries) == (1, [])


def test_events_wait_for_a_file_that_cannot_be_read(make_project: MakeProject) -> None:
    """For a while: then the project's targets are told alone."""
    root = make_project(ALL, report=("notify: {on: [", ""), good=("", ""))
    events = [event(1), event(2, pipeline="good"), event(3)]
    plan = planned(root, events)
    assert plan.event_ids == [events[1].id]
    assert set(plan.unreadable) == {"report"}
    plan = planned(root, events, overdue=[events[0].id])
    assert plan.event_ids == [events[0].id, events[1].id]
    assert [one.notice.count for one in plan.deliveries] == [2]


def test_a_fire_is_pinged_with_how_its_job_has_ended(make_project: MakeProject) -> None:
    """Each one, in order; other jobs, losses and schedules without a ping are not."""
    config = "schedule: {id: nightly, cron: '@daily', ping: 'http://localhost/x'}\n"
    root = make_project("name: demo\n", report=(config, ""))
    fire = {"schedule_id": "nightly", "scheduled_for": "2026-03-28T06:00:00+00:00"}
    events = [
        event(1, "failed", **fire), event(2, "finished", **fire), event(3, "lost", **fire),
        event(4, "finished"), event(5, "failed", **{**fire, "schedule_id": "another"}),
        event(6, "failed", schedule_id="nightly"),
    ]  # fmt: skip
    plan = planned(root, events)
    assert [one.notice.events[0]["id"] for one in plan.deliveries] == [events[0].id, events[1].id]
    assert {one.notice.kind for one in plan.deliveries} == {"ping"}
    lanes = {one.lane for one in plan.deliveries}
    assert len(lanes) == 1
    assert None not in lanes
    assert len(plan.event_ids) == len(events)


def test_delays_grow_and_a_receiver_may_say_when(make_project: MakeProject) -> None:
    """To an hour at most, and a fifth longer by chance."""
    assert [delay_after(number, None, 0) for number in (1, 2, 3)] == [
        FIRST_DELAY, 2 * FIRST_DELAY, 4 * FIRST_DELAY,
    ]  # fmt: skip
    assert delay_after(10**9, None, 0) == MAX_DELAY
    assert delay_after(1, None, 1) == pytest.approx(1.2 * FIRST_DELAY)
    assert delay_after(1, 100.0, 0) == 100
    assert delay_after(1, 0.0, 0) == 1
    assert delay_after(1, 10.0**9, 0) == MAX_DELAY
    assert LEASE > 2 * MAX_SEND_TIMEOUT


# Texts


def text_of(*events: Event, count: int | None = None) -> NoticeText:
    pipelines: dict[str, int] = {}
    for one in events:
        pipelines[one.facts["pipeline"]] = pipelines.get(one.facts["pipeline"], 0) + 1
    notice = Notice(
        "id", str(events[0].kind), count or len(events), pipelines,
        [one.to_json() for one in events],
    )  # fmt: skip
    return NoticeText(notice, "demo", "Europe/Berlin")


ERROR = {"type": "ValueError", "message": "no such region", "node": "total"}
SCHEDULED = {"schedule_id": "nightly", "scheduled_for": "2026-03-28T06:00:00+00:00"}


@pytest.mark.parametrize(
    ("one", "title", "lines"),
    [
        (
            event(1, error=ERROR, **SCHEDULED),
            "demo: report failed",
            [
                "The job j1 of report failed after 2s, Sat 2026-03-28 08:00:01 CET.",
                "ValueError: no such region (in the node total)",
                "Schedule nightly, fire of Sat 2026-03-28 07:00:00 CET.",
                "More: flowerpower job-queue show-job j1",
            ],
        ),
        (
            event(1, "recovered", failing_since="2026-03-28T05:00:00+00:00"),
            "demo: report has recovered",
            [
                "The job j1 of report has finished, Sat 2026-03-28 08:00:01 CET.",
                "It had been failing since Sat 2026-03-28 06:00:00 CET.",
                "More: flowerpower job-queue show-job j1",
            ],
        ),
        (
            event(1, "lost", reason="The worker that ran it died", seconds=None),
            "demo: a worker of report died",
            [
                "The worker that ran it died. The job j1 of report runs again.",
                "More: flowerpower job-queue show-job j1",
            ],
        ),
        (
            event(
                1, "missed", schedule_id="nightly", job_id=None, count=3, reason="nobody was there",
                fire_time="2026-03-28T06:00:00+00:00", last_time="2026-03-28T06:02:00+00:00",
            ),
            "demo: nightly missed 3 fires",
            [
                "The schedule nightly of report missed 3 fires, from Sat 2026-03-28 07:00:00 CET to "
                "Sat 2026-03-28 07:02:00 CET.",
                "nobody was there.",
                "More: flowerpower schedule history nightly",
            ],
        ),
        (
            event(
                1, "late", schedule_id="nightly", seconds=300.0,
                fire_time="2026-03-28T06:00:00+00:00",
            ),
            "demo: nightly fired 5m late",
            [
                "The fire of nightly at Sat 2026-03-28 07:00:00 CET was made 5m late; its job is j1.",
                "More: flowerpower job-queue show-job j1",
            ],
        ),
        (
            event(1, "finished"),
            "demo: report has finished",
            [
                "The job j1 of report has finished in 2s, Sat 2026-03-28 08:00:01 CET.",
                "More: flowerpower job-queue show-job j1",
            ],
        ),
    ],
    ids=lambda value: str(value.kind) if isinstance(value, Event) else "",
)  # fmt: skip
def test_each_kind_is_said_in_plain_words(one: Event, title: str, lines: list[str]) -> None:
    """What, which job or schedule, when, why, and a command that shows more."""
    text = text_of(one)
    assert text.title == title
    assert text.body.splitlines() == lines


def test_many_are_counted_and_the_first_ones_named() -> None:
    """By pipeline in the title, and each with its error."""
    events = [event(number, error=ERROR) for number in range(8)]
    text = text_of(*events, count=100)
    assert text.title == "demo: 100 jobs failed: report (8)"
    lines = text.body.splitlines()
    assert lines[0] == "- report  j0: ValueError: no such region (in the node total)"
    assert lines[5:] == ["- and 95 more", "More: flowerpower job-queue list-jobs --status failed"]


def test_nothing_that_users_wrote_acts_on_who_reads_it() -> None:
    """No control characters, no second line, no secret, and no word for a shell in the command."""
    remember_secret("tulip-in-winter")
    hostile = {"type": "E\x1b[31m", "message": "a\nb\u202e tulip-in-winter", "node": "[/]"}
    text = text_of(event(1, error=hostile, job_id="$(rm -rf)", pipeline="x\ny"))
    assert "\x1b" not in text.body + text.title
    assert "\u202e" not in text.body
    assert "tulip" not in text.body
    assert "\n" not in text.title
    assert "a\\nb\\u202e ***" in text.body
    assert "More:" not in text.body


def test_a_damaged_notice_can_be_said() -> None:
    """Facts of other types or none at all; or it is known to be damaged."""
    for facts in ({}, {"error": "x", "seconds": "y", "count": "z", "reason": 7, "fire_time": 3}):
        for kind in EventKind:
            events = [{"kind": str(kind), "at": 5, "facts": facts}]
            text = NoticeText(Notice("id", str(kind), 1, {}, events), "demo", "UTC")
            assert text.title
            assert text.to_json()["text"] == text.body
            many = NoticeText(Notice("id", str(kind), 9, {}, events * 2), "demo", "UTC")
            assert many.body
    good: dict[str, Any] = {"kind": "failed", "count": 1, "pipelines": {}, "events": [{}]}
    assert Notice.from_json("id", good) is not None
    for wrong in (None, [], {}, {**good, "kind": "x"}, {**good, "count": "1"}, {**good, "events": 3},
                  {**good, "events": [3]}, {**good, "pipelines": {"a": "b"}}):  # fmt: skip
        assert Notice.from_json("id", wrong) is None
