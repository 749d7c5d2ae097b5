"""`flowerpower job-queue migrate`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from flowerpower.errors import Refused
from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.options import Backend, DryRun, option

if TYPE_CHECKING:
    from flowerpower.job_queue.migration import MigrationReport


def _url(text: str) -> str:
    """A URL, or `${NAME}`; one with a password is refused, as others could read it in `ps`."""
    if (login := text.partition("://")[2].rpartition("@")[0]) and ":" in login:
        raise typer.BadParameter(
            "it has a password, which other users of the machine could read. Put the URL into a "
            "variable and give its name: '${REDIS_URL}'."
        )
    return text


@command("job-queue migrate", example="--to rq --to-url '${REDIS_URL}' --dry-run")
def migrate(
    context: CommandContext,
    to: Annotated[
        Backend, typer.Option(help="The type of the queue to move to.", show_default=False)
    ],
    to_url: Annotated[
        str | None,
        option(
            "URL|'${NAME}'",
            "Its address, or the variable that holds it; by default as conf/project.yml says, or "
            "where a queue of that type is without a url.",
            _url,
        ),
    ] = None,
    from_url: Annotated[
        str | None,
        option(
            "URL|'${NAME}'",
            "Where to move from; by default the project's queue, or if that is of the type --to "
            "already, where a queue of the other type is without a url.",
            _url,
        ),
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Move schedules and waiting jobs to another job queue, with their ids and next fires.

    Running jobs end where they run; a schedule of which a job runs stays until the command is
    given again. It may be ended at any time and given again. The old queue then takes no new jobs.
    """
    from flowerpower_cli.views.migration import migration_view
    from flowerpower_cli.views.progress import count_progress
    from flowerpower_cli.views.tables import counted

    job_queue = context.job_queue
    with count_progress(context.output, "moving") as on_progress:
        report = job_queue.migrate(
            to, to_url=to_url, from_url=from_url, dry_run=dry_run, on_progress=on_progress
        )
    context.output.result(
        report.to_json(), lambda: migration_view(report), [*report.schedules, *report.jobs]
    )
    if not dry_run:
        is_configured = job_queue.type == to and to_url is None
        _say_what_is_next(context, report, to, is_configured=is_configured)
    if conflicts := report.conflicts:
        raise Refused(
            f"{counted(len(conflicts), 'schedule or job')} cannot move:",
            details=[f"{entry.kind} {entry.id}: {entry.reason}" for entry in conflicts],
            hint="Delete or rename the one or the other, and give the command again.",
        )


def _say_what_is_next(
    context: CommandContext, report: MigrationReport, to: str, *, is_configured: bool
) -> None:
    waiting = [entry for entry in report.remaining if not entry.is_conflict]
    if waiting:
        context.output.message(
            "Let the workers of the old queue run until these have ended; then give the command "
            "again."
        )
    if not is_configured:
        context.output.message(
            f"Next: set job_queue.type: {to} and its backend in conf/project.yml, and start "
            "workers, schedulers and your programs again."
        )
