"""The function that RQ's own tools see in a job; RQ's own workers must not run it."""

from __future__ import annotations

from flowerpower.errors import Refused


def run_pipeline(pipeline: str) -> None:
    """Refuse: only `flowerpower job-queue start-worker` runs a project's pipelines."""
    raise Refused(
        f"The pipeline {pipeline} is run by the project's own workers.",
        hint="Start one with `flowerpower job-queue start-worker`.",
    )
