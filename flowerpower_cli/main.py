"""The entry point, and the process of a command: streams, signals, and the exit code.

It imports as little as possible until the command is known.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, NoReturn, cast

if TYPE_CHECKING:
    import typer

    from flowerpower.errors import UsageError
    from flowerpower_cli.views.output import Output

EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143


def main() -> NoReturn:
    """Run the command line with the arguments of the process, and end the process."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["--complete-names"]:
        # Completion runs at every press of Tab: it must not import the command line.
        from flowerpower_cli.completion import names

        names.run(arguments[1:])
    # Imports make many objects that all stay. `command` turns the collector on again.
    gc.disable()
    _run_app(arguments)


def _run_app(arguments: list[str]) -> NoReturn:
    """Run the command line and end the process with the documented exit code."""
    # It imports the rest too. A signal that comes before all is imported ends the process silently.
    import flowerpower_cli.app  # noqa: F401
    from flowerpower_cli.views.output import Output

    _open_closed_streams()
    # A name that the terminal's encoding lacks must not end a command: it is shown as an escape.
    for stream in (sys.stdout, sys.stderr):
        cast(Any, stream).reconfigure(errors="backslashreplace")
    # The parser may fail before it has read these options.
    output = Output(json="--json" in arguments, color="--no-color" not in arguments)
    sigterms = _interrupt_on_sigterm()
    code = _exit_code(arguments, output)
    _end(EXIT_TERMINATED if sigterms else code, output)


def _exit_code(arguments: list[str], output: Output) -> int:
    import typer

    from flowerpower.errors import FlowerpowerError
    from flowerpower_cli.app import build_app
    from flowerpower_cli.command import EXIT_FAILED, report_unexpected

    try:
        app = build_app(arguments)
        # In standalone mode Typer would print errors in its own way, and exit by itself.
        code = app(args=arguments, prog_name="flowerpower", standalone_mode=False)
        if isinstance(code, int) and code != 0 and not _is_flushed():
            # The command has said so, and its exit code counts.
            _discard_stdout()
            return code
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except typer.TyperException as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            # A group without a command: its message is the help.
            print(error.format_message())
        else:
            output.error(_usage_error(error, arguments))
        return EXIT_USAGE
    except typer.Abort:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        _discard_stdout()
        return 0
    except SystemExit as exit_:
        # Typer exits with 1 by itself when the reader of stdout has gone (`| head`).
        _discard_stdout()
        return exit_.code if isinstance(exit_.code, int) and exit_.code != 1 else 0
    except OSError as error:
        # The parser writes help and version itself, past Output's own check.
        _discard_stdout()
        output.error(FlowerpowerError(f"The output cannot be written: {error.strerror}."))
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last resort: no traceback reaches a user
        report_unexpected(error, output)
        return EXIT_FAILED


def _usage_error(error: typer.TyperException, arguments: list[str]) -> UsageError:
    """The parser's error as one of ours, with our word for it or the nearest valid name."""
    from flowerpower.errors import UsageError
    from flowerpower_cli.misplaced import with_options_last
    from flowerpower_cli.other_words import answer_for_command, answer_for_option, valued_flag

    message = error.format_message().replace("Value error, ", "")
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else _command_path(arguments)
    option = getattr(error, "option_name", None)
    is_group = hasattr(getattr(context, "command", None), "commands")
    if is_group and option and (placed := with_options_last(option, arguments)):
        return UsageError(f"{option} stands before the command.", hint=f"Say `{placed}`.")
    if option and getattr(error, "possibilities", None) is not None and context is not None:
        options = [name for parameter in context.command.params for name in parameter.opts]
        message = f"{error.message}.{answer_for_option(option, options)}"
    elif message.startswith("No such command") and context is not None:
        name = message.split("'")[1] if "'" in message else ""
        group = path.partition(" ")[2]
        answer = answer_for_command(group, name, context.command.commands)
        message = f"No such command {name!r}.{answer}"
    elif message.startswith("Got unexpected extra argument") and context is not None:
        word = message.rpartition("(")[2].rstrip(")").partition(" ")[0]
        if flag := valued_flag(word, arguments):
            opposite = f"--no-{flag.removeprefix('--')}"
            names = [name for p in context.command.params for name in (*p.opts, *p.secondary_opts)]
            forms = f"{flag} or {opposite}" if opposite in names else flag
            message = f"{flag} takes no value, got {word!r}. Say {forms}."
    return UsageError(message, hint=f"See `{path} --help`.")


def _command_path(arguments: list[str]) -> str:
    """The command that was called, for errors of the parser that do not know it."""
    from flowerpower_cli.app import MODULES

    for count in (2, 1):
        if (path := " ".join(arguments[:count])) in MODULES:
            return f"flowerpower {path}"
    return "flowerpower"


def _open_closed_streams() -> None:
    """Open descriptors 0 to 2 where the caller closed them.

    The next file that the process opens would get such a number, and be written to as stdout.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - stays open


def _is_flushed() -> bool:
    """Whether stdout takes what was written to it; a reader that has gone is another matter."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError:
        return False
    return True


def _discard_stdout() -> None:
    # Python flushes stdout at exit; on a broken pipe that would print a second error.
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _interrupt_on_sigterm() -> list[int]:
    """Make SIGTERM interrupt as Ctrl-C does; the signals that came are in the returned list."""
    # A list, because the caller needs to know after the KeyboardInterrupt what had caused it.
    received: list[int] = []

    def interrupt(number: int, _context: object) -> None:
        received.append(number)
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    return received


def _end(code: int, output: Output) -> NoReturn:
    if code == EXIT_INTERRUPTED and not output.json:
        output.plain_line("Interrupted.")
    try:
        sys.stdout.flush()
        # What a pipeline prints while the process ends is not part of the result.
        os.dup2(2, 1)
    except (OSError, ValueError):
        _discard_stdout()
    if code in (EXIT_INTERRUPTED, EXIT_TERMINATED):
        _end_interrupted(code)
    sys.exit(code)


def _end_interrupted(code: int) -> NoReturn:
    """End as a program does, but without waiting for threads that a pipeline has started."""
    from flowerpower.job_queue.worker.child_exit import end_interrupted_program

    def end(*_: object) -> NoReturn:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()
        os._exit(code)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    end_interrupted_program(end)
    end()
