"""Runs the command line as users do: a process of its own, on pipes or on a terminal."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import termios
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

COMMAND = [sys.executable, "-m", "flowerpower_cli"]
TIMEOUT = 60.0


@dataclass(frozen=True)
class Ended:
    """What a process left behind."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """What stdout holds, as JSON."""
        return json.loads(self.stdout)

    @property
    def error(self) -> dict[str, Any]:
        """The JSON error that is the last line of stderr."""
        body: dict[str, Any] = json.loads(self.stderr.strip().splitlines()[-1])["error"]
        return body


@dataclass
class Cli:
    """The command line in `folder`, with an environment of its own."""

    folder: Path
    home: Path
    environ: dict[str, str] = field(default_factory=dict)

    def _environ(self, extra: dict[str, str | None]) -> dict[str, str]:
        kept = {"PATH": os.environ["PATH"], "HOME": str(self.home), "LANG": "C.UTF-8"}
        repository = str(Path(__file__).parents[1])
        merged = {
            **kept,
            "PYTHONPATH": repository,
            "TERM": "xterm-256color",
            **self.environ,
            **extra,
        }
        return {key: value for key, value in merged.items() if value is not None}

    def run(
        self,
        *arguments: str | bytes,
        stdin: str | bytes | None = None,
        code: int | None = None,
        **environ: str | None,
    ) -> Ended:
        """Run `flowerpower ARGUMENTS` on pipes; with `code`, that must be the exit code."""
        done = subprocess.run(
            [*COMMAND, *arguments],
            cwd=self.folder,
            env=self._environ(environ),
            input=stdin.encode() if isinstance(stdin, str) else stdin or b"",
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
        ended = Ended(done.returncode, done.stdout.decode(), done.stderr.decode())
        if code is not None:
            assert ended.code == code, ended
        return ended

    def start(self, *arguments: str, **environ: str | None) -> subprocess.Popen[str]:
        """Start `flowerpower ARGUMENTS` on pipes, and go on; `with` it, or end it yourself."""
        return subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=self.folder,
            env=self._environ(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run_closed(self, *arguments: str, number: int) -> Ended:
        """As `run`, with one of the descriptors 0 to 2 closed."""
        done = subprocess.run(
            ["sh", "-c", f'exec "$@" {number}>&-', "sh", *COMMAND, *arguments],
            cwd=self.folder,
            env=self._environ({}),
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
        return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())

    def run_in_terminal(
        self, *arguments: str, columns: int = 100, typed: str = "", **environ: str | None
    ) -> Ended:
        """As `run`, with stdin and stderr on one terminal and stdout on another."""
        out, out_end = pty.openpty()
        err, err_end = pty.openpty()
        for end in (out_end, err_end):
            termios.tcsetwinsize(end, (40, columns))
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=self.folder,
            env=self._environ(environ),
            stdin=err_end,
            stdout=out_end,
            stderr=err_end,
            start_new_session=True,
        )
        os.close(out_end)
        os.close(err_end)
        if typed:
            os.write(err, typed.encode())
        texts = _read_until_closed(out, err)
        code = process.wait(TIMEOUT)
        return Ended(code, texts[out].decode(), texts[err].decode())


def _read_until_closed(*masters: int) -> dict[int, bytes]:
    texts = dict.fromkeys(masters, b"")
    left = list(masters)
    while left:
        ready, _, _ = select.select(left, [], [], TIMEOUT)
        assert ready, f"nothing came for {TIMEOUT} s: {texts}"
        for master in ready:
            try:
                chunk = os.read(master, 65536)
            except OSError:
                chunk = b""
            if not chunk:
                left.remove(master)
                os.close(master)
            texts[master] += chunk
    return texts
