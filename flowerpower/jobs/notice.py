"""Notices as data: what people are told of, and a delivery, which is a notice on its way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flowerpower.jobs.event import Event, EventKind
from flowerpower.jobs.job import json_value

TEST = "test"
"""The kind of a notice that only says that notices arrive."""
PING = "ping"
"""The kind of what is sent to the `ping` of a schedule."""
EVENTS_SHOWN = 10
"""Events that a notice of many has; of the others it has the number."""
PIPELINES_SHOWN = 100


@dataclass(frozen=True)
class Notice:
    """What one target is told: one event, or several of one kind that came together.

    Attributes:
        id: the same whenever the notice is sent again, so that its receiver can drop the second.
        kind: one of EventKind, TEST or PING.
        count: how many events it stands for; of missed fires, how many fires.
        pipelines: how many of them each pipeline has; those that have most, up to PIPELINES_SHOWN.
        events: the first ones, as `Event.to_json` gives them.
    """

    id: str
    kind: str
    count: int = 1
    pipelines: Mapping[str, int] = field(default_factory=dict)
    events: Sequence[Mapping[str, Any]] = ()

    def to_json(self) -> dict[str, Any]:
        """All fields as a JSON object."""
        return {**vars(self), "pipelines": dict(self.pipelines), "events": list(self.events)}

    @staticmethod
    def from_json(notice_id: str, body: object) -> Notice | None:
        """The notice in `body`, which a store has kept; None if it is damaged."""
        fields = body if isinstance(body, Mapping) else {}
        kind, count = fields.get("kind"), fields.get("count")
        pipelines, events = fields.get("pipelines"), fields.get("events")
        if (
            not isinstance(kind, str)
            or kind not in (*EventKind, TEST, PING)
            or not isinstance(count, int)
            or not isinstance(pipelines, Mapping)
            or not all(isinstance(number, int) for number in pipelines.values())
            or not isinstance(events, list)
            or not all(isinstance(event, Mapping) for event in events)
        ):
            return None
        return Notice(notice_id, kind, count, pipelines, events)


def notice_of(notice_id: str, kind: str, events: Sequence[Event]) -> Notice:
    """The notice of these events, which are of one kind and in the order of their times."""
    pipelines: dict[str, int] = {}
    for event in events:
        name = str(event.facts.get("pipeline") or "")
        pipelines[name] = pipelines.get(name, 0) + _count(event)
    most = sorted(pipelines, key=lambda name: -pipelines[name])[:PIPELINES_SHOWN]
    shown = tuple(event.to_json() for event in events[:EVENTS_SHOWN])
    total = sum(pipelines.values())
    return Notice(notice_id, kind, total, {name: pipelines[name] for name in most}, shown)


def _count(event: Event) -> int:
    count = event.facts.get("count")
    return count if event.kind is EventKind.MISSED and isinstance(count, int) else 1


@dataclass(frozen=True)
class NewDelivery:
    """A notice that is to be sent to a target, which its `target` names by a digest.

    Those with the same `lane` are sent one after another, in their order.
    """

    target: str
    notice: Notice
    lane: str | None = None

    @property
    def id(self) -> str:
        """That of its notice."""
        return self.notice.id


@dataclass(frozen=True)
class Delivery:
    """A notice on its way, as a queue stores it; it holds neither an address nor a secret.

    Attributes:
        target: a digest of the target's configuration, which is looked up when it is sent.
        notice: None if its record is damaged.
        send_at: when it is to be sent; while it is being sent, when others take its sender for
            dead. None once it was given up.
        attempts: how often it was sent, or is being sent.
        error: why the last attempt failed.
        given_up_at: since when nobody tries to send it any more.
    """

    id: str
    target: str
    notice: Notice | None
    created_at: datetime
    send_at: datetime | None = None
    attempts: int = 0
    error: str | None = None
    given_up_at: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """All fields as a JSON object, times in RFC 3339."""
        fields = {name: json_value(value) for name, value in vars(self).items()}
        return {**fields, "notice": None if self.notice is None else self.notice.to_json()}
