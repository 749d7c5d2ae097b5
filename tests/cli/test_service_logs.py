"""What workers and schedulers write where no terminal is: for journals and collectors of logs."""

from __future__ import annotations

import json
import logging
import re
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flowerpower.config.files import load_project
from flowerpower.job_queue.worker.fork_server_client import ForkServer
from flowerpower.triggers import clock
from flowerpower_cli.views.output import Output
from flowerpower_cli.views.service_log import ServiceLog, log_as_service
from tests.conftest import MakeProject
from tests.terminal import Cli

TALKS = """
import logging

def total(number: int = 1) -> int:
    print("counting")
    try:
        raise KeyError("north")
    except KeyError:
        logging.getLogger("my.app").exception("password=hunter2 of %s", "north")
    print("no end", end="")
    return number
"""
FAILS = "def total() -> int:\n    raise ValueError('no such region')\n"
FORMATS = """
import logging, sys

logging.basicConfig(
    stream=sys.stderr, level="INFO",
    format="%(flowerpower_pipeline)s/%(flowerpower_job)s/%(flowerpower_attempt)s/"
    "%(flowerpower_node)s: %(message)s",
)

def total(number: int = 1) -> int:
    logging.info("of my own")
    return number
"""
IN_POOL = (
    "run: {executor: {type: processpool, max_workers: 1}}",
    "import logging\n"
    "from hamilton.htypes import Collect, Parallelizable\n\n"
    "def number() -> Parallelizable[int]:\n    yield from range(2)\n\n"
    "def twice(number: int) -> int:\n"
    "    logging.getLogger('app').info('of %s', number)\n    return 2 * number\n\n"
    "def total(twice: Collect[int]) -> int:\n    return sum(twice)\n",
)
FIELDS = {"time", "event", "level", "logger", "message"}


@pytest.fixture
def project(make_project: MakeProject) -> Path:
    text = "name: demo\ntimezone: Europe/Berlin\n"
    return make_project(text, talks=("", TALKS), fails=("", FAILS), formats=("", FORMATS))


def lines(text: str) -> list[dict[str, Any]]:
    """Lines of JSON that have what every line of a service has."""
    found = [json.loads(line) for line in text.splitlines()]
    for body in found:
        assert body.keys() >= FIELDS
        assert clock.parse_time(body["time"]).tzinfo is not None
    return found


def test_a_worker_logs_json(cli: Cli, project: Path) -> None:
    """Each event, and with --job-logs each line of a job, with level, pipeline, job and attempt."""
    for name in ("talks", "fails"):
        cli.run("job-queue", "add-job", name, "--job-id", name, code=0)
    ended = cli.run(
        "job-queue", "start-worker", "--burst", "--log-format", "json", "--job-logs", "-n", "1",
        code=0,
    )  # fmt: skip
    assert ended.stderr == ""
    events = lines(ended.stdout)
    assert [body["event"] for body in events] == [
        "start",
        "log",
        "log",
        "log",
        "job",
        "job",
        "stop",
    ]
    first, logged, last, finished, failed = events[1:-1]
    names = {"pipeline": "talks", "job": "talks", "attempt": 1}
    for body in (first, logged, last, finished):
        assert body.items() >= names.items()
    assert (first["message"], first["level"], first["node"]) == ("counting", None, None)
    assert (logged["level"], logged["logger"], logged["node"]) == ("error", "my.app", "total")
    assert logged["message"].startswith("password=*** of north\nTraceback")
    assert logged["message"].endswith("\nKeyError: 'north'")
    assert last["message"] == "no end"
    assert (finished["level"], finished["status"]) == ("info", "finished")
    assert (failed["level"], failed["error"]["message"]) == ("error", "no such region")
    assert "failed in" in failed["message"]
    # The log that is read later has the same.
    later = [
        json.loads(line)
        for line in cli.run("job-queue", "logs", "talks", "--json").stdout.splitlines()
    ]
    assert [body["message"] for body in later] == [
        body["message"] for body in (first, logged, last)
    ]
    assert later[1]["time"] == logged["time"]
    assert logged.keys() <= later[1].keys()


def test_job_logs_are_in_a_journal_only_where_asked(cli: Cli, project: Path) -> None:
    """Each line then says when, which job and which pipeline; without it only how the job ended."""
    cli.run("job-queue", "add-job", "talks", "--job-id", "one", code=0)
    quiet = cli.run("job-queue", "start-worker", "--burst", code=0)
    assert "counting" not in quiet.stdout + quiet.stderr
    cli.run("job-queue", "add-job", "talks", "--job-id", "two", code=0)
    ended = cli.run("job-queue", "start-worker", "--burst", "--job-logs", code=0)
    begin = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0[12]:00  two  talks  "
    printed = ended.stdout.splitlines()
    assert all(re.match(begin, line) for line in printed)
    texts = [re.sub(begin, "", line) for line in printed]
    assert texts[0] == "| counting"
    assert texts[1] == "| [total] ERROR my.app: password=*** of north"
    assert texts[2] == "|     Traceback (most recent call last):"
    assert texts[-2] == "| no end"
    assert texts[-1].startswith("finished in ")


def test_a_format_of_ones_own_names_job_and_node(cli: Cli, project: Path) -> None:
    """Records have the fields in a job, and in a run of the command line."""
    cli.run("job-queue", "add-job", "formats", "--job-id", "one", code=0)
    cli.run("job-queue", "start-worker", "--burst", code=0)
    log = cli.run("job-queue", "logs", "one", code=0).stdout
    assert log == "formats/one/1/total: of my own\n"
    ended = cli.run("pipeline", "run", "formats", code=0)
    assert "formats/None/None/total: of my own\n" in ended.stderr


def test_nodes_in_a_pool_log_as_their_job_does(cli: Cli, make_project: MakeProject) -> None:
    """With time and node, from INFO up, although other processes compute them."""
    make_project("name: demo\ntimezone: Asia/Kolkata\n", pool=IN_POOL)
    cli.run("job-queue", "add-job", "pool", "--job-id", "one", code=0)
    cli.run("job-queue", "start-worker", "--burst", code=0)
    found = lines(cli.run("job-queue", "logs", "one", "--json", code=0).stdout)
    assert {(body["node"], body["level"]) for body in found} == {("twice", "info")}
    assert {body["message"] for body in found} == {"of 0", "of 1"}
    assert all(body["time"].endswith("+05:30") for body in found)


def test_a_scheduler_logs_json(cli: Cli, make_project: MakeProject) -> None:
    """What keeps it from starting is such a line too; the variable says the same as the option."""
    make_project("name: demo\njob_queue: {backend: {url: memory}}\n")
    for options, environ in (
        (("--log-format", "json"), {}),
        ((), {"FLOWERPOWER_LOG_FORMAT": "json"}),
        (("--json",), {}),
    ):
        ended = cli.run("job-queue", "start-scheduler", *options, code=8, **environ)
        (body,) = lines(ended.stderr)
        assert (body["event"], body["level"], body["error"]["code"]) == (
            "error",
            "error",
            "refused",
        )
        assert body["message"] == body["error"]["message"]


def test_a_form_that_there_is_not_is_refused(cli: Cli, project: Path) -> None:
    """And --json beats what the environment says."""
    ended = cli.run("job-queue", "start-worker", "--log-format", "xml", code=2)
    assert "'xml'" in ended.stderr
    ended = cli.run(
        "job-queue", "start-worker", "--burst", "--json", FLOWERPOWER_LOG_FORMAT="text", code=0
    )
    assert [body["event"] for body in lines(ended.stdout)] == ["start", "stop"]


@pytest.fixture
def clean_logging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Logging as it was before, afterwards."""
    before = list(logging.root.handlers)
    monkeypatch.setattr(logging.root, "handlers", [])
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setenv("FLOWERPOWER_LOG_FORMAT", "")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        yield
    logging.captureWarnings(False)
    logging.root.handlers[:] = before


def library_talks() -> None:
    """What a library may do in a worker's own process."""
    logging.getLogger("some.library").warning("token=%s\nin two lines", "hunter2")
    warnings.warn("old call", UserWarning, stacklevel=1)
    thread = threading.Thread(target=lambda: 1 / 0, name="its-own")
    thread.start()
    thread.join()


def test_what_libraries_say_has_the_form_of_the_log(
    clean_logging: None, project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """As JSON: also warnings, and errors of threads."""
    output = Output()
    log_as_service(output, load_project(project, {}), "json")
    library_talks()
    output.warning("left behind")
    logged, warned, failed, said = lines(capfd.readouterr().err)
    assert (logged["logger"], logged["level"]) == ("some.library", "warning")
    assert logged["message"] == "token=***\nin two lines"
    assert (warned["logger"], warned["level"]) == ("py.warnings", "warning")
    assert "UserWarning: old call" in warned["message"]
    assert (failed["logger"], failed["level"]) == ("flowerpower", "error")
    assert failed["message"].startswith("An unexpected error in the thread its-own\nTraceback")
    assert (said["message"], said["level"]) == ("left behind", "warning")


def test_what_libraries_say_has_a_time(
    clean_logging: None, project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """As text: that of the worker's own lines."""
    log_as_service(Output(), load_project(project, {}), None)
    assert any(isinstance(handler, ServiceLog) for handler in logging.root.handlers)
    library_talks()
    text = capfd.readouterr().err
    time = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0[12]:00  "
    assert re.search(time + r"WARNING some\.library: token=\*\*\*$", text, re.MULTILINE)
    assert re.search(time + r"WARNING py\.warnings: .+: UserWarning: old call$", text, re.MULTILINE)
    assert re.search(time + r"ERROR flowerpower: An unexpected error", text, re.MULTILINE)


def preload() -> None:
    """Called in a fork server: it imports packages, which may say anything."""
    logging.getLogger("imported.package").warning("is old")
    warnings.warn("so is this", UserWarning, stacklevel=1)


def entry(request: dict[str, Any], send: Any) -> dict[str, Any]:
    """Called in a child."""
    logging.getLogger("job").warning("of a job")
    return {"status": "finished"}


def test_what_packages_say_at_their_import_is_in_the_workers_log(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In its form; nothing of that is left for the jobs."""
    monkeypatch.setenv("FLOWERPOWER_LOG_FORMAT", "json")
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))
    server = ForkServer(f"{__name__}:entry", (f"{__name__}:preload",))
    server.start()
    try:
        child = server.new_child()
        child.send({"base_dir": ".", "keep": False})
        log = b""
        while child.log_is_open:
            log += child.read_log()
        child.close()
    finally:
        server.close()
    logged, warned = lines(capfd.readouterr().err)
    assert (logged["logger"], warned["logger"]) == ("imported.package", "py.warnings")
    assert b"WARNING job: of a job\n" in log
    assert log.count(b"\n") == 1
