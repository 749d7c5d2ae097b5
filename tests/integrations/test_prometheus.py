"""Metrics, the dashboard and the alerts with the programs that read them: Prometheus and its tools."""

from __future__ import annotations

import contextlib
import http.server
import json
import re
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from flowerpower.jobs.counter import Counter, CounterKind
from flowerpower.pipeline import PipelineManager
from flowerpower.pipeline.metrics import CONTENT_TYPE, metrics_text, read_metrics
from tests.conditions import eventually
from tests.conftest import MakeProject
from tests.contract.fake_worker import FAILED, FINISHED, FakeWorker
from tests.integrations.programs import of_debian
from tests.integrations.servers import listens, started
from tests.servers import free_port

DOCS = Path(__file__).parents[2] / "docs" / "grafana"
EXECUTE = "import os, sys; os.execv(sys.argv[1], sys.argv[1:])"
PIPELINE = ("run: {max_running: 9}\n", "def total(number: int = 1) -> int:\n    return number\n")
VARIABLES = {
    "$project": ".*",
    "$pipeline": ".*",
    "$__rate_interval": "5m",
    "${datasource}": "prometheus",
}


def program(name: str) -> str:
    """The path of a program of Debian's package prometheus, or that of node_exporter."""
    package = name if name == "prometheus-node-exporter" else "prometheus"
    return of_debian(name, package)[0]


@pytest.fixture
def manager(make_project: MakeProject) -> Iterator[PipelineManager]:
    """A project in which something has happened."""
    with contextlib.closing(PipelineManager(make_project(report=PIPELINE), quiet=True)) as manager:
        worker = FakeWorker(manager.job_queue.backend)
        for end in (FINISHED, FAILED):
            manager.add_job("report")
            assert worker.finish(worker.take(), replace(end, seconds=0.3))
        manager.add_job("report")
        manager.schedule("report", interval="1s")
        eventually(lambda: CounterKind.FIRE in {one.kind for one in fired(manager)})
        manager.job_queue.pause_queue("default")
        yield manager


def fired(manager: PipelineManager) -> list[Counter]:
    """The counters once what is due has been fired."""
    while manager.job_queue.backend.schedules.fire_due().schedules:
        pass
    return manager.job_queue.counters()


@pytest.fixture
def prometheus(manager: PipelineManager, tmp_path: Path) -> Iterator[str]:
    """The URL of a Prometheus that has scraped the project's metrics."""

    class Metrics(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            # Another one than the test's: a connection to SQLite is for one thread.
            with contextlib.closing(PipelineManager(manager.project.root, quiet=True)) as mine:
                body = metrics_text(mine).encode()
            self.send_response(200)
            self.send_header("content-type", CONTENT_TYPE)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    folder, port = tmp_path / "prometheus", free_port()
    url = f"http://127.0.0.1:{port}"
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Metrics) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        target = f"127.0.0.1:{server.server_port}"
        folder.mkdir()
        (folder / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
            f"rule_files: ['{DOCS / 'alerts.yml'}']\n"
            "scrape_configs:\n"
            f"  - {{job_name: flowerpower, static_configs: [{{targets: ['{target}']}}]}}\n"
        )
        command = [
            "-c", EXECUTE, program("prometheus"), "--config.file=prometheus.yml",
            f"--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.path=data",
        ]  # fmt: skip
        with started(command, folder, lambda: listens(port)):
            eventually(lambda: answer(url, "count_over_time(flowerpower_up[1h]) > 2"))
            yield url
        server.shutdown()


def answer(url: str, query: str) -> list[dict[str, Any]]:
    """What Prometheus answers to a query; AssertionError with its reason if it refuses it."""
    question = f"{url}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    try:
        with urllib.request.urlopen(question, timeout=20) as response:
            body = json.load(response)
    except urllib.error.HTTPError as error:
        # It listens before it has read its data.
        if error.code == 503:
            return []
        raise AssertionError(f"{query}: {error.read().decode()}") from None
    assert body["status"] == "success", query
    found: list[dict[str, Any]] = body["data"]["result"]
    return found


def queries() -> list[str]:
    """Every query of the dashboard and of its variables, as Grafana would send it."""
    board = json.loads((DOCS / "flowerpower.json").read_text())
    found = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            wanted = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["definition"])
            assert wanted is not None
            found.append(f"count by ({wanted[2]}) ({wanted[1]})")
    for name, value in VARIABLES.items():
        found = [query.replace(name, value) for query in found]
    assert not [query for query in found if "$" in query]
    return found


def test_promtool_finds_nothing_to_blame(manager: PipelineManager) -> None:
    """Names, units and help texts are as Prometheus wants them; so are the alerts."""
    check = [program("promtool"), "check"]
    text = read_metrics(manager).prometheus()
    checked = subprocess.run(
        [*check, "metrics"], input=text, capture_output=True, text=True, timeout=60
    )
    assert (checked.returncode, checked.stderr) == (0, "")
    rules = [*check, "rules", str(DOCS / "alerts.yml")]
    assert subprocess.run(rules, capture_output=True, timeout=60).returncode == 0


def test_prometheus_answers_every_query_of_the_dashboard(
    manager: PipelineManager, prometheus: str
) -> None:
    """Each names metrics that are there; the alerts are evaluated without an error."""
    names = {
        sample.name
        for family in text_string_to_metric_families(metrics_text(manager))
        for sample in family.samples
    }
    rules = (DOCS / "alerts.yml").read_text()
    for query in [*queries(), *re.findall(r"expr: (.*)", rules)]:
        wanted = set(re.findall(r"\bflowerpower_\w+", query))
        assert wanted <= names, query
        assert wanted or "node_textfile" in query
        answer(prometheus, query)
    assert answer(prometheus, 'flowerpower_jobs_total{status="failed"}')[0]["value"][1] == "1"
    (paused,) = answer(prometheus, "flowerpower_problems")
    assert paused["metric"]["code"] == "queue_paused"
    with urllib.request.urlopen(f"{prometheus}/api/v1/rules", timeout=20) as response:
        (group,) = json.load(response)["data"]["groups"]
    assert [rule.get("lastError", "") for rule in group["rules"]] == [""] * len(group["rules"])


def test_node_exporter_reads_the_textfile(manager: PipelineManager, tmp_path: Path) -> None:
    """Counters are counters there; two projects in one folder do not collide."""
    folder, port = tmp_path / "textfiles", free_port()
    folder.mkdir()
    for project in ("one", "two"):
        text = f"name: {project}\njob_queue: {{namespace: demo}}\n"
        (manager.project.root / "conf" / "project.yml").write_text(text)
        with contextlib.closing(PipelineManager(manager.project.root, quiet=True)) as renamed:
            read_metrics(renamed).write_textfile(folder / f"{project}.prom")
    command = [
        "-c", EXECUTE, program("prometheus-node-exporter"), "--collector.disable-defaults",
        "--collector.textfile", f"--collector.textfile.directory={folder}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]  # fmt: skip
    with (
        started(command, tmp_path / "exporter", lambda: listens(port)),
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as response,
    ):
        text = response.read().decode()
    assert "node_textfile_scrape_error 0" in text
    assert "# TYPE flowerpower_jobs_total counter" in text
    assert "# TYPE flowerpower_job_duration_seconds histogram" in text
    for project in ("one", "two"):
        assert (
            f'flowerpower_jobs_total{{pipeline="report",project="{project}",status="failed"}} 1'
            in text
        )
