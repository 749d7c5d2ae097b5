"""What a person or a program is shown: results on stdout, everything else on stderr.

Texts of users go through here as data: nothing in them is read as markup, control characters
are shown as escapes, secrets as ***.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TextIO

from flowerpower.errors import FlowerpowerError, Refused
from flowerpower.text import mask, mask_values, one_line, visible

if TYPE_CHECKING:
    from rich.console import Console

    from flowerpower_cli.views.tables import Line, Shape

# Wide enough that nothing is cut or folded where no terminal sets a width.
PIPE_WIDTH = 100_000


class Output:
    """Where a command's result, messages and errors go.

    Attributes:
        json: the result is one JSON value.
        quiet: the result is ids only, and messages are left out.
        verbose: 0, 1 (more messages) or 2 (causes of errors too).
    """

    def __init__(
        self, *, json: bool = False, quiet: bool = False, verbose: int = 0, color: bool = True
    ) -> None:
        self.json = json
        self.quiet = quiet
        self.verbose = verbose
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

    def show(self, stream: TextIO, shapes: Iterable[Shape]) -> None:
        """Lines and tables, drawn on a terminal, as plain text elsewhere."""
        drawn = stream.isatty() or bool(os.environ.get("FORCE_COLOR"))
        # A table that is drawn has blank lines around it.
        is_set_off = True
        with written(stream):
            for shape in shapes:
                if shape.starts_section and not is_set_off:
                    stream.write("\n")
                is_set_off = drawn and shape.is_set_off
                if drawn:
                    self.console(stream).print(shape.rich())
                    continue
                for text in shape.plain():
                    stream.write(text + "\n")

    @property
    def is_animated(self) -> bool:
        """Whether a progress bar may move: stderr is a terminal that can."""
        return sys.stderr.isatty() and not _is_dumb() and not self.quiet

    def result(
        self,
        data: Any,
        human: Callable[[], Iterable[Shape]],
        ids: Iterable[str] = (),
    ) -> None:
        """Show a result: `data` as JSON, or what `human` yields, or with --quiet the `ids`."""
        if self.json:
            write_line(sys.stdout, dump_json(data))
        elif self.quiet:
            for each in ids:
                write_line(sys.stdout, one_line(each))
        else:
            self.show(sys.stdout, human())

    def message(self, text: str) -> None:
        """A line for people on stderr; not shown with --quiet."""
        if not self.quiet:
            self.plain_line(text)

    def warning(self, text: str) -> None:
        """Something that people should know and that stopped nothing."""
        self.plain_line(f"Warning: {text}")

    def plain_line(self, text: str) -> None:
        """Text on stderr as it is, masked and escaped."""
        write_line(sys.stderr, visible(mask(text)))

    def error(self, error: FlowerpowerError) -> None:
        """An expected failure: what happened, and a hint; with --json as one JSON object."""
        if self.json:
            body = {"error": mask_values(error.to_json(), named=True)}
            write_line(sys.stderr, json.dumps(body))
            return
        self.show(sys.stderr, self._told(error))

    def _told(self, error: FlowerpowerError) -> Iterator[Line]:
        from flowerpower_cli.views.tables import Cell, Line, block, line

        first, *rest = block(str(error)) or [line("")]
        yield Line((Cell("Error: ", "bold red"), *first.cells))
        yield from rest
        if error.hint:
            first, *rest = block(error.hint)
            yield Line((Cell("Hint: ", "bold cyan"), *first.cells))
            yield from rest
        if self.verbose >= 2:
            for cause in _causes(error):
                yield line(f"  caused by {cause}", "dim")

    def confirm(self, question: str, *, yes: bool) -> None:
        """Go on only if a person says so, or said so with --yes.

        Raises:
            Refused: if the answer is no, or nobody can be asked.
        """
        if yes:
            return
        asked = sys.stdin.isatty() and sys.stderr.isatty() and not os.environ.get("CI")
        if not asked or self.json:
            raise Refused(f"{question} Nothing was done.", hint="Say --yes to do it.")
        sys.stderr.write(f"{visible(mask(question))} Go on? [y/N] ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise Refused("Nothing was done.")


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
def written(stream: TextIO) -> Iterator[None]:
    """What is written to `stream` meanwhile is flushed.

    Raises:
        FlowerpowerError: if stdout cannot take it; BrokenPipeError if its reader has gone.
    """
    try:
        yield
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        # Nobody can be told that stderr is full.
        if stream is sys.stdout:
            raise FlowerpowerError(f"The output cannot be written: {error.strerror}.") from None


def dump_json(data: Any) -> str:
    """JSON as every command prints it: ASCII, indented, secrets masked, no NaN."""
    return json.dumps(mask_values(data), indent=2, allow_nan=False)


def write_line(stream: TextIO, text: str) -> None:
    """One line on `stream`, at once."""
    with written(stream):
        stream.write(text + "\n")


@contextlib.contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """While this lasts, what anything in the process writes to stdout goes to stderr.

    Descriptors are moved, so that subprocesses and C code are held to it too. Streams that were
    replaced or closed meanwhile are put back.
    """
    streams = sys.stdin, sys.stdout, sys.stderr
    process = os.getpid()
    sys.stdout.flush()
    kept = {number: os.dup(number) for number in (1, 2)}
    os.dup2(2, 1)
    try:
        yield
    finally:
        if os.getpid() != process:
            # A pipeline forked, and this is its child: the result is its parent's to show.
            os._exit(0)
        for stream in {sys.stdout, streams[1]} - {None}:
            with contextlib.suppress(OSError, ValueError, AttributeError):
                stream.flush()
        for number, descriptor in kept.items():
            os.dup2(descriptor, number)
            os.close(descriptor)
        sys.stdin, sys.stdout, sys.stderr = streams
        for name, number in (("stdout", 1), ("stderr", 2)):
            if getattr(sys, name).closed:
                fresh = os.fdopen(os.dup(number), "w", encoding="utf-8", errors="backslashreplace")
                setattr(sys, name, fresh)
