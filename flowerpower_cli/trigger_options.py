"""From the options of a command to a trigger."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from flowerpower.errors import InvalidTrigger, ProjectNotFound
from flowerpower_cli.command import CommandContext
from flowerpower_cli.options import TriggerOptions

if TYPE_CHECKING:
    from flowerpower.triggers.base import Trigger


def is_given(options: TriggerOptions) -> bool:
    """Whether any of --cron, --interval and --date is there."""
    return any(each is not None for each in (options.cron, options.interval, options.date))


def trigger_from(
    context: CommandContext,
    options: TriggerOptions,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    jitter: float | None = None,
) -> Trigger:
    """The trigger that a command's options describe; times without an offset are in its zone.

    Raises:
        InvalidTrigger: if not exactly one of --cron, --interval and --date is given.
    """
    from flowerpower.triggers.make import make_trigger

    if sum(each is not None for each in (options.cron, options.interval, options.date)) != 1:
        raise InvalidTrigger(
            "Expected exactly one of --cron, --interval and --date.",
            hint='For example --cron "0 8 * * 1-5", --interval 1h or --date 2027-01-01T09:00:00.',
        )
    zone = options.timezone or _project_timezone(context)
    return make_trigger(
        options.cron,
        options.interval,
        options.date,
        timezone=zone,
        start=start,
        end=end,
        jitter=jitter,
    )


def _project_timezone(context: CommandContext) -> str | None:
    try:
        return context.manager.project.timezone
    except ProjectNotFound:
        if context.base_dir is not None:
            raise
        return None
