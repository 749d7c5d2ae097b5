"""The function that RQ's own tools see in a job, and that RQ's own worker (`rq worker`) runs.

It runs the pipeline in the project of the worker's current folder, and records the end as a worker
of ours does. What it has not: a lease, a log, retries, a timeout, a way to cancel.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
from dataclasses import replace
from typing import Any

from flowerpower.config.files import Project, load_project
from flowerpower.config.project_source import ProjectSource, find_source
from flowerpower.config.queue_settings import merged_backend
from flowerpower.errors import FlowerpowerError, Refused, RunFailed
from flowerpower.job_queue.rq.claims import claim_of, ended_attempt
from flowerpower.job_queue.rq.connection import Connection
from flowerpower.job_queue.rq.results import error_text
from flowerpower.job_queue.rq.store import RedisStore
from flowerpower.job_queue.worker import child_exit, isolation
from flowerpower.job_queue.worker.attempt import Attempt
from flowerpower.job_queue.worker.child import Entry
from flowerpower.job_queue.worker.child_pool import ENTRY
from flowerpower.jobs import attempt_result
from flowerpower.jobs.claim import AttemptResult, Claim, FinishRequest
from flowerpower.jobs.job_spec import overrides_of, version_of
from flowerpower.jobs.run import RunRequest
from flowerpower.triggers import clock


def run_pipeline(pipeline: str) -> dict[str, Any] | None:
    """Run RQ's current job; return its outputs by node, None if its result is not to be kept.

    `pipeline` is for RQ's tools to show: what runs is what the job's record names.

    Raises:
        ProjectNotFound: if no project is in the current folder or above it.
        Refused: if RQ runs no job here, or the job is another project's, another worker's, or
            cancelled.
        RunFailed: if the pipeline failed, with its traceback as the message.
    """
    from rq import get_current_job
    from rq.serializers import JSONSerializer

    job = get_current_job()
    if job is None:
        raise Refused(
            f"The pipeline {pipeline} is run here as a job of RQ only.",
            hint=f"Add one with `flowerpower job-queue add-job {pipeline}`.",
        )
    source = find_source(None, os.environ)
    project = load_project(source.root())
    options = merged_backend(project.job_queue, project.name, {})
    namespace, _, job_id = job.id.partition("--")
    if namespace != options["namespace"]:
        raise Refused(
            f"The job is of the project {namespace}; {project.root} is {options['namespace']}.",
            hint="Start `rq worker` in the folder of the project whose jobs it is to run.",
        )
    # Not by the project's URL: the job is where RQ's worker has found it.
    connection = Connection("of RQ's worker", job.connection)
    store = RedisStore(connection, namespace, options["result_ttl"], options["history_ttl"])
    attempt = Attempt(_claim(store, job_id, str(job.worker_name)), clock.monotonic())
    # Results are JSON whatever serializer the worker has; see lua/common.lua for those of ours.
    job.serializer = JSONSerializer
    result = _result_of(source, project, attempt)
    seconds = round(clock.monotonic() - attempt.began, 3)
    return _record(store, attempt, replace(result, ended_at=clock.now(), seconds=seconds))


def _claim(store: RedisStore, job_id: str, worker: str) -> Claim:
    reasons = {
        "foreign": "has no record of flowerpower",
        "held": "is run by a worker of flowerpower",
        "cancelled": "was cancelled before it began",
        "gone": "was taken from this worker",
    }
    error = {"type": "Cancelled", "message": f"The job {job_id} {reasons['cancelled']}."}
    answer = store.run_once("claim_for_rq", id=job_id, worker=worker, error=json.dumps(error))
    if (verdict := answer[0].decode()) != "claimed":
        raise Refused(f"The job {job_id} {reasons[verdict]}; it is not run here.")
    return claim_of(worker, job_id, answer[1], answer[2:])


def _result_of(source: ProjectSource, project: Project, attempt: Attempt) -> AttemptResult:
    """Run the pipeline, in this process; whatever it raises is its result."""
    claim = attempt.claim
    try:
        fire_time = clock.format_time(claim.scheduled_for) if claim.scheduled_for else None
        overrides = overrides_of(claim.payload)
        root = str(source.root_of(version_of(claim.payload)))
        run = RunRequest(root, claim.pipeline, overrides, fire_time, claim.after)
    except FlowerpowerError as error:
        return attempt_result.from_refusal(claim, error.message)

    def send(message: dict[str, Any], **_: bool) -> None:
        if message.get("type") == "node":
            attempt.add_node_event(message)
        elif message.get("type") == "settings":
            attempt.tell_finished = message.get("tell_finished") is True

    modules = isolation.LoadedModules()
    began = clock.now().timestamp()
    with contextlib.chdir(project.work):
        outcome = _entry()({"run": run.to_json()}, send)
    # RQ ends the process without this, and the job's files would not be complete.
    modules.note(root, began)
    child_exit.flush_files(modules.own)
    sys.stdout.flush()
    # Without the pipeline's policy: a failed attempt is not tried again.
    return attempt_result.from_outcome(claim, None, outcome, clock.now())


def _entry() -> Entry:
    """What the children of our workers run too; by name, because a backend knows no pipeline."""
    module, _, name = ENTRY.partition(":")
    entry: Entry = getattr(importlib.import_module(module), name)
    return entry


def _record(store: RedisStore, attempt: Attempt, result: AttemptResult) -> dict[str, Any] | None:
    """Record the end before RQ does; give RQ what it is to record itself."""
    claim = attempt.claim
    request = FinishRequest(
        claim, result, "", attempt.take_output().progress, attempt.tell_finished
    )
    ended = ended_attempt(request, is_in_rq=True)
    if not store.run("finish_attempts", ended=[ended])[0]:
        raise Refused(
            f"The job {claim.job_id} was taken from this worker; its end is not recorded."
        )
    if result.error is not None:
        # Not the pipeline's own exception: this text contains no secret.
        raise RunFailed(error_text(result.error))
    outputs: dict[str, Any] | None = (result.result or {}).get("outputs")
    return outputs if claim.result_ttl != 0 else None
