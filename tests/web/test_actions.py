"""What the buttons do, and what they say when it cannot be done."""

from __future__ import annotations

from pathlib import Path

from tests.contract.fake_worker import FAILED, FINISHED, FakeWorker
from tests.web.conftest import REPORT, Running, running


def test_a_pipeline_is_run_as_a_job(dashboard: Running) -> None:
    """With the inputs of the form, read as the command line reads them; empty ones are left out."""
    manager, client = dashboard.manager, dashboard.client
    fields = {"input.source": "5", "input.factor": "3", "queue": "default", "run_in": "10m"}
    answer = client.send("/pipelines/report/run", **fields)
    assert answer.status == 200, answer.text
    (job,) = manager.jobs.list()
    assert answer.json == {
        "message": f"The job {job.id} was added.", "location": f"/jobs/{job.id}",
    }  # fmt: skip
    assert job.status == "scheduled"
    # A text stays one where the pipeline declares text.
    assert job.record.payload["overrides"]["inputs"] == {"source": "5", "factor": 3}
    assert client.send("/pipelines/report/run", **{"input.source": ""}).status == 200
    newest = manager.jobs.list()[0]
    assert "inputs" not in newest.record.payload["overrides"]
    assert newest.queue == "default"


def test_what_a_run_would_refuse_is_refused(dashboard: Running) -> None:
    """With the sentence that the command line says, and nothing is added."""
    client = dashboard.client
    for fields, status, words in (
        ({"input.factor": "many"}, 400, "factor"),
        ({"input.factro": "3"}, 400, "factor"),
        ({"queue": "slwo"}, 400, "no queue"),
        ({"run_in": "soon"}, 400, "not a duration"),
    ):
        answer = client.send("/pipelines/report/run", **fields)
        assert (answer.status, words in answer.json["error"]["message"]) == (status, True), fields
    assert client.send("/pipelines/reprot/run").status == 404
    assert dashboard.manager.jobs.list() == []


def test_jobs_are_retried_cancelled_and_deleted(dashboard: Running) -> None:
    """As by the library; what cannot be done is refused with its reason."""
    manager, client = dashboard.manager, dashboard.client
    worker = FakeWorker(manager.job_queue.backend)
    manager.add_job("report", job_id="one")
    assert worker.finish(worker.take(), FAILED)
    page = client.page("/jobs/one")
    assert "/jobs/one/retry" in page
    assert "/jobs/one/cancel" not in page
    assert client.send("/jobs/one/retry").json["location"] == "/jobs/one"
    assert manager.jobs.get("one").status == "queued"
    refused = client.send("/jobs/one/retry")
    assert (refused.status, refused.json["error"]["code"]) == (409, "refused")
    claim = worker.take()
    assert client.send("/jobs/one/delete").status == 409
    assert client.send("/jobs/one/cancel").status == 200
    assert manager.jobs.get("one").record.cancel_requested
    assert "/jobs/one/cancel" not in client.page("/jobs/one")
    assert worker.finish(claim, FINISHED)
    assert client.send("/jobs/one/delete").json["location"] == "/jobs"
    assert manager.jobs.list() == []
    assert client.send("/jobs/one/retry").status == 404


def test_schedules_are_paused_resumed_fired_and_deleted(dashboard: Running) -> None:
    """The page offers what can be done."""
    manager, client = dashboard.manager, dashboard.client
    manager.schedule("report", cron="0 8 * * *", schedule_id="daily")
    assert "/schedules/daily/pause" in client.page("/schedules/daily")
    assert client.send("/schedules/daily/pause").status == 200
    page = client.page("/schedules/daily")
    assert "It is paused" in page
    assert "/schedules/daily/resume" in page
    assert client.send("/schedules/daily/resume").status == 200
    assert manager.schedules.get("daily").state == "active"
    location = client.send("/schedules/daily/run-now").json["location"]
    (job,) = manager.jobs.list(schedule_id="daily")
    assert location == f"/jobs/{job.id}"
    assert client.send("/schedules/daily/delete").json["location"] == "/schedules"
    assert manager.schedules.list() == []
    assert client.send("/schedules/daily/pause").status == 404


def test_queues_are_paused_and_resumed(dashboard: Running) -> None:
    """What the project has not is refused."""
    manager, client = dashboard.manager, dashboard.client
    assert client.send("/queues/default/pause").status == 200
    assert list(manager.job_queue.paused_queues()) == ["default"]
    assert "/queues/default/resume" in client.page("/")
    assert client.send("/queues/default/resume").status == 200
    assert manager.job_queue.paused_queues() == {}
    assert client.send("/queues/slwo/pause").status == 400


def test_there_are_no_other_acts(dashboard: Running) -> None:
    """A verb that there is not is not looked up anywhere else."""
    for path in ("/jobs/x/explode", "/workers/x/delete", "/jobs/x/__class__", "/events/x/delete"):
        assert dashboard.client.send(path).status == 404


def test_the_server_imports_nothing_of_the_project(project: Path) -> None:
    """So an edit counts at once, and what a module breaks is not the server."""
    module = project / "pipelines" / "report.py"
    module.write_text(f"import sys\nsys.hidden = True\nprint('imported')\n{REPORT}")
    with running(project) as started:
        assert started.client.send("/pipelines/report/run").status == 200
        module.write_text("import os\nos._exit(3)\n")
        answer = started.client.send("/pipelines/report/run")
        assert (answer.status, "ended with 3" in answer.json["error"]["message"]) == (500, True)
        assert started.client.get("/").status == 200
        (job,) = started.manager.jobs.list()
        assert job.status == "queued"
