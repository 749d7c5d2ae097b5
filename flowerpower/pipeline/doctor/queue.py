"""The checks of the job queue: its server or file, its clock, its work, its schedules."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

from flowerpower.jobs.job import JobStatus
from flowerpower.jobs.problem import Level, Problem
from flowerpower.pipeline.apply_schedules import look_over
from flowerpower.pipeline.doctor.subject import Subject
from flowerpower.pipeline.schedule_changes import Action, ScheduleChange
from flowerpower.pipeline.status import ProjectStatus, read_status
from flowerpower.triggers import clock
from flowerpower.triggers.clock import format_duration

SKEW = 2.0
"""Seconds between two clocks that are worth a warning."""
SHOWN = 5
"""Schedules that one sentence names."""
NOT_MADE = "There is no job queue yet: its file is made at the first use."
_DIFFERENCES = {
    Action.ADD: "declared and not live",
    Action.CHANGE: "other than declared",
    Action.REMOVE: "live and declared no more",
}


def check_backend(subject: Subject) -> Generator[Problem, None, str]:
    """The server or the file answers, and is set up so that no job is lost."""
    job_queue = subject.job_queue
    if job_queue.in_memory:
        yield Problem(
            "queue_in_memory", Level.WARNING,
            "The job queue is kept in memory: its jobs end with the process that adds them.",
            "Set job_queue.backend.url in conf/project.yml to a sqlite:/// file.",
        )  # fmt: skip
        return ""
    if not job_queue.is_made:
        yield from _unmade_problems(job_queue.file)
        return NOT_MADE
    said = job_queue.check()
    yield from job_queue.backend.setup_problems()
    more = f", {said['persistence']}" if "persistence" in said else ""
    return f"{said['version']} at {said['url']}{more}."


def _unmade_problems(file: Path | None) -> Iterator[Problem]:
    """That the file of a job queue which is not there yet cannot be made."""
    if file is None:
        return
    folder = next(parent for parent in file.parents if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        yield Problem(
            "queue_cannot_be_made", Level.ERROR,
            f"The job queue's file {file} cannot be made: {folder} may not be written to.",
            "Let this user write there, or name another place: job_queue.backend.url.",
        )  # fmt: skip


def check_clock(subject: Subject) -> Generator[Problem, None, str]:
    """This machine's clock agrees with the job queue's."""
    backend = subject.job_queue.backend
    before = clock.now()
    theirs = backend.clock()
    after = clock.now()
    # Theirs was read somewhere in between.
    ahead = max((theirs - after).total_seconds(), (before - theirs).total_seconds())
    if ahead < SKEW:
        return "This machine's clock agrees with the job queue's."
    yield Problem(
        "clock_skew", Level.WARNING,
        f"This machine's clock is {format_duration(round(ahead))} "
        f"{'behind' if theirs > after else 'ahead of'} the job queue's, which decides what is due.",
        "Let both follow a time server (chrony, systemd-timesyncd).",
    )  # fmt: skip
    return ""


def check_status(subject: Subject) -> Generator[Problem, None, str]:
    """Jobs are taken and schedules are fired: what `flowerpower status` says."""
    status = read_status(subject.project, subject.job_queue, limit=20)
    yield from status.problems
    return _status_in_words(status)


def _status_in_words(status: ProjectStatus) -> str:
    alive = status.alive
    queued, running = (
        sum(queue.counts[state] for queue in status.queues)
        for state in (JobStatus.QUEUED, JobStatus.RUNNING)
    )
    numbers = ((len(alive), "worker"), (status.schedules, "schedule"))
    counted = [f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in numbers]
    return f"{', '.join(counted)}; {queued} queued and {running} running jobs."


def check_schedules(subject: Subject) -> Generator[Problem, None, str]:
    """The live schedules are those that YAML declares."""
    job_queue = subject.job_queue
    live = job_queue.list_schedules() if job_queue.is_made else []
    # That a YAML is wrong is said by the check of the configuration.
    changes, _ = look_over(subject.project, subject.registry, live)
    for action, words in _DIFFERENCES.items():
        if different := [change for change in changes if change.action is action]:
            prune = " --prune" if action is Action.REMOVE else ""
            yield Problem(
                "schedules_differ", Level.WARNING,
                f"Schedules that are {words}: {_named(different)}.",
                f"See flowerpower schedule diff; then flowerpower schedule apply{prune}",
            )  # fmt: skip
    return "The live schedules are those that YAML declares."


def _named(changes: Sequence[ScheduleChange]) -> str:
    names = [change.label for change in changes[:SHOWN]]
    rest = len(changes) - len(names)
    return ", ".join(names) + (f" and {rest} more" if rest else "")
