"""OpenTelemetry: the spans that a collector takes, and runs whose collector does not take them."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.conditions import WAIT_LIMIT, eventually, slowed
from tests.conftest import MakeProject
from tests.servers import free_port
from tests.terminal import Cli

MODULE = """\
from hamilton.htypes import Collect, Parallelizable

def number(limit: int) -> Parallelizable[int]:
    yield from range(limit)

def square(number: int) -> int:
    return number * number

def total(square: Collect[int]) -> int:
    return sum(square)

def checked(total: int, password: str) -> int:
    if total > 10:
        raise ValueError(f"password={password} is of no use")
    return total
"""
WAITING = """\
import time
from pathlib import Path

def first(began: str) -> int:
    Path(began).write_text("")
    while Path(began).exists():
        time.sleep(0.02)
    return 1

def second(first: int) -> int:
    return first + 1
"""
COROUTINES = """\
import asyncio

async def one() -> int:
    await asyncio.sleep(0.01)
    return 1

async def two(one: int) -> int:
    return one + 1
"""
OK, ERROR = 1, 2
SECRET = "tulip-in-winter"


@dataclass
class Span:
    """A span as it came."""

    name: str
    parent: bytes
    id: bytes
    status: int
    message: str


@dataclass
class Collector:
    """What was sent to an OTLP/HTTP endpoint."""

    url: str = ""
    headers: list[dict[str, str]] = field(default_factory=list)
    services: set[str] = field(default_factory=set)
    spans: list[Span] = field(default_factory=list)

    def take(self, headers: dict[str, str], body: bytes) -> None:
        self.headers.append(headers)
        for part in ExportTraceServiceRequest.FromString(body).resource_spans:
            attributes = {each.key: each.value.string_value for each in part.resource.attributes}
            self.services.add(attributes["service.name"])
            for scope in part.scope_spans:
                for span in scope.spans:
                    told = span.status
                    self.spans.append(
                        Span(span.name, span.parent_span_id, span.span_id, told.code, told.message)
                    )

    def by_name(self) -> dict[str, list[Span]]:
        found: dict[str, list[Span]] = {}
        for span in self.spans:
            found.setdefault(span.name, []).append(span)
        return found


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector on this machine."""
    taken = Collector()

    class Take(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            taken.take({key.lower(): value for key, value in self.headers.items()}, body)
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Take) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        taken.url = f"http://127.0.0.1:{server.server_port}/v1/traces"
        yield taken
        server.shutdown()


def configured(adapter: Any, **run: Any) -> str:
    inputs = {"limit": 3, "password": SECRET}
    return json.dumps({"run": {"inputs": inputs, **run, "adapter": {"opentelemetry": adapter}}})


@pytest.mark.parametrize("executor", ["synchronous", "threadpool"])
def test_a_run_and_its_nodes_are_spans(
    cli: Cli, make_project: MakeProject, collector: Collector, executor: str
) -> None:
    """Each node is a span below that of the run, which is called as the pipeline, in threads too."""
    adapter = {"endpoint": collector.url, "headers": {"x-team": "gardeners"}}
    config = configured({**adapter, "service_name": "flowers"}, executor={"type": executor})
    make_project(traced=(config, MODULE))
    ended = cli.run("pipeline", "run", "traced", "--json", code=0)
    assert ended.json["outputs"] == {"checked": 5}
    spans = collector.by_name()
    assert {name: len(found) for name, found in spans.items()} == {
        "traced": 1, "number": 1, "square": 3, "total": 1, "checked": 1,
    }  # fmt: skip
    (run,) = spans.pop("traced")
    assert (run.parent, run.status) == (b"", OK)
    nodes = [span for found in spans.values() for span in found]
    assert {(span.parent, span.status) for span in nodes} == {(run.id, OK)}
    assert collector.services == {"flowers"}
    assert {headers["x-team"] for headers in collector.headers} == {"gardeners"}


def test_a_job_that_fails_has_spans_with_errors(
    cli: Cli, make_project: MakeProject, collector: Collector
) -> None:
    """In a job too; the node that fails and its run have the status ERROR, without secrets."""
    make_project(traced=(configured({"endpoint": collector.url}), MODULE))
    cli.run("job-queue", "add-job", "traced", "-i", "limit=9", "--job-id", "job", code=0)
    cli.run("job-queue", "start-worker", "--burst", code=0)
    spans = collector.by_name()
    (checked,), (run,), (total,) = spans["checked"], spans["traced"], spans["total"]
    assert (checked.status, run.status, total.status) == (ERROR, ERROR, OK)
    assert checked.message == "ValueError: password=*** is of no use"
    assert SECRET not in repr(collector.spans)
    assert collector.services == {"demo"}


def test_coroutines_are_spans(cli: Cli, make_project: MakeProject, collector: Collector) -> None:
    """A DAG of coroutines has the spans of its nodes below that of the run."""
    config = configured({"endpoint": collector.url}, inputs={})
    make_project(traced=(config, COROUTINES))
    ended = cli.run("pipeline", "run", "traced", "--json", code=0)
    assert ended.stderr.count("\n") == 1
    spans = collector.by_name()
    (run,), (one,), (two,) = spans["traced"], spans["one"], spans["two"]
    assert [run.status, one.status, two.status] == [OK, OK, OK]
    assert (one.parent, two.parent) == (run.id, run.id)


def test_the_endpoint_of_the_environment_is_used(
    cli: Cli, make_project: MakeProject, collector: Collector
) -> None:
    """Without an endpoint in the YAML that of OpenTelemetry's own variable is used."""
    make_project(traced=(configured(True), MODULE))
    base = collector.url.removesuffix("/v1/traces")
    cli.run("pipeline", "run", "traced", code=0, OTEL_EXPORTER_OTLP_ENDPOINT=base)
    assert "traced" in collector.by_name()


def test_the_console_is_stderr(cli: Cli, make_project: MakeProject) -> None:
    """With `exporter: console` the spans are JSON on stderr, and stdout is the result alone."""
    make_project(traced=(configured({"exporter": "console"}), MODULE))
    ended = cli.run("pipeline", "run", "traced", "--json", code=0)
    assert ended.json["outputs"] == {"checked": 5}
    assert '"name": "square"' in ended.stderr


def test_a_collector_that_does_not_take_them_warns(
    cli: Cli, make_project: MakeProject, mute_port: int, refusing_port: int
) -> None:
    """Down, silent or refusing: one warning within seconds, and the run finishes."""
    for port in (free_port(), mute_port, refusing_port):
        endpoint = f"http://127.0.0.1:{port}/v1/traces"
        make_project(traced=(configured({"endpoint": endpoint}), MODULE))
        ended = cli.run("pipeline", "run", "traced", "--json", code=0)
        assert ended.json["outputs"] == {"checked": 5}
        assert ended.json["seconds"] < slowed(12)
        first, *rest = ended.stderr.splitlines()
        assert first.startswith("Warning: opentelemetry")
        assert (len(rest), rest[0].partition(" ")[0]) == (1, "traced")


def test_a_collector_that_goes_away_warns(
    cli: Cli, make_project: MakeProject, tmp_path: Path
) -> None:
    """One that takes connections when the run begins and not when it ends is one warning."""
    began = tmp_path / "began"
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), http.server.BaseHTTPRequestHandler
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        endpoint = f"http://127.0.0.1:{server.server_port}/v1/traces"
        config = configured({"endpoint": endpoint}, inputs={"began": str(began)})
        make_project(waiting=(config, WAITING))
        with cli.start("pipeline", "run", "waiting", "--json") as running:
            eventually(began.exists)
            server.shutdown()
            server.server_close()
            since = time.monotonic()
            began.unlink()
            out, told = running.communicate(timeout=WAIT_LIMIT)
    assert (running.returncode, json.loads(out)["outputs"]) == (0, {"second": 2})
    assert time.monotonic() - since < slowed(15)
    assert told.count("Warning: opentelemetry has failed") == 1
    assert "Traceback" not in told
