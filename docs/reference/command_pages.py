"""The pages of commands and of errors, as Markdown."""

from __future__ import annotations

import re
from typing import Any

import typer

from flowerpower import errors as errors_module
from flowerpower.errors import FlowerpowerError
from flowerpower_cli.app import build_app

MADE = "<!-- Made by docs/reference/make.py: `make reference`. -->\n"


def commands() -> str:
    """Every command with its usage, arguments, options and example."""
    root = typer.main.get_command(build_app())
    lines = [
        MADE,
        "# Commands",
        "",
        "All commands, as their `--help` describes them. Every one also takes `-h` and `--help`.",
        "See also the [exit codes](exit-codes.md) and the [codes of errors](errors.md).",
        "",
    ]
    _describe(root, ("flowerpower",), lines)
    return "\n".join(lines).rstrip() + "\n"


def _describe(command: Any, path: tuple[str, ...], lines: list[str]) -> None:
    context = typer.Context(command, info_name=" ".join(path))
    children = {
        name: child for name, child in getattr(command, "commands", {}).items() if not child.hidden
    }
    if len(path) > 1:
        lines += [f"{'##' if len(path) == 2 else '###'} {' '.join(path[1:])}", ""]
    lines += [_markdown(command.help or ""), ""]
    if not children:
        lines += ["```text", _usage(command, context, path), "```", ""]
    rows = [row for p in command.get_params(context) if (row := _row(p, context))]
    if rows:
        lines += ["| Argument or option | Meaning |", "|---|---|", *rows, ""]
    if example := re.fullmatch(r"Example: (.+)", command.epilog or "", re.DOTALL):
        lines += [f"For example: `{' '.join(example[1].split())}`", ""]
    for name, child in children.items():
        _describe(child, (*path, name), lines)


def _usage(command: Any, context: Any, path: tuple[str, ...]) -> str:
    return " ".join([*path, *command.collect_usage_pieces(context)])


def _row(parameter: Any, context: Any) -> str | None:
    if getattr(parameter, "hidden", False) or "--help" in parameter.opts:
        return None
    names, text = parameter.get_help_record(context)
    # In code only the bar means something to a table.
    return f"| `{' '.join(names.split()).replace('|', chr(92) + '|')}` | {_cell(text)} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "\\<").replace("*", "\\*")


def _markdown(text: str) -> str:
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n")]
    return "\n\n".join(part.replace("<", "\\<").replace("*", "\\*") for part in paragraphs if part)


def errors() -> str:
    """Every code of an error, with the exit code and the class."""
    lines = [
        MADE,
        "# Codes of errors",
        "",
        "A command with `--json` that fails writes an object `error` to stderr, with a `code` for",
        "programs. The exception in Python has it too. The classes are in `flowerpower.errors`;",
        "one that is below another is also caught as that.",
        "The [exit codes](exit-codes.md) say what they mean for scripts.",
        "",
        "| Code | Exit code | Class | Means |",
        "|---|---|---|---|",
    ]
    for kind in _kinds(FlowerpowerError):
        parents = [p.__name__ for p in kind.__mro__[1:] if issubclass(p, FlowerpowerError)]
        below = f", a `{parents[0]}`" if parents else ""
        meaning = _cell((kind.__doc__ or "").partition("\n")[0])
        lines.append(f"| `{kind.code}` | {kind.exit_code} | `{kind.__name__}`{below} | {meaning} |")
    return "\n".join(lines) + "\n"


def _kinds(kind: type[FlowerpowerError]) -> list[type[FlowerpowerError]]:
    """The class and those below it in its module, in the order of the module."""
    below = [child for child in kind.__subclasses__() if child.__module__ == errors_module.__name__]
    return [kind, *(found for child in below for found in _kinds(child))]
