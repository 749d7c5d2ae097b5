"""`flowerpower notify`, and notices of a real worker."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from flowerpower.jobs.event import EventKind
from flowerpower.pipeline import PipelineManager
from flowerpower.text import is_name
from tests.conditions import eventually, slowed
from tests.conftest import MakeProject
from tests.http_receiver import Receiver, odd_server, receiver, refusing_url
from tests.jobs_database import jobs_database
from tests.terminal import Cli

SECRET = "tulip-in-winter"
ROW = (
    "",
    "def row(n: int = 1) -> float:\n    if n == 0:\n"
    f"        raise ValueError('no {SECRET} \\x1b[31m')\n    return 12 / n\n",
)
TWO = """
name: demo
timezone: Europe/Berlin
notify:
  - on: [failed, recovered]
    to: {{webhook: "${{HOOK_URL}}", secret: "${{HOOK_SECRET}}"}}
  - on: missed
    to: {{webhook: "{0}/gone-0123456789"}}
"""


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


@pytest.fixture
def configured(cli: Cli, make_project: MakeProject, server: Receiver) -> Path:
    """A project with a target that answers and one that does not."""
    cli.environ |= {"HOOK_URL": f"{server.url}/hook-0123456789", "HOOK_SECRET": SECRET}
    own = f"notify: {{on: finished, to: {{webhook: '{server.url}/own'}}}}\n"
    return make_project(TWO.format(refusing_url()), row=ROW, told=(own, ROW[1]))


def test_a_test_notice_goes_to_each_target(cli: Cli, configured: Path, server: Receiver) -> None:
    """One line for each; exit code 1 if one has not arrived; no address is shown."""
    ended = cli.run("notify", "test", code=1)
    lines = ended.stdout.splitlines()
    assert lines[0].startswith("webhook at 127.0.0.1: sent in ")
    assert lines[1] == "webhook at 127.0.0.1: not sent: Connection refused"
    assert lines[2].startswith("webhook at 127.0.0.1: sent in ")
    assert "1 of 3 test notices could not be sent." in ended.stderr
    assert "0123456789" not in ended.stdout + ended.stderr
    assert sorted(server.paths) == ["/hook-0123456789", "/own"]
    assert {request.json["kind"] for request in server.received} == {"test"}
    body = cli.run(
        "notify", "test", "--pipeline", "told", "--on", "finished", "--json", code=0
    ).json
    assert [(one["label"], one["on"], one["pipelines"], one["sent"]) for one in body] == [
        ("webhook at 127.0.0.1", ["finished"], ["told"], True)
    ]
    assert set(body[0]) == {"id", "label", "on", "pipelines", "sent", "seconds", "error"}


def test_what_waits_and_what_was_given_up_is_listed(cli: Cli, configured: Path) -> None:
    """With its error, as the problems of the project have it too."""
    manager = PipelineManager(configured, environ=cli.environ, quiet=True)
    from flowerpower.jobs.notice import NewDelivery, Notice

    store = manager.job_queue.backend.notices
    targets = {target.on: target.id for target in manager.notices.targets()}
    deliveries = [
        NewDelivery(targets["missed",], Notice(f"n{number}", "missed", 3, {"row": 3}))
        for number in range(2)
    ]
    assert store.plan([], deliveries)
    first, second = store.claim(60), store.claim(60)
    assert first is not None
    assert second is not None
    assert store.give_up(first, "answered 404 Not Found")
    assert store.postpone(second, "Connection refused", 60)
    ended = cli.run("notify", "list", code=0)
    assert "failed, recovered  all" in ended.stdout
    assert "3 missed: row  webhook at 127.0.0.1" in ended.stdout
    assert "answered 404 Not Found" in ended.stdout
    assert "0123456789" not in ended.stdout
    body = cli.run("notify", "list", "--json", code=0).json
    assert set(body) == {"targets", "waiting", "given_up"}
    assert body["waiting"][0]["error"] == "Connection refused"
    assert set(body["given_up"][0]) == {
        "id", "target", "notice", "created_at", "send_at", "attempts", "error", "given_up_at",
    }  # fmt: skip
    problems = {problem.code: problem for problem in manager.status().problems}
    assert "1 notice could not be sent: answered 404" in problems["notices_given_up"].message
    assert "notify test" in str(problems["notices_delayed"].hint)
    manager.close()
    assert cli.run("notify", "list", "--on", "finished", "--json", code=0).json["waiting"] == []


def test_nobody_is_told(cli: Cli, make_project: MakeProject) -> None:
    """That is no error; an unknown pipeline or kind is one."""
    make_project("name: demo\n", row=ROW)
    for verb in ("test", "list"):
        assert "Nobody is told" in cli.run("notify", verb, code=0).stderr
        assert "Did you mean 'row'" in cli.run("notify", verb, "--pipeline", "rwo", code=3).stderr
        assert "'failed'" in cli.run("notify", verb, "--on", "fialed", code=2).stderr
    assert cli.run("notify", "test", "--json", code=0).json == []


def test_a_variable_that_is_not_set_is_an_error_here(cli: Cli, configured: Path) -> None:
    """With file and line; other commands go on without it."""
    ended = cli.run("notify", "test", HOOK_URL=None, code=4)
    assert "conf/project.yml, line 6: notify[0].to.webhook" in ended.stderr
    assert "HOOK_URL is not set" in ended.stderr
    cli.run("pipeline", "run", "row", HOOK_URL=None, code=0)
    cli.run("job-queue", "add-job", "row", HOOK_URL=None, code=0)


def test_a_worker_tells_of_its_jobs(cli: Cli, configured: Path, server: Receiver) -> None:
    """Also one that ends at once; no secret is in its notices, its log or its database."""
    for job_id, pipeline, number in (
        ("bad", "row", 0), ("good", "row", 1), ("quiet", "row", 2), ("done", "told", 1),
    ):  # fmt: skip
        arguments = (pipeline, "-i", f"n={number}", "--job-id", job_id)
        cli.run("job-queue", "add-job", *arguments, code=0)
    ended = cli.run("job-queue", "start-worker", "--burst", "--num-workers", "1", code=0)
    notices = {request.json["kind"]: request.json for request in server.received}
    assert set(notices) == {"failed", "recovered", "finished"}
    assert notices["failed"]["title"] == "demo: row failed"
    assert "ValueError: no *** \\x1b[31m (in the node row)" in notices["failed"]["text"]
    assert "The job good of row has finished" in notices["recovered"]["text"]
    assert notices["finished"]["events"][0]["facts"]["job_id"] == "done"
    signed = [one for one in server.received if one.path.startswith("/hook")]
    assert all(one.headers["x-flowerpower-signature"].startswith("sha256=") for one in signed)
    assert SECRET not in ended.stdout + ended.stderr
    assert "0123456789" not in ended.stdout + ended.stderr
    database = (configured / ".flowerpower" / "jobs.db").read_bytes()
    assert b"0123456789" not in database
    with jobs_database(configured) as tables:
        assert tables.execute("SELECT COUNT(*) FROM flowerpower_events").fetchone() == (0,)
    tables.close()


def test_a_worker_pings_for_a_declared_schedule(
    cli: Cli, make_project: MakeProject, server: Receiver
) -> None:
    """With its only entry, which needs no id; the URL is in neither queue nor diff."""
    url = f"{server.url}/ping-0123456789"
    config = "schedule: {interval: 1s, ping: '${PING_URL}'}\n"
    root = make_project("name: demo\n", row=(config, ROW[1]))
    cli.run("schedule", "apply", PING_URL=None, code=0)
    assert cli.run("schedule", "diff", code=0)
    shown = cli.run("schedule", "show", "row-1", "--json", code=0)
    assert "ping" not in shown.stdout
    cli.run("job-queue", "start-worker", "--max-jobs", "1", PING_URL=url, code=0)
    assert eventually(lambda: server.paths) == ["/ping-0123456789"]
    (root / "pipelines" / "row.py").write_text("def row() -> int:\n    return 1 // 0\n")
    cli.run("job-queue", "start-worker", "--max-jobs", "1", PING_URL=url, code=0)
    assert server.paths == ["/ping-0123456789", "/ping-0123456789/fail"]
    assert b"ZeroDivisionError" in server.received[1].body
    assert b"0123456789" not in (root / ".flowerpower" / "jobs.db").read_bytes()


def test_a_target_that_hangs_does_not_hold_up_a_worker(cli: Cli, make_project: MakeProject) -> None:
    """It does its jobs and ends, and leaves the notice to the next one."""
    with odd_server() as url:
        make_project(f"notify: {{on: failed, to: {{webhook: '{url}'}}}}\n", row=ROW)
        for job_id, number in (("bad", 0), ("good", 1)):
            cli.run("job-queue", "add-job", "row", "-i", f"n={number}", "--job-id", job_id, code=0)
        began = time.monotonic()
        cli.run("job-queue", "start-worker", "--burst", code=0)
        assert time.monotonic() - began < slowed(15)
    assert cli.run("job-queue", "show-job", "good", "--json", code=0).json["status"] == "finished"
    (waiting,) = cli.run("notify", "list", "--json", code=0).json["waiting"]
    assert (waiting["attempts"], waiting["notice"]["kind"]) == (1, "failed")


def test_a_ping_is_an_address_of_the_web(cli: Cli, make_project: MakeProject) -> None:
    """Anything else is refused, where it stands."""
    make_project("name: demo\n", row=("schedule: {cron: '@daily', ping: htp}\n", ROW[1]))
    ended = cli.run("pipeline", "validate", "row", code=4)
    assert "conf/pipelines/row.yml, line 1: schedule.ping: expected a URL" in (
        ended.stdout + ended.stderr
    ).replace("schedule[0]", "schedule")


def test_kinds_are_names() -> None:
    """They are part of ids in headers."""
    assert all(is_name(kind) for kind in EventKind)
