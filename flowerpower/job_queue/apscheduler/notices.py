"""Notices on their way, in a SQL database; see `NoticeStore`."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

from flowerpower.job_queue.apscheduler.database import Database, in_list
from flowerpower.job_queue.notice_store import MAX_ERROR, DueIn, NoticeStore, delivery_of
from flowerpower.jobs.notice import Delivery, NewDelivery
from flowerpower.text import shortened


class _EventsAreGone(Exception):
    """Ends a transaction that must change nothing."""


class SqlNotices(NoticeStore):
    """The deliveries of one namespace in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def due_in(self) -> DueIn:
        with self._database.read() as tx:
            (row,) = tx.rows("notices_due")
            now = tx.now
        event_at, send_at = row["event_at"], row["send_at"]
        return DueIn(
            None if event_at is None else max(0.0, now - event_at),
            None if send_at is None else max(0.0, send_at - now),
        )

    def plan(self, event_ids: Sequence[str], deliveries: Sequence[NewDelivery]) -> bool:
        text, ids = in_list("id", event_ids)
        try:
            with self._database.write() as tx:
                if ids and tx.run_many("take_events", [ids], {"ids": text}) != [len(ids)]:
                    raise _EventsAreGone
                for position, delivery in enumerate(deliveries):
                    tx.run(
                        "add_delivery",
                        id=delivery.id,
                        target=delivery.target,
                        lane=delivery.lane,
                        body=json.dumps(delivery.notice.to_json()),
                        # Those of one call keep their order in a lane.
                        created_at=tx.now + position * 1e-6,
                    )
        except _EventsAreGone:
            return False
        return True

    def claim(self, lease: float, busy: Collection[str] = ()) -> Delivery | None:
        # PostgreSQL knows no empty list.
        text, targets = in_list("target", ["", *busy])
        with self._database.write() as tx:
            rows = tx.rows("claim_delivery", {"targets": text}, lease=lease, **targets)
        return delivery_of(rows[0]) if rows else None

    def delivered(self, delivery: Delivery) -> None:
        with self._database.write() as tx:
            tx.run("delete_delivery", id=delivery.id)

    def postpone(self, delivery: Delivery, error: str, seconds: float) -> bool:
        return self._change("postpone_delivery", delivery, error, seconds=seconds)

    def give_up(self, delivery: Delivery, error: str) -> bool:
        return self._change("give_up_delivery", delivery, error)

    def _change(self, query: str, delivery: Delivery, error: str, **more: float) -> bool:
        with self._database.write() as tx:
            changed = tx.run(
                query,
                id=delivery.id,
                attempts=delivery.attempts,
                error=shortened(error, MAX_ERROR),
                **more,
            )
        return bool(changed)

    def waiting(self, limit: int = 100) -> list[Delivery]:
        with self._database.read() as tx:
            rows = tx.rows("waiting_deliveries", limit=max(0, limit))
        return [delivery_of(row) for row in rows]

    def given_up(self, limit: int = 100) -> list[Delivery]:
        with self._database.read() as tx:
            rows = tx.rows("given_up_deliveries", limit=max(0, limit))
        return [delivery_of(row) for row in rows]
