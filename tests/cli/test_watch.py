"""`job-queue watch`: a line for each event, or a screen with keys that is put back at its end."""

from __future__ import annotations

import contextlib
import itertools
import json
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.claim import AttemptResult
from flowerpower.jobs.job import JobStatus
from flowerpower.pipeline import PipelineManager
from flowerpower.triggers import clock
from tests.conditions import eventually
from tests.conftest import MakeProject
from tests.contract.fake_worker import FINISHED, FakeWorker, in_seconds, retry_at, spec
from tests.terminal import COMMAND, Cli

REPORT = (
    "run: {inputs: {password: '${DB_PASSWORD}'}}\n",
    "def total(n: int = 1) -> int:\n    return n\n",
)


@pytest.fixture
def project(make_project: MakeProject, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DB_PASSWORD", "tulip-in-winter")
    return make_project(report=REPORT)


@pytest.fixture
def backend(project: Path) -> Iterator[JobQueueBackend]:
    with contextlib.closing(PipelineManager(project, quiet=True)) as manager:
        yield manager.job_queue.backend


class Watching:
    """A watch on pipes, once it has looked for the first time, and the lines it has printed."""

    def __init__(self, cli: Cli, *arguments: str) -> None:
        self.lines: list[str] = []
        self._process = cli.start(
            "job-queue", "watch", "--refresh", "50ms", *arguments, DB_PASSWORD="tulip-in-winter"
        )
        assert self._process.stderr is not None
        # With --quiet it does not say so.
        if "--quiet" not in arguments:
            assert "Watching the job queue of demo." in self._process.stderr.readline()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line)

    def until(self, text: str) -> list[str]:
        """Its lines, once one has that text."""
        eventually(lambda: any(text in line for line in list(self.lines)))
        return self.lines

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send it a signal, and wait until it has ended as it should."""
        self._process.send_signal(number)
        self._thread.join()
        with self._process as process:
            assert process.stderr is not None
            assert "Traceback" not in process.stderr.read()
        assert process.returncode == {signal.SIGTERM: 143, signal.SIGINT: 130}[number]


def happen(backend: JobQueueBackend) -> None:
    """One of everything, the last being that the queue `default` is paused."""
    worker = FakeWorker(backend)
    backend.add_job(spec("good"))
    assert worker.finish(worker.take(), FINISHED)
    backend.add_job(spec("bad"))
    error = {"type": "ValueError", "message": "[/] \x1b[31mtulip-in-winter\nmore", "node": "total"}
    first = worker.take()
    retry = replace(retry_at(in_seconds(0)), ended_at=clock.now(), seconds=0.0)
    assert worker.finish(first, retry)
    assert worker.finish(worker.take(), AttemptResult(JobStatus.FAILED, error=error, seconds=1.5))
    backend.unregister_worker(worker.name)
    backend.pause_queue("default")
    backend.resume_queue("default")
    backend.pause_queue("default")


def test_events_are_lines_and_json(cli: Cli, backend: JobQueueBackend) -> None:
    """All of what happened, in its order, escaped and masked."""
    text, as_json = Watching(cli), Watching(cli, "--json")
    happen(backend)
    lines = text.until("is paused")
    events = [json.loads(line) for line in as_json.until("queue_paused")]
    kinds = [event["event"] for event in events if not event["event"].startswith("worker")]
    assert kinds == [
        "job_added", "job_started", "job_ended",
        "job_added", "job_started", "attempt_failed", "job_started", "job_ended", "queue_paused",
    ]  # fmt: skip
    assert all(clock.parse_time(event["time"]).tzinfo for event in events)
    end_of_bad = next(event for event in reversed(events) if event["event"] == "job_ended")
    assert (end_of_bad["job"], end_of_bad["status"], end_of_bad["attempt"]) == ("bad", "failed", 2)
    assert end_of_bad["seconds"] == 1.5
    printed = "".join(lines)
    assert "  good  report  added to default\n" in printed
    assert "  good  report  finished" in printed
    assert r"bad  report  attempt 2 failed in 1.5s: total: ValueError: [/] \x1b[31m***" in printed
    assert "The queue default is paused: it gives no jobs.\n" in printed
    assert all(clock.parse_time(line.split("  ")[0]).tzinfo for line in lines)
    text.end(signal.SIGINT)
    as_json.end()
    assert "tulip-in-winter" not in printed + "".join(as_json.lines)


def test_quiet_prints_the_ids_of_jobs_as_they_end(cli: Cli, backend: JobQueueBackend) -> None:
    """And nothing else."""
    watching, worker = Watching(cli, "--quiet"), FakeWorker(backend)
    for number in itertools.count():
        # It does not say when it has looked for the first time.
        worker.make(JobStatus.FINISHED, f"job-{number}")
        if watching.lines:
            break
        time.sleep(0.05)
    watching.end()
    assert all(line.startswith("job-") for line in watching.lines)


def test_it_ends_by_itself(cli: Cli, backend: JobQueueBackend) -> None:
    """After --for, with 0; and quietly when nobody reads any more."""
    ended = cli.run("job-queue", "watch", "--for", "0s", code=0)
    assert (ended.stdout, ended.stderr) == ("", "Watching the job queue of demo.\n")
    command = shlex.join([*COMMAND, "job-queue", "watch", "--refresh", "50ms"])
    line = f"{command} | head -1; echo ${{PIPESTATUS[0]}}"
    with subprocess.Popen(
        ["bash", "-c", line],
        cwd=cli.folder,
        env=cli.merged_environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        process.stderr.readline()
        for number in range(3):
            backend.add_job(spec(f"j{number}"))
        backend.add_job(spec("later"))
        stop = threading.Event()

        def go_on() -> None:
            # It notices with the next line that nobody reads.
            number = 0
            while not stop.wait(0.1):
                number += 1
                backend.add_job(spec(f"more-{number}"))

        thread = threading.Thread(target=go_on)
        thread.start()
        output, errors = process.communicate()
        stop.set()
        thread.join()
    assert output.endswith("added to default\n0\n")
    assert len(output.splitlines()) == 2
    assert errors == ""


@pytest.mark.parametrize("value", ["1ms", "soon", "-1s"])
def test_a_wrong_interval_is_refused(cli: Cli, project: Path, value: str) -> None:
    """With 2, saying what is expected."""
    assert "refresh" in cli.run("job-queue", "watch", "--refresh", value, code=2).stderr


def test_a_backend_that_cannot_be_opened_is_an_error(cli: Cli, make_project: MakeProject) -> None:
    """Once it was there, it is waited for."""
    url = "redis://127.0.0.1:1/0"
    make_project(f"name: demo\njob_queue: {{type: rq, backend: {{url: '{url}'}}}}\n")
    assert cli.run("job-queue", "watch", "--json", code=5).error["code"] == "backend_unreachable"


def test_a_backend_that_goes_away_is_waited_for(cli: Cli, backend: JobQueueBackend) -> None:
    """And what happened meanwhile is said."""
    file = cli.folder / ".flowerpower" / "jobs.db"
    watching = Watching(cli, "--json")
    backend.add_job(spec("before"))
    watching.until("before")
    # A folder that nobody may enter would not stop root.
    hidden = file.with_name("hidden")
    backend.close()
    file.rename(hidden)
    file.mkdir()
    watching.until("unreachable")
    file.rmdir()
    hidden.rename(file)
    with contextlib.closing(PipelineManager(cli.folder, quiet=True)) as manager:
        manager.job_queue.backend.add_job(spec("meanwhile"))
    events = [json.loads(line) for line in watching.until("meanwhile")]
    watching.end()
    kinds = [event["event"] for event in events]
    assert kinds == ["job_added", "unreachable", "reachable", "job_added"]
