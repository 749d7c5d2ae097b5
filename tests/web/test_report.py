"""The report: one file that needs nothing, with links that lead somewhere."""

from __future__ import annotations

import contextlib
import re
from html.parser import HTMLParser
from pathlib import Path

from flowerpower.pipeline import PipelineManager
from flowerpower_cli.web.report import report
from tests.conftest import MakeProject
from tests.contract.fake_worker import FAILED, FINISHED, FakeWorker
from tests.jobs_database import jobs_database
from tests.terminal import Cli
from tests.web.conftest import REPORT, YAML, words_of
from tests.web.test_pages import HOSTILE


def filled(root: Path) -> PipelineManager:
    """A project in which something has happened."""
    manager = PipelineManager(root, quiet=True)
    worker = FakeWorker(manager.job_queue.backend)
    manager.schedule("report", cron="0 8 * * *", schedule_id="daily")
    for name, end in (("good", FINISHED), ("bad", FAILED)):
        manager.add_job("report", job_id=name, inputs={"source": HOSTILE})
        assert worker.finish(worker.take(), end, f"log of {name} {HOSTILE}\n")
    manager.add_job("report", job_id="waits")
    return manager


class Links(HTMLParser):
    """The ids and the targets of links of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.loaded: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name == "href":
                self.targets.append(value or "")
            elif name in ("src", "srcset", "action", "data"):
                self.loaded.append(value or "")


def test_it_has_all_pages_and_needs_nothing(project: Path) -> None:
    """No script, nothing loaded, no link to elsewhere, no id twice."""
    manager = filled(project)
    text = report(manager, None, 100)
    manager.close()
    links = Links(text)
    assert not {"script", "link", "img", "iframe", "form", "button", "object"} & links.tags
    assert links.loaded == []
    assert all(target.startswith("#") for target in links.targets)
    assert {target[1:] for target in links.targets} <= {*links.ids}
    assert len(links.ids) == len(set(links.ids))
    assert {"job-bad", "job-good", "schedule-daily", "pipeline-report"} <= {*links.ids}
    words = words_of(text)
    for part in ("1 finished, 1 failed", "no such region", "log of bad", "DAG", "Next fires"):
        assert part in words
    assert "log of good" not in words
    assert "url(" not in text
    assert "@import" not in text


def test_it_counts_the_jobs_that_it_lists(project: Path) -> None:
    """By --since and --limit; details are of those that did not finish first."""
    manager = filled(project)
    with jobs_database(project) as database:
        database.execute("UPDATE flowerpower_jobs SET created_at = 1 WHERE id = 'good'")
    since = manager.jobs.get("bad").record.created_at
    text = report(manager, since, 100)
    assert "job-good" not in text
    assert "job-bad" in text
    assert "these are the newest 1" in report(manager, None, 1)
    manager.close()


def test_the_command_writes_it(make_project: MakeProject, cli: Cli) -> None:
    """To a file or to stdout; with --json it says where and how much."""
    make_project(report=(YAML, REPORT))
    cli.run("job-queue", "add-job", "report", "--job-id", "one", code=0)
    ended = cli.run("report", "-o", "report.html", "--since", "1h", "--json", code=0)
    content = (cli.folder / "report.html").read_bytes()
    assert ended.json == {"path": "report.html", "bytes": len(content)}
    assert b'<article id="job-one"' not in content
    assert b"one" in content
    printed = cli.run("report", code=0).stdout
    assert printed.startswith("<!DOCTYPE html>")
    assert re.search(r"</html>\s*$", printed)
    assert cli.run("report", "--json", code=2).error["code"] == "usage"


def test_a_pipeline_that_ends_the_process_hides_no_other(make_project: MakeProject) -> None:
    """Each says what is wrong with it alone; what lies in the current folder is not imported."""
    root = make_project(
        bad=("", "import os\nos._exit(3)\n"),
        good=("", "def fine() -> int:\n    return 1\n"),
        report=(YAML, REPORT),
    )
    (root / "json.py").write_text("raise SystemExit('not the one')\n")
    manager = PipelineManager(root, quiet=True)
    with contextlib.chdir(root):
        words = words_of(report(manager, None, 10))
    manager.close()
    assert "ended with 3" in words
    assert "fine int final" in words
    assert "The sum of it." in words
