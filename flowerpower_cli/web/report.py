"""The report: the dashboard's pages as one HTML file, which loads nothing and has no scripts."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flowerpower.errors import JobNotFound
from flowerpower.jobs.job import Job, JobFilter, JobStatus
from flowerpower_cli.web.pages import job as job_page
from flowerpower_cli.web.pages import overview, pipelines, schedules
from flowerpower_cli.web.rendering import Links, Renderer, style_sheet
from flowerpower_cli.web.site import Reading, Site

if TYPE_CHECKING:
    from flowerpower.pipeline import PipelineManager

MAX_LOG = 4_000
"""Characters of a log that a job shows; only those that did not finish have one."""
MAX_DETAILED = 200
"""Jobs that are told in detail: those that run or did not finish first."""
MAX_SCHEDULES = 100
MAX_PIPELINES = 100
SHOWN_FIRST = ("failed", "cancelled", "running")


@dataclass(frozen=True)
class LinksWithin(Links):
    """Links to places of the same file; what it does not hold has no link."""

    job_ids: Collection[str]
    schedule_ids: Collection[str]
    pipeline_names: Collection[str]

    def job(self, job_id: str) -> str | None:
        """The place of a job; None if it is only listed."""
        return f"#job-{job_id}" if job_id in self.job_ids else None

    def jobs(self, _status: str) -> str:
        """The list of jobs."""
        return "#jobs"

    def section(self, name: str) -> str:
        """A part of the report."""
        return f"#{name}"

    def schedule(self, schedule_id: str) -> str | None:
        """The place of a schedule."""
        return f"#schedule-{schedule_id}" if schedule_id in self.schedule_ids else None

    def pipeline(self, name: str) -> str | None:
        """The place of a pipeline."""
        return f"#pipeline-{name}" if name in self.pipeline_names else None


def report(manager: PipelineManager, since: datetime | None, limit: int) -> str:
    """The page about the newest `limit` jobs that were not added before `since`, and all else.

    Raises:
        BackendUnreachable: if the queue cannot be read.
    """
    site = Site(manager)
    try:
        return _report(Reading(site), since, limit)
    finally:
        site.close()


def _report(reading: Reading, since: datetime | None, limit: int) -> str:
    manager = reading.site.manager
    names = manager.list()[:MAX_PIPELINES]
    # A process of its own reads them meanwhile.
    descriptions = reading.site.descriptions.begin(*names)
    listed = manager.job_queue.list_jobs(JobFilter(since=since, limit=limit))
    detailed = _detailed(listed)
    shown_schedules = manager.job_queue.upcoming_schedules(MAX_SCHEDULES)
    every = {schedule.id: schedule for schedule in shown_schedules}
    if manager.job_queue.count_schedules() <= MAX_SCHEDULES:
        every |= {schedule.id: schedule for schedule in manager.job_queue.list_schedules()}
    reading.site.learn_secrets([*names, *(job.pipeline for job in listed)])
    reading.site.learn_secrets(schedule.pipeline for schedule in every.values())
    links = LinksWithin({job.id for job in detailed}, every.keys(), {*names})
    renderer = Renderer(links, reading.site.zone, is_live=False)
    values: dict[str, Any] = {
        **overview.overview(reading, "", {}).values,
        **schedules.list_values(reading, [*every.values()]),
        **pipelines.list_values(reading, names),
        "listed": listed,
        "limit": limit,
        "since": since,
        "counts": _counts(listed),
        "details": [_detail(reading, job) for job in detailed],
        "schedule_details": [
            schedules.schedule_values(reading, schedule) for schedule in every.values()
        ],
        "pipeline_details": [
            pipelines.pipeline_values(reading, name, descriptions.result()[name]) for name in names
        ],
    }
    return renderer.render(
        "report.html", project=reading.site.name, now=reading.now, acts=False, form_token="",
        style=style_sheet(), **values,
    ).text  # fmt: skip


def _detailed(listed: Sequence[Job]) -> list[Job]:
    """The jobs that are told in detail: what people look for first, then the newest."""
    first = [job for job in listed if job.status in SHOWN_FIRST]
    others = [job for job in listed if job.status is JobStatus.FINISHED]
    chosen = {job.id for job in [*first, *others][:MAX_DETAILED]}
    return [job for job in listed if job.id in chosen]


def _counts(listed: Sequence[Job]) -> Mapping[str, int]:
    return {
        str(status): sum(job.status is status for job in listed)
        for status in JobStatus
        if any(job.status is status for job in listed)
    }


def _detail(reading: Reading, listed: Job) -> dict[str, Any]:
    queue = reading.site.manager.job_queue
    record = listed
    with contextlib.suppress(JobNotFound):
        # A listed job has no result.
        record = queue.get_job(listed.id)
    values = job_page.job_values(reading, record)
    del values["picture"]
    log = None
    if record.status is not JobStatus.FINISHED and record.attempt:
        with contextlib.suppress(JobNotFound):
            log = job_page.log_end(queue.read_log(record.id, record.attempt), MAX_LOG)
    return {**values, "log": log}
