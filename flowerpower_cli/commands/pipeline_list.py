"""`flowerpower pipeline list`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from flowerpower.errors import ConfigError
from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.declared import schedules_in_words, standings_by_pipeline
from flowerpower_cli.options import QueueOptions
from flowerpower_cli.views.standings import schedule_and_standing
from flowerpower_cli.views.tables import Block, cell, table

if TYPE_CHECKING:
    from flowerpower.pipeline.schedule_changes import ScheduleChange


@command("pipeline list", example="--json", options=QueueOptions)
def list_pipelines(context: CommandContext) -> None:
    """List the project's pipelines, and how their schedules stand."""
    names = context.manager.list()
    standings = standings_by_pipeline(context)
    rows = [_listed_data(context, name, standings) for name in names]
    context.output.result(rows, lambda: _list_view(rows), names)
    if not rows:
        context.output.message(
            "There are no pipelines yet; make one with `flowerpower pipeline new`."
        )


def _listed_data(
    context: CommandContext, name: str, standings: dict[str, list[ScheduleChange]] | None
) -> dict[str, Any]:
    data: dict[str, Any] = {"name": name, "modules": [], "schedule": []}
    # What is not known is null, not empty.
    changes = None if standings is None else standings.get(name, [])
    schedules = None if changes is None else [change.to_json() for change in changes]
    try:
        config = context.manager.registry.get(name).config
    except ConfigError as error:
        return data | {"schedules": schedules, "error": error.message}
    return {
        "name": name,
        "modules": config.run.modules or [f"pipelines.{name}"],
        "schedule": schedules_in_words(context, config),
        "schedules": schedules,
        "error": None,
    }


def _schedules_with_standings(row: dict[str, Any]) -> str:
    """The schedules of a pipeline in words, and how each stands unless it is live as declared."""
    if row["error"] or row["schedules"] is None or not row["schedules"]:
        return row["error"] or "; ".join(row["schedule"])
    return "; ".join(
        schedule_and_standing(schedule["in_words"] or schedule["id"], schedule["standing"])
        for schedule in row["schedules"]
    )


def _list_view(rows: list[dict[str, Any]]) -> Iterator[Block]:
    if rows:
        columns = {
            "pipeline": [cell(row["name"], "bold") for row in rows],
            "modules": [cell(", ".join(row["modules"])) for row in rows],
            "schedule…": [
                cell(_schedules_with_standings(row), "red" if row["error"] else "") for row in rows
            ],
        }
        yield table(columns)
