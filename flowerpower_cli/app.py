"""The tree of commands."""

from __future__ import annotations

from typing import Annotated

import typer

from flowerpower_cli import completion, pipeline, project, schedule
from flowerpower_cli.frame import HELP_NAMES

app = typer.Typer(
    name="flowerpower",
    help="Run Hamilton pipelines now, in the background, or on a schedule.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings=HELP_NAMES,
)


def _print_version(value: bool) -> None:
    if value:
        from flowerpower import __version__

        print(f"flowerpower {__version__}")
        raise typer.Exit


@app.callback(epilog="Example: flowerpower pipeline run daily_report")
def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Run Hamilton pipelines now, in the background, or on a schedule."""


project.add_commands(app)
app.add_typer(pipeline.app)
app.add_typer(schedule.app)
app.add_typer(completion.app)
