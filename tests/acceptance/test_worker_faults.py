"""Jobs that do their worst: each is told truly, and the next job notices nothing."""

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flowerpower.jobs.job import Job, JobFilter, JobStatus
from tests.acceptance.fault_records import counted
from tests.acceptance.working import MakeSite, Site, reason, value
from tests.conditions import eventually, slowed

SURROUNDINGS = """
import os, signal, sys, threading
mask = os.umask(0)
os.umask(mask)
return [
    os.getcwd(), sorted(os.environ), mask, threading.active_count(), os.isatty(0),
    [str(signal.getsignal(each)) for each in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)],
]
"""
TIMEOUT = "run: {timeout: 1}\n"
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs prctl")


@dataclass
class Fault:
    """A job's body, and how it must end: what its error says, or its value, or its note."""

    name: str
    body: str
    says: str = ""
    value: Any = None
    note: str = ""
    config: str = "{}"

    @property
    def raises(self) -> str:
        """Its id in the list of all faults."""
        return RAISES.get(self.name) or f"job-{self.name.replace('_', '-')}"


RAISES = {
    "aborts": "job-segfaults",
    "kills_itself": "job-segfaults",
    "exits_0": "job-exits",
    "exits_7": "job-exits",
    "closes_everything": "job-closes-descriptors",
    "changes_everything": "job-changes-all",
    "leaves_threads": "job-outlives",
    "catches_everything": "job-catches-all",
    "resets_alarms": "job-resets-alarm",
    "returns_late": "job-catches-all",
    "returns_much": "job-returns-gigabyte",
    "returns_a_gigabyte": "job-returns-gigabyte",
    "returns_a_deep_list": "job-evil-repr",
}
FAULTS = [
    Fault("segfaults", "import ctypes\nctypes.string_at(0)", says="killed by SIGSEGV"),
    Fault("aborts", "import os\nos.abort()", says="killed by SIGABRT"),
    Fault("kills_itself", "import os\nos.kill(os.getpid(), 9)", says="killed by SIGKILL"),
    Fault("exits_0", "import os\nos._exit(0)", says="ended with exit code 0 before"),
    Fault("exits_7", "import os\nos._exit(7)", says="ended with exit code 7 before"),
    Fault("sys_exit", "import sys\nsys.exit(3)", says="SystemExit: 3"),
    Fault("interrupts", "raise KeyboardInterrupt", says="KeyboardInterrupt"),
    Fault("generator_exit", "raise GeneratorExit('gone')", says="GeneratorExit: gone"),
    Fault(
        "str_raises",
        "class Evil(Exception):\n    def __str__(self): raise self\nraise Evil",
        says="str() raised",
    ),
    Fault(
        "unpicklable",
        "import threading\nclass Odd(Exception):\n    lock = threading.Lock()\n"
        "    def __reduce__(self): raise TypeError\nraise Odd('here')",
        says="here",
    ),
    Fault("recurses", "def deep(): return deep()\nreturn deep()", says="RecursionError"),
    Fault(
        "eats_memory",
        "import resource\nresource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))\n"
        "eaten = []\nwhile True: eaten.append(bytearray(2**26))",
        says="MemoryError",
    ),
    Fault(
        "closes_everything",
        "import os\nos.closerange(0, 70_000)\nreturn 1",
        says="closed the descriptor",
    ),
    Fault(
        "changes_everything",
        "import os, signal, sys\nos.chdir('/')\nos.environ.clear()\nos.umask(0o777)\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nsys.path.clear()\n"
        "sys.stdout = None\nsys.stdin = None\nreturn 1",
        value=1,
    ),
    Fault(
        "outlives",
        "import os, subprocess, time\n"
        "subprocess.Popen(['sleep', '1000'], start_new_session=True)\n"
        "if os.fork() == 0:\n    os.setsid()\n    time.sleep(1000)\nreturn 1",
        value=1,
    ),
    Fault(
        "leaves_threads",
        "import threading, time\nfrom flowerpower.job_queue.worker import child_exit\n"
        "child_exit.EXIT_LIMIT = 0.1\n"
        "[threading.Thread(target=time.sleep, args=(1000,)).start() for _ in range(20)]\nreturn 1",
        value=1,
    ),
    Fault(
        "babbles",
        "import os, socket, time\n"
        "for name in os.listdir('/dev/fd'):\n"
        "    try: control = socket.socket(fileno=os.dup(int(name)))\n"
        "    except OSError: continue\n"
        "    if os.fork() == 0:\n"
        "        os.setsid()\n"
        '        line = b\'\\n{"type": "node", "node": "x"}\\n{"type": "settings"}\\n\'\n'
        "        until = time.monotonic() + 1\n"
        "        while time.monotonic() < until: control.sendall(line)\n"
        "        os._exit(0)\n"
        "time.sleep(0.1)\nreturn 1",
        value=1,
    ),
    Fault("ignores_term", "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
          "while True: time.sleep(1)", says="JobTimeout", config=TIMEOUT),
    Fault("catches_everything", "import time\nwhile True:\n    try: time.sleep(9)\n"
          "    except BaseException: pass", says="JobTimeout", config=TIMEOUT),
    Fault("resets_alarms", "import signal, time\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\n"
          "signal.alarm(0)\ntime.sleep(1000)", says="JobTimeout", config=TIMEOUT),
    Fault("hangs_in_c", "import ctypes\nctypes.PyDLL(None).sleep(1000)", says="JobTimeout",
          config=TIMEOUT),
    Fault("returns_late", "import signal, time\nsignal.signal(signal.SIGTERM, lambda *_: 1/0)\n"
          "try: time.sleep(1000)\nexcept ZeroDivisionError: return 1", says="JobTimeout",
          config=TIMEOUT),
    Fault("reads_stdin", "return input('name? ')", says="EOFError"),
    Fault("returns_lock", "import threading\nreturn threading.Lock()", note="lock"),
    Fault("returns_nan", "return [float('nan'), 1]", value=[None, 1], note=""),
    Fault("returns_bytes", "return b'\\xff\\x00'", note="bytes"),
    Fault("returns_much", "return 'x' * 50_000_000", note="50"),
    Fault("returns_a_gigabyte", "return bytes(2**30)", note="1073741824"),
    Fault("returns_a_deep_list", "deep = []\nfor _ in range(100_000): deep = [deep]\nreturn deep",
          note="deep"),
    Fault("evil_repr", "class Evil:\n    def __repr__(self): raise ValueError\nreturn Evil()",
          note="Evil"),
]  # fmt: skip


@pytest.fixture(scope="module", params=[1, 5], ids=["fresh", "reused"])
def busy(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """A site whose one worker lives through all of these tests."""
    site = Site(tmp_path_factory.mktemp("faults") / "site")
    try:
        site.pipeline("surroundings", SURROUNDINGS)
        worker = site.worker(num_workers=1, jobs_per_child=request.param)
        yield site
        assert not worker.events("trouble")
        assert worker.stop() == 0
        assert worker.errors.read_text("utf-8") == ""
    finally:
        site.end()


def _told_truly(fault: Fault, job: Job) -> None:
    if fault.says:
        assert fault.says in reason(job)
    elif fault.value is not None:
        assert value(job) == fault.value
    else:
        assert job.status is JobStatus.FINISHED, job
        assert job.result is not None
        assert fault.note in str(job.result), str(job.result)[:500]
        assert len(str(job.result)) < 10_000
        assert job.result["notes"]


@pytest.mark.parametrize(
    "fault",
    [pytest.param(fault, marks=pytest.mark.fault(fault.raises), id=fault.name) for fault in FAULTS],
)
def test_a_job_may_do_its_worst(busy: Site, fault: Fault):
    """Its end is told truly, in time, and the next job finds its surroundings as ever."""
    before = value(busy.run("surroundings"))
    left = len(busy.left())
    busy.pipeline(fault.name, fault.body, fault.config)
    began = time.monotonic()
    job = busy.run(fault.name)
    assert job.attempt == 1
    if fault.config == TIMEOUT:
        assert time.monotonic() - began < slowed(1 + 5)
    _told_truly(fault, job)
    assert value(busy.run("surroundings")) == before
    eventually(lambda: len(busy.left()) <= left + 1)


@pytest.mark.fault("job-prints-much")
def test_of_a_huge_log_the_end_is_kept(busy: Site):
    """A job that prints 100 MB finishes; a megabyte is kept, and what is missing is told."""
    busy.pipeline(
        "prints", "for n in range(1000): print('x' * 100_000)\nprint('the end')\nreturn 1"
    )
    job = busy.run("prints")
    log = busy.log(job.id)
    assert value(job) == 1
    assert log.endswith("x\nthe end\n")
    assert 500_000 < len(log) < 1_100_000
    (worker,) = busy.workers
    assert 0 < worker.memory() < 300_000_000


@pytest.mark.fault("job-prints-bytes", "text-in-logs")
def test_a_log_may_hold_any_bytes(busy: Site):
    """Bytes that are not UTF-8, escapes and NUL are readable; characters are never cut in two."""
    body = """
        import os, time
        os.write(1, b'\\xff\\x1b[2J\\x00\\n')
        for byte in 'grün €'.encode():
            os.write(1, bytes([byte]))
            time.sleep(0.1)
        return 1
    """
    busy.pipeline("writes", body)
    job = busy.run("writes")
    log = busy.log(job.id)
    assert log.startswith("\\xff")
    assert log.endswith("grün €")


@pytest.mark.fault("fork-server-killed")
def test_a_job_that_kills_the_fork_server_is_given_up(make_site: MakeSite):
    """It is lost three times and fails with that reason; the worker goes on."""
    site = make_site()
    site.pipeline("kills", "import os, time\nos.kill(os.getppid(), 9)\ntime.sleep(1000)")
    site.pipeline("good", "return 1")
    worker = site.worker()
    job = site.run("kills")
    assert "3rd time" in reason(job)
    assert job.attempt == 3
    assert value(site.run("good")) == 1
    assert "fork server died" in str(worker.events("trouble"))
    # Each time it is said what becomes of the job; it may be claimed again by then.
    first, second, third = (lost["status"] for lost in worker.events("lost"))
    assert {first, second} <= {JobStatus.QUEUED, JobStatus.RUNNING}
    assert third == JobStatus.FAILED


@pytest.mark.fault("jobs-bad-among-good")
def test_bad_jobs_do_not_hold_up_good_ones(make_site: MakeSite):
    """200 good jobs among which are 20 bad ones take at most twice their own time."""
    site = make_site()
    good = site.pipeline("good", "import time\ntime.sleep(0.02)\nreturn 1")
    bad = [each for each in FAULTS if each.config != TIMEOUT and each.name != "babbles"][:20]
    for each in bad:
        site.pipeline(each.name, each.body, each.config)
    site.worker(num_workers=2)
    site.run(good)

    def seconds(names: list[str]) -> float:
        began = time.monotonic()
        ids = [(name, site.add(name)) for name in names]
        assert all(
            value(job) == 1 for job in site.drained([id for name, id in ids if name == good])
        )
        took = time.monotonic() - began
        for each, job in zip(
            bad, site.drained(id for name, id in ids if name != good), strict=False
        ):
            assert job.status.is_ended, each
        return took

    alone = seconds([good] * 200)
    mixed = [good] * 200
    for number, each in enumerate(bad):
        mixed.insert(number * 10, each.name)
    among = seconds(mixed)
    jobs = site.queue.list_jobs(JobFilter(limit=1000))
    done = [job.id for job in jobs if job.pipeline == good and job.status is JobStatus.FINISHED]
    counted(lost=401 - len(done), doubled=len(jobs) - (401 + len(bad)))
    print(f"alone {alone:.1f} s, among {len(bad)} bad ones {among:.1f} s")
    assert among <= 2 * alone


ADOPTS_AN_ORPHAN = """
    import subprocess
    from flowerpower.job_queue.worker import isolation
    isolation.adopt_orphans()
    subprocess.run(["sh", "-c", "sleep 0.2 & echo $! > orphan"], check=True)
"""


@on_linux
@pytest.mark.parametrize("kind", ["worker", "scheduler"])
def test_orphans_of_others_are_reaped(site: Site, kind: str):
    """As process 1 of a container, a worker or scheduler leaves no zombie of what it has adopted."""
    start = site.worker if kind == "worker" else site.scheduler
    process = start(broken=ADOPTS_AN_ORPHAN).process
    orphan = int((site.root / "orphan").read_text())
    eventually(lambda: not Path(f"/proc/{orphan}").exists())
    assert process.poll() is None
