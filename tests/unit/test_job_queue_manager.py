"""JobQueueManager: in a project's folder, conf/project.yml gives what is not given."""

import ast
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import flowerpower.job_queue
from flowerpower.config.queue_settings import TYPE_VARIABLE, URL_VARIABLE
from flowerpower.errors import ConfigError, UsageError
from flowerpower.job_queue import JobQueueManager
from flowerpower.pipeline.manager import PipelineManager

Options = dict[str, Any]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Path, Options]]:
    """Type, folder and options of each backend that was opened; none really is."""
    calls: list[tuple[str, Path, Options]] = []

    def backend(type: str) -> Any:
        def open_it(
            root: Path,
            url: str | None = None,
            host: str | None = None,
            namespace: str | None = None,
            result_ttl: float | None = None,
            history_ttl: float | None = None,
        ) -> SimpleNamespace:
            named = {"url": url, "host": host, "namespace": namespace, "result_ttl": result_ttl,
                     "history_ttl": history_ttl}  # fmt: skip
            options = {name: value for name, value in named.items() if value is not None}
            calls.append((type, root, options))
            return SimpleNamespace()

        return open_it

    monkeypatch.setattr(flowerpower.job_queue, "_backend", backend)
    return calls


def project(root: Path, text: str) -> Path:
    (root / "conf").mkdir()
    (root / "conf" / "project.yml").write_text(text, "utf-8")
    return root


ON_REDIS = """
name: shop
job_queue:
  type: rq
  namespace: sales
  result_ttl: 30
  history_ttl: 1h
  backend: {url: "redis://queue:6380/3"}
"""
OF_THE_FILE = {"namespace": "sales", "result_ttl": 30.0, "history_ttl": 3600.0}
ADDRESS = {"url": "redis://queue:6380/3"}


@pytest.mark.parametrize(
    ("given", "type", "expected"),
    [
        ({}, "rq", {**OF_THE_FILE, **ADDRESS}),
        ({"type": "rq", "url": None}, "rq", {**OF_THE_FILE, **ADDRESS}),
        ({"url": "redis://other"}, "rq", {**OF_THE_FILE, "url": "redis://other"}),
        ({"host": "other"}, "rq", {**OF_THE_FILE, "host": "other"}),
        ({"namespace": "x", "result_ttl": 0}, "rq", {**OF_THE_FILE, **ADDRESS, "namespace": "x", "result_ttl": 0}),
        ({"type": "apscheduler"}, "apscheduler", OF_THE_FILE),
    ],
)  # fmt: skip
def test_the_project_gives_what_is_not_given(
    tmp_path: Path, opened: list[Any], given: Options, type: str, expected: Options
) -> None:
    """What is given wins; an address is taken whole, and only for the type in the file."""
    JobQueueManager(base_dir=project(tmp_path, ON_REDIS), **given)
    assert opened == [(type, tmp_path, expected)]


def test_a_project_has_its_name_as_namespace(tmp_path: Path, opened: list[Any]) -> None:
    """What the file leaves out too is the project's default, the same as for PipelineManager."""
    JobQueueManager(base_dir=project(tmp_path, "name: shop\n"))
    assert PipelineManager(tmp_path).job_queue.backend
    assert opened[0] == opened[1]
    assert opened[0][0] == "apscheduler"
    assert opened[0][2]["namespace"] == "shop"


def test_the_environment_wins_over_the_file(
    tmp_path: Path, opened: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Type and URL come from the variables; with another type the file's address is left out."""
    project(tmp_path, ON_REDIS)
    monkeypatch.setenv(TYPE_VARIABLE, "apscheduler")
    JobQueueManager(base_dir=tmp_path)
    monkeypatch.setenv(URL_VARIABLE, "sqlite:///other.db")
    JobQueueManager(base_dir=tmp_path)
    JobQueueManager(base_dir=tmp_path, url="memory")
    assert opened == [
        ("apscheduler", tmp_path, OF_THE_FILE),
        ("apscheduler", tmp_path, {**OF_THE_FILE, "url": "sqlite:///other.db"}),
        ("apscheduler", tmp_path, {**OF_THE_FILE, "url": "memory"}),
    ]


def test_elsewhere_nothing_is_assumed(
    tmp_path: Path, opened: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without conf/project.yml neither a file above nor the environment counts."""
    below = project(tmp_path, ON_REDIS) / "below"
    below.mkdir()
    monkeypatch.setenv(TYPE_VARIABLE, "rq")
    JobQueueManager(base_dir=below)
    assert opened == [("apscheduler", below, {})]


def test_a_wrong_project_file_is_named(tmp_path: Path) -> None:
    """A mistake in conf/project.yml is an error that names the file."""
    with pytest.raises(ConfigError, match=r"conf/project\.yml"):
        JobQueueManager(base_dir=project(tmp_path, "job_queue: {type: redis}\n"))


def test_an_option_of_the_other_type_is_refused(tmp_path: Path) -> None:
    """Options are those of the type that the project has."""
    with pytest.raises(UsageError, match="apscheduler has no option 'host'"):
        JobQueueManager(base_dir=project(tmp_path, "name: shop\n"), host="localhost")


def test_the_import_is_light() -> None:
    """Importing it loads neither an engine nor what reads YAML."""
    code = "import sys, flowerpower.job_queue; print([name for name in sys.modules if name in %r])"
    heavy = ["apscheduler", "redis", "rq", "yaml", "pydantic", "sqlite3", "psycopg"]
    done = subprocess.run(
        [sys.executable, "-c", code % heavy], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_the_command_line_calls_the_front_door_alone():
    """No command reaches past PipelineJobQueue to the backend behind it."""
    import flowerpower_cli

    [folder] = flowerpower_cli.__path__
    reached = [
        f"{path.name}:{node.lineno}"
        for path in Path(folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and ast.unparse(node).endswith("job_queue.backend")
    ]
    assert reached == []
