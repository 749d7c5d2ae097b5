"""`flowerpower schedule import`: from a crontab, or the expressions of another scheduler."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from flowerpower.errors import FlowerpowerError, UsageError
from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.options import DryRun, argument, option
from flowerpower_cli.trigger_options import Timezone
from flowerpower_cli.views.tables import counted

if TYPE_CHECKING:
    from flowerpower.pipeline.other_schedulers import ImportedLine

DialectName = Literal[
    "debian", "busybox", "systemd", "quartz", "kubernetes", "apscheduler", "airflow", "bcron",
    "mcron", "systemd-cron",
]  # fmt: skip


@command("schedule import", example="crontab.txt --dialect busybox --dry-run")
def import_(
    context: CommandContext,
    file: Annotated[
        Path, argument("FILE", "A crontab, a timer, a manifest, or expressions; - is stdin.")
    ],
    dialect: Annotated[
        DialectName, typer.Option(help="The scheduler that it was written for.")
    ] = "debian",
    pipeline: Annotated[
        str | None,
        option("PIPELINE", "Where lines go that run no pipeline.", names="--to-pipeline"),
    ] = None,
    system: Annotated[
        bool, typer.Option("--system", help="The crontab has a column for the user.")
    ] = False,
    timezone: Timezone = None,
    dry_run: DryRun = False,
) -> None:
    """Turn the lines of a crontab into declared schedules, and show what each means.

    A line that runs a pipeline of this project becomes an entry of its YAML. A line whose meaning
    cannot be kept is left out and named; the command then ends with 1.
    """
    from flowerpower.pipeline.other_schedulers import plan_import, write_entries
    from flowerpower.pipeline.other_schedulers.sources import read_source
    from flowerpower_cli.views.schedule_import import import_view

    content, unit = _read(file)
    sources = read_source(content, dialect, system=system, unit=unit)
    manager = context.manager
    lines = plan_import(
        manager.project, manager.registry, sources, dialect, timezone=timezone, pipeline=pipeline
    )
    files = [] if dry_run else write_entries(manager.project, lines)
    context.output.result(
        [line.to_json() | {"done": not dry_run and line.action == "add"} for line in lines],
        lambda: import_view(lines),
        [line.entry["id"] for line in lines if line.action == "add"],
    )
    _say_what_was_done(context, lines, dialect, files, dry_run=dry_run)


def _read(file: Path) -> tuple[bytes, str | None]:
    """The content of the file, and that of the service beside a timer."""
    from flowerpower.pipeline.other_schedulers.sources import MAX_BYTES

    if str(file) == "-":
        return sys.stdin.buffer.read(MAX_BYTES + 1), None
    service = file.with_suffix(".service") if file.suffix == ".timer" else None
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
        has_service = service is not None and service.is_file()
        unit = service.read_text("utf-8", "replace") if service and has_service else None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{file} cannot be read: {reason}.") from None
    return content, unit


def _say_what_was_done(
    context: CommandContext,
    lines: list[ImportedLine],
    dialect: str,
    files: list[Path],
    *,
    dry_run: bool,
) -> None:
    from flowerpower.triggers.dialects.table import DIALECTS

    title = DIALECTS[dialect].title
    context.output.message(f"Read as {title}; --dialect names another scheduler.")
    added, exist, left = (
        sum(line.action == action for line in lines) for action in ("add", "exists", "left")
    )
    if exist:
        context.output.message(f"{counted(exist, 'schedule')} declared already.")
    if added:
        where = f" in {', '.join(path.as_posix() for path in files)}" if files else ""
        would = "would be " if dry_run else ""
        context.output.message(f"{counted(added, 'schedule')} {would}declared{where}.")
    if files:
        context.output.message("Make them live: flowerpower schedule apply")
    if left:
        raise FlowerpowerError(
            f"{left} of {counted(len(lines), 'line')} {'is' if left == 1 else 'are'} left: "
            f"{', '.join(str(line.source.number) for line in lines if line.action == 'left')}.",
            hint="Each says why, above.",
        )
    if not lines:
        context.output.message("There is no line with a time in it.")
