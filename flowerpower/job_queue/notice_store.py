"""The notices of a job queue that are on their way: the interface of their store."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from flowerpower.job_queue.records import RecordReader, Row, json_object
from flowerpower.jobs.notice import Delivery, NewDelivery, Notice

MAX_ERROR = 500
"""Characters of the error that a delivery keeps."""


@dataclass(frozen=True)
class DueIn:
    """Seconds since the oldest event was stored, and until a delivery is to be sent.

    None where there is none. Neither is negative, whatever was done to the clock.
    """

    event_age: float | None = None
    delivery: float | None = None


class NoticeStore(ABC):
    """Deliveries of one project, for those who send them, any number at once.

    Law: each step is atomic, and may be repeated. An event becomes deliveries once. A delivery is
    there until it is `delivered`, or its history is over after it was given up: if its sender is
    killed, another one claims it when the lease is over. So it is sent at least once, and more than
    once only if a sender ends between sending it and saying so.
    """

    @abstractmethod
    def due_in(self) -> DueIn:
        """Return whether there is something to do, and when; a cheap read."""

    @abstractmethod
    def plan(self, event_ids: Sequence[str], deliveries: Sequence[NewDelivery]) -> bool:
        """Replace these events by deliveries, which are due at once.

        Returns False, and changes nothing, if one of the events is gone: another sender has
        planned it. A delivery whose id exists already stays as it is.
        """

    @abstractmethod
    def claim(self, lease: float, busy: Collection[str] = ()) -> Delivery | None:
        """Take the delivery that is due first; None if none is.

        It counts one more attempt, and nobody else gets it for `lease` seconds. Those to a target
        of `busy` are left out, and so is one whose lane has an earlier one.
        """

    @abstractmethod
    def delivered(self, delivery: Delivery) -> None:
        """Delete it, whoever has claimed it since."""

    @abstractmethod
    def postpone(self, delivery: Delivery, error: str, seconds: float) -> bool:
        """Let it be due again in so many seconds; False if another sender has claimed it since."""

    @abstractmethod
    def give_up(self, delivery: Delivery, error: str) -> bool:
        """Never send it again, and keep it with its error for `history_ttl`; answers likewise."""

    @abstractmethod
    def waiting(self, limit: int = 100) -> list[Delivery]:
        """Return those that are to be sent, the oldest first."""

    @abstractmethod
    def given_up(self, limit: int = 100) -> list[Delivery]:
        """Return those that were given up, the last one first."""


def delivery_of(row: Row) -> Delivery:
    """The delivery in a row with a column for each of its fields, `notice` as `body`."""
    read = RecordReader(row)
    delivery_id = read.text("id")
    return Delivery(
        id=delivery_id,
        target=read.text("target"),
        notice=Notice.from_json(delivery_id, json_object(row["body"])),
        created_at=read.moment("created_at"),
        send_at=read.maybe(read.moment, "send_at"),
        attempts=int(read.number("attempts")),
        error=read.maybe(read.text, "error"),
        given_up_at=read.maybe(read.moment, "given_up_at"),
    )
