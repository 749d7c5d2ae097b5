"""Children that are kept for one job after another."""

import os
import textwrap

import pytest

from tests.acceptance.children import Jobs, Project, events, let_age
from tests.conditions import eventually
from tests.conftest import MakeProject


def test_a_kept_child_has_events_and_inputs_for_each_job(jobs: Jobs, make_project: MakeProject):
    """What it keeps of one job changes nothing of the next."""
    module = "def a(x: int) -> int:\n    return x\ndef b(a: int) -> int:\n    return 2 * a\n"
    root = make_project(job=("run: {inputs: {x: 100}}\n", module))
    let_age(root)
    child = jobs.begin(root, keep=True, inputs={"x": 0})
    for x in range(1, 5):
        done = jobs.answer(child)
        assert done.outcome.outputs == {"b": 2 * (x - 1)}
        assert [node.name for node in done.outcome.nodes] == ["a", "b"]
        assert events(done) == [(n, s) for n in "ab" for s in ("running", "finished")]
        assert [each["done"] for each in done.messages if each["type"] == "node"] == [0, 1, 1, 2]
        jobs.ask(child, root, keep=True, inputs={"x": x})
    jobs.answer(child)
    jobs.ask(child, root, keep=False)
    assert jobs.finish(child).outcome.outputs == {"b": 200}


@pytest.mark.parametrize("keep", [False, True])
def test_nothing_reaches_the_next_job(jobs: Jobs, project: Project, keep: bool):
    """Folder, environment, umask, signals, timers and streams are new for each job."""
    spoil = """
        import os, signal, sys
        os.chdir('/')
        os.environ['SPOILT'] = 'yes'
        os.environ.pop('PATH', None)
        os.umask(0o777)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
        sys.stdout = None
        sys.path.insert(0, '/nowhere')
    """
    look = """
        import os, signal, sys
        print('heard')
        return [
            os.getcwd(), 'SPOILT' in os.environ, 'PATH' in os.environ, os.umask(0o22),
            signal.getsignal(signal.SIGTERM) == signal.SIG_DFL,
            signal.getsignal(signal.SIGALRM) == signal.SIG_DFL,
            signal.getitimer(signal.ITIMER_REAL)[0], len(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
            '/nowhere' in sys.path,
        ]
    """
    root = project(spoil=textwrap.dedent(spoil), look=textwrap.dedent(look))
    let_age(root)
    umask = os.umask(0o22)
    os.umask(umask)
    child = jobs.begin(root, "spoil", keep=keep)
    spoilt = jobs.answer(child)
    assert spoilt.messages[-1]["kept"] is keep
    if not keep:
        assert jobs.finish(child).returncode == 0
        child = jobs.server.new_child()
    jobs.ask(child, root, "look")
    done = jobs.finish(child)
    assert done.value == [str(root), False, True, umask, True, True, 0.0, 0, False]
    assert done.log == b"heard\n"


def test_a_kept_child_runs_a_hundred_jobs(jobs: Jobs, project: Project):
    """With `keep` one process takes request after request, until told that it is the last."""
    root = project(job="import os\nprint('x')\nreturn os.getpid()")
    let_age(root)
    child = jobs.begin(root, keep=True)
    for _ in range(99):
        done = jobs.answer(child)
        assert (done.value, done.messages[-1]["kept"], done.log) == (child.pid, True, b"x\n")
        jobs.ask(child, root, keep=True)
    jobs.answer(child)
    jobs.ask(child, root, keep=False)
    done = jobs.finish(child)
    assert (done.value, done.messages[-1]["kept"], done.returncode) == (child.pid, False, 0)


def test_a_waiting_child_ends_with_its_socket(jobs: Jobs, project: Project):
    """A child that waits, new or kept, exits when the worker lets go of it."""
    new, kept = jobs.server.new_child(), jobs.begin(project(job="return 1"), keep=True)
    jobs.answer(kept)
    for child in (new, kept):
        child.close()
    ended = {}
    eventually(
        lambda: (
            ended.update((e.pid, e.returncode) for e in jobs.server.reports()) or len(ended) == 2
        )
    )
    assert ended == {new.pid: 0, kept.pid: 0}


@pytest.mark.parametrize(
    "body",
    [
        "raise ValueError",
        "import threading, time\nfrom flowerpower.job_queue.worker import child_exit\n"
        "child_exit.EXIT_LIMIT = 0.1\nthreading.Thread(target=time.sleep, args=[1000]).start()",
        "import subprocess\nsubprocess.Popen(['sleep', '1000'])",
        "import os\nos.close(1)",
        "import sys\nsys.stdout.close()",
    ],
)
def test_a_spoilt_child_is_not_kept(jobs: Jobs, project: Project, body: str):
    """A child exits after a failure, and after a job that left a thread, a process or no stream."""
    done = jobs.run(project(job=body), keep=True)
    assert done.messages[-1]["kept"] is False
    assert done.returncode == 0


@pytest.mark.parametrize("change", ["edit", "edit_of_import", "removal", "touch_while_running"])
def test_an_edit_counts_from_the_next_job(jobs: Jobs, project: Project, change: str):
    """A kept child whose modules are no longer what is on disk says so and runs nothing."""
    touch = "import os\nos.utime(__file__)\n" if change == "touch_while_running" else ""
    root = project(job=f"import pipelines.aid\n{touch}return 1")
    (root / "pipelines" / "aid.py").write_text("X = 1\n")
    let_age(root)
    child = jobs.begin(root, keep=True)
    assert jobs.answer(child).value == 1
    if change == "edit":
        with (root / "pipelines" / "job.py").open("a") as file:
            file.write("\n\ndef more() -> int:\n    return 2\n")
    elif change == "edit_of_import":
        (root / "pipelines" / "aid.py").write_text("X = 22\n")
    elif change == "removal":
        (root / "pipelines" / "aid.py").unlink()
    jobs.ask(child, root, keep=True)
    done = jobs.finish(child)
    assert done.messages == [{"type": "stale"}]
    assert done.returncode == 0
