"""From events to deliveries: who is told of which events, grouped; pure but for reading files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from flowerpower.errors import ConfigError
from flowerpower.job_queue.notices.targets import ConfiguredNotices
from flowerpower.jobs.event import Event, EventKind
from flowerpower.jobs.notice import PING, NewDelivery, notice_of

_PINGED = (EventKind.FAILED, EventKind.FINISHED)
IsDeclared = Callable[[str], bool]
"""Whether the live schedule of that id was made by YAML."""


@dataclass
class NoticePlan:
    """What becomes of some events.

    Attributes:
        event_ids: those that the deliveries stand for, or that nobody is told of.
        deliveries: one for each target and kind of event, and one for each ping.
        unreadable: pipelines whose files cannot be read, and why; their events are not among
            `event_ids`, unless they are `overdue`.
    """

    event_ids: list[str] = field(default_factory=list)
    deliveries: list[NewDelivery] = field(default_factory=list)
    unreadable: dict[str, ConfigError] = field(default_factory=dict)


def plan_notices(
    events: Sequence[Event],
    configured: ConfiguredNotices,
    is_declared: IsDeclared,
    overdue: Iterable[str] = (),
) -> NoticePlan:
    """Group the events, the oldest first, by what they tell and whom.

    Events of a pipeline whose file cannot be read wait for it; of those with an id in `overdue`
    only the project's own targets are told.
    """
    plan = NoticePlan()
    groups: dict[tuple[str, str], list[Event]] = {}
    late = set(overdue)
    for event in events:
        pipeline = str(event.facts.get("pipeline") or "")
        ping = None
        try:
            targets = configured.targets_of(pipeline)
            ping = _ping(event, pipeline, configured, is_declared)
        except ConfigError as error:
            plan.unreadable[pipeline] = error
            if event.id not in late:
                continue
            targets = configured.project_targets()
        plan.event_ids.append(event.id)
        for target in targets:
            if event.kind in target.kinds:
                groups.setdefault((target.digest, str(event.kind)), []).append(event)
        if ping is not None:
            plan.deliveries.append(ping)
    plan.deliveries += [
        NewDelivery(digest, notice_of(_id_of(kind, digest, group), kind, group))
        for (digest, kind), group in groups.items()
    ]
    return plan


def _ping(
    event: Event, pipeline: str, configured: ConfiguredNotices, is_declared: IsDeclared
) -> NewDelivery | None:
    schedule_id = event.facts.get("schedule_id")
    is_fire = isinstance(schedule_id, str) and event.facts.get("scheduled_for") is not None
    if event.kind not in _PINGED or not is_fire or not configured.has_pings(pipeline):
        return None
    ping = configured.ping_of(pipeline, str(schedule_id), is_declared=is_declared(str(schedule_id)))
    if ping is None:
        return None
    notice = notice_of(_id_of(PING, ping.digest, [event]), PING, [event])
    # In order: a failure that is told late must not come after the success that followed it.
    return NewDelivery(ping.digest, notice, lane=ping.digest)


def _id_of(kind: str, digest: str, events: Sequence[Event]) -> str:
    """The same for the same events and target, whoever plans them."""
    content = json.dumps([digest, *(event.id for event in events)])
    return f"{kind}-{hashlib.sha256(content.encode()).hexdigest()[:24]}"
