"""How a function becomes a command: shared options, a context, and errors as exit codes."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import inspect
import os
import typing
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from flowerpower.errors import FlowerpowerError, Refused
from flowerpower_cli.garbage import WHILE_IMPORTING, collect_later
from flowerpower_cli.options import OptionGroup, ProjectOptions, SharedOptions
from flowerpower_cli.parsing import plain_command
from flowerpower_cli.views.output import Output, stdout_to_stderr

if TYPE_CHECKING:
    from flowerpower.jobs.job import Job
    from flowerpower.pipeline.job_queue import PipelineJobQueue
    from flowerpower.pipeline.manager import PipelineManager
    from flowerpower.pipeline.schedules import Schedules

EXIT_FAILED = 1
Group = TypeVar("Group", bound=OptionGroup)

HELP_NAMES = {"help_option_names": ["-h", "--help"]}


class CommandContext:
    """What a command works with: its output, and the project, opened at first use.

    Attributes:
        root: the parser's tree of commands, which completion describes.
        base_dir, job_queue_type: the values of --base-dir and --type.
    """

    def __init__(self, options: SharedOptions, root: Any) -> None:
        self.root = root
        self.output = Output(
            json=options.json,
            quiet=options.quiet,
            verbose=options.verbose,
            color=not options.no_color,
        )
        # Commands that need no project or no queue do not have these options.
        self.base_dir: str | None = getattr(options, "base_dir", None)
        self.job_queue_type: str | None = getattr(options, "type", None)
        self._known_pipelines: set[str] = set()

    @cached_property
    def manager(self) -> PipelineManager:
        """The project's PipelineManager."""
        from flowerpower.pipeline.manager import PipelineManager

        return PipelineManager(self.base_dir, self.job_queue_type, quiet=True)

    @property
    def timezone(self) -> str:
        """The name of the project's time zone."""
        return self.manager.project.timezone

    @property
    def job_queue(self) -> PipelineJobQueue:
        """The project's job queue; Refused if it is in memory, where no other process sees it."""
        job_queue = self.manager.job_queue
        if job_queue.in_memory:
            raise Refused(
                "The job queue is kept in memory: it would end with this command.",
                hint="Set job_queue.backend.url in conf/project.yml to a sqlite:/// file.",
            )
        return job_queue

    @property
    def schedules(self) -> Schedules:
        """The project's schedules; Refused as `job_queue`."""
        _ = self.job_queue
        return self.manager.schedules

    def learn_secrets(self, *pipelines: str) -> None:
        """Read the pipelines' files, so that what they take from the environment is masked.

        A job's error, log or result may quote a password that stands in YAML as ${NAME}.
        """
        for name in set(pipelines) - self._known_pipelines:
            self._known_pipelines.add(name)
            with contextlib.suppress(FlowerpowerError):
                self.manager.registry.get(name)

    def warn_if_jobs_wait(self, jobs: Iterable[Job]) -> None:
        """Say so if no worker takes the jobs that have not ended, or their queue is paused."""
        queues = {job.queue for job in jobs if not job.status.is_ended}
        self.warn_if_no_worker(queues)
        self.warn_if_paused(queues)

    def warn_if_no_worker(self, queues: set[str]) -> None:
        """Say so if no worker takes jobs from some of the queues."""
        if self.output.quiet or self.output.json:
            return
        from flowerpower.triggers import clock

        now = clock.now()
        served = {
            queue
            for worker in self.job_queue.list_workers()
            # A worker that was killed stays listed for a while.
            if worker.is_alive(now)
            for queue in worker.queues
        }
        if unserved := sorted(queues - served):
            self.output.message(
                f"No worker takes jobs from {', '.join(unserved)}; start one: "
                "flowerpower job-queue start-worker"
            )

    def warn_if_paused(self, queues: set[str]) -> None:
        """Say so if some of the queues are paused."""
        if self.output.quiet or self.output.json:
            return
        if paused := sorted(queues & self.job_queue.paused_queues().keys()):
            names = " ".join(paused)
            self.output.message(
                f"No job is taken from {', '.join(paused)}: paused. Go on with: "
                f"flowerpower job-queue resume {names}"
            )

    def warn_if_left_behind(self) -> None:
        """Say so if schedules or jobs wait in a file that the project's queue was in before."""
        if waiting := self.job_queue.left_behind():
            self.output.warning(
                f"{waiting}; nothing here runs them. Move them: flowerpower job-queue migrate "
                f"--to {self.job_queue.type} --from-url sqlite:///.flowerpower/jobs.db"
            )

    def close(self) -> None:
        """Close the backend, if the command opened it."""
        if "manager" in self.__dict__:
            self.manager.close()


# Each further method that is generated would make every command start later.
@dataclasses.dataclass(repr=False, eq=False)
class Command:
    """A function that is a command, and what its help needs."""

    path: str
    function: Callable[..., None]
    example: str
    options: type[SharedOptions]
    failed_code: int = EXIT_FAILED

    @property
    def summary(self) -> str:
        """What it does, in one sentence."""
        return _unwrapped(self.function).partition("\n\n")[0]

    def add_to(self, app: typer.Typer, *, complete: bool) -> None:
        """Add the command to its group: with all of its options, or only its name and help."""
        name = self.path.rpartition(" ")[2]
        if not complete:
            app.command(name, help=_unwrapped(self.function), short_help=self.summary)(lambda: None)
            return
        own = _parameters(self.function)[1:]
        groups = {p.name: p.annotation for p in own if _is_group(p.annotation)}
        single = [p for p in own if p.name not in groups]
        options_of = {group: _options_of(group) for group in (*groups.values(), self.options)}
        parameters = [
            inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context),
            *single,
            *(p for options in options_of.values() for p in options),
        ]

        def call(context: typer.Context, **values: Any) -> None:
            def built(group: type[Group]) -> Group:
                return group(**{p.name: values[p.name] for p in options_of[group]})

            arguments = {p.name: values[p.name] for p in single}
            arguments |= {name: built(group) for name, group in groups.items()}
            command_context = CommandContext(built(self.options), context.find_root().command)
            _run(self.function, command_context, arguments, self.failed_code)

        # Typer reads options from a signature: this one has the fields of all groups.
        call.__doc__ = _unwrapped(self.function)
        call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        call.__annotations__ = {p.name: p.annotation for p in parameters}
        app.command(
            name,
            short_help=self.summary,
            epilog=f"Example: flowerpower {self.path} {self.example}".rstrip(),
            context_settings=HELP_NAMES,
            cls=plain_command(parameters[1:]),
        )(call)


COMMANDS: dict[str, Command] = {}
"""The commands of the modules that are imported, by path (`job-queue add-job`)."""


def command(
    path: str,
    *,
    example: str = "",
    options: type[SharedOptions] = ProjectOptions,
    failed_code: int = EXIT_FAILED,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a function the command `path`; the docstring is its help text.

    The first parameter is the CommandContext. A parameter whose type is an OptionGroup takes all
    options of it; those of `options` are options of the command too. `example` is what follows
    the path in the example of the help. `failed_code` stands for the exit code of a failure where
    1 has another meaning.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        COMMANDS[path] = Command(path, function, example, options, failed_code)
        return function

    return register


def _unwrapped(function: Callable[..., None]) -> str:
    """The docstring with each paragraph on one line: the terminal wraps it at its own width."""
    paragraphs = (inspect.getdoc(function) or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _parameters(function: Callable[..., None]) -> list[inspect.Parameter]:
    """The parameters of a function, with what they are annotated."""
    hints = typing.get_type_hints(function, include_extras=True)
    return [
        p.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[p.name])
        for p in inspect.signature(function).parameters.values()
    ]


def _is_group(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, OptionGroup)


def _options_of(group: type[OptionGroup]) -> list[inspect.Parameter]:
    """The same of the options of a group; those of its base come first."""
    return [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=getattr(group, name), annotation=hint
        )
        for name, hint in typing.get_type_hints(group, include_extras=True).items()
    ]


def _run(
    function: Callable[..., None],
    context: CommandContext,
    arguments: dict[str, Any],
    failed_code: int,
) -> None:
    # What is imported by now stays until the end: later collections need not look through it.
    gc.freeze()
    collect_later(WHILE_IMPORTING)
    gc.enable()
    try:
        function(context, **arguments)
    except FlowerpowerError as error:
        context.output.error(error)
        is_general = error.exit_code == EXIT_FAILED
        raise typer.Exit(failed_code if is_general else error.exit_code) from None
    except (typer.Exit, typer.Abort, typer.TyperException, BrokenPipeError):
        # `main` turns these into exit codes.
        raise
    except Exception as error:  # noqa: BLE001 - the last resort: no traceback reaches a user
        report_unexpected(error, context.output)
        raise typer.Exit(failed_code) from None
    finally:
        context.close()


def import_hamilton() -> None:
    """Import Hamilton; it stays, so that later collections need not look through it."""
    collect_later(WHILE_IMPORTING)
    import flowerpower.run.runner  # noqa: F401 - it imports Hamilton

    gc.freeze()
    collect_later(WHILE_IMPORTING)


@contextlib.contextmanager
def importing_modules(folder: Path) -> Iterator[None]:
    """Import Hamilton, and be in the project's `folder` with stdout sent to stderr.

    Importing a pipeline's module runs it: it may print, and read files by relative paths.
    """
    import_hamilton()
    from flowerpower.pipeline.execute import working_in

    with stdout_to_stderr(), working_in(folder):
        yield


def report_unexpected(error: Exception, output: Output) -> None:
    """Print a short message for an error that is a defect, and save the traceback to a file."""
    path = _save_debug_log(error)
    report = FlowerpowerError(
        f"Something unexpected went wrong: {type(error).__name__}: {error}",
        hint=f"The details are in {path}." if path else None,
    )
    report.__cause__ = error.__cause__
    output.error(report)


def _save_debug_log(error: BaseException) -> Path | None:
    import traceback

    from flowerpower.text import mask
    from flowerpower.triggers import clock

    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    folder = Path(state) / "flowerpower"
    stamp = clock.now().strftime("%Y%m%dT%H%M%S.%fZ")
    path = folder / f"error-{stamp}-{os.getpid()}.log"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # A traceback may hold a user's data: only the user may read it.
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as stream:
            stream.write(mask("".join(traceback.format_exception(error))))
    except OSError:
        return None
    return path
