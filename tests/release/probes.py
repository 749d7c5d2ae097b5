"""Shows that an installed flowerpower works, and that each extra does what it is for."""

from __future__ import annotations

import http.server
import json
import os
import re
import subprocess
import threading
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers import PostgresServer

LIMIT = 900.0
"""Seconds for one command: the first one compiles all that it imports, MLflow's files too."""
HELLO = "def greeting(name: str) -> str:\n    return f'Hello, {name}!'\n"


@dataclass
class Installed:
    """The command line of one environment, and a folder to work in."""

    programs: Path
    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    def run(self, *words: str, code: int = 0, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run `flowerpower WORDS` in the folder; another exit code is an AssertionError."""
        ended = subprocess.run(
            [self.programs / "flowerpower", *words], cwd=self.folder, text=True,
            capture_output=True, env=self._environ(variables), timeout=LIMIT,
        )  # fmt: skip
        assert ended.returncode == code, (
            f"flowerpower {' '.join(words)} ended with {ended.returncode}:\n{ended.stdout}"
            f"{ended.stderr}"
        )
        return ended

    @contextmanager
    def running(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        """`flowerpower WORDS` while it runs; stdout has all that it says. One that hangs is killed."""
        with subprocess.Popen(
            [self.programs / "flowerpower", *words], cwd=self.folder, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=self._environ({}),
        ) as process:  # fmt: skip
            watch = threading.Timer(LIMIT, process.kill)
            watch.start()
            try:
                yield process
            finally:
                watch.cancel()
                process.terminate()

    def _environ(self, variables: dict[str, str]) -> dict[str, str]:
        # Neither the checkout nor another environment may lend what is not installed here.
        kept = {name: os.environ[name] for name in ("LANG", "TMPDIR") if name in os.environ}
        path = f"{self.programs}{os.pathsep}/usr/bin{os.pathsep}/bin"
        return {**kept, "PATH": path, "HOME": str(self.folder), **self.environ, **variables}


def make_project(folder: Path, more: str = "") -> None:
    """A project with the pipeline hello; `more` are further lines of its project.yml."""
    (folder / "conf" / "pipelines").mkdir(parents=True)
    (folder / "pipelines").mkdir()
    (folder / "conf" / "project.yml").write_text(f"name: my_project\ntimezone: Etc/UTC\n{more}")
    (folder / "conf" / "pipelines" / "hello.yml").write_text("run: {inputs: {name: world}}\n")
    (folder / "pipelines" / "hello.py").write_text(HELLO)


def probe_install(installed: Installed, version: str) -> None:
    """The version, completion, the example, and a job by a worker."""
    assert installed.run("--version").stdout.split()[-1] == version
    for shell in ("bash", "zsh", "fish", "powershell"):
        assert "flowerpower" in installed.run("completion", "show", shell).stdout
    installed.run("init", "my_weather", "--example", "weather", "--quiet")
    work = Installed(installed.programs, installed.folder / "my_weather")
    assert "hottest" in work.run("pipeline", "run", "weather", "--json").stdout
    work.run("job-queue", "add-job", "weather", "--job-id", "first")
    work.run("job-queue", "start-worker", "--burst", "--quiet")
    assert json.loads(work.run("job-queue", "show-job", "first", "--json").stdout)["status"] == (
        "finished"
    )


@contextmanager
def _receiver() -> Iterator[tuple[str, list[str]]]:
    """A web server that takes everything: its host and port, and the paths that were asked for."""
    paths: list[str] = []

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            paths.append(self.path)
            self.rfile.read(int(self.headers["Content-Length"] or 0))
            self.send_response(200)
            self.end_headers()

        def do_GET(self) -> None:
            self.do_POST()

        def do_PUT(self) -> None:
            self.do_POST()

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}", paths
    finally:
        server.shutdown()
        server.server_close()


def _postgresql(installed: Installed) -> None:
    server = PostgresServer()
    try:
        installed.environ["FLOWERPOWER_JOB_QUEUE_URL"] = server.new_database()
        installed.run("job-queue", "add-job", "hello", "--job-id", "first")
        installed.run("job-queue", "start-worker", "--burst", "--quiet")
        shown = installed.run("job-queue", "show-job", "first", "--json")
        assert json.loads(shown.stdout)["status"] == "finished"
    finally:
        server.close()


def _notify(installed: Installed) -> None:
    with _receiver() as (address, paths):
        with (installed.folder / "conf" / "project.yml").open("a") as file:
            file.write(f"notify: {{on: failed, to: {{apprise: 'json://{address}/'}}}}\n")
        installed.run("notify", "test")
        assert len(paths) == 1


def _metrics(installed: Installed) -> None:
    assert installed.run("metrics").stdout.endswith("# EOF\n")


def _dashboard(installed: Installed) -> None:
    installed.run("report", "-o", "report.html")
    assert "my_project" in (installed.folder / "report.html").read_text("utf-8")
    with installed.running("dashboard", "--port", "0", "--read-only") as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        address = next(m[0] for m in (re.search(r"http://127[^\s]+", line) for line in lines) if m)
        with urllib.request.urlopen(address, timeout=LIMIT) as page:
            assert "my_project" in page.read().decode()


def _remote(installed: Installed) -> None:
    with zipfile.ZipFile(installed.folder / "hello.zip", "w") as archive:
        for folder in ("conf", "pipelines"):
            for file in (installed.folder / folder).rglob("*.[py][ym]*"):
                archive.write(file, file.relative_to(installed.folder))
    shown = installed.run("pipeline", "run", "hello", "--base-dir", "zip://::hello.zip", "--json")
    assert "Hello, world!" in shown.stdout


def _ray(installed: Installed) -> None:
    installed.run("pipeline", "run", "hello", "--executor", "ray", "--json")


def _dask(installed: Installed) -> None:
    installed.run("pipeline", "run", "hello", "--executor", "dask", "--json")


def _trackers(installed: Installed) -> None:
    place = installed.folder / "conf" / "pipelines" / "hello.yml"
    with _receiver() as (address, paths):
        place.write_text(
            "run:\n  inputs: {name: world}\n  adapter:\n"
            f"    opentelemetry: {{endpoint: 'http://{address}/v1/traces'}}\n"
            "    mlflow: {tracking_uri: 'sqlite:///mlflow.db'}\n"
            # No Hamilton UI answers there: the SDK has asked, and the run goes on.
            f"    hamilton_tracker: {{project_id: 1, username: ada, api_url: 'http://{address}'}}\n"
        )
        installed.run("pipeline", "run", "hello", "--json")
        assert "/v1/traces" in paths
        assert {path for path in paths if path != "/v1/traces"}
    assert (installed.folder / "mlflow.db").exists()


PROBES: dict[str, Callable[[Installed], None]] = {
    "postgresql": _postgresql, "notify": _notify, "metrics": _metrics, "dashboard": _dashboard,
    "remote": _remote, "ray": _ray, "dask": _dask, "trackers": _trackers,
}  # fmt: skip
"""What shows that an extra works, in a folder with a project."""
