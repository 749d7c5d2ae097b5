"""How jobs look that were queued again, and what of their last attempts is reused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from flowerpower.jobs.job import Job
from flowerpower_cli.views.jobs import STYLES, short_id
from flowerpower_cli.views.tables import Block, Line, cell, counted, section_title, table

if TYPE_CHECKING:
    from flowerpower.pipeline.retry_plan import PlannedNode, RetryPlan


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
