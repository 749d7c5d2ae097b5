"""Short jobs that wait in a kept child for the one that it makes: real workers, real faults."""

import os
import re
import signal

import pytest

from flowerpower.jobs.job import Job, JobStatus
from tests.acceptance.working import Site, WorkerProcess, reason, value
from tests.conditions import eventually

ALWAYS_AHEAD = """
from flowerpower.job_queue.worker import pooled_child, prefetch, slots

slots.MAX_WAIT = 1000
prefetch.Prefetch.limit = lambda self, slots: 64
prefetch.Prefetch.ahead = lambda self: 8
plain = pooled_child.PooledChild.send
def send(held):
    with open("sent", "a") as file:
        new = list(held._ahead)[-len(held._lines):] if held._lines else []
        file.write(" ".join(each.attempt.claim.job_id for each in new) + "\\n")
    plain(held)
pooled_child.PooledChild.send = send
"""
"""For workers: as if all jobs were known to be short, and none of them waited for too long; which a
child is given at once is noted."""
AND_FOR_LONG = ALWAYS_AHEAD + "pooled_child.LONGEST_BEFORE = 1000\n"
"""What waits in a child stays there until something happens."""
GATE = """
import os, pathlib, time
print("gate", flush=True)
pathlib.Path("pid").write_text(str(os.getpid()))
while not os.path.exists("go"):
    time.sleep(0.01)
"""
PLAIN = "print('plain', n)\nreturn n"
# What they leave behind, or how they end; their reasons, None for those that finish.
FAULTS = {
    "fails": ("print('fails')\nraise ValueError('x')", "ValueError: x"),
    "exits": ("import sys\nprint('exits')\nsys.exit(3)", "SystemExit: 3"),
    "gone": ("import os\nprint('gone', flush=True)\nos._exit(3)", "ProcessDied"),
    "crashes": ("import os\nprint('crashes', flush=True)\nos.abort()", "ProcessDied"),
    "late": ("import time\nprint('late', flush=True)\ntime.sleep(1000)", "JobTimeout"),
    "slow": ("import time\nprint('slow')\ntime.sleep(0.3)", None),
    "thread": (
        "import threading, time\nprint('thread')\n"
        "threading.Thread(target=time.sleep, args=[1000], daemon=True).start()",
        None,
    ),
    "closes": ("import os\nprint('closes', flush=True)\nos.closerange(3, 900)", None),
    "closes_all": ("import os\nprint('closes_all', flush=True)\nos.closerange(3, 9999)", "Process"),
    "forks": (
        "import os\nprint('forks', flush=True)\npid = os.fork()\n"
        "return os.waitpid(pid, 0)[1] if pid else 0",
        None,
    ),
    "edits": ("import os\nprint('edits')\nos.utime(__file__)", None),
}


def given_at_once(site: Site) -> list[list[str]]:
    file = site.root / "sent"
    return [line.split() for line in file.read_text("utf-8").splitlines()] if file.exists() else []


def assert_untouched(site: Site, job: Job) -> None:
    """A plain job has finished in its first attempt, with the log and the progress of its own."""
    number = int(job.id.partition("-")[2])
    assert value(job) == number
    assert (job.attempt, job.worker_losses) == (1, 0)
    assert site.log(job.id) == f"plain {number}\n"
    assert job.progress is not None
    assert list(job.progress["nodes"]) == ["plain"]


def test_a_fault_is_that_of_one_job_alone(site: Site):
    """Those that wait in the same child run elsewhere, at no cost, and have their own logs."""
    site.pipeline("plain", PLAIN, parameters="n: int")
    ids = []
    for place, (name, (body, _)) in enumerate(FAULTS.items()):
        site.pipeline(name, body, "run: {timeout: 0.3}\n" if name == "late" else "{}")
        for number in range(9):
            ids.append(site.add("plain", f"plain-{place * 9 + number}", n=place * 9 + number))
            if number in (2, 4, 6):
                ids.append(site.add(name, f"{name}-{number}"))
    worker = site.worker(num_workers=2, jobs_per_child=50, broken=ALWAYS_AHEAD)
    jobs = {job.id: job for job in site.drained(ids)}
    for job in jobs.values():
        if job.pipeline == "plain":
            assert_untouched(site, job)
            continue
        expected = FAULTS[job.pipeline][1]
        assert job.worker_losses == 0
        assert job.status is JobStatus.FINISHED if expected is None else expected in reason(job)
        # A process that dies may say more of it.
        assert re.match(rf"{job.pipeline}\n", site.log(job.id))
        assert "plain" not in site.log(job.id)
    with_others = {name.rpartition("-")[0] for line in given_at_once(site) for name in line[:-1]}
    # Which of them had others behind it depends on when the worker claims.
    assert len(with_others & {*FAULTS}) > len(FAULTS) / 2
    assert not worker.events("lost")
    assert worker.stop() == 0


@pytest.fixture
def gated(site: Site) -> tuple[WorkerProcess, list[str]]:
    """A worker whose child makes one job that waits, and has others behind it; all jobs."""
    site.pipeline("plain", PLAIN, parameters="n: int")
    site.pipeline("gate", GATE)
    ids = [site.add("plain", f"plain-{n}", n=n) for n in range(20)]
    ids.append(site.add("gate", "gate"))
    ids += [site.add("plain", f"plain-{n}", n=n) for n in range(20, 50)]
    worker = site.worker(num_workers=1, jobs_per_child=100, broken=AND_FOR_LONG)
    eventually((site.root / "pid").exists)
    return worker, ids


def behind_the_gate(site: Site) -> list[str]:
    """What its child was given after it; some perhaps only when the worker turned to it."""
    given = [name for line in given_at_once(site) for name in line]
    return given[given.index("gate") + 1 :]


def test_one_that_waits_in_a_child_can_be_cancelled(
    site: Site, gated: tuple[WorkerProcess, list[str]]
):
    """It ends while the one before it runs on; the others wait again and finish."""
    worker, ids = gated
    eventually(lambda: behind_the_gate(site))
    cancelled = behind_the_gate(site)[0]
    site.queue.cancel_job(cancelled)
    assert site.ended(cancelled).status is JobStatus.CANCELLED
    assert site.is_running("gate")
    assert site.log(cancelled) == ""
    (site.root / "go").touch()
    for job in site.drained({*ids} - {cancelled, "gate"}):
        assert_untouched(site, job)
    assert site.ended("gate").status is JobStatus.FINISHED
    assert site.log("gate") == "gate\n"
    assert worker.stop() == 0


@pytest.mark.parametrize("killed", ["cancel", "child", "server"])
def test_those_behind_it_outlive_their_child(
    site: Site, gated: tuple[WorkerProcess, list[str]], killed: str
):
    """It is cancelled, or its process or the fork server is killed: that is its matter alone."""
    worker, ids = gated
    eventually(lambda: behind_the_gate(site))
    if killed == "cancel":
        site.queue.cancel_job("gate")
    elif killed == "child":
        os.kill(int((site.root / "pid").read_text("utf-8")), signal.SIGKILL)
    else:
        os.kill(worker.server() or 0, signal.SIGKILL)
    jobs = site.drained(each for each in ids if each != "gate")
    for job in jobs:
        assert_untouched(site, job)
    (site.root / "go").touch()
    gate = site.ended("gate")
    expected = {"cancel": "cancelled", "child": "failed", "server": "finished"}
    assert (gate.status, gate.worker_losses) == (expected[killed], int(killed == "server"))
    assert worker.stop() == 0
