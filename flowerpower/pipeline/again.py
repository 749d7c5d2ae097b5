"""Requests for jobs that ran before: the same pipeline, overrides and limits, as new jobs."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import replace

from flowerpower.config.files import Project
from flowerpower.config.overrides import RunOverrides
from flowerpower.errors import FlowerpowerError
from flowerpower.jobs.job import Job
from flowerpower.jobs.job_spec import JobSpec, spec_of_again
from flowerpower.pipeline.checks import checked_overrides
from flowerpower.pipeline.registry import PipelineRegistry


def specs_of_again(
    project: Project, registry: PipelineRegistry, jobs: Sequence[Job], job_id: str | None
) -> list[JobSpec | FlowerpowerError]:
    """For each ended job the request to run it once more, or why a run would refuse it.

    `job_id` is the new id of the only one; else each gets one that is new.
    """
    # Many jobs that are alike cost one check.
    checked: dict[tuple[object, str], RunOverrides | FlowerpowerError] = {}
    requests: list[JobSpec | FlowerpowerError] = []
    for job in jobs:
        try:
            spec = spec_of_again(job, job_id or str(uuid.uuid4()))
            registry.files(spec.pipeline)
        except FlowerpowerError as error:
            requests.append(error)
            continue
        call = (spec.pipeline, spec.scheduled_for is not None, min(len(spec.after), 2))
        key = (call, json.dumps(job.payload))
        if key not in checked:
            try:
                checked[key] = checked_overrides(
                    project, registry, spec.pipeline, spec.overrides,
                    is_fire=spec.scheduled_for is not None, is_due=True, after=spec.after,
                )  # fmt: skip
            except FlowerpowerError as error:
                checked[key] = error
        stored = checked[key]
        if isinstance(stored, FlowerpowerError):
            requests.append(stored)
        else:
            requests.append(replace(spec, overrides=stored))
    return requests
