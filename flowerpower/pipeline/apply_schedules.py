"""Bringing live schedules in line with those that YAML declares, one atomic step for each.

Each step is whole or did not happen, and depends on what is live alone. So whoever is killed in
between begins again and ends at the same.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from flowerpower.config.files import Project
from flowerpower.errors import BackendUnreachable, FlowerpowerError, Refused, ScheduleNotFound
from flowerpower.jobs.schedule import Schedule
from flowerpower.pipeline.declared_schedules import raise_unreadable, read_declared
from flowerpower.pipeline.job_queue import PipelineJobQueue
from flowerpower.pipeline.registry import PipelineRegistry
from flowerpower.pipeline.schedule_changes import Action, ScheduleChange, Standing, compare
from flowerpower.triggers import clock


@dataclass(frozen=True)
class Applied:
    """A change that was made, or the error that it met; `schedule` is as it is now."""

    change: ScheduleChange
    schedule: Schedule | None = None
    error: FlowerpowerError | None = None


def compare_schedules(
    project: Project,
    registry: PipelineRegistry,
    job_queue: PipelineJobQueue,
    pipelines: Sequence[str] = (),
) -> list[ScheduleChange]:
    """How the declared schedules and orphans stand: of these pipelines, or without any of all.

    Raises:
        PipelineNotFound, ConfigError: if a YAML is wrong: then nothing can be said of any.
    """
    specs, errors = read_declared(project, registry, pipelines or registry.names())
    raise_unreadable(errors)
    live = job_queue.list_schedules() if job_queue.is_made else []
    return compare(specs, live, clock.now(), pipelines=frozenset(pipelines) or None)


def look_over(
    project: Project, registry: PipelineRegistry, live: Sequence[Schedule]
) -> tuple[list[ScheduleChange], list[str]]:
    """As `compare_schedules` of all, for a view; and the pipelines whose YAML is wrong."""
    specs, errors = read_declared(project, registry, registry.names())
    return compare(specs, live, clock.now(), unreadable=errors), list(errors)


def changes_to_make(changes: Sequence[ScheduleChange], *, prune: bool) -> list[ScheduleChange]:
    """Those that `apply` makes, in its order: orphans are removed last, and with `prune` only."""
    wanted = [row for row in changes if row.action and (prune or row.action is not Action.REMOVE)]
    return sorted(wanted, key=lambda change: change.action is Action.REMOVE)


def apply_changes(
    job_queue: PipelineJobQueue,
    changes: Sequence[ScheduleChange],
    *,
    dry_run: bool = False,
) -> Iterator[Applied]:
    """Make the changes one by one; with `dry_run` only check what a change would be refused for.

    What cannot be done stops no other, but a backend that is away stops all. The changes are those
    of `changes_to_make`, with removals last: these are made only if all else was done.
    """
    has_failed = False
    for change in changes:
        try:
            if change.action is Action.REMOVE and has_failed:
                raise Refused(f"{change.id} was not removed, because not all else was done.")
            applied = Applied(change, bring_in_line(job_queue, change, dry_run=dry_run))
        except FlowerpowerError as error:
            has_failed, applied = True, Applied(change, error=error)
        yield applied
        if isinstance(applied.error, BackendUnreachable):
            return


def bring_in_line(
    job_queue: PipelineJobQueue,
    change: ScheduleChange,
    *,
    overwrite: bool = False,
    dry_run: bool = False,
) -> Schedule | None:
    """Do what brings one schedule in line; the live one then, None if there is none.

    Raises:
        Refused: if it is in conflict with another, and not `overwrite`.
        InvalidTrigger: if it would have to be added, and would never fire.
        FlowerpowerError: whatever a run would refuse.
    """
    if change.conflict is not None and not overwrite:
        raise Refused(
            change.conflict,
            hint="Delete that one, or give the declared one another id.",
        )
    if change.declared is None:
        if change.id is not None and not dry_run:
            # Somebody else may have deleted it.
            with contextlib.suppress(ScheduleNotFound):
                job_queue.delete_schedule(change.id)
        return None
    if change.standing in (Standing.SAME, Standing.DISABLED):
        return None if change.live is None else replace(change.live, created=False)
    spec = replace(change.declared, id=change.id)
    if dry_run:
        job_queue.check_schedule(spec)
        return change.live
    if change.live is None:
        return job_queue.add_schedule(spec)
    return replace(job_queue.put_schedule(spec), created=False)


def raise_failed(
    applied: Sequence[Applied], changes: Sequence[ScheduleChange], *, dry_run: bool = False
) -> None:
    """Raise the errors that some of the `changes` met, as one that says what was done."""
    errors = [row.error for row in applied if row.error is not None]
    if not errors:
        return
    done = [row.change.label for row in applied if row.error is None]
    first = errors[0]
    message, details = first.message, [*first.details]
    if len(errors) > 1:
        message = f"{len(errors)} schedules could not be brought in line:"
        details = [line for error in errors for line in str(error).splitlines()]
    if done:
        details.append(f"{'could be done' if dry_run else 'done'}: {', '.join(done)}")
    if untried := [change.label for change in changes[len(applied) :]]:
        details.append(f"not tried: {', '.join(untried)}")
    raise type(first)(message, details=details, hint=first.hint)
