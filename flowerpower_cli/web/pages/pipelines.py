"""Pipelines: what became of their last jobs, the DAG, and a form that runs one as a job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flowerpower.errors import FlowerpowerError
from flowerpower.jobs.job import Job, JobFilter
from flowerpower.text import is_secret_name
from flowerpower_cli.web.descriptions import Description
from flowerpower_cli.web.drawing import dag
from flowerpower_cli.web.rendering import Page
from flowerpower_cli.web.site import Query, Reading

STRIP = 20
"""Jobs in a pipeline's strip."""
MAX_STRIPS = 100
"""Pipelines with a strip: each is a read of the queue."""
LAST_JOBS = 10
_KINDS = {"int": "number", "float": "number", "bool": "bool", "date": "date", "str": "text"}


@dataclass(frozen=True)
class InputField:
    """A field of the form: `kind` is text, number, date, bool, secret or json.

    `value` is what the run takes if the field is left empty.
    """

    name: str
    type: str
    kind: str
    value: str
    is_required: bool
    needed_by: str


def pipelines(reading: Reading, _name: str, _query: Query) -> Page:
    """All pipelines of the project."""
    values = list_values(reading, reading.site.manager.list())
    return Page("pipelines.html", "Pipelines", "pipelines", values)


def list_values(reading: Reading, names: Sequence[str]) -> dict[str, Any]:
    """What the template of a list of pipelines needs."""
    jobs_of = {name: last_jobs(reading, name, STRIP)[::-1] for name in names[:MAX_STRIPS]}
    return {"names": names, "jobs_of": jobs_of}


def last_jobs(reading: Reading, name: str, limit: int) -> list[Job]:
    """The newest jobs of a pipeline."""
    reading.site.learn_secrets([name])
    return reading.site.manager.job_queue.list_jobs(JobFilter(pipeline=name, limit=limit))


def pipeline(reading: Reading, name: str, _query: Query) -> Page:
    """One pipeline: its DAG, the form of its inputs, its YAML, its last jobs."""
    files = reading.site.manager.registry.files(name)
    # The page is about what is described, so it waits for it; what is sent later is not.
    if reading.waits:
        description = reading.site.descriptions.get(files.name)[files.name]
    else:
        description = reading.describe(files.name) or Description(error=FlowerpowerError())
    return Page(
        "pipeline.html", f"Pipeline {name}", "pipelines",
        {**pipeline_values(reading, name, description), "queues": [*_queues(reading)]},
    )  # fmt: skip


def pipeline_values(reading: Reading, name: str, description: Description) -> dict[str, Any]:
    """What the template of a pipeline needs, without its form."""
    graph = description.graph
    return {
        "name": name,
        "description": description,
        "picture": None if graph is None else dag(graph),
        "fields": [*map(_field, description.inputs)],
        "jobs": last_jobs(reading, name, LAST_JOBS),
    }


def _queues(reading: Reading) -> Sequence[str]:
    configured = reading.site.manager.project.job_queue
    return configured.backend.queues


def _field(body: Mapping[str, Any]) -> InputField:
    declared = str(body["type"]).removesuffix(" | None")
    kind = "secret" if is_secret_name(body["name"]) else _KINDS.get(declared, "json")
    return InputField(
        body["name"], str(body["type"]), kind, str(body["value"]),
        body["value"] == "missing", ", ".join(body["needed_by"]),
    )  # fmt: skip
