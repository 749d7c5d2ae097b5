"""Projects in an object store, and in a repository at GitHub, by fsspec's real packages."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from flowerpower.config.remote.source import RemoteSource
from flowerpower.errors import FlowerpowerError
from tests.integrations.servers import started
from tests.terminal import Cli

SECRET = "not-to-be-seen-anywhere"
CODE = "def word() -> str:\n    return '{}'\n"


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass
class Bucket:
    """A bucket of a server that answers as S3 does."""

    options: dict[str, Any]

    @property
    def fs(self) -> Any:
        import s3fs

        return s3fs.S3FileSystem(**self.options, skip_instance_cache=True)

    def publish(self, word: str) -> None:
        files = {
            "conf/project.yml": "name: demo\n",
            "conf/pipelines/p.yml": "{}\n",
            "pipelines/p.py": CODE.format(word),
            "data/large.csv": "1\n" * 1000,
        }
        for path, text in files.items():
            self.fs.pipe_file(f"bucket/team/demo/{path}", text.encode())


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def bucket(port: int, tmp_path: Path) -> Iterator[Bucket]:
    """It lives as long as its server."""
    command = ["-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with started(command, tmp_path / "moto", lambda: answers(port)):
        endpoint = f"http://127.0.0.1:{port}"
        made = Bucket({"key": "the-key", "secret": SECRET, "endpoint_url": endpoint})
        made.fs.mkdir("bucket")
        made.publish("first")
        yield made


def remote(cli: Cli, options: dict[str, Any]) -> Cli:
    cli.environ["FLOWERPOWER_BASE_DIR"] = "s3://bucket/team/demo"
    cli.environ["FLOWERPOWER_STORAGE_OPTIONS"] = json.dumps(options)
    cli.environ["XDG_CACHE_HOME"] = str(cli.home / "cache")
    cli.environ["XDG_STATE_HOME"] = str(cli.home / "state")
    return cli


def test_a_project_in_s3_runs_in_jobs_of_its_versions(bucket: Bucket, cli: Cli) -> None:
    """Run, queued and worked on without a checkout; an upload is a new version."""
    remote(cli, bucket.options)
    ran = cli.run("pipeline", "run", "p", "--json", code=0)
    assert ran.json["outputs"] == {"word": "first"}
    cli.run("job-queue", "add-job", "p", "--job-id", "first", code=0)
    # The same content again: S3's checksums say that it is no new version.
    bucket.publish("first")
    cli.run("job-queue", "add-job", "p", "--job-id", "same", code=0)
    bucket.publish("second")
    cli.run("job-queue", "add-job", "p", "--job-id", "second", code=0)
    worked = cli.run("job-queue", "start-worker", "--burst", code=0)
    jobs = {
        name: cli.run("job-queue", "show-job", name, "--json", code=0).json
        for name in ("first", "same", "second")
    }
    words = {name: job["result"]["outputs"]["word"] for name, job in jobs.items()}
    assert words == {"first": "first", "same": "first", "second": "second"}
    assert jobs["first"]["project_version"] == jobs["same"]["project_version"]
    assert SECRET not in ran.stderr + worked.stdout + worked.stderr
    for path in (cli.home / "cache", cli.home / "state"):
        for file in path.rglob("*"):
            assert not file.is_file() or SECRET.encode() not in file.read_bytes()


def test_s3_that_is_away_or_refuses_is_told_in_time(port: int, cli: Cli, tmp_path: Path) -> None:
    """With a version kept it serves, with a warning; else exit 5; a wrong bucket is no project."""
    command = ["-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    options = {"key": "k", "secret": SECRET, "endpoint_url": f"http://127.0.0.1:{port}"}
    remote(cli, options)
    with started(command, tmp_path / "moto", lambda: answers(port)):
        made = Bucket(options)
        made.fs.mkdir("bucket")
        made.publish("first")
        cli.run("pipeline", "list", code=0)
        wrong = cli.run("pipeline", "list", FLOWERPOWER_BASE_DIR="s3://bucket/another", code=4)
        assert "s3://bucket/another is not a project" in wrong.stderr
    ran = cli.run("pipeline", "run", "p", "--json", code=0)
    assert ran.json["outputs"] == {"word": "first"}
    assert "Going on with its version" in ran.stderr
    cold = cli.run("pipeline", "list", XDG_CACHE_HOME=str(cli.home / "empty"), code=5)
    assert "s3://bucket/team/demo" in cold.stderr
    assert SECRET not in ran.stderr + cold.stderr


@dataclass
class GitHub:
    """A repository behind the two calls of GitHub's API that fsspec makes."""

    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def tree(self, sha: str) -> list[dict[str, Any]]:
        """The entries of a branch, or of a folder: its name stands for its checksum here."""
        folder = "" if sha == "main" else f"{sha.removeprefix('tree-').replace('~', '/')}/"
        entries: dict[str, dict[str, Any]] = {}
        for path, content in self.files.items():
            name, _, below = path.removeprefix(folder).partition("/")
            if not path.startswith(folder):
                continue
            entries[name] = {"path": name, "mode": "040000", "type": "tree", "size": 0,
                             "sha": f"tree-{f'{folder}{name}'.replace('/', '~')}"} if below else {
                "path": name, "mode": "100644", "type": "blob", "size": len(content),
                "sha": hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest(),
            }  # fmt: skip
        return list(entries.values())


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    """The API on this machine."""
    from fsspec.implementations.github import GithubFileSystem

    made = GitHub()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            kind, _, rest = self.path.removeprefix("/repos/org/shop/").partition("/")
            if kind == "git":
                body: dict[str, Any] = {"tree": made.tree(rest.removeprefix("trees/"))}
            else:
                content = made.files[rest.partition("?")[0]]
                body = {"content": base64.b64encode(content).decode()}
            answer = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        api = f"http://127.0.0.1:{server.server_port}/repos/{{org}}/{{repo}}"
        monkeypatch.setattr(GithubFileSystem, "url", f"{api}/git/trees/{{sha}}")
        monkeypatch.setattr(GithubFileSystem, "content_url", f"{api}/contents/{{path}}?ref={{sha}}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield made
        server.shutdown()


def test_a_project_at_github_is_fetched_by_its_checksums(
    github: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder of a branch; a commit that changes nothing of the project is no new version."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    github.files = {
        "README.md": b"",
        "apps/shop/conf/project.yml": b"name: shop\n",
        "apps/shop/pipelines/p.py": CODE.format("first").encode(),
    }
    opened = RemoteSource("github://org:shop@main/apps/shop", {}, environ={})
    first = opened.root()
    assert (first / "pipelines" / "p.py").read_bytes() == CODE.format("first").encode()
    github.files["README.md"] = b"more"
    github.asked.clear()
    assert opened.newest() == first
    assert not [path for path in github.asked if "/contents/" in path]
    github.files["apps/shop/pipelines/p.py"] = CODE.format("second").encode()
    assert opened.newest() != first
    assert opened.shown == "github://org:shop@main/apps/shop"
    with pytest.raises(FlowerpowerError, match="is not a project"):
        RemoteSource("github://org:shop@main/apps/none", {}, environ={}).root()
