"""How jobs look that were queued again, and what of their last attempts is reused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from flowerpower.jobs.job import Job, JobStatus
from flowerpower_cli.views.jobs import STYLES, short_id
from flowerpower_cli.views.tables import Block, Line, cell, counted, section_title, table

if TYPE_CHECKING:
    from flowerpower.pipeline.job_chain import StillCancelled
    from flowerpower.pipeline.retry_plan import PlannedNode, RetryPlan

MAX_NAMED = 5
"""Jobs that a message names."""


def again_view(results: Iterable[tuple[Job, Job]]) -> Iterator[Block]:
    """Jobs and the new jobs that do the same again."""
    for old, new in results:
        status = cell(f"  {new.status}", STYLES[new.status])
        exists = cell("" if new.created else "  (it exists already; nothing was added)", "dim")
        arrow, pipeline = cell(" again as ", "dim"), cell(f"  {new.pipeline}")
        yield Line((cell(old.id), arrow, cell(new.id, "bold"), pipeline, status, exists))


def plans_view(plans: Sequence[RetryPlan], *, short: bool) -> Iterator[Block]:
    """What each job's next attempt reuses, and what runs: one job in a table, of several a line.

    `short` shortens the ids.
    """
    if len(plans) == 1:
        yield from _plan_view(plans[0])
        return
    if plans:
        yield section_title("From the last attempts")
        yield table(
            {
                "job": [
                    cell(short_id(plan.job_id) if short else plan.job_id, "bold") for plan in plans
                ],
                "reused>": [cell(f"{len(plan.reused)} of {len(plan.nodes)}") for plan in plans],
                "runs…": [cell(", ".join(map(_short, plan.runs))) for plan in plans],
            }
        )


def _plan_view(plan: RetryPlan) -> Iterator[Block]:
    total = counted(len(plan.nodes), "node")
    yield section_title("From the last attempt", f"  {len(plan.reused)} of {total} reused")
    yield table(
        {
            "node": [cell(node.name, "bold") for node in plan.nodes],
            "what": [
                cell("reused" if node.is_reused else "runs", "green" if node.is_reused else "")
                for node in plan.nodes
            ],
            "why…": [cell(_why(node), "dim") for node in plan.nodes],
        }
    )


def _why(node: PlannedNode) -> str:
    reuse = "; reused after all if that gives the same" if node.may_be_reused else ""
    return f"{node.why}{reuse}"


def _short(node: PlannedNode) -> str:
    return f"{node.name} ({node.why})"


def retried_messages(
    jobs: Sequence[Job],
    waiting: Mapping[str, Sequence[str]],
    still_cancelled: Sequence[StillCancelled],
) -> Iterator[str]:
    """What a retry means for chains: who waits for the jobs now, and whom they do not wait for.

    And the children that stay cancelled, each with the reason.
    """
    for job in jobs:
        if children := waiting.get(job.id, ()):
            verb = "waits" if len(children) == 1 else "wait"
            yield f"{counted(len(children), 'job')} {verb} for {job.id}: {first_names(children)}."
        if job.after and job.status is JobStatus.QUEUED:
            yield f"{job.id} waits for no other job, whatever became of {', '.join(job.after)}."
    for kept in still_cancelled[:MAX_NAMED]:
        yield f"{kept.job.id} stays cancelled: {kept.reason}."
    more = len(still_cancelled) - MAX_NAMED
    if more > 0:
        yield f"{counted(more, 'more job')} {'stays' if more == 1 else 'stay'} cancelled."


def those_that_wait(job_ids: Sequence[str], count: int) -> str:
    """How many jobs wait for `count` others: `2 jobs that wait for it`."""
    verb = "waits" if len(job_ids) == 1 else "wait"
    return f"{counted(len(job_ids), 'job')} that {verb} for {'it' if count == 1 else 'them'}"


def cancelled_too(job_ids: Sequence[str], count: int, verb: str | None = None) -> str:
    """That these jobs are cancelled with `count` others, as a sentence; empty if there are none.

    `verb` stands for "is" or "are".
    """
    if not job_ids:
        return ""
    verb = verb or ("is" if len(job_ids) == 1 else "are")
    return f"{those_that_wait(job_ids, count)} {verb} cancelled too: {first_names(job_ids)}."


def first_names(job_ids: Sequence[str]) -> str:
    """The first ids, and … if there are more."""
    return ", ".join([*job_ids[:MAX_NAMED], *(["…"] if len(job_ids) > MAX_NAMED else [])])
