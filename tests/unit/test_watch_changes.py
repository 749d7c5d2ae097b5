"""From two looks at a queue to what has happened between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flowerpower.jobs.claim import WorkerInfo
from flowerpower.jobs.job import Job, JobStatus
from flowerpower.triggers import clock
from flowerpower_cli.watch.changes import MEMORY, Changes, Happening, Kind, Look

START = datetime(2026, 11, 29, 12, tzinfo=UTC)
S = JobStatus


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def job(status: JobStatus, added: float, job_id: str = "one", **fields: Any) -> Job:
    """A job that was added at that second; `started` and `ended` are seconds, too."""
    for name in ("started", "ended"):
        if (seconds := fields.pop(name, None)) is not None:
            fields[f"{name}_at"] = at(seconds)
            fields.setdefault("attempt", 1)
    return Job(job_id, "report", "default", status, at(added), at(added), **fields)


def attempt(number: int, started: float, ended: float, status: str = "failed") -> dict[str, Any]:
    return {
        "attempt": number,
        "worker": "w",
        "status": status,
        "started_at": clock.format_time(at(started)),
        "ended_at": clock.format_time(at(ended)),
        "seconds": ended - started,
        "error": {"type": "ValueError", "message": "no", "node": "total", "traceback": "long"},
    }


def look(second: float, *jobs: Job, **fields: Any) -> Look:
    return Look(at(second), jobs, **fields)


def kinds(happenings: list[Happening]) -> list[str]:
    return [str(happening.kind) for happening in happenings]


def test_what_was_before_the_first_look_has_not_happened_since() -> None:
    """Nor what had started before it."""
    runs = job(S.RUNNING, -20, started=-10)
    changes = Changes(look(0, runs))
    assert changes.between(look(1, runs)) == []
    assert changes.running == {"one"}


def test_each_step_of_a_job_is_said_once() -> None:
    """However often it is read, with the record's own times."""
    changes = Changes(look(0))
    waits = job(S.QUEUED, 0.5)
    (added,) = changes.between(look(1, waits))
    assert (added.kind, added.at) == (Kind.JOB_ADDED, at(0.5))
    assert changes.between(look(2, waits)) == []
    runs = job(S.RUNNING, 0.5, started=2.5, worker="w")
    (started,) = changes.between(look(3, runs))
    assert (started.kind, started.at, started.facts["worker"]) == (Kind.JOB_STARTED, at(2.5), "w")
    ended = job(
        S.FINISHED, 0.5, started=2.5, ended=3.5, attempts=[attempt(1, 2.5, 3.5, "finished")]
    )
    (end,) = changes.between(look(4, ended))
    assert (end.kind, end.facts["status"], end.facts["seconds"]) == (Kind.JOB_ENDED, "finished", 1)
    assert changes.between(look(5, ended)) == []


def test_what_began_and_ended_between_two_looks_is_said() -> None:
    """With both attempts; an error has no traceback."""
    changes = Changes(look(0))
    ended = job(
        S.FAILED, 1, started=4, ended=5, attempt=2,
        attempts=[attempt(1, 2, 3), attempt(2, 4, 5)], error={"type": "ValueError", "message": "no"},
    )  # fmt: skip
    happenings = changes.between(look(10, ended))
    assert kinds(happenings) == [
        "job_added", "job_started", "attempt_failed", "job_started", "job_ended"
    ]  # fmt: skip
    assert [happening.at for happening in happenings] == [at(number) for number in range(1, 6)]
    assert happenings[2].facts["error"] == {"type": "ValueError", "message": "no", "node": "total"}


def test_a_retry_says_when_it_is() -> None:
    """Only while the job waits for it."""
    changes = Changes(look(0))
    waits = job(S.SCHEDULED, 1, started=2, attempts=[attempt(1, 2, 3)])
    waits = replace(waits, run_at=at(60))
    failed = changes.between(look(4, waits))[-1]
    assert failed.facts["retry_at"] == clock.format_time(at(60))


@pytest.mark.parametrize(("losses", "is_lost"), [(0, False), (1, True)])
def test_an_attempt_that_did_not_end_was_given_back_or_lost(losses: int, is_lost: bool) -> None:
    """A record that is queued again has no time for it: it is read by its id."""
    runs = job(S.RUNNING, -2, started=-1)
    changes = Changes(look(0, runs))
    again = job(S.QUEUED, -2, started=-1, worker_losses=losses)
    (requeued,) = changes.between(look(1, again))
    assert (requeued.kind, requeued.facts["lost"]) == (Kind.JOB_REQUEUED, is_lost)
    assert changes.running == frozenset()
    started = changes.between(look(3, job(S.RUNNING, -2, started=2, attempt=2)))
    assert kinds(started) == ["job_started"]


def test_a_job_that_runs_again_was_requeued_before() -> None:
    """Though both are seen in one look."""
    changes = Changes(look(0, job(S.RUNNING, -2, started=-1)))
    happenings = changes.between(look(5, job(S.RUNNING, -2, started=3, attempt=2)))
    assert kinds(happenings) == ["job_requeued", "job_started"]


def test_a_fire_is_said_instead_of_its_job() -> None:
    """With its time; a backfill's and a run-now's job is just added."""
    changes = Changes(look(0))
    fire = job(S.QUEUED, 1, schedule_id="nightly", scheduled_for=at(0.5))
    (happening,) = changes.between(look(2, fire))
    assert (happening.kind, happening.facts["job"]) == (Kind.FIRE, "one")
    assert happening.facts["fire_time"] == clock.format_time(at(0.5))
    backfill = replace(fire, id="two", concurrency_key="nightly:backfill")
    by_hand = replace(fire, id="three", scheduled_for=None)
    assert kinds(changes.between(look(3, backfill, by_hand))) == ["job_added"] * 2


def test_fires_without_a_job_are_counted() -> None:
    """By how much the counters have grown."""
    changes = Changes(look(0, fires={("report", "skipped"): 3}))
    more = {("report", "skipped"): 5, ("other", "missed"): 1}
    happenings = changes.between(look(1, fires=more))
    counts = {h.facts["pipeline"]: (h.facts["outcome"], h.facts["count"]) for h in happenings}
    assert counts == {"report": ("skipped", 2), "other": ("missed", 1)}
    assert changes.between(look(2, fires=more)) == []


def worker(beat: float, **fields: Any) -> WorkerInfo:
    return WorkerInfo("w", "host", 1, ("default",), 2, at(-100), 1, at(beat), **fields)


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ((), (worker(1),), "worker_started"),
        ((worker(-1),), (), "worker_gone"),
        ((worker(-5),), (worker(-5),), "worker_silent"),
        ((worker(-50),), (worker(8),), "worker_back"),
        ((worker(-1),), (worker(8, suspended=True),), "worker_suspended"),
        ((worker(-1, suspended=True),), (worker(8),), "worker_resumed"),
    ],
)
def test_workers_come_and_go(
    before: tuple[WorkerInfo, ...], after: tuple[WorkerInfo, ...], kind: str
) -> None:
    """One that is the same says nothing."""
    changes = Changes(look(0, workers=before))
    assert kinds(changes.between(look(10, workers=after))) == [kind]
    assert changes.between(look(10, workers=after)) == []


def test_queues_are_paused_and_resumed() -> None:
    """Also one that was resumed and paused again between two looks."""
    changes = Changes(look(0))
    paused: list[Mapping[str, datetime]] = [{"slow": at(0.5)}, {"slow": at(1.5)}, {}]
    seen = [kinds(changes.between(look(n + 1, paused=names))) for n, names in enumerate(paused)]
    assert seen == [["queue_paused"], ["queue_paused"], ["queue_resumed"]]


def test_nothing_is_lost_while_the_queue_could_not_be_read() -> None:
    """However long that was, and nothing is said twice afterwards."""
    changes = Changes(look(0))
    ended = job(S.FINISHED, 10, started=20, ended=30)
    hour = 3600.0
    assert len(changes.between(look(hour, ended))) == 3
    assert changes.between(look(hour + 1, ended)) == []


def test_what_was_said_is_forgotten_when_it_cannot_come_again() -> None:
    """So that a watch of days needs no more memory; a retry by hand is said all the same."""
    changes = Changes(look(0))
    ended = job(S.FAILED, 1, started=2, ended=3, attempts=[attempt(1, 2, 3)])
    changes.between(look(4, ended))
    later = 4 + 2 * MEMORY.total_seconds()
    changes.between(look(later))
    again = job(S.RUNNING, 1, started=later + 1, attempt=2, attempts=[attempt(1, 2, 3)])
    assert kinds(changes.between(look(later + 2, again))) == ["job_started"]


def test_a_child_that_is_cancelled_twice_has_ended_twice() -> None:
    """Its parent failed, was retried and failed again; its facts name the parents."""
    changes = Changes(look(0))
    waits = job(S.WAITING, 0.5, after={"parent": None})
    (added,) = changes.between(look(1, waits))
    assert added.facts["after"] == ["parent"]
    first = replace(waits, status=S.CANCELLED, ended_at=at(1.5))
    assert kinds(changes.between(look(2, first))) == ["job_ended"]
    assert changes.between(look(3, first)) == []
    second = replace(waits, status=S.CANCELLED, ended_at=at(3.5))
    assert kinds(changes.between(look(4, second))) == ["job_ended"]
