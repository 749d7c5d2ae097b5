"""The dashboard in a real browser: every page and every button, without an error in its console."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from flowerpower.jobs.claim import AttemptResult, WorkerInfo
from flowerpower.jobs.job import JobStatus
from flowerpower.pipeline import PipelineManager
from flowerpower.triggers import clock
from flowerpower_cli.web.report import report
from tests.contract.fake_worker import FAILED, FINISHED, FakeWorker
from tests.integrations.programs import with_all_it_needs
from tests.web.conftest import REPORT, YAML, Running, running

HOSTILE = "</script><img src=x onerror=\"document.title='taken'\">"
NODES = {
    "raw": {"state": "finished", "started_at": "2026-03-01T08:00:00+00:00", "seconds": 1.0},
    "total": {"state": "running", "started_at": "2026-03-01T08:00:01+00:00", "seconds": None},
}
expect.set_options(timeout=60_000)


@dataclass
class Looker:
    """A page of the browser, and what its console said."""

    page: Page
    said: list[str] = field(default_factory=list)

    def note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.said.append(f"{message.text} {message.location}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, which shows its pages to nobody."""
    program, environ = with_all_it_needs("usr/lib/chromium/chromium", "chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=program,
            args=["--no-sandbox", "--disable-gpu"],
            env={**os.environ, **environ},
        )
        yield started
        started.close()


@pytest.fixture
def looker(browser: Browser) -> Iterator[Looker]:
    """A new window, whose console must stay empty."""
    context = browser.new_context()
    looker = Looker(context.new_page())
    looker.page.on("console", looker.note)
    looker.page.on("pageerror", lambda error: looker.said.append(str(error)))
    yield looker
    said = list(looker.said)
    context.close()
    assert said == []


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    for name, text in {
        "conf/project.yml": "name: demo\njob_queue: {backend: {queues: [default, slow]}}\n",
        "conf/pipelines/report.yml": YAML,
        "pipelines/report.py": REPORT,
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture
def dashboard(project: Path) -> Iterator[Running]:
    with running(project) as started:
        yield started


def goes_to(page: Page, pattern: str) -> None:
    page.wait_for_url(re.compile(pattern))


def test_every_page_is_reached_and_every_button_works(dashboard: Running, looker: Looker) -> None:
    """As a user clicks: run, cancel, retry, delete, pause, resume, fire now."""
    manager, page = dashboard.manager, looker.page
    worker = FakeWorker(manager.job_queue.backend)
    manager.schedule("report", cron="0 8 * * *", schedule_id="daily")
    page.goto(dashboard.client.origin)
    expect(page.locator("#connection")).to_have_text("live")
    for name in ("Jobs", "Schedules", "Pipelines", "Workers", "Overview"):
        page.get_by_role("navigation", name="Pages").get_by_role("link", name=name).click()
        expect(page.locator('nav [aria-current="page"]')).to_have_text(name)
        expect(page.locator("h1")).to_have_count(1)

    page.get_by_role("link", name="Pipelines").click()
    page.get_by_role("link", name="report").click()
    expect(page.locator("svg.dag")).to_be_visible()
    page.get_by_label("factor").fill("3")
    page.get_by_role("button", name="Add the job").click()
    goes_to(page, r"/jobs/[0-9a-f-]{36}$")
    (job,) = manager.jobs.list()
    expect(page.locator(".lead")).to_contain_text("queued")
    assert job.record.payload["overrides"]["inputs"] == {"factor": 3}

    claim = worker.take()
    expect(page.locator(".lead")).to_contain_text("running")
    progress = {"done": 1, "total": 2, "current": "total", "nodes": NODES}
    manager.job_queue.backend.record(claim, "\x1b[31mhello\x1b[0m\n", progress)
    expect(page.locator("#log .ansi-red")).to_have_text("hello")
    expect(page.locator("progress")).to_be_visible()
    expect(page.locator(".timeline rect")).to_have_count(2)
    expect(page.locator("svg.dag .is-running .name")).to_have_text("total")
    page.locator("summary", has_text="Cancel").click()
    page.get_by_role("button", name="Yes, cancel the job").click()
    expect(page.locator("#message")).to_contain_text("is being ended")
    expect(page.locator(".lead")).to_contain_text("is being ended")
    assert worker.finish(claim, FAILED)
    expect(page.locator(".lead")).to_contain_text("failed")
    expect(page.locator(".error")).to_contain_text("no such region")
    page.get_by_role("button", name="Retry").click()
    expect(page.locator("#message")).to_contain_text("queued again")
    assert worker.finish(worker.take(), FINISHED)
    expect(page.locator(".lead")).to_contain_text("finished")
    page.locator("summary", has_text="Delete").click()
    page.get_by_role("button", name="Yes, delete it").click()
    goes_to(page, "/jobs$")
    # What was done is said on the page that is shown then, once.
    expect(page.locator("#message")).to_have_text(f"The job {job.id} is deleted.")
    page.reload()
    expect(page.locator("#message")).to_be_empty()
    assert manager.jobs.list() == []

    page.get_by_role("link", name="Schedules").click()
    page.get_by_role("link", name="daily").first.click()
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".lead")).to_contain_text("paused")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator(".lead")).to_contain_text("active")
    page.get_by_role("button", name="Run now").click()
    goes_to(page, "/jobs/daily-now-")
    page.go_back()
    page.locator("summary", has_text="Delete").click()
    page.get_by_role("button", name="Yes, delete it").click()
    goes_to(page, "/schedules$")
    assert manager.schedules.list() == []

    page.get_by_role("link", name="Overview").click()
    page.get_by_role("button", name="Pause slow").click()
    expect(page.get_by_role("button", name="Resume slow")).to_be_visible()
    expect(page.locator(".problems")).to_contain_text("The queue slow is paused")
    page.get_by_role("button", name="Resume slow").click()
    expect(page.get_by_role("button", name="Pause slow")).to_be_visible()


def test_what_cannot_be_done_is_said_on_the_page(dashboard: Running, looker: Looker) -> None:
    """In the library's words; nothing that was typed is lost."""
    page = looker.page
    page.goto(f"{dashboard.client.origin}/pipelines/report")
    page.get_by_label("Run in").fill("soon")
    page.get_by_label("source").fill("march.csv")
    page.get_by_role("button", name="Add the job").click()
    expect(page.locator("#message .failed")).to_contain_text("'soon' is not a duration")
    expect(page.get_by_label("source")).to_have_value("march.csv")
    assert dashboard.manager.jobs.list() == []
    # A browser notes every answer that is an error.
    assert len(looker.said) == 1
    assert "400" in looker.said.pop()


def test_the_jobs_are_filtered_by_form(dashboard: Running, looker: Looker) -> None:
    """And the list stays live."""
    manager, page = dashboard.manager, looker.page
    worker = FakeWorker(manager.job_queue.backend)
    manager.add_job("report", job_id="bad")
    assert worker.finish(worker.take(), FAILED)
    manager.add_job("report", job_id="waits")
    page.goto(f"{dashboard.client.origin}/jobs")
    page.get_by_label("failed").check()
    page.get_by_role("button", name="Filter").click()
    goes_to(page, "status=failed")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.get_by_label("failed")).to_be_checked()
    assert worker.finish(worker.take(), FAILED)
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.locator("tbody tr").first).to_contain_text("waits")


def test_only_what_changed_is_replaced(dashboard: Running, looker: Looker) -> None:
    """The focus, what was opened and what was selected stay."""
    manager, page = dashboard.manager, looker.page
    manager.add_job("report", job_id="one", run_in="1h")
    page.goto(f"{dashboard.client.origin}/jobs/one")
    page.locator("summary", has_text="Cancel").click()
    button = page.get_by_role("button", name="Yes, cancel the job")
    button.focus()
    page.evaluate("window.kept = document.activeElement")
    manager.jobs.cancel("one")
    manager.jobs.retry("one")
    expect(page.locator(".lead")).to_contain_text("queued")
    assert page.evaluate("window.kept === document.activeElement && window.kept.isConnected")
    expect(button).to_be_visible()
    button.press("Enter")
    expect(page.locator(".lead")).to_contain_text("cancelled")


def test_nothing_that_users_wrote_is_run(dashboard: Running, looker: Looker) -> None:
    """On no page, neither at once nor by what is sent later."""
    manager, page = dashboard.manager, looker.page
    backend = manager.job_queue.backend
    worker = FakeWorker(backend)
    backend.register_worker(WorkerInfo(HOSTILE, HOSTILE, 1, (HOSTILE,), 1, clock.now()))
    error = {"type": HOSTILE, "message": HOSTILE, "node": HOSTILE, "traceback": HOSTILE}
    nodes = {HOSTILE: {**NODES["raw"], "state": HOSTILE}}
    for job_id, end in (
        ("bad", AttemptResult(JobStatus.FAILED, error=error)),
        ("good", AttemptResult(JobStatus.FINISHED, result={"outputs": {HOSTILE: HOSTILE}})),
    ):
        manager.add_job("report", job_id=job_id, inputs={"source": HOSTILE})
        backend.finish(worker.take(), end, HOSTILE, {"nodes": nodes})
    manager.add_job("report", job_id="runs")
    claim = worker.take()
    for address in ("/", "/jobs", "/workers", "/jobs/bad", "/jobs/good", "/pipelines/report"):
        page.goto(f"{dashboard.client.origin}{address}")
        expect(page.locator("#connection")).to_have_text("live")
        assert page.title() != "taken"
    page.goto(f"{dashboard.client.origin}/jobs/runs")
    backend.record(claim, HOSTILE, {"done": 0, "total": 1, "current": HOSTILE, "nodes": nodes})
    expect(page.locator("#log")).to_have_text(HOSTILE)
    expect(page.locator(".timeline th code")).to_have_text(HOSTILE)
    assert page.title() != "taken"
    assert page.locator("main img").count() == 0


def test_it_can_be_used_by_keyboard_alone(dashboard: Running, looker: Looker) -> None:
    """From the first page to a job that was added, paused and deleted; the focus is seen."""
    manager, page = dashboard.manager, looker.page

    def tab_to(name: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            shown = page.evaluate(
                "(document.activeElement.ariaLabel || document.activeElement.innerText"
                " || document.activeElement.name || '').trim()"
            )
            if shown == name:
                outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
                assert outline != "none", f"the focus on {name} cannot be seen"
                return
        raise AssertionError(f"{name} is not reached")

    page.goto(dashboard.client.origin)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#main"
    page.goto(dashboard.client.origin)
    tab_to("Pipelines")
    page.keyboard.press("Enter")
    goes_to(page, "/pipelines$")
    tab_to("report")
    page.keyboard.press("Enter")
    goes_to(page, "/pipelines/report$")
    tab_to("input.source")
    page.keyboard.type("march.csv")
    tab_to("Add the job")
    page.keyboard.press("Enter")
    goes_to(page, "/jobs/[0-9a-f-]{36}$")
    (job,) = manager.jobs.list()
    assert job.record.payload["overrides"]["inputs"] == {"source": "march.csv"}
    tab_to("Delete…")
    page.keyboard.press("Enter")
    tab_to("Yes, delete it with its log and result")
    page.keyboard.press("Enter")
    goes_to(page, "/jobs$")
    assert manager.jobs.list() == []


def test_it_is_read_without_scripts(dashboard: Running, browser: Browser) -> None:
    """And a form without one does what it says too."""
    manager = dashboard.manager
    manager.add_job("report", job_id="one")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{dashboard.client.origin}/jobs")
    page.get_by_role("link", name="one").click()
    expect(page.locator(".lead")).to_contain_text("queued")
    page.locator("summary", has_text="Cancel").click()
    page.get_by_role("button", name="Yes, cancel the job").click()
    expect(page.locator(".lead")).to_contain_text("cancelled")
    context.close()


def test_a_token_is_asked_for(project: Path, looker: Looker) -> None:
    """Once; then the pages are live."""
    page, token = looker.page, "a-token-of-some-length"
    with running(project, token=token) as started:
        page.goto(started.client.origin)
        goes_to(page, "/sign-in$")
        page.get_by_label("Token").fill(token)
        page.keyboard.press("Enter")
        expect(page.locator("#connection")).to_have_text("live")
        assert token not in page.content()
        page.get_by_role("button", name="Sign out").click()
        goes_to(page, "/sign-in$")
        page.goto("about:blank")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_have_contrast_and_pages_fit_a_phone(
    dashboard: Running, browser: Browser, scheme: str
) -> None:
    """4.5 to 1 for every text (WCAG AA), in light and dark; no page is wider than its window."""
    manager = dashboard.manager
    worker = FakeWorker(manager.job_queue.backend)
    manager.schedule("report", cron="0 8 * * *", schedule_id="daily")
    manager.add_job("report", job_id="a-job-with-quite-a-long-id-that-somebody-has-given-it")
    progress = {"done": 1, "total": 2, "current": "total", "nodes": NODES}
    log = "".join(f"\x1b[{code}mcolour {code}\x1b[0m\n" for code in range(30, 38))
    manager.job_queue.backend.finish(worker.take(), FAILED, log, progress)
    manager.add_job("report", job_id="runs")
    manager.job_queue.backend.record(worker.take(), "", progress)
    context = browser.new_context(
        color_scheme="dark" if scheme == "dark" else "light", viewport={"width": 390, "height": 844}
    )
    page = context.new_page()
    (job_id,) = [job.id for job in manager.jobs.list(status="failed")]
    for address in ("/", "/jobs", f"/jobs/{job_id}", "/schedules", "/schedules/daily",
                    "/pipelines", "/pipelines/report", "/workers"):  # fmt: skip
        page.goto(f"{dashboard.client.origin}{address}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, address
        low = page.evaluate(CONTRASTS)
        assert low == [], (address, json.dumps(low, ensure_ascii=False))
    context.close()


CONTRASTS = """() => {
  const channels = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => {
    const [r, g, b] = rgb.slice(0, 3).map((c) => {
      c /= 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = channels(getComputedStyle(at).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const low = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.nodeValue.trim() || element.closest("title, script, .hidden")) continue;
    const style = getComputedStyle(element);
    const text = channels(element.namespaceURI.endsWith("svg") ? style.fill : style.color);
    const [a, b] = [light(text), light(ground(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) low.push([walker.currentNode.nodeValue.trim(), ratio.toFixed(2)]);
  }
  return low;
}"""


def test_the_report_is_read_from_its_file(project: Path, looker: Looker, tmp_path: Path) -> None:
    """Offline, by its links, without a script."""
    manager = PipelineManager(project, quiet=True)
    worker = FakeWorker(manager.job_queue.backend)
    manager.schedule("report", cron="0 8 * * *", schedule_id="daily")
    manager.add_job("report", job_id="bad", inputs={"source": HOSTILE})
    assert worker.finish(worker.take(), FAILED, HOSTILE)
    file = tmp_path / "report.html"
    file.write_text(report(manager, None, 100), encoding="utf-8")
    manager.close()
    page = looker.page
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.goto(file.as_uri())
    page.get_by_role("link", name="bad").first.click()
    expect(page.locator("#job-bad")).to_be_in_viewport()
    expect(page.locator("#job-bad pre").last).to_have_text(HOSTILE)
    page.get_by_role("link", name="Schedules", exact=True).click()
    expect(page.locator("#week")).to_be_in_viewport()
    assert requested == [file.as_uri()]
    assert page.title() != "taken"
