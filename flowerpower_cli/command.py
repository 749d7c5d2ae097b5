"""The frame around every command: shared options, and errors to messages and exit codes."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import inspect
import typing
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from flowerpower.errors import FlowerpowerError, Refused
from flowerpower_cli.failures import report_unexpected
from flowerpower_cli.options import InProject, Shared
from flowerpower_cli.views.output import Output

if TYPE_CHECKING:
    from flowerpower.pipeline.job_queue import PipelineJobQueue
    from flowerpower.pipeline.manager import PipelineManager

EXIT_FAILED = 1

HELP_NAMES = {"help_option_names": ["-h", "--help"]}


class CommandContext:
    """What a command is given: its output, and its project when it asks for it.

    Attributes:
        root: the parser's tree of commands, which completion describes.
    """

    def __init__(self, shared: Shared, root: Any) -> None:
        self.root = root
        self.output = Output(
            json=shared.json,
            quiet=shared.quiet,
            verbose=shared.verbose,
            color=not shared.no_color,
        )
        self.base_dir: Path | None = getattr(shared, "base_dir", None)
        self._job_queue_type: str | None = getattr(shared, "type", None)
        self._learned: set[str] = set()

    @cached_property
    def manager(self) -> PipelineManager:
        """The project's PipelineManager, opened at first use."""
        from flowerpower.pipeline.manager import PipelineManager

        return PipelineManager(self.base_dir, self._job_queue_type, quiet=True)

    @property
    def job_queue(self) -> PipelineJobQueue:
        """The project's job queue.

        Raises:
            Refused: if it lives in memory, where a command would be alone with it.
        """
        job_queue = self.manager.job_queue
        if job_queue.in_memory:
            raise Refused(
                "The job queue is in memory: it would begin and end with this command.",
                hint="Set job_queue.backend.url in conf/project.yml to a sqlite:/// file.",
            )
        return job_queue

    def learn_secrets(self, *pipelines: str) -> None:
        """Have masked, in what jobs say, what their pipelines' files take from the environment."""
        for name in set(pipelines) - self._learned:
            self._learned.add(name)
            with contextlib.suppress(FlowerpowerError):
                self.manager.registry.get(name)

    def close(self) -> None:
        """Let go of the backend, if the command opened it."""
        if "manager" in self.__dict__:
            self.manager.close()


def import_hamilton() -> None:
    """Import Hamilton and pandas without the collector looking for garbage in them.

    That is about a tenth of the start of a run; what is there then is left out of later
    collections too.
    """
    gc.disable()
    try:
        import flowerpower.run.runner  # noqa: F401 - it brings them
    finally:
        gc.freeze()
        gc.enable()


def group() -> typer.Typer:
    """A group of commands; the tree says its name and what it is for."""
    return typer.Typer(no_args_is_help=True, context_settings=HELP_NAMES)


_asked_for: frozenset[str] | None = None


@contextlib.contextmanager
def only_building(words: Sequence[str]) -> Iterator[None]:
    """While this lasts, commands whose names are not among `words` are made without options.

    Reading the options of forty commands to run one is a fifth of the start of `add-job`.
    """
    global _asked_for
    before, _asked_for = _asked_for, frozenset(words)
    try:
        yield
    finally:
        _asked_for = before


def command(
    app: typer.Typer, name: str, *, example: str, options: type[Shared] = InProject
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a function the command `name` of `app`.

    Its first parameter is the Frame. A parameter whose type is a dataclass takes all fields of
    it as options; the fields of `options` are taken by every command. The docstring is the help
    text, and `example` stands below it. While `only_building` another command, it is a name and
    a help text without options.
    """

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        if _asked_for is not None and name not in _asked_for:
            app.command(name, help=_unfolded(function))(lambda: None)
            return function
        hints = typing.get_type_hints(function, include_extras=True)
        own = list(inspect.signature(function).parameters.values())[1:]
        groups = {p.name: hints[p.name] for p in own if dataclasses.is_dataclass(hints[p.name])}
        plain = [p.replace(annotation=hints[p.name]) for p in own if p.name not in groups]
        context = inspect.Parameter(
            "context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context
        )
        parameters = [
            context,
            *plain,
            *(p for g in groups.values() for p in _fields(g)),
            *_fields(options),
        ]

        def call(context: typer.Context, **given: Any) -> None:
            arguments = {p.name: given[p.name] for p in plain}
            for parameter, cls in groups.items():
                arguments[parameter] = _made(cls, given)
            _run(
                function,
                CommandContext(_made(options, given), context.find_root().command),
                arguments,
            )

        call.__name__ = function.__name__
        call.__doc__ = _unfolded(function)
        call.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
        )
        call.__annotations__ = {p.name: p.annotation for p in parameters}
        app.command(name, epilog=f"Example: {example}", context_settings=HELP_NAMES)(call)
        return function

    return decorate


def _unfolded(function: Callable[..., None]) -> str:
    """The docstring with each paragraph on one line, for a terminal of any width to fold."""
    paragraphs = (inspect.getdoc(function) or "").split("\n\n")
    return "\n\n".join(" ".join(each.split()) for each in paragraphs)


def _fields(cls: Any) -> list[inspect.Parameter]:
    hints = typing.get_type_hints(cls, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=hints[field.name],
        )
        for field in dataclasses.fields(cls)
    ]


def _made(cls: Any, given: dict[str, Any]) -> Any:
    return cls(**{field.name: given[field.name] for field in dataclasses.fields(cls)})


def _run(function: Callable[..., None], context: CommandContext, arguments: dict[str, Any]) -> None:
    # What is there by now stays; the first collection need not look through it.
    gc.freeze()
    gc.enable()
    try:
        function(context, **arguments)
    except FlowerpowerError as error:
        context.output.error(error)
        raise typer.Exit(error.exit_code) from None
    except (typer.Exit, typer.Abort, typer.TyperException, BrokenPipeError):
        raise
    except Exception as error:  # noqa: BLE001 - the last resort: no traceback reaches a user
        report_unexpected(error, context.output)
        raise typer.Exit(EXIT_FAILED) from None
    finally:
        context.close()
