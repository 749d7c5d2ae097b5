"""The fork server and its children, as real processes with jobs of every kind."""

import contextlib
import os
import selectors
import signal
import statistics
import subprocess
import sys
import textwrap
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from flowerpower.job_queue.worker.fork_server_client import (
    Child,
    ChildEnded,
    ForkServer,
    ForkServerDied,
)
from flowerpower.jobs.attempt_result import EXIT_CHANNEL_CLOSED
from flowerpower.jobs.run import RunOutcome
from tests.conditions import eventually, processes_marked, slowed
from tests.conftest import MakeProject

ENTRY = "flowerpower.pipeline.execute:run_in_child"
PRELOAD = ("flowerpower.pipeline.execute:warm_up",)
LIMIT = 30.0
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs prctl")


@dataclass
class Done:
    """What a child sent and how it ended; of a long log only the end."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    log: bytes = b""
    printed: int = 0
    returncode: int | None = None
    lost: bool = False

    @property
    def outcomes(self) -> list[dict[str, Any]]:
        return [each["outcome"] for each in self.messages if each["type"] == "outcome"]

    @property
    def outcome(self) -> RunOutcome:
        (outcome,) = self.outcomes
        return RunOutcome.from_json(outcome)

    @property
    def value(self) -> Any:
        """The one output."""
        assert self.outcome.status == "finished", self
        (value,) = self.outcome.outputs.values()
        return value

    def read(self, child: Child) -> None:
        child.flush()
        # First the messages: what was printed before an outcome is in the pipe once that has come.
        self.messages += child.messages()
        log = child.read_log()
        self.printed += len(log)
        self.log = (self.log + log)[-100_000:]


class Jobs:
    """A fork server and the jobs it is given."""

    def __init__(self, entry: str = ENTRY, silence_limit: float | None = None) -> None:
        self.mark = f"mark-{uuid.uuid4()}"
        environ = {**os.environ, "MARK": self.mark, "PYTHONDONTWRITEBYTECODE": "1"}
        self.server = ForkServer(entry, PRELOAD, silence_limit, environ)
        self.server.start()
        self.ends: dict[int, ChildEnded] = {}

    def begin(self, root: Path, name: str = "job", **request: Any) -> Child:
        child = self.server.new_child()
        self.ask(child, root, name, **request)
        return child

    def ask(self, child: Child, root: Path, name: str = "job", **request: Any) -> None:
        overrides = {"inputs": request.pop("inputs", {})}
        run = {"v": 1, "base_dir": str(root), "pipeline": name, "overrides": overrides}
        child.send({"run": run, "base_dir": str(root), **request})

    def follow(self, child: Child, until: Callable[[Done], object]) -> Done:
        """Follow a child until something holds, or until its end."""
        done, deadline = Done(), time.monotonic() + LIMIT
        with selectors.DefaultSelector() as selector:
            selector.register(self.server, selectors.EVENT_READ)
            selector.register(child.control, selectors.EVENT_READ)
            selector.register(child.log, selectors.EVENT_READ)
            while done.returncode is None and not until(done):
                assert time.monotonic() < deadline, done
                for key, _ in selector.select(0.05 if child.is_flushed else 0.0):
                    if key.fileobj == child.log and not child.log_is_open:
                        selector.unregister(child.log)
                    if key.fileobj == child.control and not child.control_is_open:
                        selector.unregister(child.control)
                # Kept: the end may be reported while the outcome is still waited for.
                self.ends.update({report.pid: report for report in self.server.reports()})
                end = self.ends.get(child.pid)
                done.read(child)
                if end is not None:
                    done.returncode, done.lost = end.returncode, end.lost
        return done

    def finish(self, child: Child) -> Done:
        done = self.follow(child, lambda _: False)
        child.close()
        return done

    def answer(self, child: Child) -> Done:
        """A kept child's outcome, or its end."""
        return self.follow(child, lambda done: done.outcomes)

    def run(self, root: Path, name: str = "job", **request: Any) -> Done:
        return self.finish(self.begin(root, name, **request))

    def leftover(self) -> list[int]:
        """The processes besides the server."""
        return [pid for pid in processes_marked(self.mark) if pid != self.server.pid]

    def end(self) -> None:
        self.server.close()
        eventually(lambda: not processes_marked(self.mark))


@pytest.fixture(scope="module")
def jobs() -> Iterator[Jobs]:
    """One fork server for all tests that leave it alive; nothing of it is left at the end."""
    jobs = Jobs()
    yield jobs
    assert jobs.server.is_alive
    jobs.end()


@pytest.fixture
def own_jobs() -> Iterator[Callable[..., Jobs]]:
    """Makes fork servers for one test."""
    with contextlib.ExitStack() as stack:

        def make(*arguments: Any, **options: Any) -> Jobs:
            jobs = Jobs(*arguments, **options)
            stack.callback(jobs.end)
            return jobs

        yield make


@pytest.fixture
def project(make_project: MakeProject) -> Callable[..., Path]:
    """Makes a project whose pipelines are single nodes with the bodies given."""

    def make(**bodies: str) -> Path:
        pipelines = {
            name: ("run: {}\n", "def value() -> object:\n" + textwrap.indent(body, "    ") + "\n")
            for name, body in bodies.items()
        }
        return make_project("name: demo\n", **pipelines)

    return make


def _let_age(root: Path) -> None:
    """Wait until the modules are as old as they are when nobody edits them."""
    files = list((root / "pipelines").glob("*.py"))
    eventually(lambda: all(time.time() - each.stat().st_ctime > 0.05 for each in files))


Project = Callable[..., Path]
MakeJobs = Callable[..., Jobs]


def test_a_small_job_tells_settings_nodes_and_outcome(jobs: Jobs, make_project: MakeProject):
    """A child tells the settings before the first node, each node, the outcome, and exits."""
    config = "run:\n  timeout: 90\n  retry: {max_retries: 2}\n"
    module = "def a(x: int) -> int:\n    print('hello')\n    return x + 1\ndef b(a: int) -> int:\n    return 2 * a\n"
    done = jobs.run(make_project(job=(config, module)), inputs={"x": 1})
    assert done.returncode == 0
    assert not done.lost
    assert [each["type"] for each in done.messages] == ["settings", *4 * ["node"], "outcome"]
    settings, *nodes, last = done.messages
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


def events(done: Done) -> list[tuple[str, str]]:
    return [(each["node"], each["state"]) for each in done.messages if each["type"] == "node"]


def test_a_kept_child_has_events_and_inputs_for_each_job(jobs: Jobs, make_project: MakeProject):
    """What it keeps of one job changes nothing of the next."""
    module = "def a(x: int) -> int:\n    return x\ndef b(a: int) -> int:\n    return 2 * a\n"
    root = make_project(job=("run: {inputs: {x: 100}}\n", module))
    _let_age(root)
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
    assert statistics.median(taken) < 0.05


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
    _let_age(root)
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


def test_two_children_draw_different_numbers(jobs: Jobs, project: Project):
    """The generators of random and NumPy are seeded anew in every child."""
    root = project(job="import random, numpy\nreturn [random.random(), numpy.random.random()]")
    first, second = jobs.run(root).value, jobs.run(root).value
    assert first[0] != second[0]
    assert first[1] != second[1]


def test_a_kept_child_runs_a_hundred_jobs(jobs: Jobs, project: Project):
    """With `keep` one process takes request after request, until told that it is the last."""
    root = project(job="import os\nprint('x')\nreturn os.getpid()")
    _let_age(root)
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
    _let_age(root)
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


def test_a_megabyte_of_inputs(jobs: Jobs, make_project: MakeProject):
    """A request larger than the pipe reaches a child that is slow to read it."""
    root = make_project(job=("run: {}\n", "def n(text: str) -> int:\n    return len(text)\n"))
    child = jobs.server.new_child()
    os.kill(child.pid, signal.SIGSTOP)
    since = time.monotonic()
    jobs.ask(child, root, inputs={"text": "x" * 1_000_000})
    assert time.monotonic() - since < slowed(1)
    assert not child.is_flushed
    os.kill(child.pid, signal.SIGCONT)
    assert jobs.finish(child).value == 1_000_000


def test_what_cannot_be_sent_is_refused(jobs: Jobs):
    """A request that is not JSON, or is over the limit, is a ValueError of the caller."""
    child = jobs.server.new_child()
    for wrong in ({"x": {1, 2}}, {"x": float("nan")}, {"x": "x" * 9_000_000}):
        with pytest.raises(ValueError, match="message"):
            child.send(wrong)
    jobs.server.kill(child)
    jobs.finish(child)


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({}, "not an object"),
        ({"run": 5}, "not an object"),
        ({"run": {"v": 99, "base_dir": "/", "pipeline": "a"}}, "version 99"),
        ({"run": {"v": 1, "base_dir": "/"}}, "pipeline"),
        ({"run": {"v": 1, "base_dir": 1, "pipeline": "a"}}, "base_dir"),
        (
            {"run": {"v": 1, "base_dir": "/", "pipeline": "a", "overrides": {"inputs": 3}}},
            "overrides.inputs",
        ),
        ({"run": {"v": 1, "base_dir": "/", "pipeline": "a", "scheduled_for": 3}}, "scheduled_for"),
        ({"run": {"v": 1, "base_dir": "/", "pipeline": "a"}}, "not a project"),
        ({"run": {}, "base_dir": "/nowhere"}, "nowhere"),
    ],
)
def test_an_unreadable_request_fails_and_says_why(jobs: Jobs, request_: dict[str, Any], said: str):
    """A request that is damaged, or from another version, is a failed outcome that says so."""
    child = jobs.server.new_child()
    child.send(request_)
    done = jobs.finish(child)
    assert done.outcome.error is not None
    assert said in done.outcome.error.message
    assert done.returncode == 0


def test_a_line_that_is_no_message_harms_nobody(jobs: Jobs, project: Project):
    """Rubbish on the control socket is a damaged message, and the outcome still comes."""
    body = """
        import os, socket
        for name in os.listdir('/dev/fd'):
            try:
                control = socket.socket(fileno=os.dup(int(name)))
            except OSError:
                continue
            for rubbish in (b'rubbish', b'[1]', b'\\xff', b'[' * 100_000, b'x' * 9_000_000, b'{"x": NaN}', b''):
                control.sendall(rubbish + b'\\n{"type": "node"}\\n')
            control.close()
        return 1
    """
    done = jobs.run(project(job=textwrap.dedent(body)))
    assert done.value == 1
    assert [each["type"] for each in done.messages].count("damaged") == 7


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        ("return {'outputs': 'x' * 9_000_000}", "ValueError"),
        ("return {'outputs': {1, 2}}", "ValueError"),
        ("return {'outputs': float('inf')}", "ValueError"),
        ("return None", "TypeError"),
        ("raise SystemExit(3)", "SystemExit"),
        ("class E(BaseException):\n    def __str__(self): raise self\nraise E", "entry.<locals>.E"),
    ],
)
def test_the_child_guards_its_entry(
    own_jobs: MakeJobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str, kind: str
):
    """An outcome that is too large or no JSON, and an entry that raises, are failed outcomes."""
    code = "def entry(request, send):\n" + textwrap.indent(entry, "    ")
    (tmp_path / "own_entry.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    jobs = own_jobs("own_entry:entry")
    done = jobs.run(tmp_path)
    assert done.outcome.error is not None
    assert (done.outcome.status, done.outcome.error.type) == ("failed", kind)
    assert done.outcome.pipeline == "job"


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
