"""Whether a job that exists under a given id is the one that was asked for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from flowerpower.errors import Refused
from flowerpower.jobs.job import Job
from flowerpower.jobs.job_spec import JobSpec
from flowerpower.text import mask_values, shortened

_NOTHING = object()
MAX_SHOWN = 5
"""Differences that the error names."""


def check_same(job: Job, spec: JobSpec) -> None:
    """Raise Refused if the existing job runs something else than `spec` asks for.

    Compared are the pipeline, the overrides, the queue, the priority and the jobs it runs after,
    not the times: the same request may come later again.
    """
    differences = list(_differences(job, spec))
    if not differences:
        return
    shown = "; ".join(differences[:MAX_SHOWN])
    more = f"; and {len(differences) - MAX_SHOWN} more" if len(differences) > MAX_SHOWN else ""
    raise Refused(
        f"There is a job {job.id} already, and it is a different one: {shown}{more}.",
        hint="Choose another id, or give none; see the job with "
        f"`flowerpower job-queue show-job {job.id}`.",
    )


def _differences(job: Job, spec: JobSpec) -> Iterator[str]:
    # A damaged record says nothing; a worker fails that job.
    if not isinstance(job.payload, Mapping):
        return
    # As JSON, because so the stored ones are: a tuple is a list, a key that is a number a text.
    wanted = json.loads(json.dumps(spec.payload()))["overrides"]
    existing = job.payload.get("overrides") or {}
    pairs = [
        ({"pipeline": job.pipeline}, {"pipeline": spec.pipeline}),
        (_leaves(existing), _leaves(wanted)),
        ({"queue": job.queue, "priority": job.priority, **_condition(job.after, job.after_on)},
         {"queue": spec.queue, "priority": spec.priority,
          **_condition(spec.after, spec.after_on)}),
    ]  # fmt: skip
    for there, here in pairs:
        for name in sorted(there.keys() | here.keys()):
            if there.get(name, _NOTHING) != here.get(name, _NOTHING):
                yield f"{name} is {_shown(name, there)} there and {_shown(name, here)} here"


def _condition(after: Iterable[str], condition: str | None) -> dict[str, Any]:
    parents = sorted(after)
    return {"after": ", ".join(parents), "on": str(condition)} if parents else {}


def _leaves(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The overrides by name; those that are mappings, as inputs are, by the names in them."""
    leaves: dict[str, Any] = {}
    for name, value in overrides.items():
        if isinstance(value, Mapping) and value:
            leaves |= {f"{name}.{key}": part for key, part in value.items()}
        else:
            leaves[name] = value
    return leaves


def _shown(name: str, values: Mapping[str, Any]) -> str:
    if name not in values:
        return "not given"
    key = name.rpartition(".")[2]
    masked = mask_values({key: values[name]}, named=True)
    assert isinstance(masked, dict)
    (value,) = masked.values()
    return shortened(json.dumps(value, ensure_ascii=False), 60)
