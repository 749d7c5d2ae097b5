"""A real terminal with a real shell in it, in which somebody watches a queue."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import shlex
import signal
import subprocess
import termios
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.job import JobStatus
from tests.conditions import WAIT_LIMIT, eventually
from tests.contract.fake_worker import FakeWorker, spec
from tests.terminal import COMMAND, Cli

PROMPT = "ready> "
_PLACED = re.compile(r"\x1b\[(\d+);1H(.*?)\x1b\[0m\x1b\[K", re.DOTALL)
_STYLE = re.compile(r"\x1b\[[0-9;]*m")
_ENTER, _LEAVE = "\x1b[?1049h", "\x1b[?1049l"


@contextlib.contextmanager
def beating(worker: FakeWorker) -> Iterator[FakeWorker]:
    """The worker sends heartbeats meanwhile, so that it is alive however long the test takes."""
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(1.0):
            worker.backend.heartbeat(worker.name)

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield worker
    finally:
        stop.set()
        thread.join()


def prepared(backend: JobQueueBackend, worker: FakeWorker | None = None) -> None:
    """A worker with a running job, a failed one, and one that waits."""
    worker = worker or FakeWorker(backend)
    worker.make(JobStatus.FAILED, "bad")
    running = worker.make(JobStatus.RUNNING, "long")
    assert running is not None
    progress: dict[str, Any] = {"done": 1, "total": 2, "current": "total", "nodes": {}}
    backend.record(running, "".join(f"line {number}\n" for number in range(40)), progress)
    backend.add_job(spec("waits"))


class ShellInTerminal:
    """bash on a terminal of its own; `screen` is what `watch` has drawn there."""

    def __init__(self, cli: Cli, *, columns: int = 80, lines: int = 24, **environ: str) -> None:
        self.output = ""
        self.lines = lines
        self._ours, its = pty.openpty()
        termios.tcsetwinsize(its, (lines, columns))
        self._process = subprocess.Popen(
            ["bash", "--norc", "--noprofile", "-i"],
            cwd=cli.folder,
            env=cli.merged_environ(PS1=PROMPT, **environ),
            stdin=its,
            stdout=its,
            stderr=its,
            start_new_session=True,
            # Ctrl-C and Ctrl-Z reach who has the terminal as its own.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(its)
        self.wait_for(PROMPT)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: object, _trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._ours)

    def type(self, text: str) -> None:
        """Type on its keyboard."""
        os.write(self._ours, text.encode())

    def resize(self, columns: int, lines: int) -> None:
        """As if its window was made larger or smaller."""
        self.lines = lines
        termios.tcsetwinsize(self._ours, (lines, columns))

    def wait_for(self, text: str) -> str:
        """The output up to that text, as soon as it has come; it counts no more afterwards."""
        deadline = time.monotonic() + WAIT_LIMIT
        while text not in self.output:
            assert time.monotonic() < deadline, (text, self.output[-3000:])
            self._read()
        before, _, self.output = self.output.partition(text)
        return before

    def _read(self) -> None:
        if select.select([self._ours], [], [], 0.05)[0]:
            self.output += os.read(self._ours, 65536).decode(errors="replace")

    def run(self, command: str) -> str:
        """What a command of the shell prints."""
        self.type(f"{command}; echo done:\n")
        self.wait_for("done:\r\n")
        self.type("\n")
        return self.wait_for(PROMPT)

    def answer(self, command: str) -> str:
        """The one line that a command of the shell prints."""
        self.type(f"printf '<%s>\\n' \"$({command})\"\n")
        self.wait_for("\r<")
        answer = self.wait_for(">\r\n")
        self.wait_for(PROMPT)
        return answer

    def watch(self, *arguments: str) -> None:
        """Start `watch`, and wait until it shows something."""
        self.type(f"{shlex.join(COMMAND)} job-queue watch --refresh 100ms {' '.join(arguments)}\n")
        self.wait_for(_ENTER)
        self.shows("q quit")

    def shows(self, text: str) -> str:
        """What is on the screen as soon as that is there."""
        return self.shows_all(text)

    def shows_all(self, *texts: str) -> str:
        """What is on the screen as soon as all of that is there."""

        def has_all() -> str | None:
            self._read()
            screen = self.screen
            return screen if all(text in screen for text in texts) else None

        try:
            return str(eventually(has_all))
        except AssertionError:
            raise AssertionError((texts, self.screen)) from None

    @property
    def screen(self) -> str:
        """The lines that were drawn last."""
        rows = [""] * self.lines
        for number, content in _PLACED.findall(self.output.rpartition("\x1b[2J")[2]):
            if int(number) <= self.lines:
                rows[int(number) - 1] = _STYLE.sub("", content)
        return "\n".join(rows)

    def left(self) -> str:
        """What comes after `watch` has given the screen back, up to the prompt of the shell."""
        self.wait_for(_LEAVE)
        return self.wait_for(PROMPT)

    def watching_pid(self) -> int:
        """The process of `watch`: the one that has the terminal."""
        return os.tcgetpgrp(self._ours)

    def end_watch(self, number: signal.Signals) -> None:
        """Send that process a signal."""
        os.kill(self.watching_pid(), number)
