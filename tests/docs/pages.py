"""Pages of the documentation: their texts and blocks, and what a terminal shows of a command."""

from __future__ import annotations

import os
import pty
import re
import select
import shlex
import signal
import subprocess
import termios
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.conditions import WAIT_LIMIT
from tests.terminal import ForkedCommand, server_for

COLUMNS = 80
LEFT_OUT = "…"
LONG_RUNNING = ("start-worker", "start-scheduler", "flowerpower dashboard")
IS_UP = re.compile(r"takes jobs from|fires the schedules|Ctrl-C ends it")
FOR_SHELLS = re.compile(r"[|&;<>(){}`$*?~\[\]\\\n]")
"""What a shell does more with than pass it on, outside of quotes."""


@dataclass
class Text:
    """A paragraph, on one line."""

    text: str


@dataclass
class File:
    """A block that is the content of a file, or a part of one."""

    content: str


@dataclass
class Command:
    """A command behind `$`, and the lines below it."""

    page: str
    line: int
    command: str
    shown: str = ""
    block_shows: bool = False

    @property
    def depends_on_speed(self) -> bool:
        """Whether a slow machine does other things too, or in another order."""
        return "start-worker" in self.command or "history" in self.command

    @property
    def runs_on(self) -> bool:
        """Whether it ends only when it is told to."""
        ends = "--burst" in self.command or "--max-jobs" in self.command
        return any(word in self.command for word in LONG_RUNNING) and not ends


def parts_of(path: Path) -> Iterator[Text | File | Command]:
    """The paragraphs and blocks of a page, in their order."""
    lines = path.read_text("utf-8").splitlines()
    paragraph: list[str] = []
    number = 0
    while number < len(lines):
        line = lines[number]
        is_indented = line.startswith("    ") and not paragraph
        if not (line.startswith("```") or is_indented):
            number += 1
            if line.strip():
                paragraph.append(line.strip())
            elif paragraph:
                yield Text(" ".join(paragraph))
                paragraph = []
            continue
        if paragraph:
            yield Text(" ".join(paragraph))
            paragraph = []
        start = number if is_indented else number + 1
        number = start
        if is_indented:
            while number < len(lines) and (not lines[number] or lines[number].startswith("    ")):
                number += 1
            block = [text[4:] for text in lines[start:number]]
        else:
            while not lines[number].startswith("```"):
                number += 1
            block = lines[start:number]
            number += 1
        yield from _block(path.name, start + 1, block)
    if paragraph:
        yield Text(" ".join(paragraph))


def _block(page: str, first: int, lines: list[str]) -> list[File] | list[Command]:
    if not any(line.startswith("$ ") for line in lines):
        return [File("\n".join(lines).rstrip("\n") + "\n")]
    commands: list[Command] = []
    for number, line in enumerate(lines, first):
        if line.startswith("$ "):
            commands.append(Command(page, number, line[2:]))
        elif commands[-1].command.endswith("\\"):
            commands[-1].command += f"\n{line}"
        else:
            commands[-1].shown += f"{line}\n"
    block_shows = any(command.shown.strip() for command in commands)
    for command in commands:
        command.block_shows = block_shows
    return commands


def plain_words(command: str) -> list[str] | None:
    """The words of a call of ours that a shell would pass on; None if there is more to do."""
    if FOR_SHELLS.search(re.sub(r"'[^']*'", "", command)):
        return None
    program, *words = shlex.split(command, comments=True)
    return words if program == "flowerpower" else None


class Shell:
    """Runs commands one after another as in one shell, each on a terminal of its own.

    Plain calls of `flowerpower` are forked, as `tests.terminal` does it.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self.folder = folder
        self.code = 0
        self.environ = environ

    def run(self, command: str, *, until: re.Pattern[str] | None = None) -> str:
        """What the terminal shows at the end; with `until` it is interrupted when that is shown."""
        output, output_end = pty.openpty()
        termios.tcsetwinsize(output_end, (40, COLUMNS))
        folder, folder_end = os.pipe()
        process = self._begin(command, output_end, folder_end)
        os.close(output_end)
        os.close(folder_end)
        screen = Screen()
        try:
            for text in _texts(output):
                screen.write(text)
                if until is not None and until.search(screen.text()):
                    os.killpg(process.pid, signal.SIGINT)
                    until = None
            self.code = process.wait(WAIT_LIMIT)
        except BaseException:
            process.kill()
            raise
        finally:
            os.close(output)
        with os.fdopen(folder) as stream:
            self.folder = Path(stream.read().strip() or self.folder)
        return screen.text()

    def _begin(
        self, command: str, terminal: int, folder_end: int
    ) -> ForkedCommand | subprocess.Popen[bytes]:
        words = plain_words(command)
        server = None if words is None else server_for(words, self.environ)
        if server is not None and words is not None:
            streams = dict.fromkeys(range(3), terminal)
            return server.fork(words, self.folder, self.environ, streams, new_session=True)
        script = f"(exit {self.code})\n{command}\ncode=$?; pwd >&{folder_end}; exit $code"
        return subprocess.Popen(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self.environ,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            pass_fds=[folder_end],
            start_new_session=True,
        )


def _texts(terminal: int) -> Iterator[str]:
    while True:
        ready, _, _ = select.select([terminal], [], [], WAIT_LIMIT)
        assert ready, "the command shows nothing and does not end"
        try:
            content = os.read(terminal, 65536)
        except OSError:
            # The other end is closed.
            return
        if not content:
            return
        yield content.decode(errors="replace")


class Screen:
    """What a terminal shows of what is written to it, as far as our progress bars go."""

    def __init__(self) -> None:
        self._lines = [""]
        self._row = 0

    def write(self, text: str) -> None:
        """Take what a program has written."""
        for control, plain in re.findall(r"(\x1b\[[?0-9;]*[A-Za-z]|[\r\n])|([^\x1b\r\n]+)", text):
            if plain:
                self._lines[self._row] += plain
            elif control == "\n":
                self._row += 1
                if self._row == len(self._lines):
                    self._lines.append("")
            elif control.endswith("A"):
                self._row = max(0, self._row - int(control[2:-1] or 1))
            elif control == "\x1b[2K":
                self._lines[self._row] = ""

    def text(self) -> str:
        """All lines."""
        return "\n".join(self._lines)


_VOLATILE = [
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
    (r"[\w.-]+-\d+-[0-9a-f]{8}\b", "WORKER"),
    (r"http://127\.0\.0\.1:\d+", "ADDRESS"),
    (r"\b[0-9a-f]{8}\b", "SHORT"),
    (r"\d{8}T\d{6}Z", "TIME"),
    (r"\d{4}-\d\d-\d\dT[\d:.]+([+-]\d\d:\d\d)?", "TIME"),
    (r"\b((Mon|Tue|Wed|Thu|Fri|Sat|Sun) )?\d{4}-\d\d-\d\d\b", "DATE"),
    (r"\b\d\d:\d\d:\d\d(\.\d+)?( CES?T)?", "CLOCK"),
    (r'("seconds": )[\d.e-]+', r"\1SECONDS"),
    (r"<?\b\d+(\.\d+)?(ms|[smhd])((?<=[mhd])\d+(\.\d+)?[smh])*\b", "DURATION"),
    (r"─+", "─"),
]


def settled(text: str) -> str:
    """A text without what differs from run to run: times, durations, ids, where lines are broken."""
    for pattern, word in _VOLATILE:
        text = re.sub(pattern, word, text)
    # Without blanks: a path that is longer than a line is broken anywhere.
    return re.sub(r"\s+", "", text)


def is_shown(expected: str, text: str, *, in_any_order: bool = False) -> bool:
    """Whether a terminal's text is as a page says, where `…` is what the page leaves out.

    With `in_any_order` each line of the page must be shown, and there may be others.
    """
    if in_any_order:
        return all(is_shown(f"{LEFT_OUT}{line}{LEFT_OUT}", text) for line in expected.splitlines())
    parts = map(re.escape, settled(expected).split(LEFT_OUT))
    return re.fullmatch(".*?".join(parts), settled(text)) is not None
