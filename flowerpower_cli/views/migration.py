"""How a migration looks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from flowerpower_cli.views.tables import Block, Line, cell, counted, line, table

if TYPE_CHECKING:
    from flowerpower.job_queue.migration import MigrationReport


def migration_view(report: MigrationReport) -> Iterator[Block]:
    """What has moved, or would move, and a table of what stays and why."""
    schedules, jobs = len(report.schedules), len(report.jobs)
    moved = "would move" if report.dry_run else "moved"
    what = f"{counted(schedules, 'schedule')} and {counted(jobs, 'job')} {moved}"
    if not schedules and not jobs:
        what = "Nothing to move" if not report.remaining else f"Nothing {moved}"
    yield Line((cell(what, "bold"),))
    yield line(f"  from {report.source['url']}", "dim")
    yield line(f"  to   {report.target['url']}", "dim")
    if report.remaining:
        yield table(
            {
                "stays": [cell(entry.kind) for entry in report.remaining],
                "id": [cell(entry.id, "bold") for entry in report.remaining],
                "why…": [
                    cell(entry.reason, "bold red" if entry.is_conflict else "yellow")
                    for entry in report.remaining
                ],
            }
        )
