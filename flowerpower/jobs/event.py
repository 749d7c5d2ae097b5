"""Events that people may want a notice of; a queue stores them in the step that they tell of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from flowerpower.jobs.job import json_value
from flowerpower.text import shortened

LATE_AFTER = 60.0
"""Seconds after its time from which a fire is late."""
MAX_MESSAGE = 500
"""Characters of an error's message in an event."""


class EventKind(StrEnum):
    """What has happened."""

    FAILED = "failed"
    """A job has failed for good."""
    RECOVERED = "recovered"
    """A job has finished after the last one of its schedule (or pipeline) had failed."""
    FINISHED = "finished"
    """A job has finished; stored only where the pipeline asks for it."""
    LOST = "lost"
    """The worker of a job died; the job runs again."""
    MISSED = "missed"
    """Fires that nobody made in time."""
    LATE = "late"
    """A fire that was made more than LATE_AFTER after its time."""


@dataclass(frozen=True)
class Event:
    """Something that has happened once; the same event has the same id, however often it is stored.

    `facts` are JSON. All have `pipeline` and `schedule_id` (or None). Of a job: `job_id`,
    `scheduled_for`, `attempt`, `seconds`, and `error` (type, message, node) or None; `reason` of a
    loss, `failing_since` of a recovery. Of a fire: `fire_time`, `last_time`, `count`, `reason`,
    `job_id`, and how many `seconds` late it was.
    """

    id: str
    kind: EventKind
    at: datetime
    facts: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """All fields as a JSON object, times in RFC 3339."""
        return {name: json_value(value) for name, value in vars(self).items()}


def error_facts(error: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What an event says of an error: no traceback, which may be long."""
    if not error:
        return None
    message = shortened(str(error.get("message") or ""), MAX_MESSAGE)
    return {"type": error.get("type"), "message": message, "node": error.get("node")}
