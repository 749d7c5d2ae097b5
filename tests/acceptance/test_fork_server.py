"""The fork server itself: its ends, those of its worker, and what ends with it."""

import contextlib
import os
import signal
import statistics
import subprocess
import sys
import textwrap
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from flowerpower.job_queue.worker.fork_server_client import (
    ForkServerDied,
)
from tests.acceptance.children import Jobs, MakeJobs, Project, on_linux
from tests.conditions import eventually, processes_marked, slowed


def test_a_child_starts_in_milliseconds(own_jobs: MakeJobs):
    """The server is ready in seconds, and a child costs far less than an interpreter."""
    began = time.monotonic()
    jobs = own_jobs()
    jobs.server.new_child().close()
    assert time.monotonic() - began < slowed(10)
    taken = []
    for _ in range(20):
        since = time.monotonic()
        jobs.server.new_child().close()
        taken.append(time.monotonic() - since)
    assert statistics.median(taken) < slowed(0.025)


@on_linux
def test_the_servers_memory_stays_flat(own_jobs: MakeJobs, project: Project):
    """Three hundred jobs leave the server's memory and descriptors as they were."""
    jobs, root = own_jobs(), project(job="return 1")

    def weight() -> tuple[int, int]:
        pages = int(Path(f"/proc/{jobs.server.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE"), len(os.listdir(f"/proc/{jobs.server.pid}/fd"))

    for _ in range(20):
        assert jobs.run(root).value == 1
    before = weight()
    for _ in range(280):
        assert jobs.run(root).value == 1
    after = weight()
    assert after[0] - before[0] < 2_000_000
    assert after[1] == before[1]


def test_exit_handlers_of_the_server_are_its_own(
    own_jobs: MakeJobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """What a library has registered before the fork is called once, when the server ends."""
    code = """
        import atexit, os, weakref

        def note(name):
            with open("ended", "a") as file:
                file.write(f"{name} {os.getpid()}\\n")

        class Thing:
            pass

        THING = Thing()
        weakref.finalize(THING, note, "finalizer")
        atexit.register(note, "handler")

        def entry(request, send):
            return {"status": "finished"}
    """
    (tmp_path / "noting_entry.py").write_text(textwrap.dedent(code))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    jobs = own_jobs("noting_entry:entry")
    for _ in range(2):
        assert jobs.run(tmp_path).returncode == 0
    assert not (tmp_path / "ended").exists()
    server = jobs.server.pid
    jobs.end()
    lines = (tmp_path / "ended").read_text().splitlines()
    assert sorted(lines) == [f"finalizer {server}", f"handler {server}"]


WORKER = """
import sys, time
from flowerpower.job_queue.worker.fork_server_client import ForkServer
server = ForkServer("flowerpower.pipeline.execute:run_in_child", silence_limit=float(sys.argv[2]))
server.start()
for _ in range(2):
    run = {"v": 1, "base_dir": sys.argv[1], "pipeline": "job"}
    child = server.new_child()
    child.send({"run": run})
    while not child.read_log():
        server.ping()
        time.sleep(0.01)
    print("up", flush=True)
until = time.monotonic() + 30
while time.monotonic() < until:
    server.ping()
    for ended in server.reports():
        print(ended.returncode, ended.lost, flush=True)
    time.sleep(0.02)
"""


SPREADS = """
import os, subprocess, time
subprocess.Popen(['sleep', '1000'])
os.fork()
print('up', flush=True)
time.sleep(1000)
"""


@contextlib.contextmanager
def _worker(root: Path, silence_limit: float) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    mark = f"mark-{uuid.uuid4()}"
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(root), str(silence_limit)],
        env={**os.environ, "MARK": mark},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert worker.stdout is not None
    try:
        assert [worker.stdout.readline() for _ in range(2)] == ["up\n", "up\n"]
        yield worker, mark
    finally:
        worker.kill()
        worker.wait()
        worker.stdout.close()
        eventually(lambda: not processes_marked(mark))


def test_nothing_outlives_a_killed_worker(project: Project):
    """After kill -9 of the worker no process of its tree is left within a second."""
    with _worker(project(job=SPREADS), 60) as (worker, mark):
        eventually(lambda: len(processes_marked(mark)) == 8)
        worker.kill()
        eventually(lambda: not processes_marked(mark))


def test_the_children_of_a_frozen_worker_end(project: Project):
    """A worker that is stopped beyond its limit loses its children, and hears so afterwards."""
    with _worker(project(job=SPREADS), 1) as (worker, mark):
        os.kill(worker.pid, signal.SIGSTOP)
        eventually(lambda: len(processes_marked(mark)) == 2)
        os.kill(worker.pid, signal.SIGCONT)
        assert worker.stdout is not None
        assert [worker.stdout.readline() for _ in range(2)] == ["-9 True\n"] * 2


def test_a_worker_that_pings_keeps_its_children(own_jobs: MakeJobs, project: Project):
    """Children run on as long as there are pings, and end when there are none."""
    jobs = own_jobs(silence_limit=1)
    child = jobs.begin(project(job="import time\ntime.sleep(1000)"))
    until = time.monotonic() + 2
    while time.monotonic() < until:
        jobs.server.ping()
        assert jobs.server.reports() == []
        time.sleep(0.05)
    done = jobs.finish(child)
    assert (done.returncode, done.lost) == (-signal.SIGKILL, True)
    assert jobs.server.is_alive


def test_a_killed_server_takes_its_children_along(own_jobs: MakeJobs, project: Project):
    """After kill -9 of the server its children are dead, told as lost, and it can start again."""
    jobs, root = own_jobs(), project(job=SPREADS, good="return 1")
    child = jobs.begin(root)
    jobs.follow(child, lambda done: done.log.count(b"up") == 2)
    assert jobs.server.pid is not None
    os.kill(jobs.server.pid, signal.SIGKILL)
    eventually(lambda: not jobs.server.is_alive)
    eventually(lambda: not processes_marked(jobs.mark))
    done = jobs.finish(child)
    assert (done.returncode, done.lost) == (-signal.SIGKILL, True)
    with pytest.raises(ForkServerDied):
        jobs.server.new_child()
    jobs.server.start()
    assert jobs.run(root, "good").value == 1


def test_a_job_may_kill_its_server(own_jobs: MakeJobs, project: Project):
    """A job that kills the server is an error that the worker sees, not a hang."""
    jobs = own_jobs()
    child = jobs.begin(project(job="import os, time\nos.kill(os.getppid(), 9)\ntime.sleep(1000)"))
    assert jobs.finish(child).lost
    assert not jobs.server.is_alive


def test_signals_to_all_leave_the_server_alone(jobs: Jobs, project: Project):
    """Ctrl-C and a service's TERM do not reach the children, nor do they end the server."""
    assert jobs.server.pid is not None
    assert os.getpgid(jobs.server.pid) != os.getpgid(0)
    root = project(job="return 1")
    # A server that has only just been started does not ignore signals yet.
    assert jobs.run(root).value == 1
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.killpg(jobs.server.pid, number)
    assert jobs.run(root).value == 1


def test_closing_ends_everything(own_jobs: MakeJobs, project: Project):
    """`close` ends running children and the server, and may be called twice."""
    jobs = own_jobs()
    child = jobs.begin(project(job=SPREADS))
    jobs.follow(child, lambda done: done.log.count(b"up") == 2)
    jobs.server.close()
    assert processes_marked(jobs.mark) == []
    assert not jobs.server.is_alive
    assert [each.lost for each in jobs.server.reports()] == [True]
    child.close()
    jobs.server.close()


@pytest.mark.parametrize("entry", ["nowhere:entry", "flowerpower.pipeline.execute:nothing"])
def test_a_server_that_cannot_start_says_so(own_jobs: MakeJobs, entry: str):
    """A wrong entry is an error at the first child, not a hang."""
    jobs = own_jobs(entry)
    with pytest.raises(ForkServerDied):
        jobs.server.new_child()
    assert not jobs.server.is_alive
