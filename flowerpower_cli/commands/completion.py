"""`flowerpower completion show` and `install`: the scripts for shells."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from shlex import quote
from typing import Annotated, Literal, get_args

from flowerpower.errors import UsageError
from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.options import DryRun, SharedOptions, argument
from flowerpower_cli.views.output import write_file
from flowerpower_cli.views.tables import line

Shell = Literal["bash", "zsh", "fish", "powershell"]
SHELLS: tuple[Shell, ...] = get_args(Shell)
ShellName = Annotated[
    Shell | None,
    argument("[SHELL]", "bash, zsh, fish or powershell; by default the one that $SHELL names."),
]


@command("completion show", example="zsh", options=SharedOptions)
def show(context: CommandContext, shell: ShellName = None) -> None:
    """Print the completion script of a shell."""
    from flowerpower_cli.completion.scripts import script

    shell = shell or _detect_shell()
    text = script(shell, context.root)
    if context.output.json:
        context.output.result({"shell": shell, "script": text}, lambda: ())
    else:
        sys.stdout.write(text)


@command("completion install", example="bash", options=SharedOptions)
def install(context: CommandContext, shell: ShellName = None, dry_run: DryRun = False) -> None:
    """Write the completion script to where the shell looks for it, for this user alone."""
    from flowerpower_cli.completion.scripts import script

    shell = shell or _detect_shell()
    path = _script_path(shell)
    text = script(shell, context.root)
    changed = not _has_content(path, text)
    if changed and not dry_run:
        write_file(path, text.encode())
    setting, advice = _next_step(shell, path)
    data = {
        "shell": shell,
        "path": str(path),
        "changed": changed,
        "installed": not (changed and dry_run),
        "line": setting,
    }
    context.output.result(data, lambda: (line(path),), [str(path)])
    if not changed:
        context.output.message("Nothing to do: the script is up to date.")
    elif dry_run:
        context.output.message("Dry run: nothing was written.")
    context.output.message(advice)


def _detect_shell() -> Shell:
    name = Path(os.environ.get("SHELL", "")).name
    for shell in SHELLS:
        if shell == ("powershell" if name == "pwsh" else name):
            return shell
    reason = f"$SHELL is {name!r}" if name else "$SHELL is not set"
    raise UsageError(
        f"The shell cannot be detected: {reason}.", hint=f"Name one of: {', '.join(SHELLS)}."
    )


def _script_path(shell: Shell) -> Path:
    data = _user_folder("XDG_DATA_HOME", ".local/share")
    config = _user_folder("XDG_CONFIG_HOME", ".config")
    paths: dict[Shell, Path] = {
        "bash": data / "bash-completion" / "completions" / "flowerpower",
        "zsh": data / "zsh" / "site-functions" / "_flowerpower",
        "fish": config / "fish" / "completions" / "flowerpower.fish",
        "powershell": config / "powershell" / "flowerpower.ps1",
    }
    return paths[shell]


def _user_folder(variable: str, default: str) -> Path:
    # The XDG rules say that a relative path in such a variable is to be ignored.
    folder = Path(os.environ.get(variable, ""))
    return folder if folder.is_absolute() else Path.home() / default


def _next_step(shell: Shell, path: Path) -> tuple[str | None, str]:
    """The line that the shell's start-up file needs, if any, and the advice for the user."""
    if shell == "bash":
        setting = f"source {quote(str(path))}"
        advice = f"New shells load it with bash-completion; without, add to ~/.bashrc: {setting}"
        return setting, advice
    if shell == "zsh":
        setting = f"fpath=({quote(str(path.parent))} $fpath)"
        return setting, f"Add to ~/.zshrc, before compinit: {setting}"
    if shell == "fish":
        return None, "New shells load it."
    escaped = str(path).replace("'", "''")
    setting = f". '{escaped}'"
    return setting, f"Add to the file that $PROFILE names: {setting}"


def _has_content(path: Path, text: str) -> bool:
    try:
        return path.read_bytes() == text.encode()
    except OSError:
        return False
