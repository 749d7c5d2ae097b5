"""`flowerpower completion …`: scripts that let a shell complete flowerpower's commands."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from flowerpower.atomic_files import write_file
from flowerpower.errors import FlowerpowerError, UsageError
from flowerpower_cli.command import CommandContext, command, group
from flowerpower_cli.options import DryRun, Shared
from flowerpower_cli.views.tables import line

app = group()


class Shell(StrEnum):
    """Shells that there is a script for."""

    bash = "bash"
    zsh = "zsh"
    fish = "fish"
    powershell = "powershell"


ShellName = Annotated[
    Shell | None,
    typer.Argument(
        metavar="[SHELL]",
        help="bash, zsh, fish or powershell; by default the one that $SHELL names.",
        show_default=False,
    ),
]


@command(app, "show", example="flowerpower completion show zsh", options=Shared)
def show(context: CommandContext, shell: ShellName = None) -> None:
    """Print the completion script of a shell."""
    from flowerpower_cli.completion.scripts import script

    wanted = shell or _detected()
    text = script(wanted.value, context.root)
    if context.output.json:
        context.output.result({"shell": wanted.value, "script": text}, lambda: ())
    else:
        sys.stdout.write(text)


@command(app, "install", example="flowerpower completion install bash", options=Shared)
def install(context: CommandContext, shell: ShellName = None, dry_run: DryRun = False) -> None:
    """Put the completion script where the shell looks for it, for this user."""
    from flowerpower_cli.completion.scripts import script

    wanted = shell or _detected()
    path = _place(wanted)
    text = script(wanted.value, context.root)
    changed = not _holds(path, text)
    if changed and not dry_run:
        _write(path, text)
    setting, advice = _next_step(wanted, path)
    data = {
        "shell": wanted.value,
        "path": str(path),
        "changed": changed,
        "installed": not (changed and dry_run),
        "line": setting,
    }
    context.output.result(data, lambda: (line(path),), [str(path)])
    if not changed:
        context.output.message("Already so.")
    elif dry_run:
        context.output.message("Would be written.")
    context.output.message(advice)


def _detected() -> Shell:
    name = Path(os.environ.get("SHELL", "")).name
    try:
        return Shell("powershell" if name == "pwsh" else name)
    except ValueError:
        known = ", ".join(shell.value for shell in Shell)
        told = f"$SHELL names {name!r}" if name else "$SHELL is not set"
        raise UsageError(
            f"{told}, so the shell is not known.", hint=f"Name one of: {known}."
        ) from None


def _place(shell: Shell) -> Path:
    data = _user_folder("XDG_DATA_HOME", ".local/share")
    config = _user_folder("XDG_CONFIG_HOME", ".config")
    return {
        Shell.bash: data / "bash-completion" / "completions" / "flowerpower",
        Shell.zsh: data / "zsh" / "site-functions" / "_flowerpower",
        Shell.fish: config / "fish" / "completions" / "flowerpower.fish",
        Shell.powershell: config / "powershell" / "flowerpower.ps1",
    }[shell]


def _user_folder(variable: str, otherwise: str) -> Path:
    named = Path(os.environ.get(variable, ""))
    return named if named.is_absolute() else Path.home() / otherwise


def _next_step(shell: Shell, path: Path) -> tuple[str | None, str]:
    """The line that a start-up file of the shell needs, if it does, and what to tell."""
    if shell is Shell.bash:
        setting = f"source {quote(str(path))}"
        return (
            setting,
            f"New shells have it with bash-completion; without, add to ~/.bashrc: {setting}",
        )
    if shell is Shell.zsh:
        setting = f"fpath=({quote(str(path.parent))} $fpath)"
        return setting, f"Add to ~/.zshrc, before compinit: {setting}"
    if shell is Shell.fish:
        return None, "New shells have it."
    escaped = str(path).replace("'", "''")
    setting = f". '{escaped}'"
    return setting, f"Add to the file that $PROFILE names: {setting}"


def _holds(path: Path, text: str) -> bool:
    try:
        return path.read_bytes() == text.encode()
    except OSError:
        return False


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, text.encode())
    except OSError as error:
        raise FlowerpowerError(f"{path} cannot be written: {error.strerror}.") from None
