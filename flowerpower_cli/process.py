"""The process of a command: its streams, its signals, and the exit code it ends with."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import typing
from collections.abc import Sequence
from typing import Any, NoReturn

import typer

from flowerpower.errors import FlowerpowerError
from flowerpower_cli.app import build_app
from flowerpower_cli.command import EXIT_FAILED
from flowerpower_cli.failures import report_unexpected, usage_error
from flowerpower_cli.views.output import Output

EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143


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
        report_unexpected(error, output)
        return EXIT_FAILED


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
