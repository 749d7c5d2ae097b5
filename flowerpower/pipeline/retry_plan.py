"""What of a failed job's attempt a new one would take from the cache, and what it would compute.

Nothing is stored for this: the new attempt is one like any other, and its run looks into the cache
as every run does. The plan is a forecast from this machine's cache.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowerpower.config.files import Project, pipeline_path
from flowerpower.errors import Refused
from flowerpower.jobs.job import Job, check_retry
from flowerpower.jobs.job_spec import overrides_of
from flowerpower.pipeline.registry import PipelineRegistry
from flowerpower.triggers import clock

if TYPE_CHECKING:
    from flowerpower.config.overrides import RunOverrides
    from flowerpower.jobs.claim import WorkerInfo
    from flowerpower.run.plan import Plan

HOST_LENGTH = 60
"""Characters of a host's name in the id of a worker."""
_NOT_FINISHED = {
    "failed": "it failed",
    "interrupted": "it was interrupted",
    "skipped": "it was skipped",
}


@dataclass(frozen=True)
class PlannedNode:
    """A node of the next attempt: its value is reused, or it runs, and `why`.

    `may_be_reused`: it runs unless the nodes before it, which run again, give the same values.
    """

    name: str
    is_reused: bool
    why: str = ""
    may_be_reused: bool = False


@dataclass(frozen=True)
class RetryPlan:
    """What the next attempt of a job would reuse; `nodes` are in an order they can run in.

    `cache_folder` is where the values are on this machine. `warnings` are sentences about other
    machines, where the folder of that name may be another.
    """

    job_id: str
    nodes: tuple[PlannedNode, ...]
    cache_folder: Path
    warnings: tuple[str, ...] = ()

    @property
    def reused(self) -> list[str]:
        """The names of the nodes whose values are reused."""
        return [node.name for node in self.nodes if node.is_reused]

    @property
    def runs(self) -> list[PlannedNode]:
        """The nodes that run."""
        return [node for node in self.nodes if not node.is_reused]

    def to_json(self) -> dict[str, Any]:
        """What is reused and what runs as a JSON object."""
        return {
            "reused": self.reused,
            "runs": [
                {"node": node.name, "why": node.why, "may_be_reused": node.may_be_reused}
                for node in self.runs
            ],
            "cache_folder": str(self.cache_folder),
            "warnings": list(self.warnings),
        }


class RetryPlanner:
    """Plans new attempts of failed jobs; those of the same call share their run's plan."""

    def __init__(
        self, project: Project, registry: PipelineRegistry, workers: Sequence[WorkerInfo]
    ) -> None:
        self._project, self._registry = project, registry
        self._workers = workers
        self._plans: list[tuple[tuple[object, ...], Plan]] = []

    def plan(self, job: Job) -> RetryPlan:
        """What the next attempt of a job would reuse. The pipeline is imported, nothing runs.

        Raises:
            Refused: if it has neither failed nor was cancelled, its run does not use the cache, or
                nothing that its last attempt had computed is in the cache.
            FlowerpowerError: whatever a run would refuse before it begins.
        """
        from flowerpower.run.cache.cache import cache_folder

        check_retry(job.id, job.status)
        overrides = overrides_of(job.payload)
        run_plan = self._run_plan(job, overrides)
        cache = run_plan.run.cache
        if not cache.enabled:
            raise _cache_is_off(job, overrides)
        states = _states(job)
        nodes = tuple(
            _planned(node.name, states.get(node.name), run_plan) for node in run_plan.nodes
        )
        folder = cache_folder(self._project.work, cache)
        plan = RetryPlan(job.id, nodes, folder, self._warnings(job, folder))
        self._check_kept(job, plan, run_plan, states)
        return plan

    def _run_plan(self, job: Job, overrides: RunOverrides) -> Plan:
        from flowerpower.pipeline.execute import plan_run, working_in

        call = (job.pipeline, overrides, job.scheduled_for, tuple(job.after))
        for known, plan in self._plans:
            if known == call:
                return plan
        pipeline = self._registry.get(job.pipeline, overrides)
        # Where jobs run: names of files in values are looked up from the current folder, too.
        with working_in(self._project.work):
            plan = plan_run(
                self._project, pipeline, overrides,
                scheduled_for=job.scheduled_for, after=tuple(job.after), with_forecast=True,
            )  # fmt: skip
        # Jobs that are retried together often differ in one input: to look all of them through
        # would take longer than to plan anew.
        self._plans = [(call, plan), *self._plans[:9]]
        return plan

    def _warnings(self, job: Job, folder: Path) -> tuple[str, ...]:
        here = socket.gethostname()
        warnings = []
        ran_on = _host_of(job)
        if ran_on is not None and ran_on != here[:HOST_LENGTH]:
            warnings.append(
                f"The last attempt ran on {ran_on}, and this is what {here} has in its cache: is "
                f"{folder} the same folder there?"
            )
        now = clock.now()
        hosts = {
            worker.host
            for worker in self._workers
            if job.queue in worker.queues and worker.is_alive(now)
        } - {here}
        if hosts:
            warnings.append(
                f"The next attempt may run on {', '.join(sorted(hosts))}, and reuses what that has "
                "in its cache: run.cache.path must name a folder that all machines share."
            )
        return tuple(warnings)

    def _check_kept(
        self, job: Job, plan: RetryPlan, run_plan: Plan, states: dict[str, str]
    ) -> None:
        """Refused if the cache has nothing of an attempt that was made on this machine."""
        from flowerpower.run.cache.forecast import NOT_KEPT

        finished = [name for name, state in states.items() if state == "finished"]
        reuses_some = any(run_plan.forecast.get(name) == "cached" for name in finished)
        reasons = {
            run_plan.misses[name] for name in finished if run_plan.forecast.get(name) == "computed"
        }
        if reasons == {NOT_KEPT} and not reuses_some and not plan.warnings:
            raise Refused(
                f"The cache in {plan.cache_folder} has nothing of the last attempt of {job.id}: it "
                "was off when that ran, could not keep the values, or has been emptied.",
                hint="Without --from-failed all nodes run again.",
            )


def _planned(name: str, state: str | None, plan: Plan) -> PlannedNode:
    what, why = plan.forecast.get(name), plan.misses.get(name, "")
    if what == "cached":
        return PlannedNode(name, is_reused=True)
    if state != "finished":
        why = _NOT_FINISHED.get(state or "", "it had not begun")
        return PlannedNode(name, is_reused=False, why=why)
    return PlannedNode(name, is_reused=False, why=why, may_be_reused=what == "depends")


def _states(job: Job) -> dict[str, str]:
    """How each node ended in the last attempt, by name."""
    nodes = (job.progress or {}).get("nodes")
    if not isinstance(nodes, dict):
        return {}
    return {name: str(node.get("state")) for name, node in nodes.items() if isinstance(node, dict)}


def _host_of(job: Job) -> str | None:
    """The host of the worker that made the last attempt, of which an id has the first letters."""
    worker = job.attempts[-1].get("worker") if job.attempts else None
    # Of RQ's own worker the id is a name without these parts.
    host, _, rest = str(worker or "").rpartition("-")[0].rpartition("-")
    return host if host and rest.isdigit() else None


def _cache_is_off(job: Job, overrides: RunOverrides) -> Refused:
    message = f"The run of {job.id} does not use the cache, so no result of it was kept."
    if overrides.cache is False:
        return Refused(message, hint="The job was added with --no-cache.")
    return Refused(
        message,
        hint=f"Turn it on for later jobs: run.cache: true in {pipeline_path(job.pipeline)}, or "
        "add-job --cache. Without --from-failed all nodes run again.",
    )
