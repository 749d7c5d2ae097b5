"""Sends the notices of a queue, beside a worker or a scheduler and without holding it up.

One thread plans, claims and records; each notice is sent by a thread of its own, as a target may
hang. Any number of senders may run at once (see `NoticeStore`).
"""

from __future__ import annotations

import queue
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flowerpower.errors import BackendUnreachable, ConfigError, FlowerpowerError, ScheduleNotFound
from flowerpower.job_queue.notices.outcome import NotSent
from flowerpower.jobs.notice import PING, Delivery, Notice
from flowerpower.jobs.schedule import Origin
from flowerpower.text import one_line
from flowerpower.triggers import clock
from flowerpower.triggers.clock import format_duration

if TYPE_CHECKING:
    from flowerpower.job_queue.base import JobQueueBackend
    from flowerpower.job_queue.notices.targets import ConfiguredNotices

LOOK_EVERY = 1.0
"""Seconds between two looks for events and deliveries."""
GROUP_SECONDS = 3.0
"""Age of the oldest event from which all that are there are planned: a hundred are one notice."""
EVENTS_AT_ONCE = 500
HOLD_SECONDS = 60.0
"""How long events of a pipeline wait whose file cannot be read: somebody may be saving it."""
MAX_AT_ONCE = 4
"""Notices that one sender sends at the same time, each to another target."""
LEASE = 150.0
"""Seconds after which another sender takes a claimed notice; longer than any may take to send."""
FIRST_DELAY, MAX_DELAY = 10.0, 3600.0
"""Seconds before the second attempt, which double for each further one, and their limit."""
GIVE_UP_AFTER, GIVE_UP_PING_AFTER = 86_400.0, 3600.0
"""Seconds; a ping that comes an hour late would only mislead."""
STOP_SECONDS = 5.0
"""Seconds that a worker that stops waits for its last notices; the rest is left to others."""
RETRY_SECONDS = 5.0
"""Seconds before configuration is read again that was wrong, or a backend asked that failed."""


@dataclass(frozen=True)
class _Sent:
    """What became of an attempt; `failure` is None if it was delivered."""

    delivery: Delivery
    label: str
    failure: NotSent | None = None


class NoticeSender:
    """Sends what there is, until stopped; `on_trouble` is told what does not work, in sentences."""

    def __init__(self, backend: JobQueueBackend, on_trouble: Callable[[str], None]) -> None:
        self._backend = backend
        self._on_trouble = on_trouble
        self._is_urgent: Callable[[], bool] = lambda: False
        self._stop_by: float | None = None
        self._sent: queue.Queue[_Sent | None] = queue.Queue()
        self._unrecorded: list[_Sent] = []
        self._busy: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="notices", daemon=True)

    def start(self) -> None:
        """Begin to send, in a thread of its own."""
        self._thread.start()

    def stop(self, is_urgent: Callable[[], bool] = lambda: False) -> None:
        """Send what there is for at most STOP_SECONDS, or until it `is_urgent`; then end."""
        if self._thread.ident is None:
            return
        self._is_urgent = is_urgent
        self._stop_by = clock.monotonic() + STOP_SECONDS
        self._sent.put(None)
        while self._thread.is_alive() and not self._is_over():
            self._thread.join(0.1)

    def _is_over(self) -> bool:
        by = self._stop_by
        return by is not None and (clock.monotonic() >= by or self._is_urgent())

    # The thread

    def _run(self) -> None:
        while not self._is_over():
            try:
                wait = self._step()
            except BackendUnreachable:
                # The worker itself says so, and a sender that stops cannot wait for it.
                wait = None if self._stop_by is not None else RETRY_SECONDS
            except ConfigError as error:
                self._on_trouble(f"Notices wait until this is right: {one_line(str(error))}")
                wait = None if self._stop_by is not None else RETRY_SECONDS
            except Exception as error:  # noqa: BLE001 - later notices may be sent
                self._on_trouble(f"Notices could not be sent: {error!r}")
                wait = None if self._stop_by is not None else RETRY_SECONDS
            if wait is None:
                return
            self._wait(wait)

    def _wait(self, seconds: float) -> None:
        """Wait, or take what has been sent as soon as it is."""
        try:
            sent = self._sent.get(timeout=seconds)
        except queue.Empty:
            return
        if sent is not None:
            self._unrecorded.append(sent)

    def _step(self) -> float | None:
        """Do what can be done now; how long to wait for more, None if it is time to end."""
        self._record()
        store, is_stopping = self._backend.notices, self._stop_by is not None
        due = store.due_in()
        age = due.event_age
        if age is not None and (age >= GROUP_SECONDS or is_stopping) and self._plan(age):
            due = store.due_in()
            age = due.event_age
        while due.delivery == 0 and len(self._busy) < MAX_AT_ONCE and self._send_next():
            pass
        if is_stopping and not self._busy and not self._unrecorded and self._sent.empty():
            return None
        waits = [LOOK_EVERY]
        if age is not None and age < GROUP_SECONDS:
            waits.append(GROUP_SECONDS - age)
        if due.delivery:
            waits.append(due.delivery)
        return 0.05 if is_stopping else min(waits)

    def _plan(self, age: float) -> bool:
        """Replace events by deliveries; whether anything was changed, by this sender or another."""
        events = self._backend.events(EVENTS_AT_ONCE)
        if not events:
            return False
        # Here, because a worker that has nothing to tell need not import it.
        from flowerpower.job_queue.notices.planning import plan_notices
        from flowerpower.job_queue.notices.targets import ConfiguredNotices

        # The oldest one's age is by the backend's clock; this machine's may differ.
        overdue = [
            event.id
            for event in events
            if age - (event.at - events[0].at).total_seconds() > HOLD_SECONDS
        ]
        configured = ConfiguredNotices(self._backend.source.root())
        plan = plan_notices(events, configured, self._declared(), overdue)
        for pipeline, error in plan.unreadable.items():
            self._on_trouble(
                f"Who is told of {one_line(pipeline)} cannot be read: {one_line(str(error))}"
            )
        if not plan.event_ids:
            return False
        self._backend.notices.plan(plan.event_ids, plan.deliveries)
        return True

    def _declared(self) -> Callable[[str], bool]:
        known: dict[str, bool] = {}

        def is_declared(schedule_id: str) -> bool:
            if schedule_id not in known:
                try:
                    spec = self._backend.schedules.get(schedule_id).spec
                except ScheduleNotFound:
                    spec = None
                known[schedule_id] = spec is not None and spec.origin is Origin.CONFIG
            return known[schedule_id]

        return is_declared

    def _send_next(self) -> bool:
        """Begin to send one notice; whether there was one."""
        delivery = self._backend.notices.claim(LEASE, self._busy)
        if delivery is None:
            return False
        try:
            label, send = self._how_to_send(delivery)
        except FlowerpowerError as error:
            failure = NotSent(f"the configuration cannot be read: {one_line(str(error))}")
            self._unrecorded.append(_Sent(delivery, "target", failure))
        else:
            if send is None:
                self._on_trouble(
                    f"The notice {delivery.id} is dropped: its target is no longer configured."
                )
                self._backend.notices.delivered(delivery)
                return True
            self._busy.add(delivery.target)
            # A daemon, and no pool: nobody waits for a target that hangs when the process ends.
            threading.Thread(
                target=self._send, args=(delivery, label, send), name="notice", daemon=True
            ).start()
        self._record()
        return True

    def _how_to_send(self, delivery: Delivery) -> tuple[str, Callable[[], None] | None]:
        """What its target is called and what sends it there; None if it is not configured now."""
        from flowerpower.job_queue.notices import send
        from flowerpower.job_queue.notices.targets import ConfiguredNotices
        from flowerpower.jobs.notice_text import NoticeText

        configured = ConfiguredNotices(self._backend.source.root())
        notice = delivery.notice
        project = configured.project
        if project is None or notice is None:
            return "", None
        text = NoticeText(notice, project.name, project.timezone)
        if notice.kind == PING:
            if (url := self._ping_url(configured, delivery.target, notice)) is None:
                return "", None
            return "ping of the schedule", lambda: send.send_ping(url, notice, text)
        target = configured.find(delivery.target, notice.pipelines)
        if target is None:
            return "", None
        config = target.config
        return config.label, lambda: send.send_notice(config, text, project.work)

    def _ping_url(self, configured: ConfiguredNotices, digest: str, notice: Notice) -> str | None:
        facts = notice.events[0].get("facts") if notice.events else None
        if not isinstance(facts, dict) or not isinstance(facts.get("schedule_id"), str):
            return None
        pipeline, schedule_id = str(facts.get("pipeline")), facts["schedule_id"]
        # Whether YAML has made the schedule was asked when it was planned, and is in the digest.
        ping = configured.ping_of(pipeline, schedule_id, is_declared=True)
        return ping.url if ping is not None and ping.digest == digest else None

    def _send(self, delivery: Delivery, label: str, send: Callable[[], None]) -> None:
        failure = None
        try:
            send()
        except NotSent as error:
            failure = error
        except Exception as error:  # noqa: BLE001 - a notice without an end would keep its target busy
            failure = NotSent(f"unexpected error: {type(error).__name__}")
        self._sent.put(_Sent(delivery, label, failure))

    # What became of them

    def _record(self) -> None:
        """Record what has been sent; what cannot be recorded is kept for the next time."""
        while not self._sent.empty():
            if (sent := self._sent.get_nowait()) is not None:
                self._unrecorded.append(sent)
        while self._unrecorded:
            sent = self._unrecorded[0]
            if sent.failure is None:
                self._backend.notices.delivered(sent.delivery)
            else:
                self._record_failure(sent, sent.failure)
            self._busy.discard(sent.delivery.target)
            del self._unrecorded[0]

    def _record_failure(self, sent: _Sent, failure: NotSent) -> None:
        delivery, store = sent.delivery, self._backend.notices
        delay = delay_after(delivery.attempts, failure.retry_after, random.random())  # noqa: S311
        is_ping = delivery.notice is not None and delivery.notice.kind == PING
        limit = GIVE_UP_PING_AFTER if is_ping else GIVE_UP_AFTER
        age = (clock.now() - delivery.created_at).total_seconds()
        what = f"The notice {delivery.id} was not sent ({sent.label}): {failure.reason}."
        if age + delay > limit:
            if store.give_up(delivery, failure.reason):
                self._on_trouble(f"{what} It is given up.")
        elif store.postpone(delivery, failure.reason, delay):
            self._on_trouble(f"{what} Trying again in {format_duration(round(delay))}.")


def delay_after(attempts: int, retry_after: float | None, share: float) -> float:
    """Seconds until a notice is tried again whose last attempt, of so many, has failed.

    As long as its receiver asks to wait; else twice as long as before. With `share`, from 0 to 1,
    it is up to a fifth longer, so that many do not come at once.
    """
    delay = FIRST_DELAY * 2.0 ** min(attempts - 1, 20)
    if retry_after is not None:
        delay = max(retry_after, 1.0)
    return min(delay, MAX_DELAY) * (1 + share / 5)
