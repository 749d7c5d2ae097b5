"""Pictures in a page: the DAG."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from flowerpower.pipeline.job_chain import JobChain
from flowerpower.run.draw.graph import Graph, GraphNode, in_order
from flowerpower.run.draw.page import MAX_PICTURE, svg
from flowerpower.text import mask, visible


def dag(graph: Graph, states: Mapping[str, str] | None = None) -> Markup:
    """The DAG as SVG, with the states of its nodes in a run; a sentence if it is too large."""
    picture = svg(graph, states)
    if len(picture) > MAX_PICTURE:
        return sentence(f"Its {len(graph.nodes)} nodes are too many to draw on a page.")
    # It escapes and masks every text of users.
    return Markup(picture)  # noqa: S704


def chain(jobs: JobChain) -> Markup | None:
    """The chain of a job as SVG, with what has become of each job; None if it is alone."""
    needs = jobs.needs
    if len(needs) < 2:
        return None
    pipelines = {job_id: job.pipeline for job_id, job in jobs.jobs.items()}
    pipelines[jobs.job_id] += " (this job)"
    nodes = [
        GraphNode(job_id, pipelines.get(job_id, ""), "", False, False, parents)
        for job_id, parents in needs.items()
    ]
    states = {**jobs.gone, **{job_id: str(job.status) for job_id, job in jobs.jobs.items()}}
    graph = in_order(Graph("", [jobs.job_id], nodes))
    picture = svg(graph, states, f"Chain of the job {jobs.job_id}")
    # It escapes and masks every text of users.
    return Markup(picture)  # noqa: S704


def sentence(text: str) -> Markup:
    """A paragraph in the place of a picture."""
    return Markup("<p>{}</p>").format(visible(mask(text)))
