"""Where output goes: results to stdout or to a file, everything else to stderr.

Texts of users are data: nothing in them is read as markup, control characters are shown as
escapes, secrets as ***.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from flowerpower.errors import FlowerpowerError, Refused
from flowerpower.text import json_may_hold_secret, mask, mask_values, one_line, visible

if TYPE_CHECKING:
    from rich.console import Console

    from flowerpower_cli.views.tables import Block, Line

PIPE_WIDTH = 100_000
"""Characters; so many that Rich cuts and folds nothing where there is no terminal."""


class Output:
    """Where a command's result, messages and errors go.

    Attributes:
        json: the result is one JSON value.
        quiet: the result is only ids, and messages are left out.
        verbose: 0, 1 (more messages) or 2 (causes of errors too).
        has_log_lines: messages and errors are lines of a service's log in JSON.
    """

    def __init__(
        self, *, json: bool = False, quiet: bool = False, verbose: int = 0, color: bool = True
    ) -> None:
        self.json = json
        self.quiet = quiet
        self.verbose = verbose
        self.has_log_lines = False
        self._color = color
        self._consoles: dict[int, Console] = {}

    def console(self, stream: TextIO) -> Console:
        """Rich's console on stdout or stderr."""
        number = stream.fileno()
        if number not in self._consoles:
            from rich.console import Console

            plain = not self._color or bool(os.environ.get("NO_COLOR")) or _is_dumb()
            self._consoles[number] = Console(
                file=stream,
                color_system=None if plain else "auto",
                highlight=False,
                markup=False,
                emoji=False,
                width=None if stream.isatty() else PIPE_WIDTH,
            )
        return self._consoles[number]

    def show(self, stream: TextIO, blocks: Iterable[Block]) -> None:
        """Print blocks: drawn by Rich on a terminal, as plain text elsewhere."""
        drawn = stream.isatty() or bool(os.environ.get("FORCE_COLOR"))
        # Rich puts blank lines around a table; a second one before a section would be too many.
        blank_above = True
        with flushing(stream):
            for block in blocks:
                if block.starts_section and not blank_above:
                    stream.write("\n")
                blank_above = drawn and block.has_margins
                if drawn:
                    self.console(stream).print(block.rich())
                else:
                    stream.writelines(text + "\n" for text in block.plain_lines())

    @property
    def can_animate(self) -> bool:
        """Whether stderr is a terminal on which a progress bar can move."""
        return sys.stderr.isatty() and not _is_dumb() and not self.quiet

    def result(
        self, data: Any, view: Callable[[], Iterable[Block]], ids: Iterable[str] | None = None
    ) -> None:
        """Print a result: `data` with --json, the `ids` with --quiet, else what `view` yields.

        Without `ids`, those in the data: it is a record or a list of records.
        """
        if self.json:
            write_line(sys.stdout, dump_json(data))
        elif self.quiet:
            if ids is None:
                ids = [record["id"] for record in (data if isinstance(data, list) else [data])]
            for item_id in ids:
                write_line(sys.stdout, one_line(item_id))
        else:
            self.show(sys.stdout, view())

    def write(self, content: bytes, path: Path | None) -> None:
        """Write bytes to a file and say so, or to stdout as they are."""
        if path is not None:
            write_file(path, content)
            self.message(f"Wrote {path}.")
            return
        with flushing(sys.stdout):
            sys.stdout.flush()
            sys.stdout.buffer.write(content)

    def message(self, text: str) -> None:
        """Print a line for people on stderr; --quiet leaves it out."""
        if self.has_log_lines:
            self._log_line("message", "info", text)
        elif not self.quiet:
            self.plain_line(text)

    def warning(self, text: str) -> None:
        """Print something that people should know although the command goes on."""
        if self.has_log_lines:
            self._log_line("message", "warning", text)
        else:
            self.plain_line(f"Warning: {text}")

    def _log_line(self, event: str, level: str, text: str, **facts: Any) -> None:
        from flowerpower.jobs.log_lines import json_line

        write_line(sys.stderr, json_line(event, level, text, facts))

    def plain_line(self, text: str) -> None:
        """Print a text on stderr, masked and escaped, with --quiet too."""
        write_line(sys.stderr, visible(mask(text)))

    def error(self, error: FlowerpowerError) -> None:
        """Print an expected failure: what happened, and a hint; with --json as a JSON object."""
        if self.json:
            import json

            body = {"error": mask_values(error.to_json(), named=True)}
            if self.has_log_lines:
                self._log_line("error", "error", error.message, **body)
                return
            write_line(sys.stderr, json.dumps(body))
            return
        self.show(sys.stderr, self._error_lines(error))

    def _error_lines(self, error: FlowerpowerError) -> Iterator[Line]:
        from flowerpower_cli.views.tables import Cell, Line, line, text_lines

        first, *rest = text_lines(str(error)) or [line("")]
        yield Line((Cell("Error: ", "bold red"), *first.cells))
        yield from rest
        if error.hint:
            first, *rest = text_lines(error.hint)
            yield Line((Cell("Hint: ", "bold cyan"), *first.cells))
            yield from rest
        if self.verbose >= 2:
            for cause in _causes(error):
                yield line(f"  caused by {cause}", "dim")

    def confirm(self, question: str, *, yes: bool) -> None:
        """Ask whether to go on, unless `yes`; Refused if the answer is no or nobody can answer."""
        if yes:
            return
        answer = self.ask(f"{question} Go on? [y/N]")
        if answer is None:
            raise Refused(f"{question} Nothing was done.", hint="Say --yes to do it.")
        if answer.lower() not in ("y", "yes"):
            raise Refused("Nothing was done.")

    @property
    def can_ask(self) -> bool:
        """Whether somebody is there to answer a question."""
        is_terminal = sys.stdin.isatty() and sys.stderr.isatty()
        return is_terminal and not os.environ.get("CI") and not self.json

    def ask(self, question: str) -> str | None:
        """The line that is typed as the answer; None if nobody can answer."""
        if not self.can_ask:
            return None
        sys.stderr.write(f"{visible(mask(question))} ")
        sys.stderr.flush()
        return sys.stdin.readline().strip()


def _is_dumb() -> bool:
    return os.environ.get("TERM", "").lower() in ("dumb", "unknown")


def _causes(error: BaseException) -> list[str]:
    causes: list[str] = []
    cause = error.__cause__ or error.__context__
    while cause is not None and len(causes) < 20:
        causes.append(f"{type(cause).__name__}: {_text(cause)}")
        cause = cause.__cause__ or cause.__context__
    return causes


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as second:  # noqa: BLE001 - a user's __str__ may raise anything
        return f"<str() raised {type(second).__name__}>"


@contextlib.contextmanager
def flushing(stream: TextIO) -> Iterator[None]:
    """Flush `stream` after what is written inside.

    Raises:
        FlowerpowerError: if stdout cannot take it; BrokenPipeError if its reader has gone.
    """
    try:
        yield
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        # An error about stderr has no stream left to be printed on.
        if stream is sys.stdout:
            raise FlowerpowerError(f"The output cannot be written: {error.strerror}.") from None


def dump_json(data: Any) -> str:
    """JSON as every command prints it: ASCII, indented, secrets masked, no NaN."""
    from flowerpower_cli.views.indented_json import indented_json

    text = indented_json(data)
    return indented_json(mask_values(data)) if json_may_hold_secret(text) else text


def write_line(stream: TextIO, text: str) -> None:
    """Write one line and flush it."""
    with flushing(stream):
        stream.write(text + "\n")


def check_writable(path: Path | None) -> None:
    """Before a run that may take hours: FlowerpowerError says why a file cannot be written."""
    if path is None:
        return
    folder = path.absolute().parent
    reason = None
    if path.is_dir():
        reason = "it is a folder"
    elif not folder.is_dir():
        reason = "No such file or directory"
    elif not os.access(path if path.exists() else folder, os.W_OK):
        reason = "Permission denied"
    if reason:
        raise FlowerpowerError(f"{path} cannot be written: {reason}.")


def write_file(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all, and missing folders; FlowerpowerError if that fails."""
    from flowerpower.files import atomic

    try:
        target = path.resolve()
        if target.exists() and not target.is_file():
            # A device or a pipe (/dev/stdout, >(command)) is written to, never replaced.
            path.write_bytes(content)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            atomic.write_file(target, content)
    except OSError as error:
        raise FlowerpowerError(f"{path} cannot be written: {error.strerror}.") from None


@contextlib.contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """Send what the process writes to stdout to stderr while user code runs inside.

    Descriptors are moved, because subprocesses and C code write past sys.stdout. Streams that
    user code replaced or closed are put back.
    """
    streams = sys.stdin, sys.stdout, sys.stderr
    process = os.getpid()
    sys.stdout.flush()
    saved = {number: os.dup(number) for number in (1, 2)}
    os.dup2(2, 1)
    try:
        yield
    finally:
        if os.getpid() != process:
            # A pipeline forked, and this is the child: only the parent shows the result.
            os._exit(0)
        for stream in {sys.stdout, streams[1]} - {None}:
            with contextlib.suppress(OSError, ValueError, AttributeError):
                stream.flush()
        for number, descriptor in saved.items():
            os.dup2(descriptor, number)
            os.close(descriptor)
        sys.stdin, sys.stdout, sys.stderr = streams
        for name, number in (("stdout", 1), ("stderr", 2)):
            if getattr(sys, name).closed:
                stream = os.fdopen(os.dup(number), "w", encoding="utf-8", errors="backslashreplace")
                setattr(sys, name, stream)
