"""Deleting a pipeline, unless something would be left behind that needs it."""

from __future__ import annotations

from pathlib import Path

from flowerpower.config.files import pipeline_path
from flowerpower.errors import Refused
from flowerpower.jobs.job import UNSTARTED, JobFilter
from flowerpower.pipeline.job_queue import PipelineJobQueue
from flowerpower.pipeline.registry import PipelineRegistry

_NAMED = 5
"""Up to so many schedules or jobs are named."""
_COUNTED = 1000


def delete_pipeline(
    registry: PipelineRegistry,
    job_queue: PipelineJobQueue,
    name: str,
    with_schedules: bool,
    *,
    dry_run: bool = False,
) -> list[Path]:
    """As `PipelineManager.delete`."""
    paths = registry.delete(name, dry_run=True)
    _check_chains(job_queue, name)
    schedules, jobs = _live_users(job_queue, name)
    needs = []
    if schedules and not with_schedules:
        needs.append(_named("schedule", schedules))
    if jobs:
        needs.append(_named("waiting job", jobs))
    if needs:
        cancel = (
            f"flowerpower job-queue cancel-job --pipeline {name} --status waiting,scheduled,queued"
        )
        hint = f"Cancel the jobs first: {cancel}" if jobs else "--with-schedules deletes them too."
        raise Refused(f"{name} has {' and '.join(needs)}, which would fail without it.", hint=hint)
    if dry_run:
        return paths
    # The schedules first: without its files a fire would make a job that fails.
    for schedule_id in schedules:
        job_queue.delete_schedule(schedule_id)
    return registry.delete(name)


def _check_chains(job_queue: PipelineJobQueue, name: str) -> None:
    """Raise Refused if another pipeline follows this one."""
    by_pipeline = job_queue.rules.by_pipeline()
    followers = [
        other
        for other, rules in by_pipeline.items()
        if other != name and any(parent == name for parent, _ in rules.after)
    ]
    if followers:
        files = ", ".join(pipeline_path(other).as_posix() for other in followers)
        verb = "follows" if len(followers) == 1 else "follow"
        raise Refused(
            f"{', '.join(followers)} {verb} {name}, and would have no more jobs without it.",
            hint=f"Take {name} out of `after` first, in {files}.",
        )


def _live_users(job_queue: PipelineJobQueue, name: str) -> tuple[list[str], list[str]]:
    """The ids of the schedules and of the waiting jobs of a pipeline."""
    if not job_queue.is_made:
        return [], []
    schedules = [record.id for record in job_queue.list_schedules() if record.pipeline == name]
    jobs = job_queue.list_jobs(JobFilter(UNSTARTED, name, limit=_COUNTED))
    return schedules, [job.id for job in jobs]


def _named(what: str, ids: list[str]) -> str:
    count = f"{_COUNTED} or more" if len(ids) == _COUNTED else str(len(ids))
    names = ", ".join([*ids[:_NAMED], *(["…"] if len(ids) > _NAMED else [])])
    return f"{count} {what}{'' if len(ids) == 1 else 's'} ({names})"
