"""Acting on many jobs: which ones, a question, page by page, and what was done if it stops."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from flowerpower.errors import BackendUnreachable, FlowerpowerError, UsageError
from flowerpower_cli.lookup import ALL_JOBS, filter_from, find_job, raise_errors
from flowerpower_cli.options import JobSelection, given_options
from flowerpower_cli.views.tables import counted

if TYPE_CHECKING:
    from flowerpower.jobs.job import Job
    from flowerpower_cli.command import CommandContext
    from flowerpower_cli.views.tables import Block

PAGE = 200
"""Jobs in one call: what is in doubt if the backend does not answer."""
PREVIEW = 20
"""Jobs that are shown before the question, and ids that a message names."""
Result = TypeVar("Result")


@dataclass
class Selected:
    """Jobs to act on, in the order to act in, and the errors of names that are none.

    `by_conditions`: conditions have selected them. `are_listed`: they are not named, and are shown
    as a list is, the newest first.
    """

    jobs: list[Job] = field(default_factory=list)
    errors: list[FlowerpowerError] = field(default_factory=list)
    by_conditions: bool = False
    are_listed: bool = False

    def keep(self, check: Callable[[Job], object]) -> None:
        """Move the jobs that `check` refuses to the errors."""
        allowed = []
        for job in self.jobs:
            try:
                check(job)
            except FlowerpowerError as error:
                self.errors.append(error)
            else:
                allowed.append(job)
        self.jobs = allowed


def select_jobs(
    context: CommandContext,
    ids: list[str] | None,
    selection: JobSelection,
    limit: int | None,
    *statuses: str,
) -> Selected:
    """The jobs that are named and meet the conditions; without names, all that meet them.

    Without names and a --status, those of the `statuses`.

    Raises:
        UsageError: if there are neither names nor conditions.
    """
    flags = given_options(selection)
    if not ids and not flags:
        raise UsageError(
            "Neither jobs nor conditions are given.",
            hint="Name jobs, or select them: --status, --pipeline, --queue, --schedule, --since, "
            "--until.",
        )
    selected = Selected(by_conditions=bool(flags), are_listed=not ids)
    # Many jobs are many objects that all stay: to look for garbage among them takes long.
    gc.disable()
    if not ids:
        if not selection.status:
            selection = JobSelection(**{**vars(selection), "status": list(statuses)})
        job_filter = filter_from(context, selection, ALL_JOBS if limit is None else limit)
        # The oldest first: it is the first that runs again.
        selected.jobs = context.job_queue.list_jobs(job_filter)[::-1]
    else:
        job_filter = filter_from(context, selection, ALL_JOBS)
        _find_named(context, selected, ids)
        others = [job.id for job in selected.jobs if not job_filter.matches(job)]
        if others:
            verb = "does" if len(others) == 1 else "do"
            context.output.message(f"{_names(others)} {verb} not meet the conditions.")
        matching = [job for job in selected.jobs if job_filter.matches(job)]
        selected.jobs = matching[:limit]
    if not selected.jobs and flags and not selected.errors:
        context.output.message("No job meets these conditions.")
    context.learn_secrets(*{job.pipeline for job in selected.jobs})
    return selected


def _find_named(context: CommandContext, selected: Selected, ids: list[str]) -> None:
    found: dict[str, Job] = {}
    for name in dict.fromkeys(ids):
        try:
            job = find_job(context.job_queue, name)
        except BackendUnreachable:
            raise
        except FlowerpowerError as error:
            selected.errors.append(error)
        else:
            found.setdefault(job.id, job)
    selected.jobs = list(found.values())


def confirm(
    context: CommandContext,
    selected: Selected,
    question: str,
    *,
    yes: bool,
    more: Iterable[Block] = (),
) -> None:
    """Show the selected jobs, and `more` below them, and ask whether to go on.

    Raises:
        Refused: if the answer is no, or nobody can be asked.
    """
    import sys

    from flowerpower_cli.views.job_list import jobs_view
    from flowerpower_cli.views.tables import line

    if not selected.jobs or yes:
        return
    output = context.output
    if output.can_ask:
        jobs = selected.jobs[::-1] if selected.are_listed else selected.jobs
        output.show(sys.stderr, jobs_view(jobs[:PREVIEW], context.timezone, short=True))
        if len(selected.jobs) > PREVIEW:
            output.show(sys.stderr, [line(f"… and {len(selected.jobs) - PREVIEW} more", "dim")])
        output.show(sys.stderr, more)
    output.confirm(question, yes=yes)


def act_on(
    context: CommandContext,
    selected: Selected,
    act: Callable[[Sequence[Job]], Sequence[Result | FlowerpowerError]],
    show: Callable[[list[tuple[Job, Result]]], object],
    title: str,
) -> None:
    """Act on the selected jobs, page by page, and show what came of those that were acted on.

    If the backend stops answering, and at Ctrl-C, that is shown too, and then what is in doubt and
    what was not done.

    Raises:
        FlowerpowerError: as `raise_errors`, of all jobs that could not be acted on.
    """
    done, stopped = _act(context, selected.jobs, act, title)
    results = [(job, one) for job, one in done if not isinstance(one, FlowerpowerError)]
    errors = selected.errors + [one for _, one in done if isinstance(one, FlowerpowerError)]
    if results or not (errors or stopped):
        show(results[::-1] if selected.are_listed else results)
    if stopped is None:
        raise_errors(errors)
        return
    left = [job.id for job in selected.jobs[len(done) :]]
    lines = [f"{len(results)} done", f"in doubt: {_names(left[:PAGE])}"]
    lines += [f"not done: {_names(left[PAGE:])}"] if left[PAGE:] else []
    if isinstance(stopped, BackendUnreachable):
        stopped.details += [*(str(error) for error in errors), *lines]
    else:
        for text in lines:
            context.output.plain_line(text)
    raise stopped


def _act(
    context: CommandContext,
    jobs: Sequence[Job],
    act: Callable[[Sequence[Job]], Sequence[Result | FlowerpowerError]],
    title: str,
) -> tuple[list[tuple[Job, Result | FlowerpowerError]], BaseException | None]:
    from flowerpower_cli.views.progress import count_progress

    done: list[tuple[Job, Result | FlowerpowerError]] = []
    with count_progress(context.output, title) as show_progress:
        for start in range(0, len(jobs), PAGE):
            page = jobs[start : start + PAGE]
            try:
                done += zip(page, act(page), strict=True)
            except (BackendUnreachable, KeyboardInterrupt) as error:
                return done, error
            if show_progress is not None and len(jobs) > PAGE:
                show_progress(len(done), len(jobs))
    return done, None


def _names(ids: list[str]) -> str:
    """Ids in a sentence; of many their number, the first and the last."""
    if len(ids) <= PREVIEW:
        return ", ".join(ids)
    return f"{counted(len(ids), 'job')}, from {ids[0]} to {ids[-1]}"
