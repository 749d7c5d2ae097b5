"""Every block of configuration in README and docs, read or run by what it is for.

A block says by its label what it is; one that nobody knows fails. What `service print` prints must
stand in the pages as it prints it now. (That systemd takes the units, and Kubernetes the manifest,
is shown by tests/integrations/test_service_files.py.)
"""

from __future__ import annotations

import plistlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from configparser import ConfigParser, ParsingError
from dataclasses import dataclass
from pathlib import Path
from xml.parsers.expat import ExpatError

import pytest
import redis
import yaml

from flowerpower.config.files import Pipeline, schedule_faults
from flowerpower.config.pipeline import PipelineConfig
from flowerpower.config.project import ProjectConfig
from flowerpower.config.validation import validated
from flowerpower.config.yaml_reader import parse_yaml
from flowerpower.errors import ConfigError
from flowerpower.pipeline import PipelineManager
from flowerpower.pipeline.services.deployment import ServiceOptions, make_deployment
from flowerpower.pipeline.services.kinds import service_files
from flowerpower.triggers.make import make_trigger
from tests.conditions import WAIT_LIMIT, eventually
from tests.servers import RedisServer, free_port

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))
NO_CONFIGURATION = ("console", "python", "bash", "sql", "csv", "text")
"""Labels of blocks that are commands, code, data or drawings."""
DEPLOYED = "/srv/my_project"
"""Where the project of the pages is."""
ENVIRON = {
    "REDIS_URL": "redis://127.0.0.1:6379/0", "DATABASE_URL": "postgresql://h/d",
    "REDIS_PASSWORD": "tulip", "ALERTS_URL": "https://alerts.example.com/",
    "ALERTS_SECRET": "tulip-in-winter", "MAIL_URL": "mailto://ada:tulip@example.com",
    "DAILY_REPORT_PING": "https://pings.example.com/1", "API_TOKEN": "tulip-at-noon",
}  # fmt: skip


@dataclass(frozen=True)
class Block:
    """A fenced block: its page and line, its label, and what is in it."""

    place: str
    label: str
    content: str


def _blocks() -> Iterator[Block]:
    for page in PAGES:
        lines = page.read_text("utf-8").splitlines()
        start = None
        for number, line in enumerate(lines):
            if not line.startswith("```"):
                continue
            if start is None:
                start = number
                continue
            content = "\n".join(lines[start + 1 : number]) + "\n"
            yield Block(f"{page.name}:{start + 1}", lines[start][3:], content)
            start = None


BLOCKS = list(_blocks())


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """What `service print` prints for the project of the pages."""
    root = tmp_path_factory.mktemp("deployed") / "my_project"
    (root / "conf").mkdir(parents=True)
    (root / "conf" / "project.yml").write_text(
        "name: my_project\njob_queue: {type: rq, backend: {url: '${REDIS_URL}'}}\n"
    )
    manager = PipelineManager(root, quiet=True, environ=ENVIRON)
    texts = set()
    for kind, options in (
        ("systemd", ServiceOptions(num_workers=4, user="flowerpower")),
        ("launchd", ServiceOptions(user="flowerpower")),
        ("compose", ServiceOptions(workers=2)),
        ("kubernetes", ServiceOptions(workers=2, scheduler=False)),
        ("procfile", ServiceOptions()),
    ):
        project, registry, queue = manager.project, manager.registry, manager.job_queue
        deployment = make_deployment(project, registry, queue, options)
        for file in service_files(kind, deployment):
            program, text = deployment.program[0], file.content
            # systemd's units quote a path that has a blank.
            for written in (f'"{program}"', program):
                text = text.replace(written, f"{DEPLOYED}/.venv/bin/flowerpower")
            text = text.replace(str(root), DEPLOYED)
            version = sys.version_info
            texts.add(text.replace(f"python:{version.major}.{version.minor}-", "python:3-"))
    return texts


# What verifies a block, by its label


def _is_printed(block: Block, printed: set[str]) -> None:
    text = re.sub(r"python:3\.\d+-", "python:3-", block.content)
    assert text in printed, f"{block.place} is not what `service print` prints"


def _ini(block: Block, printed: set[str]) -> None:
    _is_printed(block, printed)
    if "[Service]" in block.content:
        unit = ConfigParser(interpolation=None)
        unit.optionxform = str  # type: ignore[assignment, method-assign]
        unit.read_string(block.content)
        assert set(unit.sections()) == {"Unit", "Service", "Install"}
        values = [value for section in unit.sections() for value in unit[section].values()]
        assert not [value for value in values if "#" in value]


def _yaml(block: Block, printed: set[str]) -> None:
    documents = list(yaml.safe_load_all(block.content))
    if "services" in documents[0] or "apiVersion" in documents[0]:
        _is_printed(block, printed)
    elif "jobs" in documents[0]:
        # A workflow of GitHub; PyYAML reads its key `on` as true.
        assert {"jobs", True} <= set(documents[0])
        assert all("steps" in job and "runs-on" in job for job in documents[0]["jobs"].values())
    else:
        file = parse_yaml(block.content.encode(), block.place, ENVIRON)
        is_project = set(documents[0]) & {"job_queue", "limits", "name"}
        if is_project:
            validated(ProjectConfig, file)
            return
        pipeline = Pipeline("subject", validated(PipelineConfig, file), file)
        assert schedule_faults(pipeline, "Europe/Berlin") == []


def _conf(block: Block, tmp_path: Path) -> None:
    """Redis starts with these lines as its file, and has taken each."""
    file = tmp_path / "redis.conf"
    file.write_text(block.content)
    port = free_port()
    command = [RedisServer.program(), str(file), "--port", str(port), "--dir", str(tmp_path)]
    settings = dict(
        line.split(None, 1) for line in block.content.splitlines() if line and line[0] != "#"
    )
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as server:
        try:
            password = settings.get("requirepass")
            with redis.Redis(port=port, password=password) as client:
                eventually(lambda: server.poll() is not None or _answers(client))
                assert server.poll() is None, server.stdout and server.stdout.read()
                for name, value in settings.items():
                    assert client.config_get(name)[name] == value
        finally:
            server.terminate()
            eventually(lambda: server.poll() is not None or server.send_signal(2))


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def _redis(block: Block, server: RedisServer) -> None:
    with redis.Redis.from_url(server.url()) as client:
        for line in block.content.splitlines():
            assert client.execute_command(*line.split()) in (b"OK", True)


def _dockerfile(block: Block, printed: set[str]) -> None:
    _is_printed(block, printed)
    text = re.sub(r"#.*\n", "", block.content).replace("\\\n", " ")
    instructions = [line.split(None, 1) for line in text.splitlines() if line]
    names = [name for name, _ in instructions]
    assert names[0] == "FROM"
    assert names.index("USER") > names.index("RUN")
    assert dict(map(tuple, instructions))["USER"].strip() not in ("root", "0")


def _procfile(block: Block, printed: set[str], tmp_path: Path, server: RedisServer) -> None:
    """A shell runs each line, which runs until it is told to stop."""
    _is_printed(block, printed)
    project = tmp_path / "my_project"
    (project / "conf").mkdir(parents=True)
    (project / "conf" / "project.yml").write_text(
        "name: my_project\njob_queue: {type: rq, backend: {url: '${REDIS_URL}'}}\n"
    )
    environ = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "REDIS_URL": server.url(12),
               "HOME": str(tmp_path)}  # fmt: skip
    for line in block.content.splitlines():
        match = re.fullmatch(r"([A-Za-z0-9_-]+):\s*(.+)", line)
        assert match, line
        with subprocess.Popen(
            ["sh", "-c", match[2]], cwd=project, env=environ, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr is not None
            assert re.search(r"takes jobs from|fires the schedules", process.stderr.readline())
            process.terminate()
            assert process.wait(WAIT_LIMIT) == 0


def _xml(block: Block, printed: set[str]) -> None:
    _is_printed(block, printed)
    assert plistlib.loads(block.content.encode())["KeepAlive"] is True


def _cron(block: Block) -> None:
    for line in block.content.splitlines():
        *fields, command = line.split(None, 5)
        assert make_trigger(" ".join(fields), None, None, timezone="Europe/Berlin")
        subprocess.run(["sh", "-n", "-c", command], check=True)


VERIFIERS: dict[str, Callable[..., None]] = {
    "ini": _ini, "yaml": _yaml, "conf": _conf, "redis": _redis, "dockerfile": _dockerfile,
    "procfile": _procfile, "xml": _xml, "cron": _cron, "gitignore": _is_printed,
    "toml": lambda block: tomllib.loads(block.content),
}  # fmt: skip
CONFIGURATION = [block for block in BLOCKS if block.label in VERIFIERS]


@pytest.mark.parametrize("block", CONFIGURATION, ids=lambda block: block.place)
def test_a_block_of_configuration_is_right(
    block: Block, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """What it is for takes it: our reader, Redis, a shell; or `service print` prints it."""
    verify = VERIFIERS[block.label]
    known = {"block": block, "tmp_path": tmp_path}
    names = verify.__code__.co_varnames[: verify.__code__.co_argcount]
    arguments = [
        known[name] if name in known
        else request.getfixturevalue("redis_server" if name == "server" else name)
        for name in names
    ]  # fmt: skip
    verify(*arguments)


def test_every_block_is_known() -> None:
    """A block without a label holds commands, which are run; another label needs a verifier."""
    unknown = [
        block.place
        for block in BLOCKS
        if block.label not in (*VERIFIERS, *NO_CONFIGURATION)
        and not (block.label == "" and re.search(r"^\$ ", block.content, re.MULTILINE))
    ]
    assert unknown == []
    assert len(CONFIGURATION) > 30
    assert {"ini", "yaml", "conf", "dockerfile", "procfile", "xml"} <= {
        block.label for block in CONFIGURATION
    }


@pytest.mark.parametrize(
    ("label", "content"),
    [
        ("ini", "[Service]\nUser=me   # a comment\n"),
        ("yaml", "job_queue: {typ: rq}\n"),
        ("yaml", "schedule: {cron: '61 * * * *'}\n"),
        ("conf", "appendonly yes   # a comment\n"),
        ("dockerfile", "FROM python:3-slim\n"),
        ("xml", "<plist/>\n"),
    ],
)
def test_a_wrong_block_is_found(
    label: str, content: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The verifiers fail where they should."""
    errors = (AssertionError, ConfigError, ParsingError, ExpatError)
    with pytest.raises(errors):
        test_a_block_of_configuration_is_right(Block("page:1", label, content), tmp_path, request)
