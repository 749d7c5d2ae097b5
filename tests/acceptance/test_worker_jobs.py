"""What a worker does with a job while it runs: log, progress, cancel, timeout, reuse, edits."""

import contextlib
import itertools
import json
import os
import sqlite3
import textwrap
import threading
import time
from pathlib import Path

import pytest

from flowerpower.job_queue import JobQueueManager
from flowerpower.job_queue.worker_options import WorkerOptions
from flowerpower.jobs.job import JobStatus
from tests.acceptance.working import Site, reason, value
from tests.conditions import WAIT_LIMIT, eventually, slowed

PID = "import os\nreturn os.getpid()"
COUNT_WRITES = """
import json, time
from flowerpower.job_queue.apscheduler.queue import APSManager
plain = APSManager.record
def record(self, claim, *output):
    with open("writes", "a") as file:
        file.write(json.dumps([claim.job_id, time.monotonic()]) + "\\n")
    return plain(self, claim, *output)
APSManager.record = record
"""


def test_a_log_can_be_read_while_the_job_runs(site: Site):
    """Another process reads what a job has printed so far, and its progress."""
    site.pipeline("talks", "import time\nprint('said', flush=True)\ntime.sleep(30)\nreturn 1")
    site.worker()
    job = site.add("talks")
    eventually(lambda: site.log(job) == "said\n")
    assert site.is_running(job)
    progress = eventually(lambda: site.job(job).progress)
    assert (progress["current"], progress["done"], progress["total"]) == ("talks", 0, 1)
    site.queue.cancel_job(job)


def test_a_slow_node_is_soon_seen_to_run(site: Site):
    """Nobody is woken by its begin, and yet that is written within 0.3 s."""
    body = """
        import json, pathlib, time
        pathlib.Path("begun").write_text(json.dumps(time.monotonic()))
        time.sleep(30)
    """
    site.pipeline("waits", body)
    site.worker(broken=COUNT_WRITES)
    job = site.add("waits")
    progress = eventually(lambda: site.job(job).progress)
    assert (progress["current"], progress["done"], progress["total"]) == ("waits", 0, 1)
    assert progress["nodes"]["waits"]["state"] == "running"
    begun = json.loads((site.root / "begun").read_text("utf-8"))
    _, written = json.loads((site.root / "writes").read_text("utf-8"))
    assert written - begun < slowed(0.4)
    site.queue.cancel_job(job)


def test_what_is_told_often_is_written_four_times_a_second(site: Site):
    """A job that prints and makes progress all the time causes four writes a second, no more."""
    nodes = "\n".join(
        f"def n{n}({f'n{n - 1}: int' if n else ''}) -> int:\n"
        "    import time\n    print('x')\n    time.sleep(0.01)\n    return 1\n"
        for n in range(200)
    )  # fmt: skip
    site.module("steps", nodes)
    site.worker(broken=COUNT_WRITES)
    job = site.run("steps")
    assert site.log(job.id) == "x\n" * 200
    assert job.progress is not None
    assert (job.progress["done"], job.progress["total"]) == (200, 200)
    lines = (site.root / "writes").read_text("utf-8").splitlines()
    times = [moment for _, moment in map(json.loads, lines)]
    assert len(times) >= 4
    assert min(late - early for early, late in itertools.pairwise(times)) > 0.24


@pytest.mark.parametrize(
    "body",
    [
        "import time\ntime.sleep(1000)",
        "import ctypes\nctypes.PyDLL(None).sleep(1000)",
        "import signal, time\nsignal.signal(15, signal.SIG_IGN)\nwhile True: time.sleep(1)",
    ],
    ids=["sleeps", "in C", "ignores TERM"],
)
def test_a_running_job_can_be_cancelled(site: Site, body: str):
    """Whatever it does it ends within a beat and the grace, is cancelled, and the next one runs."""
    site.pipeline("long", body)
    site.pipeline("next", "return 1")
    site.worker(num_workers=1)
    job = site.add("long")
    eventually(lambda: site.is_running(job))
    began = time.monotonic()
    assert site.queue.cancel_job(job).cancel_requested
    assert site.ended(job).status is JobStatus.CANCELLED
    assert time.monotonic() - began < slowed(5)
    assert value(site.run("next")) == 1


def test_a_timeout_counts_from_the_start_of_the_job(site: Site):
    """It ends a job in time, as often as retries are given, and names the node."""
    site.pipeline(
        "slow",
        "import time\ntime.sleep(1000)",
        "run: {timeout: 0.5, retry: {max_retries: 1, delay: 0.1, exceptions: [JobTimeout]}}\n",
    )
    site.worker()
    job = site.run("slow")
    assert "JobTimeout: It ran longer than its timeout of" in reason(job)
    assert job.error is not None
    assert (job.attempt, job.error["node"]) == (2, "slow")


def test_a_child_is_used_again_until_something_happens(site: Site):
    """One child makes as many attempts as is said, and is replaced after a failure or an edit."""
    site.pipeline("pid", PID)
    site.pipeline("fails", "raise ValueError")
    site.pipeline("late", "import time\ntime.sleep(1000)", "run: {timeout: 0.2}\n")
    site.worker(num_workers=1, jobs_per_child=4)

    def pid() -> int:
        return int(value(site.run("pid")))

    first = [pid() for _ in range(8)]
    assert [first.index(each) for each in first] == [0, 0, 0, 0, 4, 4, 4, 4]
    seen = {*first}
    for disturb in ("fails", "late", "cancel", "edit"):
        now = pid()
        assert now not in seen
        assert pid() == now
        seen.add(now)
        if disturb == "edit":
            site.pipeline("pid", PID + " * -1")
            assert -pid() not in seen
        elif disturb == "cancel":
            site.pipeline("waits", "import time\ntime.sleep(1000)")
            job = site.add("waits")
            eventually(lambda each=job: site.is_running(each))
            site.queue.cancel_job(job)
            assert site.ended(job).status is JobStatus.CANCELLED
        else:
            assert reason(site.run(disturb))


@pytest.mark.fault("edited-before-run")
@pytest.mark.parametrize("jobs_per_child", [1, 50])
def test_an_edit_counts_from_the_next_job_on(site: Site, jobs_per_child: int):
    """Code, a module it imports, and configuration are read anew; the worker is not restarted."""
    (site.root / "pipelines" / "shared.py").write_text("FACTOR = 1\n")
    site.pipeline("edited", "from pipelines.shared import FACTOR\nreturn x * FACTOR",
                  "run: {inputs: {x: 1}}\n", "x: int")  # fmt: skip
    worker = site.worker(num_workers=1, jobs_per_child=jobs_per_child)
    assert value(site.run("edited")) == 1
    (site.root / "pipelines" / "shared.py").write_text("FACTOR = 10\n")
    assert value(site.run("edited")) == 10
    (site.root / "conf" / "pipelines" / "edited.yml").write_text("run: {inputs: {x: 2}}\n")
    assert value(site.run("edited")) == 20
    site.pipeline("edited", "return -x", "run: {inputs: {x: 3}}\n", "x: int")
    assert value(site.run("edited")) == -3
    assert len(worker.events("start")) == 1


@pytest.mark.fault(
    "module-deleted",
    "module-renamed",
    "module-broken",
    "module-slow",
    "module-exits",
    "edited-before-run",
)
def test_between_enqueue_and_run_anything_may_change(site: Site):
    """A pipeline that is gone, broken, slow or ending at import fails and says why; the worker lives."""
    site.pipeline("good", "return 1")

    def pipeline(name: str, code: str) -> Path:
        site.module(name, code)
        return site.root / "pipelines" / f"{name}.py"

    plain = "def out() -> int:\n    return 1\n"
    names = ["gone", "renamed", "broken", "exits", "kills", "raises", "slow", "no_yaml", "bad_yaml"]
    files = {name: pipeline(name, plain) for name in names}
    ids = {name: site.add(name) for name in names}
    odd_input = site.add("good", unknown=5)
    files["gone"].unlink()
    files["renamed"].rename(site.root / "pipelines" / "other.py")
    files["broken"].write_text("def out( -> int:\n")
    files["exits"].write_text("import sys\nsys.exit(5)\n")
    files["kills"].write_text("import os\nos._exit(5)\n")
    files["raises"].write_text("raise ValueError('at import')\n")
    files["slow"].write_text("import time\ntime.sleep(1000)\n")
    configs = site.root / "conf" / "pipelines"
    (configs / "slow.yml").write_text("run: {timeout: 0.5}\n")
    (configs / "no_yaml.yml").unlink()
    (configs / "bad_yaml.yml").write_text("run: {retry: [}\n")
    worker = site.worker()
    said = {name: reason(site.ended(job)) for name, job in ids.items()}
    assert "gone" in said["gone"]
    assert "renamed" in said["renamed"]
    assert "SyntaxError" in said["broken"]
    assert "SystemExit: 5" in said["exits"]
    assert "exit code 5" in said["kills"]
    assert "ValueError: at import" in said["raises"]
    assert "JobTimeout" in said["slow"]
    assert "no_yaml" in said["no_yaml"]
    assert "bad_yaml.yml" in said["bad_yaml"]
    assert site.ended(odd_input).status.is_ended
    assert value(site.run("good")) == 1
    # The only trouble is that the file's limits and chains, if it has any, do not count.
    assert all("bad_yaml.yml" in event["reason"] for event in worker.events("trouble"))


@pytest.mark.fault("payload-damaged")
@pytest.mark.parametrize(
    ("payload", "says"),
    [
        ("not JSON", "damaged"),
        ("[1, 2]", "damaged"),
        ('{"v": 99}', "another version"),
        ('{"v": 1, "overrides": {"inputs": 5}}', "damaged"),
        ('{"v": 1, "overrides": {"inputs": {"x": NaN}}}', "finite numbers only"),
        ('{"v": 1, "overrides": {"inputs": {"x": "' + "y" * 9_000_000 + '"}}}', "bytes"),
        ('{"v": 1, "overrides": {"inputs": {"x": ' + "[" * 900 + "]" * 900 + "}}}", ""),
    ],
    ids=["no JSON", "a list", "newer", "wrong type", "NaN", "huge", "deep"],
)
def test_a_damaged_record_fails_and_the_worker_lives(site: Site, payload: str, says: str):
    """A payload that cannot be read or handed on is a failed job that says so; the next one runs."""
    site.pipeline("good", "return 1")
    job = site.add("good")
    file = site.root / ".flowerpower" / "jobs.db"
    # The connection itself, as a context manager, commits and does not close.
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE flowerpower_jobs SET payload = ?", (payload,))
    site.worker()
    assert says in reason(site.ended(job))
    assert value(site.run("good")) == 1


def test_a_watcher_that_fails_or_blocks_stops_no_work(site: Site):
    """Events that cannot be told are not told; jobs run, the lease is kept, and TERM works."""
    site.pipeline("good", "return 1")
    broken = """
        import os, sys
        full = os.pipe()
        os.set_blocking(full[1], False)
        try:
            while True: os.write(full[1], b"x" * 4096)
        except BlockingIOError: pass
        os.set_blocking(full[1], True)
        os.dup2(full[1], 1)
    """
    worker = site.worker(broken=broken, wait=False)
    assert value(site.run("good")) == 1
    began = time.monotonic()
    eventually(lambda: time.monotonic() - began > 3.5)
    assert value(site.run("good")) == 1
    (known,) = site.queue.list_workers()
    assert known.pid == worker.process.pid
    assert worker.stop(8) == 0


def test_a_memory_queue_works_in_a_thread(tmp_path: Path):
    """A queue in memory runs its worker in a thread, without signals, and leaves no process."""
    site = Site(tmp_path / "site", "memory")
    site.pipeline("good", "return 1")
    job = site.add("good")
    thread = threading.Thread(target=site.queue.run_worker, args=(WorkerOptions(burst=True),))
    thread.start()
    assert value(site.ended(job)) == 1
    thread.join(WAIT_LIMIT)
    assert not thread.is_alive()
    site.end()


def test_other_processes_see_one_queue(site: Site):
    """A second manager of the same project sees jobs, log and workers of the first."""
    site.pipeline("good", textwrap.dedent("print('here')\nreturn 1"))
    worker = site.worker()
    job = site.run("good")
    with JobQueueManager(**site.queue_options) as other:
        assert other.get_job(job.id) == job
        assert [chunk.text for chunk in other.read_log(job.id, 1)] == ["here\n"]
        assert [each.pid for each in other.list_workers()] == [worker.process.pid]
    assert os.getpid() != worker.process.pid


SHORT_OR_LONG = """
import os, time
while seconds and not os.path.exists("go"):
    time.sleep(0.02)
return seconds
"""


def test_a_long_job_keeps_none_waiting_behind_it(site: Site):
    """What a worker claimed ahead while jobs were short is given back when one takes long."""
    site.pipeline("varied", SHORT_OR_LONG, parameters="seconds: float")
    short = [site.add("varied", f"short-{n}", seconds=0.0) for n in range(60)]
    long = [site.add("varied", f"long-{n}", seconds=6.0) for n in range(2)]
    behind = [site.add("varied", f"behind-{n}", seconds=0.0) for n in range(20)]
    first = site.worker(num_workers=2, jobs_per_child=200)
    eventually(lambda: all(site.is_running(each) for each in long))
    eventually(lambda: all(site.job(each).status is not JobStatus.RUNNING for each in behind))
    second = site.worker(num_workers=2)
    jobs = site.drained(behind)
    assert not any(site.job(each).status.is_ended for each in long), "it waited for the long ones"
    (site.root / "go").touch()
    assert {job.worker_losses for job in jobs} == {0}
    assert {value(job) for job in site.drained([*short, *long])} == {0.0, 6.0}
    assert (first.stop(), second.stop()) == (0, 0)


def test_a_job_does_not_write_down_its_secrets(site: Site, monkeypatch: pytest.MonkeyPatch):
    """What a pipeline's file takes from a secret variable is in no log, result or error."""
    secret = "tulips-are-a-bubble"
    monkeypatch.setenv("SHOP_PASSWORD", secret)
    config = "run: {inputs: {given: '${SHOP_PASSWORD}'}}"
    body = """
    import sys, time
    print("it is", given, flush=True)
    sys.stderr.write("cut " + given[:9]); sys.stderr.flush()
    time.sleep(0.6)
    sys.stderr.write(given[9:] + "\\n")
    if {fails}: raise ValueError(given)
    return {{"key": given}}
    """
    site.pipeline("leaks", body.format(fails=False), config, parameters="given: str")
    site.pipeline("fails", body.format(fails=True), config, parameters="given: str")
    site.worker()
    good, bad = site.run("leaks"), site.run("fails")
    assert value(good) == {"key": "***"}
    assert reason(bad) == "ValueError: ***"
    for job in (good, bad):
        assert secret not in site.log(job.id)
        assert "it is ***" in site.log(job.id)
    raw = b"".join(each.read_bytes() for each in (site.root / ".flowerpower").iterdir())
    assert secret.encode() not in raw
