"""Kills the senders of notices while they send, then counts: what was lost, what came twice.

Jobs fail, recover and finish, lose their workers, and fires are missed and late; each of these
events is to arrive at a webhook, and the end of each fire's job at a ping. Both answer with an
error now and then. `make faults` runs the long one, on SQLite, PostgreSQL and Redis.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flowerpower.errors import BackendUnreachable
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.claim import Claim, FinishRequest
from flowerpower.jobs.event import LATE_AFTER, EventKind
from flowerpower.jobs.schedule import Origin, Outcome, ScheduleSpec
from flowerpower.triggers.make import make_trigger
from tests.acceptance.campaign_setup import long_parser, place, run_long
from tests.acceptance.working import SCRIPT
from tests.conditions import eventually, processes_marked
from tests.contract.backends import BackendSetup
from tests.contract.fake_worker import FAILED, FINISHED, FakeWorker, spec
from tests.contract.on_postgresql import OnPostgresql
from tests.contract.on_redis import OnRedis
from tests.contract.on_sqlite import OnSqlite
from tests.http_receiver import Receiver, receiver

QUICK = """
from flowerpower.job_queue.notices import sender
from flowerpower.jobs import notice
sender.LEASE, sender.LOOK_EVERY, sender.GROUP_SECONDS, sender.FIRST_DELAY = 2.0, 0.05, 0.2, 0.2
sender.RETRY_SECONDS, sender.MAX_DELAY = 0.2, 1.0
# Of each event the campaign wants to know whether it has come.
notice.EVENTS_SHOWN = 10**6
"""
KINDS = ", ".join(EventKind)
AGED = ("missed", "late")
"""Schedules of these names are made so old that they have fires of this kind."""


@dataclass
class Tally:
    """What a campaign came to; events and notices."""

    backend: str
    seed: int
    kills: int = 0
    events: Counter[str] = field(default_factory=Counter)
    notices: int = 0
    refused: int = 0
    lost: int = 0
    doubled: int = 0
    unknown: int = 0
    seconds: float = 0.0
    reasons: list[str] = field(default_factory=list)

    @property
    def raised(self) -> Counter[str]:
        """How often each fault was raised."""
        return Counter({"sender-killed": self.kills})

    @property
    def counts(self) -> dict[str, int]:
        """What must be 0; a kill between sending and recording may double a notice."""
        doubled = max(0, self.doubled - self.kills)
        return {"lost": self.lost, "doubled": doubled, "wrong": self.unknown}

    @property
    def is_clean(self) -> bool:
        """Whether the law was kept."""
        return not any(self.counts.values())

    def row(self) -> str:
        """A line of the table."""
        kinds = "".join(f"{self.events[kind]:>10}" for kind in (*EventKind, "ping"))
        return (
            f"{self.backend:<11}{self.kills:>6}{kinds}{self.notices:>9}{self.refused:>9}"
            f"{self.lost:>6}{self.doubled:>9}{self.seconds:>9.1f} s"
        )


HEAD = (
    f"{'backend':<11}{'kills':>6}{''.join(f'{kind:>10}' for kind in (*EventKind, 'ping'))}"
    f"{'notices':>9}{'refused':>9}{'lost':>6}{'doubled':>9}{'time':>11}"
)


def every(seconds: float, schedule_id: str, **fields: Any) -> ScheduleSpec:
    """A schedule of the campaign's pipeline, each so many seconds."""
    trigger = make_trigger(interval=seconds, timezone="UTC")
    return ScheduleSpec("report", trigger, id=schedule_id, **fields)


class NoticeCampaign:
    """A project, what happens in it, and senders that are killed at random instants."""

    def __init__(
        self, setup: BackendSetup, root: Path, hook: Receiver, tally: Tally, broken: str = ""
    ) -> None:
        self.tally = tally
        self.dice = random.Random(tally.seed)
        self.mark = f"mark-{uuid.uuid4()}"
        self._setup = setup
        self._root = root
        self._hook = hook
        self._broken = QUICK + broken
        self._senders: list[subprocess.Popen[bytes]] = []
        self._expected: set[str] = set()
        self._number = 0
        (root / "conf" / "pipelines").mkdir(parents=True)
        (root / "conf" / "project.yml").write_text(
            f"name: campaign\nnotify: {{on: [{KINDS}], to: {{webhook: '{hook.url}/hook'}}}}\n"
        )
        (root / "conf" / "pipelines" / "report.yml").write_text(
            f"schedule: {{id: pinged, interval: 1s, ping: '{hook.url}/ping'}}\n"
        )

    def run(self, rounds: int, kills: int, senders: int = 3, drain: float = 60.0) -> None:
        """Let it all happen, then count."""
        began = time.monotonic()
        strikes = sorted(self.dice.sample(range(rounds * 5), kills))
        with self._setup.open() as queue, contextlib.ExitStack() as stack:
            stack.callback(self._end)
            worker = FakeWorker(queue, "campaign")
            queue.schedules.add(every(1, "pinged", origin=Origin.CONFIG))
            self._senders = [self._start(position) for position in range(senders)]
            for step in range(rounds * 5):
                if step % 5 == 0:
                    self._happen(queue, worker)
                self._finish_fires(queue, worker)
                while strikes and strikes[0] <= step:
                    strikes.pop(0)
                    time.sleep(self.dice.uniform(0, 0.1))
                    self._kill()
                time.sleep(self.dice.uniform(0, 0.1))
            queue.schedules.pause("pinged")
            self._finish_fires(queue, worker)
            self._drain(queue, drain)
            self._count()
        self.tally.seconds = time.monotonic() - began

    # Senders

    def _start(self, position: int) -> subprocess.Popen[bytes]:
        # Some are workers, which take no job here, and the others schedulers; the first always is
        # one, because on Redis workers alone make no fires.
        is_worker = position > 0 and self.dice.random() < 0.3
        options = {"queues": ["nobody"], "num_workers": 1} if is_worker else None
        settings = {"queue": self._setup.options, "options": options, "break": self._broken}
        return subprocess.Popen(
            [sys.executable, "-c", SCRIPT, json.dumps(settings)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "MARK": self.mark, "PYTHONDONTWRITEBYTECODE": "1"},
            cwd=self._root,
            start_new_session=True,
        )

    def _kill(self) -> None:
        position = self.dice.randrange(len(self._senders))
        self._senders[position].send_signal(signal.SIGKILL)
        self._senders[position].wait()
        self._senders[position] = self._start(position)
        self.tally.kills += 1

    def _end(self) -> None:
        for sender in self._senders:
            sender.kill()
            sender.wait()
        eventually(lambda: not processes_marked(self.mark))

    # What happens

    def _happen(self, queue: JobQueueBackend, worker: FakeWorker) -> None:
        """A few events of each kind; the hook refuses some notices, or is slow."""
        self._number += 1
        name = f"n{self._number}"
        pipeline = f"p{self._number % 3}"
        queue.heartbeat(worker.name)
        for suffix, end in (("bad", FAILED), ("worse", FAILED), ("good", FINISHED)):
            queue.add_job(spec(f"{name}-{suffix}", pipeline=pipeline, queue="slow"))
            claim = self._take(worker)
            requests = [FinishRequest(claim, end, tell_finished=True)]
            assert queue.finish_many(requests) == [True]
            self._expect("failed" if end is FAILED else "finished", claim)
            if end is FINISHED:
                # By its job: since when it had been failing is Redis's or the database's clock.
                self._expected.add(f"recovered:{claim.job_id}")
                self.tally.events["recovered"] += 1
        queue.add_job(spec(f"{name}-lost", pipeline=pipeline, queue="slow"))
        claim = self._take(worker)
        assert queue.requeue_lost(claim, "It was lost")
        self._expect("lost", claim)
        claim = self._take(worker)
        queue.cancel_job(claim.job_id)
        assert queue.release(claim)
        for suffix, age, seconds in (("missed", 605, 60), ("late", 3600 + 2 * LATE_AFTER, 3600)):
            queue.schedules.add(every(seconds, f"{name}-{suffix}", queue="slow2"))
            self._setup.age(queue, f"{name}-{suffix}", age)
        if self.dice.random() < 0.4:
            self._hook.answers.append((self.dice.choice([500, 429, 503]), {"Retry-After": "0"}))
            self.tally.refused += 1

    def _take(self, worker: FakeWorker) -> Claim:
        # On a busy machine a round takes longer than the lease after which it would be dead.
        worker.backend.heartbeat(worker.name)
        (claim,) = worker.claim(1, "slow")
        return claim

    def _expect(self, kind: str, claim: Claim) -> None:
        self._expected.add(f"{kind}:{claim.job_id}:{claim.attempt}")
        self.tally.events[kind] += 1

    def _finish_fires(self, queue: JobQueueBackend, worker: FakeWorker) -> None:
        """End the jobs of the schedule that has a ping."""
        for claim in worker.claim(10, "default"):
            end = FAILED if self.dice.random() < 0.3 else FINISHED
            requests = [FinishRequest(claim, end, tell_finished=True)]
            assert queue.finish_many(requests) == [True]
            self._expect("failed" if end is FAILED else "finished", claim)
            self.tally.events["ping"] += 1

    # Counting

    def _drain(self, queue: JobQueueBackend, timeout: float) -> None:
        def is_quiet() -> bool:
            time.sleep(0.1)
            with contextlib.suppress(BackendUnreachable):
                fired = all(
                    queue.schedules.fires(f"n{number + 1}-{suffix}", 1)
                    for number in range(self._number)
                    for suffix in AGED
                )
                return fired and not queue.events() and not queue.notices.waiting()
            return False

        with contextlib.suppress(AssertionError):
            eventually(is_quiet, timeout)
        names = [f"n{number + 1}" for number in range(self._number)]
        for schedule_id in ("pinged", *(f"{name}-{what}" for name in names for what in AGED)):
            for fire in queue.schedules.fires(schedule_id, 10_000):
                stamp = f"{schedule_id}:{fire.fire_time.timestamp():.6f}"
                assert fire.recorded_at is not None
                if fire.outcome is Outcome.MISSED:
                    self._expected.add(f"missed:{stamp}")
                    self.tally.events["missed"] += 1
                elif (fire.recorded_at - fire.fire_time).total_seconds() > LATE_AFTER:
                    self._expected.add(f"late:{stamp}")
                    self.tally.events["late"] += 1

    def _count(self) -> None:
        tally, ids, pings = self.tally, Counter[str](), Counter[str]()
        seen: set[str] = set()
        # The first answers were refusals: which requests they met is not known here, so a request
        # that was refused counts as none by coming again with the same id.
        for request in self._hook.received:
            notice_id = request.headers["x-flowerpower-id"]
            if request.path.startswith("/ping"):
                pings[notice_id] += 1
            else:
                ids[notice_id] += 1
                seen |= {_name_of(event) for event in request.json["events"]}
        tally.notices = len(ids) + len(pings)
        extra = sum((ids + pings).values()) - tally.notices
        tally.refused -= len(self._hook.answers)
        tally.doubled = max(0, extra - tally.refused)
        expected = self._expected
        # A fire may recover the schedule; whether it does depends on the dice of the fires.
        unknown = {name for name in seen - expected if not name.startswith("recovered:pinged")}
        tally.lost = len(expected - seen) + abs(tally.events["ping"] - len(pings))
        tally.unknown = len(unknown)
        tally.reasons += [f"lost: {name}" for name in sorted(expected - seen)[:10]]
        tally.reasons += [f"unknown: {name}" for name in sorted(unknown)[:10]]
        if tally.events["ping"] != len(pings):
            tally.reasons.append(f"{len(pings)} pings of {tally.events['ping']}")


def _name_of(event: dict[str, object]) -> str:
    facts = event["facts"]
    assert isinstance(facts, dict)
    return f"recovered:{facts['job_id']}" if event["kind"] == "recovered" else str(event["id"])


def run_campaign(
    backend: str, url: str | None, seed: int, rounds: int, kills: int, broken: str = ""
) -> Tally:
    """A campaign in a folder of its own; what it came to."""
    makers: dict[str, Callable[[Path], BackendSetup]] = {
        "sqlite": OnSqlite,
        "postgresql": lambda root: OnPostgresql(root, str(url)),
        "redis": lambda root: OnRedis(root, str(url)),
    }
    tally = Tally(backend, seed)
    with tempfile.TemporaryDirectory() as folder, receiver() as hook:
        setup = makers[backend](Path(folder))
        NoticeCampaign(setup, Path(folder), hook, tally, broken).run(rounds, kills)
    return tally


def main() -> int:
    """The long campaign; the exit code says whether the law was kept."""
    parser = long_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--kills", type=int, default=40)
    return run_long(parser, HEAD, _on)


def _on(backend: str, options: argparse.Namespace, stack: contextlib.ExitStack) -> Tally:
    url, _ = place(backend, stack)
    return run_campaign(backend, url, options.seed, options.rounds, options.kills)


if __name__ == "__main__":
    sys.exit(main())
