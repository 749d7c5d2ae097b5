"""The dashboard on every backend: each page, each kind of act, and what changes while it is open."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import MakeProject
from tests.contract.fake_worker import FAILED, FakeWorker
from tests.servers import PostgresServer, RedisServer
from tests.web.conftest import REPORT, YAML, running, words_of
from tests.web.listening import listening, parts_of

PAGES = ("/", "/jobs", "/jobs/bad", "/jobs?status=failed&since=1h", "/schedules",
         "/schedules/daily", "/pipelines", "/pipelines/report", "/workers", "/metrics")  # fmt: skip


@pytest.fixture(params=["sqlite", "postgresql", "redis"])
def root(request: pytest.FixtureRequest, make_project: MakeProject) -> Path:
    """A project on each backend."""
    kind, url = "apscheduler", "sqlite:///.flowerpower/jobs.db"
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.new_database()
    elif request.param == "redis":
        redis: RedisServer = request.getfixturevalue("redis_server")
        kind, url = "rq", redis.url(12)
    queue = f"job_queue: {{type: {kind}, backend: {{url: '{url}'}}}}\n"
    return make_project(f"name: web_{request.param}\n{queue}", report=(YAML, REPORT))


def test_every_page_and_act_works(root: Path) -> None:
    """As on SQLite, where each has tests of its own."""
    with running(root) as started:
        client, manager = started.client, started.manager
        worker = FakeWorker(manager.job_queue.backend)
        manager.schedule("report", cron="0 8 * * *", schedule_id="daily")
        manager.add_job("report", job_id="bad")
        assert worker.finish(worker.take(), FAILED, "it began\n")
        for path in PAGES:
            assert client.get(path).status == 200, path
        page = words_of(client.page("/jobs/bad"))
        assert "no such region" in page
        assert "it began" in page
        with listening(client, "/jobs/bad") as events:
            assert "failed" in parts_of(events, "head")
            assert client.send("/jobs/bad/retry").status == 200
            assert "queued" in parts_of(events, "head")
        for path in ("/jobs/bad/cancel", "/queues/default/pause", "/queues/default/resume",
                     "/schedules/daily/pause", "/schedules/daily/resume",
                     "/schedules/daily/run-now", "/schedules/daily/delete", "/jobs/bad/delete",
                     "/pipelines/report/run"):  # fmt: skip
            assert client.send(path).status == 200, path
        assert len(manager.jobs.list(status="queued")) == 2
