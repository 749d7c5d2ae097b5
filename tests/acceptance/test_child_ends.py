"""How children end: deaths, signals, and what a job has started and leaves behind."""

import signal
import textwrap
import time

import pytest

from flowerpower.jobs.attempt_result import EXIT_CHANNEL_CLOSED
from tests.acceptance.children import Jobs, Project, on_linux
from tests.conditions import eventually


def test_a_death_is_told_at_once(jobs: Jobs, project: Project):
    """The worker hears of a child's death within 50 ms."""
    root = project(job="import os, time\nos.write(1, str(time.time()).encode())\nos._exit(9)")
    delays = []
    for _ in range(5):
        done = jobs.run(root)
        assert done.returncode == 9
        delays.append(time.time() - float(done.log))
    assert min(delays) < 0.05


@pytest.mark.parametrize(
    ("body", "returncode"),
    [
        ("import ctypes\nctypes.string_at(0)", -signal.SIGSEGV),
        ("import os\nos.abort()", -signal.SIGABRT),
        ("import os\nos._exit(0)", 0),
        ("import os\nos._exit(7)", 7),
        ("import os\nos.kill(0, 9)", -signal.SIGKILL),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM),
        ("import os\nos.closerange(0, 65536)", EXIT_CHANNEL_CLOSED),
        ("import os\nfor each in range(3, 4000): os.dup2(1, each)", EXIT_CHANNEL_CLOSED),
        (
            "import os, socket\nos.pair = own, other = socket.socketpair()\n"
            "for each in range(50, 4000): os.dup2(own.fileno(), each)",
            EXIT_CHANNEL_CLOSED,
        ),
    ],
)
def test_a_dead_job_is_told_by_its_exit(jobs: Jobs, project: Project, body: str, returncode: int):
    """A job that takes its process with it has no outcome, only a return code."""
    root = project(job=body, good="return 1")
    done = jobs.run(root)
    assert done.outcomes == []
    assert (done.returncode, done.lost) == (returncode, False)
    assert jobs.run(root, "good").value == 1


def test_a_segfault_leaves_its_place_in_the_log(jobs: Jobs, project: Project):
    """The log of a job that crashed in C names the user's own line."""
    done = jobs.run(project(job="import ctypes\nctypes.string_at(0)"))
    assert b"Segmentation fault" in done.log
    assert b"pipelines/job.py" in done.log


@pytest.mark.fault("job-outlives")
@pytest.mark.parametrize(
    "start",
    [
        "subprocess.Popen(['sleep', '1000'])",
        "os.fork() or time.sleep(1000)",
        "[os.fork() for _ in range(3)]",
        pytest.param("subprocess.Popen(['sleep', '1000'], start_new_session=True)", marks=on_linux),
        pytest.param("os.fork() or (os.setsid(), os.fork(), time.sleep(1000))", marks=on_linux),
    ],
)
def test_what_a_job_starts_ends_with_it(jobs: Jobs, project: Project, start: str):
    """Processes that a job leaves behind die with it, and one outcome is told, by the job."""
    done = jobs.run(project(job=f"import os, subprocess, time\n{start}\nreturn 1"))
    assert done.value == 1
    eventually(lambda: not jobs.leftover())


def test_what_a_job_starts_ends_while_another_runs(jobs: Jobs, project: Project):
    """The processes in a job's group end with it, whatever else is running."""
    root = project(
        job="import subprocess\nsubprocess.Popen(['sleep', '1000'])",
        other="print('up')\nimport time\ntime.sleep(1000)",
    )
    other = jobs.begin(root, "other")
    jobs.follow(other, lambda done: done.log)
    jobs.run(root)
    eventually(lambda: jobs.leftover() == [other.pid])
    jobs.server.kill(other)
    jobs.finish(other)


@on_linux
def test_an_orphan_of_one_job_outlives_another(jobs: Jobs, project: Project):
    """A process that may belong to a running job is left alone until that one has ended."""
    daemon = "import subprocess\nsubprocess.Popen(['sh', '-c', 'setsid sleep 1000 &']).wait()\nprint('up')"
    root = project(job=f"{daemon}\nimport time\ntime.sleep(1000)", other="return 1")
    child = jobs.begin(root)
    jobs.follow(child, lambda done: done.log)
    for _ in range(3):
        assert jobs.run(root, "other").value == 1
    eventually(lambda: len(jobs.leftover()) == 2)
    jobs.server.kill(child)
    jobs.finish(child)
    eventually(lambda: not jobs.leftover())


@on_linux
def test_an_orphan_ends_though_a_younger_child_runs(jobs: Jobs, project: Project):
    """What began before a child was forked is not its own, even if it is orphaned only later."""
    root = project(
        job="import subprocess, time\nsubprocess.Popen(['sleep', '1000'], start_new_session=True)\n"
        "print('up')\ntime.sleep(1000)",
        other="print('up')\nimport time\ntime.sleep(1000)",
    )
    child = jobs.begin(root)
    jobs.follow(child, lambda done: done.log)
    # A tick, by which the system counts when a process began.
    time.sleep(0.05)
    younger = jobs.begin(root, "other")
    jobs.follow(younger, lambda done: done.log)
    jobs.server.kill(child)
    jobs.finish(child)
    eventually(lambda: jobs.leftover() == [younger.pid])
    jobs.server.kill(younger)
    jobs.finish(younger)


@pytest.mark.fault("job-ignores-term")
def test_a_job_that_ignores_term_is_killed(jobs: Jobs, project: Project):
    """TERM reaches the whole group and may be handled; KILL ends it."""
    body = """
        import os, signal, time
        signal.signal(signal.SIGTERM, lambda *_: os.write(1, b'no'))
        os.fork()
        print('up', flush=True)
        while True: time.sleep(1000)
    """
    child = jobs.begin(project(job=textwrap.dedent(body)))
    jobs.follow(child, lambda done: done.log.count(b"up") == 2)
    jobs.server.kill(child, signal.SIGTERM)
    jobs.follow(child, lambda done: done.log.count(b"no") == 2)
    jobs.server.kill(child)
    assert jobs.finish(child).returncode == -signal.SIGKILL
    eventually(lambda: not jobs.leftover())


@pytest.mark.fault("job-hangs-in-c")
@pytest.mark.parametrize(
    "body",
    [
        "sum(range(10**14))",
        "import re\nre.match('(a+)+$', 'a' * 60 + 'b')",
        "import ctypes\nctypes.CDLL(None).sleep(1000)",
    ],
)
def test_a_job_that_never_ends_in_c_is_ended_by_term(jobs: Jobs, project: Project, body: str):
    """TERM ends a job that never comes back to the interpreter."""
    child = jobs.begin(project(job=f"print('up')\n{body}"))
    jobs.follow(child, lambda done: done.log)
    jobs.server.kill(child, signal.SIGTERM)
    assert jobs.finish(child).returncode == -signal.SIGTERM


def test_a_signal_to_a_child_that_just_began_counts(jobs: Jobs, project: Project):
    """TERM is not lost, however early it comes."""
    root = project(job="import time\ntime.sleep(1000)")
    for _ in range(20):
        child = jobs.begin(root)
        jobs.server.kill(child, signal.SIGTERM)
        assert jobs.finish(child).returncode == -signal.SIGTERM
