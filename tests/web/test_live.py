"""Pages that change while they are open: what is sent, to whom, and what it costs."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flowerpower.pipeline.job_queue import PipelineJobQueue
from tests.conditions import eventually
from tests.contract.fake_worker import FINISHED, FakeWorker
from tests.web.conftest import Running, running
from tests.web.listening import Event, listening, parts_of


def test_only_what_changed_is_sent(dashboard: Running) -> None:
    """First all parts, then those that differ."""
    manager = dashboard.manager
    with listening(dashboard.client, "/") as events:
        kind, first = next(events)
        assert kind == "parts"
        assert {"tiles", "running", "failed", "queues", "workers", "problems"} <= first.keys()
        manager.add_job("report", job_id="new")
        kind, changed = next(events)
        assert (kind, "tiles" in changed, "workers" in changed) == ("parts", True, False)
        manager.job_queue.pause_queue("default")
        assert "paused" in parts_of(events, "queues")


def test_lists_and_single_pages_are_live(dashboard: Running) -> None:
    """With the filter of their address."""
    manager = dashboard.manager
    manager.add_job("report", job_id="one")
    with (
        listening(dashboard.client, "/jobs?status=cancelled") as cancelled,
        listening(dashboard.client, "/jobs/one") as single,
    ):
        assert "No job meets" in parts_of(cancelled, "jobs")
        assert "queued" in parts_of(single, "head")
        manager.jobs.cancel("one")
        assert "one" in parts_of(cancelled, "jobs")
        assert "cancelled" in parts_of(single, "head")


def test_a_log_is_sent_piece_by_piece(dashboard: Running) -> None:
    """Each piece once, with its colours, and never as HTML; also that of the next attempt."""
    backend = dashboard.manager.job_queue.backend
    worker = FakeWorker(backend)
    dashboard.manager.add_job("report", job_id="one")
    claim = worker.take()
    backend.record(claim, "<b>first</b>\n", None)
    with listening(dashboard.client, "/jobs/one") as events:
        logs = (body for kind, body in events if kind == "log")
        first = next(logs)
        assert first["attempt"] == 1
        assert [chunk["html"] for chunk in first["chunks"]] == ["&lt;b&gt;first&lt;/b&gt;\n"]
        backend.record(claim, "\x1b[31msecond\x1b[0m\n", None)
        (chunk,) = next(logs)["chunks"]
        assert chunk["html"] == '<span class="ansi-red">second</span>\n'
        assert chunk["seq"] > first["chunks"][0]["seq"]
        backend.release(claim)
        assert worker.finish(worker.take(), FINISHED, "again\n")
        again = next(logs)
        assert (again["attempt"], again["chunks"][0]["html"]) == (2, "again\n")


def test_one_reader_serves_all(dashboard: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue is read as often for ten open pages as for one, and not at all for none."""
    reads: list[int] = []
    snapshot = PipelineJobQueue.snapshot

    def counted(self: PipelineJobQueue, limit: int = 20) -> Any:
        reads.append(limit)
        return snapshot(self, limit)

    monkeypatch.setattr(PipelineJobQueue, "snapshot", counted)
    monkeypatch.setattr("flowerpower_cli.web.live.INTERVAL", 0.05)
    opened = [listening(dashboard.client, "/") for _ in range(10)]
    streams = [stream.__enter__() for stream in opened]
    for stream in streams:
        next(stream)
    reads.clear()
    dashboard.manager.add_job("report")
    for stream in streams:
        assert "tiles" in next(stream)[1]
    # One look may have been on its way; ten lookers would have read ten times each.
    assert 1 <= len(reads) < 10
    for one in opened:
        one.__exit__(None, None, None)

    def is_quiet() -> bool:
        reads.clear()
        return not _reads_within(reads, 0.5)

    eventually(is_quiet)


def _reads_within(reads: list[int], seconds: float) -> int:
    """How often it was read in that time: that nothing happens has no sign of its own."""
    time.sleep(seconds)
    return len(reads)


def test_a_page_that_is_gone_is_said(dashboard: Running) -> None:
    """And others go on."""
    dashboard.manager.add_job("report", job_id="one")
    with listening(dashboard.client, "/jobs/one") as events:
        assert "head" in next(events)[1]
        dashboard.manager.jobs.delete("one")
        message = next(body["message"] for kind, body in events if kind == "trouble")
        assert "There is no job" in message


def test_a_stream_ends_with_the_server(project: Path) -> None:
    """An open page does not hold it: `running` fails if it does."""
    with running(project) as started:
        connection = http.client.HTTPConnection("127.0.0.1", started.client.port, timeout=60)
        connection.request("GET", "/events?address=/")
        response = connection.getresponse()
        assert response.status == 200
    assert response.read().startswith(b"retry: ")
    connection.close()


def test_an_address_of_no_page_is_trouble(dashboard: Running) -> None:
    """Not an error of the server."""
    for address in ("/none", "//evil.example/", "/jobs?page=x", "x" * 5000):
        with listening(dashboard.client, address) as events:
            assert next(events)[0] == "trouble"


def test_whoever_comes_later_misses_nothing_of_a_log(dashboard: Running) -> None:
    """It is sent what its page does not have, though others have it already."""
    backend = dashboard.manager.job_queue.backend
    worker = FakeWorker(backend)
    dashboard.manager.add_job("report", job_id="one")
    claim = worker.take()
    for text in ("a", "b", "c"):
        backend.record(claim, text, None)

    def pieces(events: Iterator[Event], last: str) -> str:
        texts = ""
        while not texts.endswith(last):
            name, body = next(events)
            texts += "".join(c["html"] for c in body["chunks"]) if name == "log" else ""
        return texts

    with listening(dashboard.client, "/jobs/one", attempt=1, seq=1) as first:
        assert pieces(first, "c") == "bc"
        with listening(dashboard.client, "/jobs/one", attempt=1, seq=2) as second:
            backend.record(claim, "d", None)
            assert pieces(second, "d") == "cd"
            assert pieces(first, "d") in ("d", "cd")


def test_a_slow_pipeline_holds_nobody_up(dashboard: Running, project: Path) -> None:
    """Neither other pages nor what is sent to them, however many wait for it."""
    module = project / "pipelines" / "report.py"
    module.write_text(
        "import pathlib, time\n"
        "while not pathlib.Path('go').exists():\n    time.sleep(0.05)\n" + module.read_text()
    )
    answers: list[int] = []
    waiting = [
        threading.Thread(
            target=lambda: answers.append(dashboard.client.get("/pipelines/report").status)
        )
        for _ in range(6)
    ]
    for thread in waiting:
        thread.start()
    try:
        with (
            listening(dashboard.client, "/") as events,
            listening(dashboard.client, "/pipelines/report") as pipeline,
        ):
            assert "last-jobs" in next(pipeline)[1]
            assert "tiles" in next(events)[1]
            dashboard.manager.job_queue.pause_queue("default")
            assert "paused" in parts_of(events, "queues")
            assert dashboard.client.get("/jobs").status == 200
        assert answers == []
    finally:
        (project / "go").touch()
        for thread in waiting:
            thread.join()
    assert answers == [200] * 6
