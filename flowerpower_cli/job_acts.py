"""What the commands that change jobs do to them: cancel, retry, run again, delete."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from flowerpower.errors import FlowerpowerError
from flowerpower.jobs.chain import DELETED
from flowerpower.jobs.job import Job, JobStatus, JobVerb, check_again, check_change
from flowerpower.pipeline.job_chain import cancelled_below, still_cancelled, waiting_below
from flowerpower_cli.bulk import PAGE, PREVIEW, Selected, act_on, confirm
from flowerpower_cli.command import CommandContext, importing_modules
from flowerpower_cli.lookup import show_deleted
from flowerpower_cli.views.job_changes import (
    again_view,
    cancelled_too,
    first_names,
    plans_view,
    retried_messages,
    those_that_wait,
)
from flowerpower_cli.views.job_list import jobs_view
from flowerpower_cli.views.jobs import added_view, cancelled_view, record_data
from flowerpower_cli.views.output import stdout_to_stderr
from flowerpower_cli.views.progress import count_progress
from flowerpower_cli.views.tables import Block, counted

if TYPE_CHECKING:
    from flowerpower.pipeline.job_chain import StillCancelled
    from flowerpower.pipeline.retry_plan import RetryPlan

Changed = tuple[Job, Job]
"""A job before and after; of a dry run the same twice."""


class JobAct(ABC):
    """One act on jobs; a dry run checks them, and shows them as they are."""

    verb: ClassVar[JobVerb]
    done: ClassVar[str]
    title: ClassVar[str]
    always_asks = False

    def __init__(self, context: CommandContext, *, dry_run: bool) -> None:
        self.context = context
        self.dry_run = dry_run

    def run(self, selected: Selected, *, yes: bool) -> None:
        """Check the jobs, ask, act on them and show them.

        Raises:
            Refused: if a question is to be asked, and nobody can answer or the answer is no.
            FlowerpowerError: of all jobs that could not be acted on.
        """
        selected.keep(self._check)
        self._prepare(selected)
        if not self.dry_run and (selected.by_conditions or self.always_asks):
            question, more = self._question(selected.jobs), self._preview(selected)
            confirm(self.context, selected, question, yes=yes, more=more)
        act_on(self.context, selected, self._change, self._show, self.title)

    def _check(self, job: Job) -> None:
        """Raise Refused if it may not be done to the job."""
        check_change(self.verb, job.id, job.status)

    def _prepare(self, _selected: Selected) -> None:
        """Find out whatever is to be known before the question."""
        return

    def _preview(self, _selected: Selected) -> Iterable[Block]:
        """What is shown below the jobs before the question."""
        return ()

    def _question(self, jobs: Sequence[Job]) -> str:
        """What is said before it asks whether to go on."""
        return f"{counted(len(jobs), 'job')} would be {self.done}."

    def _change(self, page: Sequence[Job]) -> Sequence[Job | FlowerpowerError]:
        """Do it to a page of jobs: each as it is then, or why it was not done."""
        if self.dry_run:
            return page
        return self.context.job_queue.change_jobs(self.verb, [job.id for job in page])

    def _show(self, results: list[Changed]) -> None:
        """Show the jobs that were changed, or that a dry run would change."""
        data = [record_data(after) | self._change_data(before, after) for before, after in results]
        self.context.output.result(data, lambda: self._blocks(results))
        if self.dry_run and results:
            self.context.output.message(f"{counted(len(results), 'job')} would be {self.done}.")

    def _blocks(self, results: list[Changed]) -> Iterator[Block]:
        jobs = [after for _, after in results]
        if self.dry_run:
            yield from jobs_view(jobs, self.context.timezone, short=sys.stdout.isatty())
        else:
            yield from self._view(results)

    @abstractmethod
    def _view(self, results: list[Changed]) -> Iterable[Block]:
        """How the changed jobs look."""

    def _change_data(self, _before: Job, _after: Job) -> dict[str, Any]:
        """What the JSON of a job says of the change."""
        return {"changed": not self.dry_run}


class EndingAct(JobAct):
    """An act with which the jobs are cancelled that wait for a success of these; `end` is theirs.

    Which ones is known before the question, and said of those that are not selected themselves.
    """

    end: ClassVar[str]

    def __init__(self, context: CommandContext, *, dry_run: bool) -> None:
        super().__init__(context, dry_run=dry_run)
        self._below: dict[str, list[str]] = {}

    def _prepare(self, selected: Selected) -> None:
        named = {job.id for job in selected.jobs}
        # Nobody waits for one that has ended.
        live = [job.id for job in selected.jobs if not job.status.is_ended]
        for start in range(0, len(live), PAGE):
            below = cancelled_below(self.context.job_queue, live[start : start + PAGE], self.end)
            for job_id, others in below.items():
                self._below[job_id] = [other for other in others if other not in named]

    def _others(self, jobs: Iterable[Job]) -> list[str]:
        """The jobs that are cancelled with these."""
        others = (other for job in jobs for other in self._below.get(job.id, ()))
        return list(dict.fromkeys(others))

    def _and_others(self, jobs: Sequence[Job], verb: str = "") -> str:
        """The end of a question on these jobs, if others are cancelled with them."""
        if not (others := self._others(jobs)):
            return ""
        return f", and {verb}{those_that_wait(others, len(jobs))}: {first_names(others)}"

    def _tell_others(self, jobs: Sequence[Job]) -> None:
        """Say which jobs are cancelled with these."""
        verb = "would be" if self.dry_run else None
        if text := cancelled_too(self._others(jobs), len(jobs), verb):
            self.context.output.message(text)


class Cancel(EndingAct):
    """A waiting job ends at once, a running one soon."""

    verb, done, title = "cancel", "cancelled", "Cancelling"
    end = JobStatus.CANCELLED

    def _question(self, jobs: Sequence[Job]) -> str:
        return f"This cancels {counted(len(jobs), 'job')}{self._and_others(jobs)}."

    def _view(self, results: list[Changed]) -> Iterable[Block]:
        return cancelled_view([after for _, after in results])

    def _change_data(self, before: Job, _after: Job) -> dict[str, Any]:
        others = self._below.get(before.id, [])
        return {"changed": _is_new(before) and not self.dry_run, "also_cancelled": others}

    def _show(self, results: list[Changed]) -> None:
        super()._show(results)
        self._tell_others([after for _, after in results])
        if results and not any(_is_new(before) for before, _ in results):
            self.context.output.message("Nothing to do: cancelled already.")


def _is_new(job: Job) -> bool:
    return not job.cancel_requested and job.status is not JobStatus.CANCELLED


class Retry(JobAct):
    """Jobs are queued again; `from_failed`: with a plan of what is reused."""

    verb, done, title = "retry", "retried", "Retrying"

    def __init__(self, context: CommandContext, *, dry_run: bool, from_failed: bool) -> None:
        super().__init__(context, dry_run=dry_run)
        self._from_failed = from_failed
        self._plans: dict[str, RetryPlan] = {}
        self._waiting: dict[str, list[str]] = {}
        self._still_cancelled: list[StillCancelled] = []

    def _prepare(self, selected: Selected) -> None:
        if not self._from_failed:
            return
        jobs = selected.jobs
        with (
            importing_modules(self.context.manager.project.work),
            count_progress(self.context.output, "Planning") as show_progress,
        ):
            for start in range(0, len(jobs), PAGE):
                page = jobs[start : start + PAGE]
                plans = self.context.job_queue.plan_retries(page)
                for job, plan in zip(page, plans, strict=True):
                    if isinstance(plan, FlowerpowerError):
                        selected.errors.append(plan)
                    else:
                        self._plans[job.id] = plan
                if show_progress is not None and len(jobs) > PAGE:
                    show_progress(start + len(page), len(jobs))
        selected.jobs = [job for job in jobs if job.id in self._plans]
        warnings = [text for plan in self._plans.values() for text in plan.warnings]
        for text in dict.fromkeys(warnings):
            self.context.output.warning(text)

    def _preview(self, selected: Selected) -> Iterable[Block]:
        return self._plans_of(selected.jobs[:PREVIEW], short=True)

    def _view(self, results: list[Changed]) -> Iterable[Block]:
        return added_view(*(after for _, after in results))

    def _blocks(self, results: list[Changed]) -> Iterator[Block]:
        yield from super()._blocks(results)
        yield from self._plans_of([before for before, _ in results], short=sys.stdout.isatty())

    def _plans_of(self, jobs: Sequence[Job], *, short: bool) -> Iterator[Block]:
        plans = [self._plans[job.id] for job in jobs if job.id in self._plans]
        return plans_view(plans, short=short)

    def _change_data(self, before: Job, after: Job) -> dict[str, Any]:
        data = super()._change_data(before, after)
        if after.id in self._waiting:
            parents = {after.id, *self._waiting[after.id]}
            kept = [one for one in self._still_cancelled if not parents.isdisjoint(one.job.after)]
            still = [{"id": one.job.id, "reason": one.reason} for one in kept]
            data |= {"waiting": self._waiting[after.id], "still_cancelled": still}
        plan = self._plans.get(before.id)
        return data if plan is None else {**data, "from_failed": plan.to_json()}

    def _show(self, results: list[Changed]) -> None:
        if self.dry_run:
            super()._show(results)
            return
        job_queue, ids = self.context.job_queue, [job.id for _, job in results]
        self._waiting = waiting_below(job_queue, ids)
        waiting = [child for children in self._waiting.values() for child in children]
        self._still_cancelled = still_cancelled(job_queue, list(dict.fromkeys([*ids, *waiting])))
        super()._show(results)
        jobs = [after for _, after in results]
        for text in retried_messages(jobs, self._waiting, self._still_cancelled):
            self.context.output.message(text)
        self.context.warn_if_jobs_wait(jobs)


class Again(Retry):
    """Ended jobs stay as they are, and a new job is added for each; `job_id` names the only one."""

    done = "run again under a new id"

    def __init__(
        self, context: CommandContext, *, dry_run: bool, from_failed: bool, job_id: str | None
    ) -> None:
        super().__init__(context, dry_run=dry_run, from_failed=from_failed)
        self._job_id = job_id

    def _check(self, job: Job) -> None:
        check_again(job.id, job.status)

    def _change(self, page: Sequence[Job]) -> Sequence[Job | FlowerpowerError]:
        # The pipeline may be imported to check the request.
        with stdout_to_stderr():
            return self.context.job_queue.run_again(page, self._job_id, dry_run=self.dry_run)

    def _view(self, results: list[Changed]) -> Iterable[Block]:
        return again_view(results)

    def _change_data(self, before: Job, after: Job) -> dict[str, Any]:
        data = super()._change_data(before, after)
        if self.dry_run:
            return data
        return {**data, "changed": after.created, "created": after.created, "again_of": before.id}


class Delete(EndingAct):
    """Jobs go with their logs and results."""

    verb, done, title = "delete", "deleted", "Deleting"
    end = DELETED
    always_asks = True

    def _question(self, jobs: Sequence[Job]) -> str:
        others = self._and_others(jobs, "cancels ")
        return f"This deletes {counted(len(jobs), 'job')}, with log and result{others}."

    def _view(self, _results: list[Changed]) -> Iterable[Block]:
        return ()

    def _show(self, results: list[Changed]) -> None:
        jobs = [before for before, _ in results]
        ids, others = [job.id for job in jobs], self._others(jobs)
        view = (lambda: self._blocks(results)) if self.dry_run else None
        more = {"also_cancelled": others}
        show_deleted(
            self.context, "jobs", ids, len(ids), dry_run=self.dry_run, view=view, more=more
        )
        self._tell_others(jobs)
