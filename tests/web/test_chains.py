"""The dashboard and the report: chains of jobs, and limits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flowerpower.jobs.chain import AfterCondition
from flowerpower.jobs.job import JobStatus
from flowerpower_cli.web.report import report
from tests.conftest import MakeProject
from tests.contract.fake_worker import FAILED, FakeWorker, spec
from tests.web.conftest import REPORT, Running, running, words_of

YAML = "run: {inputs: {source: sales.csv}, limits: [warehouse]}\n"


@pytest.fixture
def limited(make_project: MakeProject) -> Iterator[Running]:
    """A dashboard of a project that has a limit."""
    root = make_project("name: demo\nlimits: {warehouse: 1}\n", report=(YAML, REPORT))
    with running(root) as started:
        yield started


def test_a_job_shows_its_chain(dashboard: Running) -> None:
    """What it waits for, its parents and children as links, and all of it as a picture."""
    backend, client = dashboard.manager.job_queue.backend, dashboard.client
    worker = FakeWorker(backend)
    for name in ("one", "two"):
        backend.add_job(spec(name))
    for name, parents in (("child", ("one", "two")), ("grandchild", ("child",))):
        backend.add_job(spec(name, after=parents))
    page = client.page("/jobs/child")
    assert "It waits for 2 jobs to finish: one and two." in words_of(page)
    assert "Parents: it runs once all its parents have finished." in words_of(page)
    for name in ("one", "two", "grandchild"):
        assert f'<a href="/jobs/{name}">{name}</a>' in page
    assert 'aria-label="Chain of the job child"' in page
    assert page.count('<g class="node is-waiting">') == 2
    overview = words_of(client.page("/"))
    assert "2 waiting" in overview
    assert "waits for the job child to finish" in words_of(client.page("/jobs?status=waiting"))
    worker.finish(worker.take(), FAILED)
    page = client.page("/jobs/grandchild")
    words = words_of(page)
    assert "Why it was cancelled AfterNotMet It was to run once the job child has finished" in words
    assert "Parents: it was to run once its parent has finished." in words
    assert '<g class="node is-failed"><title>one' in page
    backend.delete_job("one")
    assert "✗ failed" in words_of(client.page("/jobs/child"))
    assert "Children: jobs that run after it. child" in words_of(client.page("/jobs/two"))
    assert "Chain" not in words_of(client.page("/pipelines"))
    text = report(dashboard.manager, None, 100)
    assert '<a href="#job-child">child</a>' in text


def test_acts_name_the_jobs_that_share_their_fate(dashboard: Running) -> None:
    """What is cancelled with a job stands beside the button and in the message; so for a retry."""
    manager, client = dashboard.manager, dashboard.client
    backend = manager.job_queue.backend
    for name, fields in (
        ("top", {}),
        ("child", {"after": ("top",)}),
        ("grandchild", {"after": ("child",)}),
        ("sweeper", {"after": ("child",), "after_on": AfterCondition.END}),
        ("alone", {}),
    ):
        backend.add_job(spec(name, **fields))
    too = "2 jobs that wait for it are cancelled too: child, grandchild."
    words = words_of(client.page("/jobs/top"))
    assert f"Cancel… {too} Yes, cancel the job" in words
    assert f"Delete… {too} Yes, delete it" in words
    assert "Cancel… Yes, cancel" in words_of(client.page("/jobs/alone"))
    cancelled = client.send("/jobs/top/cancel").json["message"]
    assert cancelled == f"The job top is cancelled. {too}"
    assert manager.jobs.get("grandchild").status is JobStatus.CANCELLED
    # Nobody waits for one that has ended.
    assert "Delete… Yes, delete it" in words_of(client.page("/jobs/top"))
    retried = client.send("/jobs/top/retry").json["message"]
    assert (
        retried == "The job top is queued again. 3 jobs wait for top: child, grandchild, sweeper."
    )
    backend.add_job(spec("other"))
    backend.add_job(spec("of-two", after=("top", "other")))
    backend.cancel_job("other")
    backend.cancel_job("top")
    retried = client.send("/jobs/top/retry").json["message"]
    assert retried.endswith(" of-two stays cancelled: other was cancelled."), retried
    deleted = client.send("/jobs/top/delete").json
    assert deleted == {"message": f"The job top is deleted. {too}", "location": "/jobs"}


def test_limits_are_shown_with_what_takes_their_places(limited: Running) -> None:
    """And a job that is held back says by which limit, and who runs."""
    manager, client = limited.manager, limited.client
    worker = FakeWorker(manager.job_queue.backend)
    for name in ("first", "second"):
        manager.add_job("report", job_id=name)
    limits = manager.job_queue.limits()
    (claim,) = manager.job_queue.backend.claim(worker.name, 5, ["default"], limits=limits)
    assert claim.job_id == "first"
    page = client.page("/")
    assert "Limits Limit Running At once" in words_of(page)
    assert '<th scope="row">warehouse</th>' in page
    waits = "waits for the limit warehouse, 1 at once: first runs"
    assert f"It {waits}." in words_of(client.page("/jobs/second"))
    assert waits in words_of(client.page("/jobs"))
    assert manager.jobs.get("second").status is JobStatus.QUEUED
    assert '<th scope="row">warehouse</th>' in report(manager, None, 100)
