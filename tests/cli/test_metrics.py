"""`flowerpower metrics`: for Prometheus, for node_exporter, and as JSON."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import MakeProject
from tests.servers import free_port
from tests.terminal import Cli

PIPELINE = ("", "def total(number: int = 1) -> int:\n    return number\n")


@pytest.fixture
def project(make_project: MakeProject) -> Path:
    return make_project(report=PIPELINE)


def test_metrics_are_openmetrics(cli: Cli, project: Path) -> None:
    """On stdout, and the same numbers with --json."""
    cli.run("job-queue", "add-job", "report", code=0)
    ended = cli.run("metrics", code=0)
    assert ended.stderr == ""
    families = {f.name: f for f in openmetrics.text_string_to_metric_families(ended.stdout)}
    depth = {s.labels["status"]: s.value for s in families["flowerpower_queue_jobs"].samples}
    assert depth["queued"] == 1
    data = cli.run("metrics", "--json", code=0).json
    assert {family["name"] for family in data} == families.keys()
    assert {"name": "flowerpower_up", "labels": {"project": "demo"}, "value": 1} in [
        sample for family in data for sample in family["samples"]
    ]


def test_a_textfile_is_replaced_whole(cli: Cli, project: Path, tmp_path: Path) -> None:
    """Anybody may read it, as node_exporter must; nothing else is left in its folder."""
    folder = tmp_path / "textfiles"
    folder.mkdir()
    for _ in range(2):
        ended = cli.run("metrics", "--textfile", str(folder / "demo.prom"), "--quiet", code=0)
        assert (ended.stdout, ended.stderr) == ("", "")
    (file,) = folder.iterdir()
    assert file.stat().st_mode & 0o444 == 0o444
    names = {family.name for family in text_string_to_metric_families(file.read_text())}
    assert "flowerpower_up" in names


def test_a_textfile_that_nobody_reads_is_said(cli: Cli, project: Path) -> None:
    """node_exporter goes by the suffix; a folder that is not there is an error."""
    assert ".prom" in cli.run("metrics", "--textfile", "metrics.txt", code=0).stderr
    ended = cli.run("metrics", "--textfile", "nowhere/demo.prom", code=1)
    assert "nowhere/demo.prom cannot be written: No such file" in ended.stderr


def test_a_queue_that_is_away_is_a_metric(cli: Cli, make_project: MakeProject) -> None:
    """flowerpower_up is 0, and the exit code 5; a textfile says so too."""
    url = f"redis://127.0.0.1:{free_port()}/0"
    make_project(
        f"name: demo\njob_queue: {{type: rq, backend: {{url: '{url}'}}}}\n", report=PIPELINE
    )
    ended = cli.run("metrics", code=5)
    assert 'flowerpower_up{project="demo"} 0.0\n# EOF' in ended.stdout
    assert "Connection refused" in ended.stderr
    cli.run("metrics", "--textfile", "demo.prom", code=5)
    assert (cli.folder / "demo.prom").read_text().endswith('flowerpower_up{project="demo"} 0.0\n')
