"""Triggers as JSON and back; what makes no trigger."""

import json
import pickle

import pytest

from flowerpower.errors import InvalidDuration, InvalidTime, InvalidTimezone, InvalidTrigger
from flowerpower.triggers.base import Trigger
from flowerpower.triggers.cron import Cron
from flowerpower.triggers.make import make_trigger, trigger_from_json
from tests.unit.triggers import START, TRIGGERS


@pytest.mark.parametrize("trigger", TRIGGERS, ids=repr)
def test_json_round_trip(trigger: Trigger) -> None:
    """A trigger comes back from its JSON equal, with equal hash, and so does its pickle."""
    body = json.loads(json.dumps(trigger.to_json()))
    back = trigger_from_json(body)
    assert back == trigger
    assert hash(back) == hash(trigger)
    assert back.to_json() == body
    assert make_trigger(**body) == trigger
    assert pickle.loads(pickle.dumps(trigger)) == trigger
    assert back.next_after(START) == trigger.next_after(START)


def test_json_is_this() -> None:
    """The stored form is these keys and no others."""
    assert TRIGGERS[0].to_json() == {"cron": "0 8 * * 1-5", "timezone": "Europe/Berlin"}
    assert TRIGGERS[1].to_json() == {
        "cron": "@hourly",
        "timezone": "UTC",
        "start": "2026-01-01T00:00:00+00:00",
        "end": "2026-01-01T09:00:00+00:00",
        "jitter": 2.5,
    }
    assert TRIGGERS[2].to_json() == {"interval": 90, "timezone": "UTC"}
    assert TRIGGERS[4].to_json() == {"date": "2026-12-25T09:00:00", "timezone": "Europe/Berlin"}


def test_triggers_differ() -> None:
    """Triggers of different kind, value, zone or bounds are different."""
    others = [
        *TRIGGERS,
        Cron("0 9 * * 1-5", "Europe/Berlin"),
        Cron("0 8 * * 1-5", "Europe/Paris"),
        Cron("0 8 * * 1-5", "Europe/Berlin", start=START),
    ]
    assert len(set(others)) == len(others)


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        (None, InvalidTrigger, "is a mapping; this is NoneType"),
        ([], InvalidTrigger, "is a mapping; this is list"),
        ({}, InvalidTrigger, "names its timezone"),
        ({"timezone": "UTC"}, InvalidTrigger, "exactly one of .* got none"),
        ({"cron": "@daily"}, InvalidTrigger, "names its timezone"),
        ({"cron": "@daily", "zone": "UTC"}, InvalidTrigger, "has no 'zone'"),
        ({"cron": "@daily", "timezon": "UTC"}, InvalidTrigger, "Did you mean 'timezone'"),
        ({"cron": "@daily", 5: 5, "timezone": "UTC"}, InvalidTrigger, "has no 5"),
        ({"cron": 7, "timezone": "UTC"}, InvalidTrigger, "this is int"),
        ({"cron": "@daily", "timezone": 7}, InvalidTimezone, "7 is not the name"),
        ({"cron": "@daily", "timezone": []}, InvalidTimezone, r"\[\] is not the name"),
        ({"cron": "@daily", "timezone": "Europe/Berln"}, InvalidTimezone, "Europe/Berlin"),
        ({"cron": "@daily", "timezone": "UTC", "start": 5}, InvalidTime, "5 is not a time"),
        ({"cron": "@daily", "timezone": "UTC", "jitter": "x"}, InvalidDuration, "'x' is not"),
        ({"interval": {}, "timezone": "UTC"}, InvalidDuration, "is not a duration"),
    ],
)
def test_damaged_json(body: object, error: type[Exception], message: str) -> None:
    """A damaged record raises the documented error and says what is wrong."""
    with pytest.raises(error, match=message):
        trigger_from_json(body)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({}, "exactly one of cron, every, interval and date; got none"),
        ({"cron": "@daily", "interval": 5}, "got cron and interval"),
        (
            {"cron": "@daily", "interval": 5, "date": "2026-01-01"},
            "got cron and interval and date",
        ),
    ],
)
def test_exactly_one(keywords: dict[str, object], message: str) -> None:
    """A trigger is made of exactly one of cron, every, interval and date."""
    with pytest.raises(InvalidTrigger, match=message):
        make_trigger(timezone="UTC", **keywords)  # type: ignore[arg-type]


def test_all_that_is_wrong_with_a_trigger_is_said_at_once() -> None:
    """Each wrong part has its own sentence; a single one keeps its own error."""
    with pytest.raises(InvalidTrigger, match="3 faults") as caught:
        make_trigger(cron="61 * * * *", timezone="Europe/Berln", end="never")
    assert [detail.partition(":")[0] for detail in caught.value.details] == [
        "cron", "timezone", "end",
    ]  # fmt: skip
    assert "Did you mean 'Europe/Berlin'?" in caught.value.details[1]
    with pytest.raises(InvalidTimezone, match="Did you mean 'Europe/Berlin'"):
        make_trigger(cron="6 * * * *", timezone="Europe/Berln")
