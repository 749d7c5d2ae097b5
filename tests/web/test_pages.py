"""Every page: what it shows, and that nothing a user wrote becomes HTML or a secret shown."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from flowerpower.jobs.claim import AttemptResult, WorkerInfo
from flowerpower.jobs.job import JobStatus
from flowerpower.triggers import clock
from flowerpower_cli.web.pages import addresses, overview
from tests.conditions import eventually
from tests.conftest import MakeProject
from tests.contract.fake_worker import FAILED, FINISHED, FakeWorker
from tests.jobs_database import jobs_database
from tests.web.conftest import REPORT, YAML, Client, Running, running, words_of
from tests.web.listening import listening

HOSTILE = "</script><img src=x onerror=alert(1)>\x1b[31m\"'&{{ 7*7 }}"
NODES = {
    "raw": {"state": "finished", "started_at": "2026-03-01T08:00:00+00:00", "seconds": 1.0},
    "total": {"state": "failed", "started_at": "2026-03-01T08:00:01+00:00", "seconds": 3.0},
}


def test_an_empty_project_says_what_to_do(client: Client) -> None:
    """Each list has a sentence in its place."""
    overview = words_of(client.page("/"))
    assert "Nothing is wrong." in overview
    assert "No job runs." in overview
    assert "No worker is running" in overview
    assert "There are no jobs yet." in words_of(client.page("/jobs"))
    assert "There are no schedules" in words_of(client.page("/schedules"))
    assert "report" in words_of(client.page("/pipelines"))


def test_the_overview_shows_the_status(dashboard: Running) -> None:
    """The numbers are those of the library's status."""
    manager, client = dashboard.manager, dashboard.client
    worker = FakeWorker(manager.job_queue.backend)
    for name in ("failed", "running", "waiting"):
        manager.add_job("report", job_id=name)
    failed, running_claim = worker.claim(2)
    assert worker.finish(failed, FAILED)
    manager.job_queue.backend.record(running_claim, "", {"done": 1, "total": 2, "current": "raw"})
    manager.schedule("report", cron="0 8 * * *", schedule_id="daily")
    manager.job_queue.pause_queue("default")
    text = words_of(client.page("/"))
    status = manager.status()
    assert [problem.code for problem in status.problems] == ["queue_paused"]
    assert status.problems[0].message in text
    for part in ("1 worker", "1 running", "1 queued", "1 failed", "1 schedule"):
        assert part in text
    assert "1 of 2 raw" in text
    assert "total: ValueError: no such region" in text
    assert "paused since" in text
    assert "daily" in text
    assert worker.name in words_of(client.page("/workers"))


def test_jobs_are_filtered_and_paged(dashboard: Running) -> None:
    """By status, pipeline, queue, schedule and age; 50 on a page."""
    manager, client = dashboard.manager, dashboard.client
    for number in range(53):
        manager.add_job("report", job_id=f"job-{number:02}", run_in="1h")
    manager.jobs.cancel("job-07")
    first = client.page("/jobs")
    assert "job-52" in first
    assert "job-02" not in first
    assert 'href="/jobs?page=2"' in first
    second = client.page("/jobs?page=2")
    assert "job-02" in second
    assert "job-03" not in second
    assert 'href="/jobs?page=1"' in second
    cancelled = client.page("/jobs?status=cancelled&status=failed&pipeline=report")
    assert "job-07" in cancelled
    assert "job-08" not in cancelled
    assert "No job meets" in client.page("/jobs?queue=slow")
    assert "No job meets" in client.page("/jobs?schedule=daily")
    assert "job-52" in client.page("/jobs?since=1h")
    assert "No job meets" in client.page("/jobs?since=2099-01-01")
    filtered = client.page("/jobs?status=scheduled&since=1h")
    assert "status=scheduled&amp;since=1h&amp;page=2" in filtered


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("/jobs?status=failled", 400, "Did you mean 'failed'?"),
        ("/jobs?page=0", 400, "expected 1 to"),
        ("/jobs?page=%C2%B2", 400, "expected 1 to"),
        ("/jobs?" + "a=1&" * 60, 400, "more than 50"),
        ("/jobs?since=yesterday", 400, "is not a time"),
        ("/jobs/none", 404, "There is no job"),
        ("/jobs/%3Cb%3E", 404, "There is no job"),
        ("/jobs/a/b", 404, "There is no such page"),
        ("/schedules/none", 404, "no schedule"),
        ("/pipelines/reprot", 404, "Did you mean 'report'?"),
        ("/pipelines/..%2F..%2Fetc%2Fpasswd", 404, "There is no pipeline"),
        ("/elsewhere", 404, "There is no such page"),
        ("/static/..%2Fsecurity.py", 404, ""),
        ("/static/style", 404, ""),
    ],
)
def test_a_wrong_address_says_what_is_wrong(
    client: Client, address: str, status: int, words: str
) -> None:
    """In a sentence, with the nearest that there is."""
    answer = client.get(address)
    assert answer.status == status
    assert words in words_of(answer.text)
    assert "Traceback" not in answer.text


def test_a_job_is_shown_whole(dashboard: Running) -> None:
    """Nodes and when they ran, error, attempts, log, inputs, and the DAG once it is read."""
    manager, client = dashboard.manager, dashboard.client
    backend = manager.job_queue.backend
    worker = FakeWorker(backend)
    manager.add_job("report", job_id="one", inputs={"source": "march.csv"})
    claim = worker.take()
    error = {**(FAILED.error or {}), "traceback": "Traceback: at total", "hint": "Look there."}
    end = AttemptResult(JobStatus.FAILED, error=error, attempts_left=0)
    log = "reading\n\x1b[32mgreen\x1b[0m\n"
    assert backend.finish(claim, end, log, {"done": 1, "total": 2, "nodes": NODES})
    page = client.page("/jobs/one")
    text = words_of(page)
    for part in ("failed", "Look there.", "Traceback: at total", "no such region", "march.csv"):
        assert part in text
    assert '<rect x="0.0" y="1" width="25.0"' in page
    assert '<rect x="25.0" y="1" width="75.0"' in page
    assert '<span class="ansi-green">green</span>' in page
    assert client.get("/jobs/one/log").text == "reading\n\\x1b[32mgreen\\x1b[0m\n"
    picture = eventually(lambda: '<svg class="dag"' in client.page("/jobs/one"))
    assert picture
    assert 'class="node final is-failed"' in client.page("/jobs/one")


def test_a_result_is_shown(dashboard: Running) -> None:
    """Values in a table; of a table its rows; what it says when it has expired."""
    manager, client = dashboard.manager, dashboard.client
    worker = FakeWorker(manager.job_queue.backend)
    table = {"summary_of": "pandas.DataFrame", "shape": [2, 2], "columns": ["a", "<b>"],
             "rows": [{"a": 1, "<b>": "x"}, {"a": 2, "<b>": None}]}  # fmt: skip
    outputs = {
        "total": 42,
        "table": table,
        "text": "token: is data",
        "summary_of": {"summary_of": 1},
    }
    for job_id, ttl in (("kept", None), ("gone", 0)):
        manager.add_job("report", job_id=job_id, result_ttl=ttl)
        claim = worker.take()
        assert worker.finish(claim, AttemptResult(JobStatus.FINISHED, result={"outputs": outputs}))
    text = words_of(client.page("/jobs/kept"))
    assert "total 42" in text
    assert "pandas.DataFrame 2 x 2 a <b> 1 x 2" in text
    assert "token: is data" in text
    assert "It expired at" in words_of(client.page("/jobs/gone"))


def test_attempts_have_logs_of_their_own(dashboard: Running) -> None:
    """The last is shown; each has an address."""
    manager, client = dashboard.manager, dashboard.client
    worker = FakeWorker(manager.job_queue.backend)
    manager.add_job("report", job_id="twice")
    assert worker.finish(worker.take(), FAILED, "the first\n")
    manager.jobs.retry("twice")
    assert worker.finish(worker.take(), FINISHED, "the second\n")
    latest = client.page("/jobs/twice")
    assert "the second" in latest
    assert "the first" not in latest
    assert "the first" in client.page("/jobs/twice?attempt=1")
    assert client.get("/jobs/twice/log?attempt=1").text == "the first\n"
    assert client.get("/jobs/twice?attempt=3").status == 400


def test_a_schedule_is_shown_with_its_clock_changes(
    dashboard: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the week, in its preview, and its history as a strip of outcomes."""
    manager, client = dashboard.manager, dashboard.client
    spring = clock.parse_time("2027-03-26T12:00:00+00:00").timestamp()
    clock.set_source(lambda: spring)
    try:
        for name, when in (("night", {"cron": "30 2 * * *"}), ("often", {"interval": "10m"})):
            manager.schedule("report", schedule_id=name, timezone="Europe/Berlin", **when)
        page = words_of(client.page("/schedules"))
        single = words_of(client.page("/schedules/night"))
    finally:
        clock.set_source(None)
    assert "Often: often (every 10m" in page
    assert "Sat 27 Mar" in page
    assert "clocks go forward" in page
    assert "02:30 moves to 03:00" in single
    assert "It has not fired yet." in single


def test_the_history_is_a_strip(dashboard: Running) -> None:
    """Each fire is a link to its job, and says in words what became of it."""
    manager, client = dashboard.manager, dashboard.client
    begin = clock.format_time(clock.now() - timedelta(hours=3))
    manager.schedule("report", cron="0 * * * *", schedule_id="hourly", timezone="UTC")
    manager.schedules.backfill("hourly", start=begin)
    worker = FakeWorker(manager.job_queue.backend)
    claim = worker.take()
    assert worker.finish(claim, FAILED)
    for address in ("/schedules", "/schedules/hourly", "/schedules?pipeline=report"):
        page = client.page(address)
        assert f'href="/jobs/{claim.job_id}"' in page
        assert 'aria-label="failed, ' in page
        assert 'aria-label="scheduled, ' in page or 'aria-label="queued, ' in page
    assert "of this pipeline" in client.page("/schedules?pipeline=other")


def test_the_form_of_a_pipeline_has_its_inputs(client: Client) -> None:
    """With types, what is taken without a value, and the DAG."""
    page = client.page("/pipelines/report")
    assert 'name="input.source" type="text"' in page
    assert 'name="input.factor" type="number"' in page
    assert "empty: &#39;sales.csv&#39;, taken by raw" in page
    assert '<svg class="dag"' in page
    assert "inputs: {source: sales.csv}" in words_of(page)


def test_a_pipeline_that_is_broken_says_why(project: Path) -> None:
    """And is right again at once when it is mended: the server imports nothing."""
    module = project / "pipelines" / "report.py"
    module.write_text("import nothing_like_it\n")
    with running(project) as started:
        text = words_of(started.client.page("/pipelines/report"))
        assert "It cannot be run" in text
        assert "nothing_like_it" in text
        module.write_text("raise SystemExit(3)\n")
        assert "It cannot be run" in words_of(started.client.page("/pipelines/report"))
        module.write_text("import os\nos._exit(7)\n")
        assert "ended with 7" in words_of(started.client.page("/pipelines/report"))
        module.write_text(REPORT)
        assert "Run it as a job" in words_of(started.client.page("/pipelines/report"))


def test_what_users_wrote_is_never_html(dashboard: Running, project: Path) -> None:
    """Names, inputs, logs, errors, results, docstrings, workers: shown as they are."""
    manager, client = dashboard.manager, dashboard.client
    backend = manager.job_queue.backend
    worker = FakeWorker(backend)
    backend.register_worker(WorkerInfo(HOSTILE, HOSTILE, 1, (HOSTILE,), 1, clock.now()))
    for job_id, end in (
        ("bad", AttemptResult(JobStatus.FAILED, error={
            "type": HOSTILE, "message": HOSTILE, "node": HOSTILE, "traceback": HOSTILE,
            "hint": HOSTILE, "file": HOSTILE, "line": HOSTILE, "details": [HOSTILE]})),
        ("good", AttemptResult(JobStatus.FINISHED, result={
            "outputs": {HOSTILE: HOSTILE}, "files": [
                {"path": HOSTILE, "nodes": [HOSTILE], "format": HOSTILE}]})),
    ):  # fmt: skip
        manager.add_job("report", job_id=job_id, inputs={"source": HOSTILE})
        nodes = {HOSTILE: {"state": HOSTILE, "started_at": HOSTILE, "seconds": HOSTILE}}
        progress = {"done": 1, "total": 2, "current": HOSTILE, "nodes": nodes}
        assert backend.finish(worker.take(), end, f"{HOSTILE}\n", progress)
    manager.add_job("report", job_id="runs")
    backend.record(worker.take(), HOSTILE, progress)
    (project / "pipelines" / "report.py").write_text(
        f'def raw(source: str) -> int:\n    """{HOSTILE!r}"""\n    return 1\n'
    )
    with jobs_database(project) as database:
        database.execute("UPDATE flowerpower_jobs SET pipeline = ? WHERE id = 'bad'", [HOSTILE])
    for path in ("/", "/jobs", "/jobs/bad", "/jobs/good", "/jobs/runs", "/workers",
                 "/pipelines/report", f"/jobs?schedule={'%3Cimg%20src%3Dx%3E'}"):  # fmt: skip
        page = client.page(path)
        assert "<img" not in page, path
        assert "</script><" not in page.replace("defer></script>\n", ""), path
        assert "49" not in words_of(page).split(), path
        assert "\x1b" not in page, path
    assert "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;" in client.page("/jobs/bad")


def test_secrets_are_masked(make_project: MakeProject, monkeypatch: pytest.MonkeyPatch) -> None:
    """On every page, wherever a job has quoted them."""
    secret = "hunter2-and-more"
    monkeypatch.setenv("SHOP_PASSWORD", secret)
    root = make_project(report=("run:\n  inputs: {source: '${SHOP_PASSWORD}'}\n", REPORT))
    with running(root) as started:
        manager, client = started.manager, started.client
        worker = FakeWorker(manager.job_queue.backend)
        error = {"type": "E", "message": f"no login with {secret}", "traceback": secret}
        for job_id, end in (
            ("bad", AttemptResult(JobStatus.FAILED, error=error)),
            ("good", AttemptResult(JobStatus.FINISHED, result={"outputs": {"total": secret}})),
        ):
            manager.add_job("report", job_id=job_id)
            assert worker.finish(worker.take(), end, f"using {secret}\n")
        for path in (
            "/",
            "/jobs",
            "/jobs/bad",
            "/jobs/good",
            "/jobs/good/log",
            "/pipelines/report",
        ):
            text = client.get(path).text
            assert secret not in text, path
        assert "***" in client.page("/jobs/bad")
        assert "using ***" in client.get("/jobs/good/log").text


def test_a_queue_that_cannot_be_read_is_said(project: Path) -> None:
    """With 503; and all is well again once it can."""
    with running(project) as started:
        client, database = started.client, project / ".flowerpower" / "jobs.db"
        started.manager.add_job("report")
        database.rename(database.with_suffix(".away"))
        answer = client.get("/")
        assert answer.status == 503
        assert "cannot be used" in words_of(answer.text)
        assert client.get("/healthz").json["problems"] == ["backend_unreachable"]
        database.with_suffix(".away").rename(database)
        assert client.get("/").status == 200


def test_a_pipeline_may_be_named_as_it_likes(make_project: MakeProject) -> None:
    """A description follows the file, not the page that was read before."""
    root = make_project(report=(YAML, REPORT), other=("", "def one() -> int:\n    return 1\n"))
    with running(root) as started:
        assert "one" in words_of(started.client.page("/pipelines/other"))
        (root / "pipelines" / "other.py").write_text("def two() -> int:\n    return 2\n")
        assert "two" in words_of(started.client.page("/pipelines/other"))


def test_metrics_are_those_of_the_library(dashboard: Running) -> None:
    """As Prometheus scrapes them."""
    dashboard.manager.add_job("report")
    answer = dashboard.client.get("/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")
    assert "flowerpower_up" in answer.text


def test_a_defect_is_told_without_a_traceback(
    dashboard: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page says so, who started the dashboard gets the error, and all else goes on."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setitem(addresses.LISTS, "workers", broken)
    client = dashboard.client
    answer = client.get("/workers")
    assert answer.status == 500
    assert "Something unexpected went wrong." in words_of(answer.text)
    assert "defect" not in answer.text
    with listening(client, "/workers") as broken_page, listening(client, "/") as other:
        assert next(broken_page) == ("trouble", {"message": "Something unexpected went wrong."})
        assert next(other)[0] == "parts"
        monkeypatch.setitem(addresses.LISTS, "workers", overview.workers)
        assert "workers" in next(body for kind, body in broken_page if kind == "parts")
    assert [type(error) for error in dashboard.unexpected] == [ZeroDivisionError] * 2
    dashboard.unexpected.clear()
