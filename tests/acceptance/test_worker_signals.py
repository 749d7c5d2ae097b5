"""Signals to a worker, and a worker that is frozen: it ends as designed, and nothing is lost."""

import contextlib
import os
import random
import signal
import sqlite3
import time

import pytest

from flowerpower.jobs.job import JobFilter, JobStatus
from tests.acceptance.fault_records import counted
from tests.acceptance.traces import overlaps, spans_of
from tests.acceptance.working import MakeSite, Site, WorkerProcess, reason, value
from tests.conditions import WAIT_LIMIT, eventually, slowed

EACH = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
SLOW = """
import time
from traced import traced
traced(name, seconds)
return name
"""
SLOW_AT_FIRST = """
import os, time
if os.path.exists("tried"):
    return "again"
open("tried", "x").close()
time.sleep(1000)
"""
TRACED_SLOW_AT_FIRST = """
import os
from traced import traced
is_first = not os.path.exists("tried")
open("tried", "a").close()
traced("slow", 60 if is_first else 0.5)
return "slow"
"""


def _slow(site: Site, seconds: float, name: str = "slow") -> str:
    site.pipeline("slow", SLOW, parameters="name: str, seconds: float")
    return site.add("slow", name, name=name, seconds=seconds)


def _has_begun(site: Site, count: int = 1) -> bool:
    return len([each for each in site.trace() if each[1] == "begin"]) >= count


@pytest.mark.fault("signal-idle")
@EACH
def test_an_idle_worker_ends_at_once(site: Site, number: signal.Signals):
    """TERM, INT and HUP end an idle worker within two seconds, exit code 0, and it says goodbye."""
    worker = site.worker()
    eventually(worker.server)
    began = time.monotonic()
    worker.signal(number)
    assert worker.process.wait(WAIT_LIMIT) == 0
    assert time.monotonic() - began < slowed(2)
    assert site.left() == []
    assert site.queue.list_workers() == []
    assert [each["kind"] for each in worker.events()] == ["start", "stopping", "stop"]
    assert worker.errors.read_text("utf-8") == ""


@pytest.mark.fault("signal-in-job")
@EACH
@pytest.mark.parametrize("group", [False, True], ids=["process", "group"])
def test_a_running_job_finishes_first(site: Site, number: signal.Signals, group: bool):
    """A signal to the worker or its whole group lets the running job finish and begins no other."""
    running = _slow(site, 1.0)
    worker = site.worker(num_workers=1)
    eventually(lambda: _has_begun(site))
    waiting = _slow(site, 0.0, "next")
    worker.signal(number, group=group)
    assert worker.process.wait(WAIT_LIMIT) == 0
    site.count_runs([running])
    assert value(site.job(running)) == "slow"
    assert site.job(waiting).status is JobStatus.QUEUED
    assert site.job(waiting).attempt == 0
    assert site.left() == []


@pytest.mark.fault("signal-twice")
@EACH
def test_a_second_signal_gives_jobs_back(site: Site, number: signal.Signals):
    """The second one ends the children; their jobs are queued, no loss counted, and run again."""
    site.pipeline("slow_at_first", SLOW_AT_FIRST)
    job = site.add("slow_at_first")
    worker = site.worker()
    eventually((site.root / "tried").exists)
    worker.signal(number)
    eventually(lambda: worker.events("stopping"))
    began = time.monotonic()
    worker.signal(number)
    assert worker.process.wait(WAIT_LIMIT) == 0
    assert time.monotonic() - began < slowed(3)
    assert site.left() == []
    given_back = site.job(job)
    assert (given_back.status, given_back.worker_losses, given_back.worker) == (
        JobStatus.QUEUED,
        0,
        None,
    )
    site.worker()
    assert value(site.ended(job)) == "again"


HANDLES_AT_FIRST = """
import os, signal, sys, time
if os.path.exists("tried"):
    return "again"
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
open("tried", "x").close()
time.sleep(1000)
"""


@pytest.mark.fault("signal-to-all")
@pytest.mark.parametrize(
    ("number", "body", "is_last"),
    [
        pytest.param(signal.SIGTERM, SLOW_AT_FIRST, False, id="TERM, worker first"),
        pytest.param(signal.SIGTERM, SLOW_AT_FIRST, True, id="TERM, worker last"),
        pytest.param(signal.SIGTERM, HANDLES_AT_FIRST, True, id="TERM to SystemExit"),
        pytest.param(signal.SIGINT, SLOW_AT_FIRST, True, id="INT to KeyboardInterrupt"),
        pytest.param(signal.SIGHUP, SLOW_AT_FIRST, False, id="HUP"),
    ],
)
def test_a_signal_to_every_process_loses_no_job(
    site: Site, number: signal.Signals, body: str, is_last: bool
):
    """As systemd does by default: the job is lost with its worker, not failed, and runs again."""
    site.pipeline("slow_at_first", body)
    job = site.add("slow_at_first")
    worker = site.worker()
    eventually((site.root / "tried").exists)
    processes = [worker.process.pid, worker.server(), *worker.jobs()]
    for pid in sorted(filter(None, processes), reverse=is_last):
        os.kill(pid, number)
    assert worker.process.wait(WAIT_LIMIT) == 0
    assert site.left() == []
    (lost,) = worker.events("lost")
    assert lost["reason"] == "A signal ended the job's process while its worker was stopping"
    assert lost["status"] == JobStatus.QUEUED
    queued = site.job(job)
    assert (queued.status, queued.worker_losses, queued.error) == (JobStatus.QUEUED, 1, None)
    site.worker()
    ended = site.ended(job)
    counted(lost=int(ended.status is not JobStatus.FINISHED))
    assert value(ended) == "again"


def test_a_job_that_a_signal_ended_alone_has_failed(site: Site):
    """While its worker is not stopping, a signal is the job's own affair."""
    site.pipeline("ends", "import os\nos.kill(os.getpid(), 15)")
    site.worker()
    assert reason(site.run("ends")) == "ProcessDied: The job's process was killed by SIGTERM."


@pytest.mark.fault("signal-at-start")
def test_a_signal_at_any_time_of_the_start_loses_nothing(site: Site):
    """TERM within the first second ends the worker, and what it had claimed is there or done."""
    dice = random.Random(seed := random.randrange(2**32))
    print("seed", seed)
    ids = [_slow(site, 0.02, f"job-{number}") for number in range(100)]
    for _ in range(8):
        worker = site.worker(wait=False)
        time.sleep(dice.uniform(0, 1.2))
        worker.signal(signal.SIGTERM)
        # Before it has taken over its signals, the system ends it.
        assert worker.process.wait(WAIT_LIMIT) in ((0,) if worker.events("start") else (0, -15))
        assert worker.errors.read_text("utf-8") == ""
    eventually(lambda: not site.left())
    assert {site.job(each).status for each in ids} <= {JobStatus.QUEUED, JobStatus.FINISHED}
    site.worker()
    site.drained(ids)
    site.count_runs(ids)
    assert sum(what == "begin" for _, what, _, _ in site.trace()) == len(ids)


@pytest.mark.fault("signal-10000")
def test_ten_thousand_queued_jobs_do_not_hold_it_up(site: Site):
    """With 10,000 jobs queued, TERM ends a busy worker within two seconds; all others wait on."""
    _copy(site, _slow(site, 0.01), 10_000)
    worker = site.worker()
    eventually(lambda: len(worker.events("job")) > 20)
    began = time.monotonic()
    assert worker.stop() == 0
    assert time.monotonic() - began < slowed(2)
    file = site.root / ".flowerpower" / "jobs.db"
    # The connection itself, as a context manager, commits and does not close.
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        counts = dict(
            database.execute("SELECT status, count(*) FROM flowerpower_jobs GROUP BY status")
        )
    done = len(worker.events("job"))
    counted(lost=10_000 - sum(counts.get(status, 0) for status in ("finished", "queued")))
    assert counts == {"finished": done, "queued": 10_000 - done}


def _copy(site: Site, job_id: str, count: int) -> None:
    file = site.root / ".flowerpower" / "jobs.db"
    # The connection itself, as a context manager, commits and does not close.
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        database.row_factory = sqlite3.Row
        (row,) = database.execute("SELECT * FROM flowerpower_jobs WHERE id = ?", (job_id,))
        columns = row.keys()
        marks = ", ".join("?" * len(columns))
        database.executemany(
            f"INSERT INTO flowerpower_jobs ({', '.join(columns)}) VALUES ({marks})",
            [
                tuple(f"{job_id}-{number}" if key == "id" else row[key] for key in columns)
                for number in range(1, count)
            ],
        )


@pytest.mark.fault("worker-frozen")
def test_a_frozen_worker_and_another_never_run_a_job_at_once(make_site: MakeSite, url: str | None):
    """A worker stopped beyond its lease loses its child before the job runs elsewhere, once."""
    site = make_site(url)
    site.pipeline("slow_at_first", TRACED_SLOW_AT_FIRST)
    job = site.add("slow_at_first", "slow")
    frozen = site.worker()
    eventually(lambda: _has_begun(site))
    site.freeze(frozen)
    site.worker()
    assert value(site.ended(job)) == "slow"
    frozen.signal(signal.SIGCONT)
    _never_at_once(site, job, times=2)
    _is_well(site, frozen)


@pytest.mark.fault("worker-frozen", "late-finish")
def test_a_late_finish_is_refused(make_site: MakeSite, url: str | None):
    """A job that ends while its worker is frozen has run elsewhere since: the first end is refused."""
    site = make_site(url)
    job = _slow(site, 0.5)
    frozen = site.worker()
    eventually(lambda: _has_begun(site))
    site.freeze(frozen)
    site.worker()
    done = site.ended(job)
    assert done.attempt == 2
    frozen.signal(signal.SIGCONT)
    eventually(lambda: frozen.events("lost") or frozen.events("job"))
    assert [each["status"] for each in frozen.events("job")] in ([], ["refused"])
    assert site.job(job) == done
    _never_at_once(site, job, times=2)
    _is_well(site, frozen)


FROZEN_IN_CLAIM = """
import os, signal, threading, time
from flowerpower.job_queue.worker import worker

plain_init = worker.Worker.__init__
def init(self, backend, *args, **options):
    plain_init(self, backend, *args, **options)
    plain_claim, plain_heartbeat = backend.claim, backend.heartbeat
    told = threading.Event()

    def claim(owner, *args, **options):
        claims = plain_claim(owner, *args, **options)
        if claims and not os.path.exists("frozen"):
            open("frozen", "w").close()
            os.kill(os.getpid(), signal.SIGSTOP)
            while not (told.is_set() if WHEN == "heartbeat" else self.id != owner):
                time.sleep(0.01)
        return claims

    def heartbeat(owner):
        answer = plain_heartbeat(owner)
        if not answer.is_known and WHEN == "heartbeat":
            told.set()
            while not self.slots.attempts():
                time.sleep(0.01)
        return answer

    backend.claim, backend.heartbeat = claim, heartbeat
worker.Worker.__init__ = init
"""
"""For a worker: it is stopped before it has the answer to a claim, and gets that after, or while, it
learns that it was declared dead."""


@pytest.mark.fault("worker-frozen")
@pytest.mark.parametrize("when", ["afterwards", "heartbeat"])
def test_what_a_frozen_worker_had_just_claimed_runs_elsewhere_alone(
    make_site: MakeSite, url: str | None, when: str
):
    """The queue had answered its claim, which it reads when the job has run elsewhere."""
    site = make_site(url)
    frozen = site.worker(broken=f"WHEN = {when!r}\n{FROZEN_IN_CLAIM}")
    job = _slow(site, 0.1)
    eventually((site.root / "frozen").exists)
    site.worker()
    assert site.ended(job).attempt == 2
    frozen.signal(signal.SIGCONT)
    eventually(lambda: frozen.events("lost"))
    _is_well(site, frozen)
    _never_at_once(site, job, times=1)


def _never_at_once(site: Site, name: str, times: int) -> None:
    runs = spans_of(site.trace())[name]
    counted(
        lost=not site.job(name).status.is_ended,
        doubled=max(0, len(runs) - times),
        overlapping=overlaps(runs),
    )
    processes = [pid for each, _, pid, _ in site.trace() if each == name]
    begun = list(dict.fromkeys(processes))
    assert len(begun) == times
    # The second says nothing before the last word of the first.
    assert processes == sorted(processes, key=begun.index)


def _is_well(site: Site, worker: WorkerProcess) -> None:
    """The worker joins again under another name, and works."""
    for other in site.workers:
        if other is not worker:
            assert other.stop() == 0
    eventually(lambda: len(site.queue.list_workers()) == 1)
    assert value(site.ended(_slow(site, 0.0, "afterwards"))) == "afterwards"
    assert worker.stop() == 0
    assert worker.errors.read_text("utf-8") == ""


def test_a_worker_that_bursts_ends_by_itself(site: Site):
    """`burst` ends when nothing is due, whatever waits for later; `max_jobs` after that many."""
    ids = [_slow(site, 0.01, f"job-{number}") for number in range(30)]
    later = site.pipeline(
        "fails", "raise ValueError", "run: {retry: {max_retries: 3, delay: 60}}\n"
    )
    retried = site.add(later)
    limited = site.worker(max_jobs=7, wait=False)
    assert limited.process.wait(WAIT_LIMIT) == 0
    assert len(limited.events("job")) == 7
    burst = site.worker(burst=True, wait=False)
    assert burst.process.wait(WAIT_LIMIT) == 0
    assert all(site.job(each).status is JobStatus.FINISHED for each in ids)
    assert site.job(retried).status is JobStatus.SCHEDULED
    assert site.queue.list_jobs(JobFilter(frozenset({JobStatus.RUNNING}))) == []
