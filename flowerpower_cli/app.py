"""The tree of commands: the groups, and the module that holds each command."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer

from flowerpower_cli.command import COMMANDS, HELP_NAMES

GROUPS = {
    "pipeline": "Create, inspect and run the pipelines of a project.",
    "job-queue": "Run pipelines in the background: jobs and their workers.",
    "schedule": "Run pipelines on a schedule: cron, calendar, interval or date.",
    "notify": "Notices of what happens: who is told, and a test of that.",
    "service": "Files that run workers as services: systemd, launchd, containers.",
    "completion": "Shell completion of commands, options and names.",
}
MODULES = {
    f"{group} {name}".lstrip(): module
    for group, module, names in (
        ("", "init", "init"),
        ("", "status", "status"),
        ("", "doctor", "doctor"),
        ("", "metrics", "metrics"),
        ("", "dashboard", "dashboard report"),
        ("pipeline", "pipeline", "new"),
        ("pipeline", "pipeline_list", "list"),
        ("pipeline", "pipeline", "show validate delete export import"),
        ("pipeline", "pipeline_dag", "dag"),
        ("pipeline", "pipeline_run", "run"),
        ("job-queue", "job_queue", "add-job list-jobs show-job wait"),
        ("job-queue", "job_changes", "cancel-job retry-job delete-job prune"),
        ("job-queue", "logs", "logs"),
        ("job-queue", "worker", "start-worker workers start-scheduler"),
        ("job-queue", "queue_pauses", "pause resume"),
        ("job-queue", "watch", "watch"),
        ("job-queue", "migrate", "migrate"),
        ("schedule", "schedule_add", "add"),
        ("schedule", "schedule_apply", "diff apply"),
        ("schedule", "schedule", "list show preview pause resume run-now delete history"),
        ("schedule", "schedule_backfill", "backfill"),
        ("schedule", "schedule_import", "import"),
        ("notify", "notify", "test list"),
        ("service", "service", "print"),
        ("completion", "completion", "show install"),
    )
    for name in names.split()
}
"""The module in `commands` that defines each command, in the order of the help texts."""


def build_app(words: Sequence[str] | None = None) -> typer.Typer:
    """The whole tree of commands, or only what a command line of these `words` needs."""
    paths, complete = _needed_commands(words)
    # To find that a help option is not there, Typer imports pydantic: half of the time of the help
    # of a command. Where a name comes first, no help of what is above was asked for.
    # Completion describes all help options.
    is_command_named = complete and len(paths) == 1
    is_group_named = not complete and bool({*(words or ())[:1]} & {*GROUPS})
    app = typer.Typer(
        name="flowerpower",
        no_args_is_help=True,
        add_completion=False,
        # Rich's panels have six columns: at 80 characters they cut names and fold choices.
        rich_markup_mode=None,
        # `command` reports errors, without a traceback.
        pretty_exceptions_enable=False,
        context_settings=HELP_NAMES,
        add_help_option=not (is_command_named or is_group_named),
    )
    app.callback(epilog="Example: flowerpower pipeline run daily_report")(_root)
    needed = {path.partition(" ")[0] for path in paths} if is_command_named else {*GROUPS}
    groups = {
        name: typer.Typer(
            no_args_is_help=True,
            rich_markup_mode=None,
            context_settings=HELP_NAMES,
            add_help_option=not is_command_named,
        )
        for name in GROUPS
        if name in needed
    }
    for name, group in groups.items():
        app.add_typer(group, name=name, help=GROUPS[name])
    for path in paths:
        import_module(f"flowerpower_cli.commands.{MODULES[path]}")
        group = groups.get(path.partition(" ")[0], app)
        COMMANDS[path].add_to(group, complete=complete)
    return app


def _needed_commands(words: Sequence[str] | None) -> tuple[list[str], bool]:
    """The paths of the commands to build, and whether with their options.

    Reading the options of every command to run one is a fifth of the start of `add-job`, so a
    command line that names a command gets that one alone. Help and "did you mean" need the names
    and help texts of a whole group. Completion describes the whole tree.
    """
    is_help = words is not None and {"-h", "--help"} & {*words}
    if words is None or (list(words[:1]) == ["completion"] and not is_help):
        return list(MODULES), True
    for named in (" ".join(words[:2]), " ".join(words[:1])):
        if named in MODULES:
            return [named], True
    group = words[:1]
    return [path for path in MODULES if " " not in path or path.split()[0] in group], False


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
