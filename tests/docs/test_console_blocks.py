"""Every block of commands in README and docs, run as it stands, and compared with what it shows."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.pages import (
    IS_UP,
    Command,
    File,
    Shell,
    Text,
    is_shown,
    parts_of,
    plain_words,
)
from tests.servers import PostgresServer, RedisServer
from tests.terminal import DOCS_START

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md"))
    if any(isinstance(part, Command) for part in parts_of(path))
)
IS_ERROR = re.compile(r"^Error: ", re.MULTILINE)
REPORT = (
    """run:
  inputs: {factor: 2}
  final_vars: [total, by_region]
""",
    '''"""Sales by region."""

import pandas as pd


def sales(factor: int) -> pd.DataFrame:
    return pd.DataFrame({"region": ["north", "south"], "revenue": [factor * 1.5, factor * 2.5]})


def by_region(sales: pd.DataFrame) -> pd.DataFrame:
    return sales.groupby("region", as_index=False).sum()


def model(sales: pd.DataFrame) -> float:
    return float(sales["revenue"].mean())


def total(by_region: pd.DataFrame, model: float) -> float:
    return float(by_region["revenue"].sum()) + model
''',
)
DAILY_REPORT = (
    "run:\n  inputs: {text: ' b a '}\n",
    """import hamilton
import pandas as pd

from lib.cleaning import clean


def words(text: str) -> pd.Series:
    return pd.Series(clean(text).split())
""",
)

NIGHTLY = (
    "",
    """def sales() -> list[float]:
    print("no file for yesterday: data/2026-11-28.csv")
    return []


def average(sales: list[float]) -> float:
    return sum(sales) / len(sales)
""",
)


def _project(folder: Path, project: str = "", **pipelines: tuple[str, str]) -> Path:
    for name, (config, module) in pipelines.items():
        for path, text in (
            (f"conf/pipelines/{name}.yml", config),
            (f"pipelines/{name}.py", module),
        ):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
    (folder / "conf" / "project.yml").write_text(f"name: my_project\n{project}")
    return folder


def _report(folder: Path) -> Path:
    (folder / "march.csv").write_text("region,revenue\nnorth,1\nsouth,2\n")
    return _project(folder, report=REPORT)


def _share(folder: Path) -> Path:
    (folder / "one" / "lib").mkdir(parents=True)
    (folder / "one" / "lib" / "cleaning.py").write_text(
        "def clean(text):\n    return text.strip()\n"
    )
    _project(folder / "one", daily_report=DAILY_REPORT)
    return folder / "one"


def _weather(folder: Path) -> Path:
    shutil.copytree(ROOT / "examples" / "weather", folder / "my_weather")
    return folder / "my_weather"


def _upstream(folder: Path) -> Path:
    for version, name in (("v0_11", "old_project"), ("v0_37", "old_project_0_37")):
        shutil.copytree(ROOT / "tests" / "upstream_projects" / version, folder / name)
    return folder


def _hello_on(folder: Path, backend: str) -> Path:
    hello = ("run: {inputs: {name: world}}\n", "def greeting(name: str) -> str:\n    return name\n")
    return _project(folder, f"job_queue:\n{backend}", hello=hello)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_every_page_is_known() -> None:
    """README, tutorial and how-to pages are all found, and no page is empty."""
    assert len(PAGES) >= 7


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("flowerpower init my_project", ["init", "my_project"]),
        ("flowerpower schedule preview --cron '0 8 * * 1-5'  # why",
         ["schedule", "preview", "--cron", "0 8 * * 1-5"]),
        ("flowerpower schedule diff; echo $?", None),
        ("flowerpower pipeline run a \\\n  -i x=1", None),
        ("flowerpower pipeline run a -i x={1,2}", None),
        ("TZ=UTC flowerpower status", None),
        ("rq info", None),
    ],
)  # fmt: skip
def test_what_a_shell_would_do_is_left_to_one(command: str, words: list[str] | None) -> None:
    """Only a call of ours without variables, pipes, patterns and the like runs without bash."""
    assert plain_words(command) == words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_blocks_of_a_page_show_what_they_say(
    page: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The commands of a page run one after another, in one shell, and show what stands there."""
    environ = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "TERM": "xterm-256color",
        **DOCS_START,
    }
    folder = tmp_path / "pages"
    folder.mkdir()
    setups: dict[str, Callable[[Path], Path]] = {
        "executors": _report,
        "files-and-cache": _report,
        "share-a-pipeline": _share,
        "from-upstream": _upstream,
        "look-at-a-pipeline": _weather,
        "apscheduler-tools": lambda folder: _hello_on(folder, "  type: apscheduler\n"),
        "notices": lambda folder: _hello_on(folder, "  type: apscheduler\n"),
        "watch-the-queue": lambda folder: _hello_on(folder, "  type: apscheduler\n"),
        "backfill": lambda folder: _hello_on(folder, "  type: apscheduler\n"),
        "chains-and-limits": lambda folder: _hello_on(folder, "  type: apscheduler\n"),
        "retries": lambda folder: _hello_on(folder, "  type: apscheduler\n"),
        "remote-projects": lambda folder: _hello_on(
            _made(folder / "shop"), "  type: apscheduler\n"
        ),
        "dashboard": lambda folder: _hello_on(folder, "  type: apscheduler\n"),
    }
    if page.stem == "move-the-queue":
        redis_server: RedisServer = request.getfixturevalue("redis_server")
        environ["REDIS_URL"] = redis_server.url(11)
        setups[page.stem] = lambda folder: _hello_on(folder, "  type: apscheduler\n")
    if page.stem == "redis-on-three-machines":
        three: RedisServer = request.getfixturevalue("redis_server")
        environ["REDIS_URL"] = three.url(14)
    if page.stem in ("deploy", "redis", "rq-tools"):
        redis: RedisServer = request.getfixturevalue("redis_server")
        environ["REDIS_URL"] = redis.url({"deploy": 7, "redis": 9, "rq-tools": 10}[page.stem])
        on_redis = "  type: rq\n  backend: {url: '${REDIS_URL}', queues: [default, slow]}\n"
        setups[page.stem] = lambda folder: _hello_on(folder, on_redis)
        if page.stem == "deploy":
            setups["deploy"] = lambda folder: _project(
                folder, f"job_queue:\n{on_redis}", nightly=NIGHTLY
            )
    if page.stem == "postgresql":
        postgres: PostgresServer = request.getfixturevalue("postgres")
        environ["DATABASE_URL"] = postgres.new_database()
        setups["postgresql"] = lambda folder: _hello_on(
            folder, "  backend: {url: '${DATABASE_URL}', queues: [default, slow]}\n"
        )
    shell = Shell(setups.get(page.stem, lambda folder: folder)(folder), environ)
    Reading(page, shell).run()


class Reading:
    """A page that is read and followed from top to bottom."""

    def __init__(self, page: Path, shell: Shell) -> None:
        self.page = page
        self.shell = shell
        self.home = shell.folder
        self.before = ""
        self.changed: tuple[Path, str] | None = None

    def run(self) -> None:
        for part in parts_of(self.page):
            if isinstance(part, Text):
                self._read(part.text)
            elif isinstance(part, File):
                self._file(part.content)
            else:
                self._command(part)

    def _read(self, text: str) -> None:
        """Do what a paragraph says: change a word in a file, or change it back."""
        self.before = text
        if match := re.match(r"Change `(\w+)` to `(\w+)` in `([\w./]+)`", text):
            old, new, name = match.groups()
            (path,) = self.shell.folder.rglob(name)
            content = path.read_text()
            assert old in content
            path.write_text(content.replace(old, new))
            self.changed = path, content
        elif match := re.match(r"On the machine `(\w+)`", text):
            # A folder is a machine: with a home of its own, too.
            self.shell.folder = self.home / match[1]
            self.shell.environ = {**self.shell.environ, "HOME": str(self.shell.folder)}
        elif text.startswith("In the other project"):
            other = self.shell.folder.parent / "other_project"
            (other / "conf").mkdir(parents=True)
            self.shell.folder = _project(other)
        elif text.startswith("Correct the file again") and self.changed:
            path, content = self.changed
            path.write_text(content)

    def _file(self, content: str) -> None:
        """Write a file that the paragraph before names, or compare it with the one there is."""
        names = re.findall(r"`([\w./]+\.(?:py|yml|csv))`", self.before)
        if not names or not self.before.endswith(":"):
            return
        path = self.shell.folder / names[-1]
        if re.search(r"\b[Tt]his is `[^`]+`:$", self.before):
            assert path.read_text().rstrip() == content.rstrip(), path
        elif re.search(r"Write|Replace|Now the settings", self.before):
            path.write_text(content)

    def _command(self, part: Command) -> None:
        command = self._here(part.command)
        if command is None:
            return
        if other := re.search(r"in a second terminal \(`([^`]+)`\)", self.before):
            with subprocess.Popen(
                ["bash", "-c", f"exec {other[1]}"], cwd=self.shell.folder,
                env=self.shell.environ, stderr=subprocess.PIPE, text=True,
            ) as worker:  # fmt: skip
                assert worker.stderr is not None
                assert IS_UP.search(worker.stderr.readline())
                self._compare(part, self.shell.run(command))
                worker.terminate()
        else:
            self._compare(part, self.shell.run(command, until=IS_UP if part.runs_on else None))

    def _compare(self, part: Command, text: str) -> None:
        place = f"{part.page}, line {part.line}: {part.command}"
        expected = part.shown
        if "$?" not in part.command:
            assert (self.shell.code != 0) == bool(IS_ERROR.search(expected)), f"{place}\n{text}"
        if part.block_shows:
            shown = is_shown(expected, text, in_any_order=part.depends_on_speed)
            assert shown, f"{place}\n--- the page\n{expected}--- shown\n{text}"

    def _here(self, command: str) -> str | None:
        """The command as it runs here; None for what would install something, or needs Graphviz."""
        if "pip install" in command or "-m venv" in command:
            assert re.search(r"flowerpower-cli|path/to/the/clone|-m venv", command)
            return None
        if re.search(r"-o \S+\.(svg|png|pdf)", command) and shutil.which("dot") is None:
            # It says that Graphviz is missing, as tests/cli/test_pipeline_dag.py shows.
            return None
        if command.startswith("make "):
            # It would install and test everything: here only its rules are looked up.
            target = command.removeprefix("make ").partition("#")[0]
            return f"make -C {shlex.quote(str(ROOT))} -n {target} >/dev/null"
        # Other tests may use the port.
        command = command.replace("flowerpower dashboard", "flowerpower dashboard --port 0")
        return command.replace("redis://127.0.0.1:6379/0", "$REDIS_URL")


def test_the_demo_shows_commands_that_can_be_typed(tmp_path: Path) -> None:
    """The commands that `make demo` prints are quoted where a shell needs it."""
    (tmp_path / "flowerpower").write_text("#!/bin/sh\nmkdir -p my_weather\n")
    (tmp_path / "flowerpower").chmod(0o755)
    done = subprocess.run(
        ["bash", ROOT / "examples" / "demo.sh"], cwd=tmp_path, check=True, text=True,
        capture_output=True, env={"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
    )  # fmt: skip
    assert "--cron '0 8 * * 1-5' --timezone Europe/Berlin" in done.stdout
