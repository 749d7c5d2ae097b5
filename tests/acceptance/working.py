"""A project, its queue, and workers on it as real processes that can be killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import psycopg

from flowerpower.config.overrides import RunOverrides
from flowerpower.job_queue import JobQueueManager
from flowerpower.jobs.job import Job, JobStatus
from flowerpower.jobs.job_spec import JobSpec
from tests.acceptance.fault_records import TRACEBACK, counted
from tests.acceptance.traces import TRACE, count_runs
from tests.conditions import WAIT_LIMIT, eventually, processes_marked

LEASE = 3.0
"""Seconds; a short one, so that a test need not wait for long."""
SCRIPT = """
import json, os, sys
from flowerpower.errors import BackendUnreachable
from flowerpower.job_queue import JobQueueManager
from flowerpower.job_queue.worker_options import WorkerOptions

def tell(event):
    print(json.dumps({"kind": event.kind, **event.facts}), flush=True)

settings = json.loads(sys.argv[1])
if settings.get("break"):
    exec(settings["break"])
try:
    with JobQueueManager(**settings["queue"]) as queue:
        if settings["options"] is None:
            queue.run_scheduler(tell)
        else:
            queue.run_worker(WorkerOptions(**settings["options"]), tell)
except BackendUnreachable as error:
    # As the command line says it; all else is a traceback, which no worker may end with.
    print(error.message, file=sys.stderr, flush=True)
    os._exit(error.exit_code)
# Python aborts at its end if a thread still waits for a pipe that nobody reads.
os._exit(0)
"""
COMMAND = """
import functools, json, sys
from flowerpower.job_queue import worker_options

settings = json.loads(sys.argv[1])
if settings.get("break"):
    exec(settings["break"])
worker_options.WorkerOptions = functools.partial(
    worker_options.WorkerOptions, lease=settings["lease"]
)
from flowerpower_cli.main import main
sys.argv[1:] = settings["command"]
main()
"""
"""The command line, with a short lease, which it has no option for."""


class WorkerProcess:
    """A worker, or without options a scheduler, and what it has told; or a command that is one."""

    def __init__(
        self,
        site: Site,
        number: int,
        options: dict[str, Any] | None,
        broken: str,
        command: Sequence[str] = (),
    ) -> None:
        self.events_file = site.root / f"worker-{number}.jsonl"
        settings: dict[str, Any] = {"break": broken}
        if command:
            settings |= {"command": command, "lease": LEASE}
        else:
            settings |= {"queue": site.queue_options, "options": options}
        with (
            self.events_file.open("wb") as out,
            (site.root / f"worker-{number}.err").open("wb") as err,
        ):
            self.process = subprocess.Popen(
                [sys.executable, "-c", COMMAND if command else SCRIPT, json.dumps(settings)],
                stdout=out,
                stderr=err,
                env={**os.environ, "MARK": site.mark, "PYTHONDONTWRITEBYTECODE": "1"},
                cwd=site.root,
                start_new_session=True,
            )
        self.errors = site.root / f"worker-{number}.err"

    def events(self, kind: str | None = None) -> list[dict[str, Any]]:
        lines = self.events_file.read_text("utf-8").splitlines(keepends=True)
        events = [json.loads(line) for line in lines if line.endswith("\n")]
        return [each for each in events if kind in (None, each["kind"])]

    def is_up(self) -> bool:
        assert self.process.poll() is None, self.errors.read_text("utf-8")
        return bool(self.events("start"))

    def server(self) -> int | None:
        """The process of the fork server, its only child."""
        return next(iter(children_of(self.process.pid)), None)

    def jobs(self) -> list[int]:
        server = self.server()
        return children_of(server) if server else []

    def signal(self, number: int, *, group: bool = False) -> None:
        with contextlib.suppress(ProcessLookupError):
            (os.killpg if group else os.kill)(self.process.pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.process.wait()

    def memory(self) -> int:
        """Bytes of its own and of its share in what it shares; 0 once it has ended."""
        try:
            text = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text("ascii")
        except OSError:
            return 0
        return sum(
            int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:")
        )

    def stop(self, timeout: float = WAIT_LIMIT) -> int:
        """TERM, and the exit code."""
        self.signal(signal.SIGTERM)
        return self.process.wait(timeout)


def children_of(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    except OSError:
        return []
    return [int(each) for each in text.split()]


class Site:
    """A project with a queue; nothing that was started here is left after `end`."""

    def __init__(self, root: Path, url: str | None = None) -> None:
        self.root = root
        self.url = url
        self.mark = f"mark-{uuid.uuid4()}"
        namespace = uuid.uuid4().hex
        self.type = "rq" if url is not None and url.startswith("redis") else "apscheduler"
        self.queue_options = {
            "type": self.type,
            "base_dir": str(root),
            "url": url,
            "namespace": namespace,
        }
        self.workers: list[WorkerProcess] = []
        (root / "conf" / "pipelines").mkdir(parents=True)
        (root / "pipelines").mkdir()
        (root / "conf" / "project.yml").write_text("name: site\n", encoding="utf-8")
        (root / "traced.py").write_text(TRACE, encoding="utf-8")
        self.queue = JobQueueManager(**self.queue_options)

    @property
    def name(self) -> str:
        """What the queue is on."""
        return "sqlite" if self.url is None else self.url.partition("://")[0]

    def pipeline(self, name: str, body: str, config: str = "{}", parameters: str = "") -> str:
        """A pipeline of one node with this body."""
        code = textwrap.indent(textwrap.dedent(body).strip(), "    ")
        return self.module(name, f"def {name}({parameters}) -> object:\n{code}\n", config)

    def module(self, name: str, code: str, config: str = "{}") -> str:
        (self.root / "pipelines" / f"{name}.py").write_text(textwrap.dedent(code), "utf-8")
        (self.root / "conf" / "pipelines" / f"{name}.yml").write_text(config, "utf-8")
        return name

    def add(self, pipeline: str, job_id: str | None = None, /, **inputs: Any) -> str:
        job_id = job_id or f"{pipeline}-{uuid.uuid4().hex[:8]}"
        return self.queue.add_job(JobSpec(pipeline, RunOverrides(inputs=inputs), id=job_id)).id

    def worker(self, *, broken: str = "", wait: bool = True, **options: Any) -> WorkerProcess:
        """A worker that runs; `broken` is code that breaks it beforehand."""
        worker = WorkerProcess(
            self, len(self.workers), {"lease": LEASE, **options}, textwrap.dedent(broken)
        )
        self.workers.append(worker)
        if wait:
            eventually(worker.is_up)
        return worker

    def scheduler(self, *, broken: str = "", wait: bool = True) -> WorkerProcess:
        """A scheduler that runs; `broken` as for a worker."""
        scheduler = WorkerProcess(self, len(self.workers), None, textwrap.dedent(broken))
        self.workers.append(scheduler)
        if wait:
            eventually(scheduler.is_up)
        return scheduler

    def freeze(self, worker: WorkerProcess) -> None:
        """Stop a worker while it is not writing; else it would keep others from the database."""
        while True:
            worker.signal(signal.SIGSTOP)
            time.sleep(0.05)
            if not self.is_locked():
                return
            worker.signal(signal.SIGCONT)
            time.sleep(0.05)

    def command(self, *command: str, broken: str = "") -> WorkerProcess:
        """A command that works until it is ended; `broken` as for a worker."""
        process = WorkerProcess(self, len(self.workers), None, textwrap.dedent(broken), command)
        self.workers.append(process)
        return process

    def job(self, job_id: str) -> Job:
        return self.queue.get_job(job_id)

    def is_running(self, job_id: str) -> bool:
        return self.job(job_id).status is JobStatus.RUNNING

    def log(self, job_id: str, attempt: int = 1) -> str:
        return "".join(chunk.text for chunk in self.queue.read_log(job_id, attempt))

    def ended(self, job_id: str, timeout: float = WAIT_LIMIT) -> Job:
        """The job, once it has ended."""
        return eventually(
            lambda: job if (job := self.job(job_id)).status.is_ended else None, timeout
        )

    def drained(self, ids: Iterable[str], timeout: float = WAIT_LIMIT) -> list[Job]:
        """The jobs, once all have ended."""
        jobs: list[Job] = []
        waiting = list(ids)

        def all_ended() -> bool:
            for job in map(self.job, waiting[:]):
                if job.status.is_ended:
                    jobs.append(job)
                    waiting.remove(job.id)
            time.sleep(0.05)
            return not waiting

        eventually(all_ended, timeout)
        return jobs

    def run(self, pipeline: str, timeout: float = WAIT_LIMIT, /, **inputs: Any) -> Job:
        return self.ended(self.add(pipeline, **inputs), timeout)

    def is_locked(self) -> bool:
        """Whether somebody is in the middle of a write."""
        if self.type == "rq":
            return False
        if self.url is not None:
            with psycopg.connect(self.url) as connection:
                cursor = connection.execute(
                    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
                    " AND pid <> pg_backend_pid() AND state <> 'idle'"
                )
                return cursor.fetchone() is not None
        database = sqlite3.connect(self.root / ".flowerpower" / "jobs.db", timeout=0)
        with contextlib.closing(database):
            try:
                database.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return True
            return False

    def trace(self) -> list[tuple[str, str, int, float]]:
        """Who began and ended what, in which process and when (see `traced.py`)."""
        file = self.root / "trace"
        lines = file.read_text("utf-8").splitlines() if file.exists() else []
        return [tuple(json.loads(line)) for line in lines]

    def count_runs(self, ids: Iterable[str]) -> None:
        """Count what became of jobs whose runs write the trace."""
        count_runs(map(self.job, ids), self.trace())

    def left(self) -> list[int]:
        return processes_marked(self.mark)

    def end(self) -> None:
        for worker in self.workers:
            worker.signal(signal.SIGCONT)
            worker.kill()
        try:
            eventually(lambda: not self.left())
        finally:
            errors = [worker.errors.read_text("utf-8", "replace") for worker in self.workers]
            raised = [text for text in errors if TRACEBACK in text]
            print(*raised, sep="\n", end="")
            counted(left=len(self.left()), tracebacks=len(raised))
        self.queue.close()


MakeSite = Callable[..., Site]


def value(job: Job) -> Any:
    """The one output of a finished job."""
    assert job.status is JobStatus.FINISHED, job
    assert job.result is not None, job
    (output,) = job.result["outputs"].values()
    return output


def reason(job: Job) -> str:
    """Type and message of a failed job's error."""
    assert job.status is JobStatus.FAILED, job
    assert job.error is not None
    return f"{job.error['type']}: {job.error['message']}"
