"""The tree of commands, built as far as it is needed."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer

from flowerpower_cli.command import HELP_NAMES, group, only_building
from flowerpower_cli.commands import init

HELP = "Run Hamilton pipelines now, in the background, or on a schedule."
GROUPS = {
    "pipeline": "Make, look at and run the pipelines of a project.",
    "job-queue": "Run pipelines in the background: jobs and their workers.",
    "schedule": "Run pipelines by themselves: cron, intervals, dates.",
    "completion": "Completion of commands, options and names in your shell.",
}
"""What each group is for; its commands are in the module of its name."""


def build_app(words: Sequence[str] | None = None) -> typer.Typer:
    """The whole tree; or, for a command line of these `words`, the part that it names.

    The rest is there by name and help text, so that help and did-you-mean know it.
    """
    app = typer.Typer(
        name="flowerpower",
        help=HELP,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings=HELP_NAMES,
    )
    app.callback(epilog="Example: flowerpower pipeline run daily_report")(_root)
    # A module is built once, and completion tells of the whole tree.
    if words is None or list(words[:1]) == ["completion"]:
        _add_commands(app, list(GROUPS))
        return app
    with only_building(words[:2]):
        _add_commands(app, words[:1])
    return app


def _add_commands(app: typer.Typer, wanted: Sequence[str]) -> None:
    init.add_commands(app)
    for name, purpose in GROUPS.items():
        if name in wanted:
            module = import_module(f"flowerpower_cli.commands.{name.replace('-', '_')}")
            app.add_typer(module.app, name=name, help=purpose)
        else:
            app.add_typer(group(), name=name, help=purpose)


def _print_version(value: bool) -> None:
    if value:
        from flowerpower import __version__

        print(f"flowerpower {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Run Hamilton pipelines now, in the background, or on a schedule."""
