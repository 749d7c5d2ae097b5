"""What went wrong with a command, as an error that a person can read."""

from __future__ import annotations

import os
from pathlib import Path

import typer

from flowerpower.errors import FlowerpowerError, UsageError
from flowerpower_cli.views.output import Output


def usage_error(error: typer.TyperException) -> UsageError:
    """What the parser found wrong with the arguments, in the words of our own errors."""
    from flowerpower.text import did_you_mean

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


def report_unexpected(error: Exception, output: Output) -> None:
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

    from flowerpower.text import mask
    from flowerpower.triggers import clock

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
