"""Single jobs in children: what they say of themselves, what they print, what they raise."""

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.acceptance.children import Jobs, Project, events
from tests.conftest import MakeProject


def test_a_small_job_tells_settings_nodes_and_outcome(jobs: Jobs, make_project: MakeProject):
    """A child tells the settings before the first node, each node, the outcome, and exits."""
    config = "run:\n  timeout: 90\n  retry: {max_retries: 2}\n"
    module = "def a(x: int) -> int:\n    print('hello')\n    return x + 1\ndef b(a: int) -> int:\n    return 2 * a\n"
    done = jobs.run(make_project(job=(config, module)), inputs={"x": 1})
    assert done.returncode == 0
    assert not done.lost
    # Whether its server may read the configuration ahead depends on how long ago it was written.
    messages = [each for each in done.messages if each["type"] != "read"]
    assert [each["type"] for each in messages] == ["settings", *4 * ["node"], "outcome"]
    settings, *nodes, last = messages
    assert (settings["timeout"], settings["retry"]["max_retries"]) == (90.0, 2)
    assert [(each["node"], each["state"], each["done"], each["total"]) for each in nodes] == [
        ("a", "running", 0, 2),
        ("a", "finished", 1, 2),
        ("b", "running", 1, 2),
        ("b", "finished", 2, 2),
    ]
    assert last["kept"] is False
    assert done.outcome.outputs == {"b": 4}
    assert done.log == b"hello\n"


WAITS = """\
import atexit, time
from pathlib import Path

def _until(name: str) -> None:
    while not Path(name).exists():
        time.sleep(0.01)

{at_import}

def a() -> int:
    return 1

def b(a: int) -> int:
    {in_b}
    return a + 1
"""


@pytest.mark.parametrize("keep", [False, True])
def test_a_node_that_runs_is_known(jobs: Jobs, make_project: MakeProject, keep: bool):
    """That one node has ended and the next one begun is told while that runs."""
    module = WAITS.format(at_import="", in_b="_until('go')")
    root = make_project(job=("run: {}\n", module))
    child = jobs.begin(root, keep=keep)
    done = jobs.follow(child, lambda done: ("b", "running") in events(done))
    assert events(done) == [("a", "running"), ("a", "finished"), ("b", "running")]
    (root / "go").touch()
    assert jobs.answer(child).outcome.outputs == {"b": 2}
    child.close()


def test_no_node_runs_while_exit_handlers_do(jobs: Jobs, make_project: MakeProject):
    """That the last node has ended is told before the program ends, which may take long."""
    module = WAITS.format(at_import="atexit.register(_until, 'go')", in_b="pass")
    root = make_project(job=("run: {}\n", module))
    child = jobs.begin(root)
    done = jobs.follow(child, lambda done: ("b", "finished") in events(done))
    assert not done.outcomes
    (root / "go").touch()
    assert jobs.finish(child).outcome.outputs == {"b": 2}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("import sys\nsys.exit('bye')", "SystemExit"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise GeneratorExit", "GeneratorExit"),
        ("raise MemoryError", "MemoryError"),
        ("def f(): f()\nf()", "RecursionError"),
        ("class E(Exception):\n    def __str__(self): raise OSError\nraise E", "E"),
        ("class E(Exception):\n    def __str__(self): raise SystemExit\nraise E", "E"),
        ("class E(Exception):\n    def __reduce__(self): raise OSError\nraise E('x')", "E"),
        ("return [0] * 10**15", "MemoryError"),
        ("input()", "EOFError"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGINT)", "KeyboardInterrupt"),
    ],
)
def test_whatever_a_job_raises_is_its_outcome(jobs: Jobs, project: Project, body: str, kind: str):
    """An exception of any kind is a failed outcome with its name, and the child exits well."""
    done = jobs.run(project(job=body))
    assert done.outcome.status == "failed"
    assert done.outcome.error is not None
    assert done.outcome.error.type.rsplit(".", 1)[-1] == kind
    assert done.returncode == 0


@pytest.mark.fault("job-prints-much")
def test_a_hundred_megabytes_of_print(jobs: Jobs, project: Project):
    """A job may print 100 MB: every byte comes through, and the worker does not grow by it."""
    body = "line = 'x' * 999\nfor _ in range(100_000): print(line)\nreturn 1"
    before = _resident()
    done = jobs.run(project(job=body))
    assert done.value == 1
    assert done.printed == 100_000_000
    assert _resident() - before < 20_000_000


def _resident() -> int:
    if sys.platform != "linux":
        return 0
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.fault("job-prints-bytes")
def test_any_bytes_may_be_printed(jobs: Jobs, project: Project):
    """Bytes that are no text come through as they are, text that is no UTF-8 escaped."""
    done = jobs.run(project(job="import os\nos.write(2, bytes(range(256)))\nprint('\\udcff')"))
    assert done.outcome.status == "finished"
    assert done.log == bytes(range(256)) + b"\\udcff\n"


def test_prints_come_while_the_job_runs(jobs: Jobs, project: Project):
    """A line is in the log when it is printed, not when the job ends."""
    child = jobs.begin(project(job="print('now')\nimport time\ntime.sleep(1000)"))
    assert jobs.follow(child, lambda done: done.log == b"now\n").returncode is None
    jobs.server.kill(child)
    assert jobs.finish(child).returncode == -signal.SIGKILL


def test_logging_goes_to_the_log(jobs: Jobs, project: Project):
    """What a job logs at INFO is in its log without any set-up."""
    done = jobs.run(project(job="import logging\nlogging.getLogger('mine').info('noted')"))
    assert done.log.endswith(b" INFO mine: noted\n")


def test_two_children_draw_different_numbers(jobs: Jobs, project: Project):
    """The generators of random and NumPy are seeded anew in every child."""
    root = project(job="import random, numpy\nreturn [random.random(), numpy.random.random()]")
    first, second = jobs.run(root).value, jobs.run(root).value
    assert first[0] != second[0]
    assert first[1] != second[1]
