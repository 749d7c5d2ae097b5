"""The table of checks, and making them one after another: a bad one hides none of the others."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module

from flowerpower.config.project_source import find_source
from flowerpower.errors import BackendUnreachable, FlowerpowerError, UsageError
from flowerpower.jobs.problem import Level, Problem
from flowerpower.pipeline.doctor.diagnosis import CheckResult, Diagnosis, problems_of
from flowerpower.pipeline.doctor.subject import Subject
from flowerpower.text import did_you_mean
from flowerpower.triggers import clock
from flowerpower.triggers.clock import format_duration

Check = Callable[[Subject], Generator[Problem, None, str]]
"""Yields what is wrong, and returns what is so if nothing is."""
LIMIT = 20.0
"""Seconds that a check may take; a backend that does not answer is given up earlier."""
PIPELINES_LIMIT = 120.0


@dataclass(frozen=True)
class CheckSpec:
    """A check: the module in this folder that has it as `check_NAME`, and when it is made.

    One that `needs_queue` is left out once the job queue could not be reached, and one that
    `opens_queue` as long as there is none. Those that are no default are for health probes.
    """

    module: str
    needs_queue: bool = False
    opens_queue: bool = False
    is_default: bool = True
    limit: float = LIMIT


CHECKS = {
    "configuration": CheckSpec("configuration"),
    "extras": CheckSpec("configuration"),
    "versions": CheckSpec("configuration"),
    "pipelines": CheckSpec("pipelines", limit=PIPELINES_LIMIT),
    "backend": CheckSpec("queue", needs_queue=True),
    "clock": CheckSpec("queue", needs_queue=True, opens_queue=True),
    "status": CheckSpec("queue", needs_queue=True, opens_queue=True),
    "schedules": CheckSpec("queue", needs_queue=True),
    "worker": CheckSpec("workers", needs_queue=True, is_default=False),
    "scheduler": CheckSpec("workers", needs_queue=True, is_default=False),
}
"""All checks, in the order in which they are made."""


@dataclass
class _Running:
    """A check that is being made; what it has found so far counts, also if it does not end."""

    problems: list[Problem] = field(default_factory=list)
    fact: str = ""
    skipped: str | None = None


def examine(
    base_dir: str | os.PathLike[str] | None = None,
    names: Sequence[str] = (),
    *,
    job_queue_type: str | None = None,
    worker_id: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Diagnosis:
    """Make the checks of these names, or all default ones, of the project in `base_dir`.

    Arguments are as of `PipelineManager`. `worker_id` is the worker that the check `worker` asks
    for, by default any of this machine. Each check ends, or is given up, within its time limit.

    Raises:
        ProjectNotFound: if there is no project.
        UsageError: if there is no such check; it names the nearest.
    """
    for name in names:
        if name not in CHECKS:
            raise UsageError(
                f"There is no check {name!r}.{did_you_mean(name, CHECKS)}",
                hint=f"The checks are: {', '.join(CHECKS)}.",
            )
    environ = os.environ if environ is None else environ
    root = find_source(base_dir, environ).root()
    subject = Subject(root, environ, job_queue_type, worker_id)
    chosen = [
        name for name, spec in CHECKS.items() if name in names or (spec.is_default and not names)
    ]
    results: list[CheckResult] = []
    for name in chosen:
        result = _make(name, CHECKS[name], subject)
        subject.said.update(problem.message for problem in result.problems)
        results.append(result)
    # What hangs may hold a lock that closing would wait for.
    if not subject.has_hung:
        subject.close()
    return Diagnosis(results)


def _make(name: str, spec: CheckSpec, subject: Subject) -> CheckResult:
    if spec.needs_queue and subject.is_unreachable:
        return CheckResult(name, skipped="The job queue cannot be reached.")
    running = _Running()
    # A daemon, so that one that hangs does not keep the process from ending.
    thread = threading.Thread(
        target=_run, args=(name, spec, subject, running), name=f"check-{name}", daemon=True
    )
    began = clock.monotonic()
    thread.start()
    thread.join(spec.limit)
    seconds = clock.monotonic() - began
    problems = list(running.problems)
    if thread.is_alive():
        subject.has_hung = True
        subject.is_unreachable = subject.is_unreachable or spec.needs_queue
        message = f"The check {name} took longer than {format_duration(spec.limit)}."
        hint = "What it asks does not answer; --check makes the others without it."
        problems.append(Problem("check_timed_out", Level.ERROR, message, hint))
    return CheckResult(
        name, tuple(problems), None if problems else running.fact or None, running.skipped, seconds
    )


def _run(name: str, spec: CheckSpec, subject: Subject, running: _Running) -> None:
    try:
        queue = subject.job_queue if spec.opens_queue else None
        if queue is not None and (queue.in_memory or not queue.is_made):
            running.skipped = "There is no job queue that others reach yet."
            return
        check: Check = getattr(import_module(f"{__package__}.{spec.module}"), f"check_{name}")
        problems = check(subject)
        while True:
            try:
                running.problems.append(next(problems))
            except StopIteration as end:
                running.fact = end.value
                return
    except FlowerpowerError as error:
        subject.is_unreachable |= isinstance(error, BackendUnreachable)
        found = problems_of(error)
        if all(problem.message in subject.said for problem in found):
            running.skipped = "What is wrong has been said already."
        running.problems += [problem for problem in found if problem.message not in subject.said]
    except Exception as error:  # noqa: BLE001 - a defect of one check must not hide the others
        running.problems.append(
            Problem("check_failed", Level.ERROR, f"The check {name} failed: {error!r}.")
        )
