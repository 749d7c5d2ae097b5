"""Names of other tools of this field, which people bring along, and ours for the same thing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowerpower.text import did_you_mean

CALLS = {
    "add_pipeline": "new(name)",
    "cancel_job": "jobs.cancel(job_id)",
    "cancel_schedule": "schedules.delete(schedule_id)",
    "create": "new(name)",
    "create_pipeline": "new(name)",
    "delete_job": "jobs.delete(job_id)",
    "delete_pipeline": "delete(name)",
    "delete_schedule": "schedules.delete(schedule_id)",
    "enqueue": "add_job(name)",
    "enqueue_at": "add_job(name, run_at=…)",
    "enqueue_in": "add_job(name, run_in=…)",
    "execute": "run(name)",
    "export_pipeline": "export(name, path)",
    "get_job": "jobs.get(job_id)",
    "get_job_result": "jobs.get(job_id).result()",
    "get_jobs": "jobs.list()",
    "get_schedule": "schedules.get(schedule_id)",
    "list_jobs": "jobs.list()",
    "list_pipelines": "list()",
    "list_schedules": "schedules.list()",
    "new_pipeline": "new(name)",
    "pause_schedule": "schedules.pause(schedule_id)",
    "pipelines": "list()",
    "rerun_job": "jobs.again(job_id)",
    "resume_schedule": "schedules.resume(schedule_id)",
    "retry_job": "jobs.retry(job_id)",
    "run_job": "add_job(name).result()",
    "run_pipeline": "run(name)",
    "save_dag": "graph(name), or `flowerpower pipeline dag NAME -o FILE`",
    "schedule_all": "schedules.apply()",
    "show_dag": "graph(name), or `flowerpower pipeline dag NAME`",
    "show_pipelines": "list()",
    "show_summary": "plan(name)",
    "start_scheduler": "job_queue.run_scheduler()",
    "start_worker": "job_queue.run_worker()",
    "start_worker_pool": "job_queue.run_worker(num_workers=…)",
    "submit": "add_job(name)",
    "trigger": "add_job(name)",
    "visualize": "graph(name), or `flowerpower pipeline dag NAME`",
}
"""Methods that PipelineManager does not have, and the call that does it."""
_NO_CALLBACK = (
    "a job calls no function of yours: use add_job(name).wait(), or in YAML `notify`, which may "
    "call a command"
)
_IN_YAML = (
    "nothing here: limits stand in YAML, under limits in conf/project.yml, and as run.limits and "
    "run.max_running in the pipeline's file"
)
ARGUMENTS = {
    "adapter": "adapters=[name]",
    "adapter_cfg": "adapters=[name], its settings stand in YAML",
    "at_front": "priority=number",
    "concurrency": "max_workers=number",
    "concurrency_limit": _IN_YAML,
    "countdown": "run_in=seconds",
    "depend_on": "after=job",
    "depends_on": "after=job",
    "eta": "run_at=time",
    "executor_cfg": 'executor={"type": …, "max_workers": …}',
    "executor_max_workers": "max_workers=number",
    "expires_in": "expires=seconds",
    "final_nodes": "final_vars=[node]",
    "job_ttl": "expires=seconds",
    "idempotent": "unique=True",
    "job_lock": "unique=True",
    "limits": _IN_YAML,
    "link": "after=job, at the job that comes second",
    "max_active_runs": _IN_YAML,
    "max_age": "expires=seconds",
    "max_running": _IN_YAML,
    "max_tries": "max_retries=number",
    "on_failure": _NO_CALLBACK,
    "on_success": _NO_CALLBACK,
    "outputs": "final_vars=[node]",
    "parent": "after=job",
    "parents": "after=[job]",
    "pipeline_adapter_cfg": "adapters=[name], its settings stand in YAML",
    "pool": _IN_YAML,
    "priority_weight": "priority=number",
    "project_adapter_cfg": "adapters=[name], its settings stand in YAML",
    "queue_name": "queue=name",
    "rate_limit": _IN_YAML,
    "reload": "nothing: modules that were edited are imported again",
    "result_ttl_seconds": "result_ttl=seconds",
    "retries": "max_retries=number",
    "singleton": "unique=True",
    "trigger": "cron=…, every=…, interval=… or date=…",
    "trigger_rule": 'on="success", "failure" or "end"',
    "ttl": "expires=seconds",
    "upstream": "after=job",
    "wait_for": "after=job",
    "with_adapter": "adapters=[name]",
    "with_adapter_cfg": "adapters=[name], its settings stand in YAML",
}
"""Keyword arguments that our calls do not have, and what says the same."""


class KnowsOtherNames:
    """Answers a method of another tool with the call that does the same here."""

    # A type checker would take any attribute for one that is there.
    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> object:
            if hasattr(type(self), name):
                # A property of ours that has raised an AttributeError of its own.
                return object.__getattribute__(self, name)
            ours = CALLS.get(name)
            answer = f" Say {ours}." if ours else did_you_mean(name, dir(type(self)))
            message = f"{type(self).__name__} has no attribute {name!r}.{answer}"
            raise AttributeError(message, name=name, obj=None)
