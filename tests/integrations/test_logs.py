"""What packages write inside of a job, and how `logs` shows it: loguru, structlog, tqdm, Rich."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.conftest import MakeProject
from tests.terminal import Cli

MODULE = """
import logging
import threading
import time
import warnings


def with_tqdm() -> int:
    from tqdm import tqdm

    for _ in tqdm(range(20), desc="rows", mininterval=0):
        time.sleep(0.01)
    for _ in tqdm(range(2), desc="outer", mininterval=0):
        for _ in tqdm(range(5), desc="inner", leave=False, mininterval=0):
            time.sleep(0.01)
    return 1


def with_rich(with_tqdm: int) -> int:
    from rich.console import Console
    from rich.progress import track
    from rich.table import Table

    console = Console()
    console.print("[bold red]bold[/] and", "x" * 60)
    table = Table("name", "number")
    table.add_row("north", "1")
    console.print(table)
    for _ in track(range(3), description="tracking", console=console):
        time.sleep(0.01)
    return 1


def with_loguru(with_rich: int) -> int:
    from loguru import logger

    logger.info("from loguru")
    try:
        raise KeyError("lost")
    except KeyError:
        logger.exception("loguru broke")
    return 1


def with_structlog(with_loguru: int) -> int:
    import structlog

    log = structlog.get_logger()
    log.warning("from structlog", rows=3)
    try:
        raise KeyError("lost")
    except KeyError:
        log.exception("structlog broke")
    return 1


def with_json(with_structlog: int) -> int:
    from pythonjsonlogger.json import JsonFormatter

    logger, handler = logging.getLogger("as.json"), logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logger.addHandler(handler)
    logger.propagate = False
    thread = threading.Thread(target=lambda: logger.info("from a thread"))
    thread.start()
    thread.join()
    warnings.warn("old call", UserWarning)
    return 1
"""


def finished_log(cli: Cli, *environ: tuple[str, str]) -> str:
    """What `logs` shows of a job that a worker with that environment has run."""
    cli.run("job-queue", "add-job", "talks", "--job-id", "one", code=0)
    worker = cli.run("job-queue", "start-worker", "--burst", **dict(environ), code=0)
    assert "finished" in worker.stdout
    return cli.run("job-queue", "logs", "one", code=0).stdout


def entries(cli: Cli) -> list[dict[str, Any]]:
    text = cli.run("job-queue", "logs", "one", "--json", code=0).stdout
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize(
    "environ", [(), (("FORCE_COLOR", "1"), ("GITHUB_ACTIONS", "true"))], ids=["plain", "forced"]
)
def test_a_log_reads_well(cli: Cli, make_project: MakeProject, environ: Any) -> None:
    """The last state of bars, a line a line, no colours: also where the worker's are forced."""
    make_project(talks=("", MODULE))
    log = finished_log(cli, *environ)
    lines = log.splitlines()
    assert "\x1b" not in log
    assert "\\x1b" not in log
    assert "\\r" not in log
    (rows,) = [line for line in lines if line.startswith("rows:")]
    assert "20/20" in rows
    (outer,) = [line for line in lines if "outer:" in line]
    assert "2/2" in outer
    assert not [line for line in lines if "inner:" in line]
    # Rich's own width where there is no terminal.
    assert f"bold and {'x' * 60}" in lines
    assert any(re.fullmatch(r"│ north +│ 1 +│", line) for line in lines)
    assert sum("tracking" in line for line in lines) == 1
    assert any(re.search(r"\| INFO +\| .* - from loguru$", line) for line in lines)
    assert any(re.search(r"\[warning +\] from structlog +rows=3$", line) for line in lines)
    # Of loguru's traceback nothing above the node: it is about the pipeline, not about us.
    assert "fork_server" not in log
    assert log.count("KeyError: 'lost'") == 2


def test_each_line_has_its_level_and_its_traceback(cli: Cli, make_project: MakeProject) -> None:
    """Also of loguru and structlog; what writes JSON itself finds pipeline, job and node."""
    make_project(talks=("", MODULE))
    finished_log(cli)
    found = entries(cli)
    names = ("from loguru", "loguru broke", "from structlog", "structlog broke", "old call")
    by_text = {
        name: entry
        for entry in found
        for name in names
        if name in entry["message"].partition("\n")[0]
    }
    levels = {name: entry["level"] for name, entry in by_text.items()}
    assert levels == {
        "from loguru": "info", "loguru broke": "error", "from structlog": "warning",
        "structlog broke": "error", "old call": "warning",
    }  # fmt: skip
    for name in ("loguru broke", "structlog broke"):
        assert "Traceback" in by_text[name]["message"]
        assert "KeyError: 'lost'" in by_text[name]["message"].splitlines()[-1]
    (own,) = [entry for entry in found if entry["message"].startswith("{")]
    body = json.loads(own["message"])
    assert body["message"] == "from a thread"
    fields = {name: body[f"flowerpower_{name}"] for name in ("pipeline", "job", "attempt", "node")}
    assert fields == {"pipeline": "talks", "job": "one", "attempt": 1, "node": "with_json"}
