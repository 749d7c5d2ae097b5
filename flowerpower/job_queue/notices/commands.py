"""Notices to a command: a program of the user's, with the notice on its standard input."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from flowerpower.job_queue.notices.outcome import NotSent
from flowerpower.text import mask, one_line

MAX_OUTPUT = 300
"""Characters of a command's output that the message of its failure shows: the end."""
_STARTING = threading.Lock()
_running: set[int] = set()


@contextlib.contextmanager
def left_alone() -> Iterator[frozenset[int]]:
    """Inside the block no command is started; the value are the process ids of those that run.

    For who reaps children that are not its own: the exit code of a command is for us.
    """
    with _STARTING:
        yield frozenset(_running)


def run_command(
    command: str | list[str],
    folder: Path,
    content: bytes,
    variables: Mapping[str, str],
    timeout: float,
) -> None:
    """Run a command in `folder`: a list without a shell, a text with one.

    It has `content` as its standard input and `variables` beside those of this process.

    Raises:
        NotSent: with its exit code and the end of its output; or as `run_program`.
    """
    argv = ["/bin/sh", "-c", command] if isinstance(command, str) else command
    code, output = run_program(argv, folder, content, variables, timeout)
    if code != 0:
        how = f"exit code {code}" if code > 0 else f"ended by signal {-code}"
        raise NotSent(f"{how}: {output}" if output else how)


def run_program(
    argv: list[str], folder: Path, content: bytes, variables: Mapping[str, str], timeout: float
) -> tuple[int, str]:
    """Run a program; its exit code, and the end of its output on one line, masked.

    When its time is up, it is killed with all that it has started.

    Raises:
        NotSent: if it cannot be started, or takes longer than `timeout` seconds.
    """
    # Files, not pipes: what the program leaves running may keep a pipe open for ever.
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as output:
        given.write(content)
        given.seek(0)
        try:
            with _STARTING:
                process = subprocess.Popen(  # noqa: S603 - the project's own configuration names it
                    argv,
                    cwd=folder,
                    stdin=given,
                    stdout=output,
                    stderr=output,
                    env={**os.environ, **variables},
                    start_new_session=True,
                )
                _running.add(process.pid)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise NotSent(f"it cannot be started: {reason}") from None
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise NotSent(f"it ran longer than {timeout:g} s and was ended") from None
        finally:
            _running.discard(process.pid)
        size = output.seek(0, os.SEEK_END)
        output.seek(max(0, size - 4 * MAX_OUTPUT))
        said = output.read().decode("utf-8", "replace").strip()
        return code, one_line(mask(said))[-MAX_OUTPUT:]
