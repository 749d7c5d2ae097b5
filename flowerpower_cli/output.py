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
from flowerpower.safe_text import mask, mask_values, one_line, visible

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table
    from rich.text import Text

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

    @property
    def stdout(self) -> Console:
        """Rich's console for the result."""
        return self._console(1, sys.stdout)

    @property
    def stderr(self) -> Console:
        """Rich's console for everything else."""
        return self._console(2, sys.stderr)

    def _console(self, number: int, stream: TextIO) -> Console:
        if number not in self._consoles:
            from rich.console import Console

            plain = not self._color or bool(os.environ.get("NO_COLOR")) or _is_dumb()
            console = Console(
                file=stream,
                color_system=None if plain else "auto",
                highlight=False,
                markup=False,
                emoji=False,
                soft_wrap=False,
            )
            if not stream.isatty():
                console.width = PIPE_WIDTH
            self._consoles[number] = console
        return self._consoles[number]

    @property
    def is_animated(self) -> bool:
        """Whether a progress bar may move: stderr is a terminal that can."""
        return sys.stderr.isatty() and not _is_dumb() and not self.quiet

    def result(
        self,
        data: Any,
        human: Callable[[], Iterable[RenderableType]],
        ids: Iterable[str] = (),
    ) -> None:
        """Show a result: `data` as JSON, or what `human` yields, or with --quiet the `ids`."""
        if self.json:
            write_line(sys.stdout, dump_json(data))
        elif self.quiet:
            for each in ids:
                write_line(sys.stdout, one_line(each))
        else:
            for renderable in human():
                self.stdout.print(renderable)

    def message(self, text: str | Text, *, at: int = 0) -> None:
        """A line for people on stderr; `at` is the verbosity it takes. Not shown with --quiet."""
        if self.quiet or self.verbose < at:
            return
        if isinstance(text, str):
            self.plain_line(text)
        else:
            self.stderr.print(text, soft_wrap=True)

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
        from rich.text import Text

        told = Text()
        told.append("Error: ", style="bold red")
        told.append(visible(mask(str(error))))
        if error.hint:
            told.append("\nHint: ", style="bold cyan")
            told.append(visible(mask(error.hint)))
        if self.verbose >= 2:
            for cause in _causes(error):
                told.append(f"\n  caused by {visible(mask(cause))}", style="dim")
        self.stderr.print(told, soft_wrap=True)

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
        self.stderr.print(f"{visible(mask(question))} [y/N] ", end="", soft_wrap=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise Refused("Nothing was done.")


def _is_dumb() -> bool:
    return os.environ.get("TERM", "").lower() in ("dumb", "unknown")


def _causes(error: BaseException) -> list[str]:
    causes = []
    cause = error.__cause__ or error.__context__
    while cause is not None and len(causes) < 20:
        causes.append(f"{type(cause).__name__}: {_text(cause)}")
        cause = cause.__cause__ or cause.__context__
    return causes


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as second:
        return f"<str() raised {type(second).__name__}>"


def dump_json(data: Any) -> str:
    """JSON as every command prints it: ASCII, indented, secrets masked, no NaN."""
    return json.dumps(mask_values(data), indent=2, allow_nan=False)


def write_line(stream: TextIO, text: str) -> None:
    """One line on `stream`, at once."""
    stream.write(text + "\n")
    stream.flush()


def cell(value: object, style: str = "") -> Text:
    """A user's text for a table or a line: on one line, never markup."""
    from rich.text import Text

    return Text(one_line(mask(str(value))), style=style, overflow="fold")


def table(*columns: str) -> Table:
    """An empty table in the style that all commands share; a column ending in > is to the right."""
    from rich import box
    from rich.table import Table

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        justify = "right" if column.endswith(">") else "left"
        made.add_column(cell(column.rstrip(">")), justify=justify, overflow="fold")  # type: ignore[arg-type]
    return made


@contextlib.contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """While this lasts, what anything in the process writes to stdout goes to stderr.

    Descriptors are moved, so that subprocesses and C code are held to it too.
    """
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
