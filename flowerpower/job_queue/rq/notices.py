"""Notices on their way, in Redis; see `NoticeStore`."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from flowerpower.job_queue.notice_store import (
    MAX_ERROR,
    DueIn,
    NoticeStore,
    delivery_of,
)
from flowerpower.job_queue.records import Row
from flowerpower.job_queue.rq.fields import pairs_of, present, text_of
from flowerpower.job_queue.rq.store import RedisStore
from flowerpower.jobs.notice import Delivery, NewDelivery
from flowerpower.text import shortened


class RedisNotices(NoticeStore):
    """The deliveries of one namespace in a Redis; its clock is Redis's."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store

    def due_in(self) -> DueIn:
        seconds = [float(text) if text else None for text in self._store.run("notices_due")]
        return DueIn(*seconds)

    def plan(self, event_ids: Sequence[str], deliveries: Sequence[NewDelivery]) -> bool:
        rows = [
            present({
                "id": delivery.id,
                "target": delivery.target,
                "lane": delivery.lane,
                "body": json.dumps(delivery.notice.to_json()),
            })
            for delivery in deliveries
        ]  # fmt: skip
        return bool(self._store.run("plan_notices", events=list(event_ids), deliveries=rows))

    def claim(self, lease: float, busy: Collection[str] = ()) -> Delivery | None:
        # Once: a repeated script would claim another one. If its answer is lost, the one that it
        # has claimed comes back at the end of the lease.
        answer = self._store.run_once("claim_notice", lease=lease, busy=list(busy))
        return None if answer is None else delivery_of(_row(*answer))

    def delivered(self, delivery: Delivery) -> None:
        self._change("delivered", delivery)

    def postpone(self, delivery: Delivery, error: str, seconds: float) -> bool:
        return self._change(
            "postpone", delivery, error=shortened(error, MAX_ERROR), seconds=seconds
        )

    def give_up(self, delivery: Delivery, error: str) -> bool:
        return self._change("give_up", delivery, error=shortened(error, MAX_ERROR))

    def _change(self, verb: str, delivery: Delivery, **args: Any) -> bool:
        return bool(
            self._store.run(
                "change_notice", verb=verb, id=delivery.id, attempts=delivery.attempts, **args
            )
        )

    def waiting(self, limit: int = 100) -> list[Delivery]:
        return self._list(limit, given_up=False)

    def given_up(self, limit: int = 100) -> list[Delivery]:
        return self._list(limit, given_up=True)

    def _list(self, limit: int, *, given_up: bool) -> list[Delivery]:
        if limit < 1:
            return []
        answers = self._store.run("list_notices", given_up=given_up, limit=limit)
        return [delivery_of(_row(*answer)) for answer in answers]


def _row(delivery_id: bytes, flat: Sequence[bytes], send_at: bytes) -> Row:
    """A delivery as SQL has it."""
    values = {text_of(name): text_of(value) for name, value in pairs_of(flat).items()}
    row: dict[str, Any] = {"id": text_of(delivery_id), "send_at": _number(text_of(send_at))}
    row |= {name: values.get(name) for name in ("target", "body", "error")}
    row |= {name: _number(values.get(name)) for name in ("created_at", "attempts", "given_up_at")}
    return row


def _number(text: str | None) -> float | None:
    """The number in a field; None for an empty or a damaged one."""
    try:
        return float(text) if text else None
    except ValueError:
        return None
