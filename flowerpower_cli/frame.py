"""The frame around every command: shared options, and errors to messages and exit codes."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import inspect
import os
import signal
import sys
import typing
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from flowerpower.errors import FlowerpowerError, Refused, UsageError
from flowerpower_cli.options import InProject, Shared
from flowerpower_cli.output import Output

if TYPE_CHECKING:
    from flowerpower.pipeline.job_queue import PipelineJobQueue
    from flowerpower.pipeline.manager import PipelineManager

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143

HELP_NAMES = {"help_option_names": ["-h", "--help"]}


class Frame:
    """What a command is given: its output, and its project when it asks for it."""

    def __init__(self, shared: Shared) -> None:
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
        if job_queue.is_private:
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
        import flowerpower.pipeline.runner  # noqa: F401 - it brings them
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
        parameters = [*plain, *(p for g in groups.values() for p in _fields(g)), *_fields(options)]

        def call(**given: Any) -> None:
            arguments = {p.name: given[p.name] for p in plain}
            for parameter, cls in groups.items():
                arguments[parameter] = _made(cls, given)
            _run(function, Frame(_made(options, given)), arguments)

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


def _run(function: Callable[..., None], frame: Frame, arguments: dict[str, Any]) -> None:
    # What is there by now stays; the first collection need not look through it.
    gc.freeze()
    gc.enable()
    try:
        function(frame, **arguments)
    except FlowerpowerError as error:
        frame.output.error(error)
        raise typer.Exit(error.exit_code) from None
    except (typer.Exit, typer.Abort, typer.TyperException, BrokenPipeError):
        raise
    except Exception as error:  # noqa: BLE001 - the last resort: no traceback reaches a user
        _unexpected(error, frame.output)
        raise typer.Exit(EXIT_FAILED) from None
    finally:
        frame.close()


def run_app(arguments: Sequence[str]) -> NoReturn:
    """Run the command line and end the process with the documented exit code."""
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        typing.cast(Any, stream).reconfigure(errors="backslashreplace")
    output = Output(json="--json" in arguments, color="--no-color" not in arguments)
    terminated = _interrupted_by_sigterm()
    code = _exit_code(list(arguments), output)
    _end(EXIT_TERMINATED if terminated else code, output)


def _exit_code(arguments: list[str], output: Output) -> int:
    from flowerpower_cli.app import build_app

    try:
        app = build_app(arguments)
        code = app(args=arguments, prog_name="flowerpower", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except typer.TyperException as error:
        # A group without a command has shown its help already.
        if type(error).__name__ != "NoArgsIsHelpError":
            output.error(usage_error(error))
        return EXIT_USAGE
    except typer.Abort:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        _discard_stdout()
        return 0
    except SystemExit as ended:
        # Typer ends the process itself when a reader of stdout has gone.
        _discard_stdout()
        return ended.code if isinstance(ended.code, int) and ended.code != 1 else 0
    except OSError as error:
        # Help and version are written by the parser itself.
        _discard_stdout()
        output.error(FlowerpowerError(f"The output cannot be written: {error.strerror}."))
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last resort: no traceback reaches a user
        _unexpected(error, output)
        return EXIT_FAILED


def usage_error(error: typer.TyperException) -> UsageError:
    """What the parser found wrong with the arguments, in the words of our own errors."""
    from flowerpower.names import did_you_mean

    message = error.format_message().replace("Value error, ", "")
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "flowerpower"
    option = getattr(error, "option_name", None)
    if option and getattr(error, "possibilities", None) is not None and context is not None:
        known = [name for each in context.command.params for name in each.opts]
        message = f"{error.message}.{did_you_mean(option, known)}"
    elif message.startswith("No such command") and context is not None:
        name = message.split("'")[1] if "'" in message else ""
        message = f"No such command {name!r}.{did_you_mean(name, context.command.commands)}"
    return UsageError(message, hint=f"See `{path} --help`.")


def _unexpected(error: Exception, output: Output) -> None:
    """A failure that nobody foresaw: a short message, and the whole story in a file."""
    path = _saved_debug_log(error)
    told = FlowerpowerError(
        f"Something unexpected went wrong: {type(error).__name__}: {error}",
        hint=f"The details are in {path}." if path else None,
    )
    told.__cause__ = error.__cause__
    output.error(told)


def _saved_debug_log(error: BaseException) -> Path | None:
    import traceback

    from flowerpower import clock
    from flowerpower.safe_text import mask

    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    folder = Path(state) / "flowerpower"
    stamp = clock.now().strftime("%Y%m%dT%H%M%S.%fZ")
    path = folder / f"error-{stamp}-{os.getpid()}.log"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as stream:
            stream.write(mask("".join(traceback.format_exception(error))))
    except OSError:
        return None
    return path


def _open_closed_streams() -> None:
    """Descriptors 0 to 2 are open, so that no file of ours is taken for one of them."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - for good


def _discard_stdout() -> None:
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _interrupted_by_sigterm() -> list[int]:
    """From now on SIGTERM interrupts as Ctrl-C does; the returned list is filled by it."""
    received: list[int] = []

    def interrupt(number: int, _frame: object) -> None:
        received.append(number)
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    return received


def _end(code: int, output: Output) -> NoReturn:
    if code == EXIT_INTERRUPTED and not output.json:
        output.plain_line("Interrupted.")
    try:
        sys.stdout.flush()
        # What a pipeline prints while the process ends is no part of the result.
        os.dup2(2, 1)
    except (OSError, ValueError):
        _discard_stdout()
    if code in (EXIT_INTERRUPTED, EXIT_TERMINATED):
        # Python would wait for a pipeline's threads to end.
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
