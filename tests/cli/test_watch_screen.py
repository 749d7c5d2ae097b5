"""`job-queue watch` on a terminal: a screen with keys, which is put back whatever ends it."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.job import JobStatus
from flowerpower.pipeline import PipelineManager
from tests.cli.watching import ShellInTerminal, beating, prepared
from tests.conditions import eventually
from tests.conftest import MakeProject
from tests.contract.fake_worker import FakeWorker, spec
from tests.terminal import Cli


@pytest.fixture
def backend(make_project: MakeProject) -> Iterator[JobQueueBackend]:
    project = make_project(report=("", "def total(n: int = 1) -> int:\n    return n\n"))
    with contextlib.closing(PipelineManager(project, quiet=True)) as manager:
        yield manager.job_queue.backend


def test_the_screen_follows_what_happens(cli: Cli, backend: JobQueueBackend) -> None:
    """And its keys act: open, log, filter, retry, cancel, pause."""
    with beating(FakeWorker(backend)) as worker, ShellInTerminal(cli) as shell:
        prepared(backend, worker)
        shell.watch()
        shell.shows_all("1 of 3 slots used", "> long", "━━━━━───── 1/2 total", "bad", "waits")
        backend.add_job(spec("new"))
        shell.shows("new")
        shell.type("\r")
        shell.shows_all("long  report  running", "line 39")
        shell.type("l")
        shell.shows_all("Log of long", "line 39")
        shell.type("bb/failed\r")
        shell.shows_all("only failed, 1 jobs", "> bad")
        shell.type("r")
        shell.shows("The job bad is queued again.")
        shell.type("\x1b")
        shell.shows_all("> bad", "long")
        shell.type("p")
        shell.shows("Pause the queue default")
        shell.type("y")
        shell.shows("paused since")
        assert set(backend.paused_queues()) == {"default"}
        shell.type("p")
        shell.shows("The queue default is no longer paused.")
        shell.type("gc")
        shell.shows("Cancel the job long of report?")
        shell.type("y")
        shell.shows("is being cancelled")
        shell.type("?")
        shell.shows("Ctrl-Z suspends")
        shell.resize(60, 12)
        shell.shows("b back  q quit")
        shell.type("q")
        shell.left()
        assert shell.answer("echo $?") == "0"
    assert worker.status("bad") is JobStatus.QUEUED


def test_the_terminal_is_put_back_whatever_ends_it(cli: Cli, backend: JobQueueBackend) -> None:
    """By q, Ctrl-C, SIGTERM, SIGQUIT, SIGHUP and --for; and while Ctrl-Z stops it."""
    prepared(backend)
    with ShellInTerminal(cli) as shell:
        before = shell.answer("stty -g")
        for stop, code in (
            (lambda: shell.type("q"), "0"),
            (lambda: shell.type("\x03"), "130"),
            (lambda: shell.end_watch(signal.SIGTERM), "143"),
            (lambda: shell.end_watch(signal.SIGQUIT), "131"),
        ):
            shell.watch()
            stop()
            left = shell.left()
            assert "Traceback" not in left
            assert shell.answer("echo $?") == code, left
            assert shell.answer("stty -g") == before
        shell.watch()
        shell.type("\x1a")
        assert "Stopped" in shell.left()
        assert shell.answer("stty -g") == before
        shell.type("fg\n")
        shell.shows_all("> long", "q quit")
        shell.type("q")
        shell.left()
        assert shell.answer("stty -g") == before
        shell.watch("--for", "200ms")
        shell.left()
        assert shell.answer("echo $?") == "0"
        assert shell.answer("stty -g") == before


def test_without_keys_the_screen_is_shown_all_the_same(cli: Cli, backend: JobQueueBackend) -> None:
    """Where stdin is no terminal; and a terminal that is none gets lines."""
    prepared(backend)
    with ShellInTerminal(cli) as shell:
        shell.watch("--for", "300ms", "< /dev/null")
        shell.shows("> long")
        shell.left()
    dumb = cli.run_in_terminal("job-queue", "watch", "--for", "0s", TERM="dumb")
    assert (dumb.code, dumb.stdout) == (0, "")
    assert "Watching" in dumb.stderr


def test_the_last_picture_stays_while_the_backend_is_away(
    cli: Cli, backend: JobQueueBackend
) -> None:
    """With its age; it goes on by itself."""
    prepared(backend)
    backend.close()
    file = cli.folder / ".flowerpower" / "jobs.db"
    with ShellInTerminal(cli) as shell:
        shell.watch()
        file.rename(file.with_name("hidden"))
        file.mkdir()
        shell.shows_all("trying again", "> long")
        file.rmdir()
        file.with_name("hidden").rename(file)
        eventually(lambda: shell.shows("> long") and "trying again" not in shell.screen)
        shell.type("q")
        shell.left()


def test_the_terminal_is_put_back_after_an_unforeseen_failure(
    cli: Cli, backend: JobQueueBackend, tmp_path: Path
) -> None:
    """Of the thread that reads, too; it is one message."""
    prepared(backend)
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text(
        "from flowerpower_cli.watch.reader import QueueReader\n"
        "def look(self):\n"
        "    if hasattr(self, 'again'):\n"
        "        raise LookupError('a bug')\n"
        "    self.again = True\n"
        "    return []\n"
        "QueueReader.look = look\n"
    )
    path = f"{broken}:{Path(__file__).parents[2]}"
    with ShellInTerminal(cli, PYTHONPATH=path) as shell:
        before = shell.answer("stty -g")
        shell.watch()
        left = shell.left()
        assert "Something unexpected went wrong: LookupError: a bug" in left
        assert "Traceback" not in left
        assert shell.answer("echo $?") == "1"
        assert shell.answer("stty -g") == before
