"""Forked commands do what commands in interpreters of their own do, byte by byte."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from flowerpower.pipeline import PipelineManager
from tests.cli.test_tree import LEAVES
from tests.terminal import Cli, Ended, server_for

# Each command at least once.
CALLS = {
    "init": "init other",
    "pipeline new": "pipeline new fresh",
    "pipeline list": "pipeline list",
    "pipeline show": "pipeline show good --json",
    "pipeline validate": "pipeline validate",
    "pipeline delete": "pipeline delete good --dry-run",
    "pipeline export": "pipeline export good -o good.zip",
    "pipeline import": "pipeline import . --name copy",
    "pipeline dag": "pipeline dag good",
    "pipeline run": "pipeline run good --json",
    "job-queue add-job": "job-queue add-job good --job-id new -i x=3",
    "job-queue list-jobs": "job-queue list-jobs --json",
    "job-queue show-job": "job-queue show-job waits",
    "job-queue wait": "job-queue wait waits --timeout 0",
    "job-queue cancel-job": "job-queue cancel-job waits",
    "job-queue retry-job": "job-queue retry-job waits",
    "job-queue delete-job": "job-queue delete-job waits --yes",
    "job-queue prune": "job-queue prune --all-ended --dry-run",
    "job-queue logs": "job-queue logs waits",
    "job-queue start-worker": "job-queue start-worker --burst",
    "job-queue workers": "job-queue workers --json",
    "job-queue migrate": "job-queue migrate --to rq --to-url redis://127.0.0.1:1 --dry-run",
    "job-queue start-scheduler": "job-queue start-scheduler --type celery",
    "schedule add": "schedule add good --cron @daily --schedule-id other",
    "schedule list": "schedule list",
    "schedule show": "schedule show nightly --json",
    "schedule preview": "schedule preview --cron @daily --start 2030-01-01 --count 2",
    "schedule pause": "schedule pause nightly",
    "schedule resume": "schedule resume nightly --json",
    "schedule run-now": "schedule run-now nightly",
    "schedule delete": "schedule delete nightly --yes",
    "schedule history": "schedule history nightly",
    "schedule diff": "schedule diff",
    "schedule apply": "schedule apply --dry-run",
    "schedule backfill": "schedule backfill nightly --missed --dry-run",
    "schedule import": "schedule import crontab --dialect busybox --json --dry-run",
    "notify test": "notify test --on failed",
    "notify list": "notify list --json",
    "status": "status",
    "doctor": "doctor --check configuration,pipelines",
    "metrics": "metrics --textfile demo.prom",
    "dashboard": "dashboard --host 203.0.113.7",
    "report": "report -o report.html",
    "job-queue pause": "job-queue pause default",
    "job-queue resume": "job-queue resume default --json",
    "job-queue watch": "job-queue watch --for 1s",
    "service print": "service print procfile",
    "completion show": "completion show zsh",
    "completion install": "completion install fish",
}
OTHERS = [
    "",
    "--version",
    "pipelin",
    "pipeline run",
    "pipeline run goood --json",
    "pipeline run good -i x=two",
    "pipeline run raises",
    "pipeline run exits -vv",
    "pipeline run killed",
    "pipeline run umlaut",
    "pipeline run late --json",
    "pipeline run closed --json",
    "pipeline run unclosed --json",
    "pipeline list --jsno",
]


# What these show has times, durations or process ids in it: numbers are left out.
TIMED = {
    "pipeline run good --no-progress --json",
    "pipeline run good --json",
    "pipeline run raises",
    "pipeline run exits -vv",
    "pipeline run killed",
    "pipeline run umlaut",
    "status",
    "job-queue pause default",
    "job-queue watch --for 1s",
    "job-queue show-job waits",
    "job-queue list-jobs --json",
    "job-queue wait waits --timeout 0",
    "job-queue start-worker --burst",
    "schedule add good --cron @daily --schedule-id other",
    "schedule run-now nightly",
    "schedule resume nightly --json",
    "pipeline run late --json",
    "pipeline run closed --json",
    "pipeline run unclosed --json",
}
# A duration is one number: `59s` may be `1m` a moment later.
NUMBERS = re.compile(r"-[\da-f]{8,}\b|(?:<?[\d.]*\d(?:e-\d+)?(?:ms|[dhms](?![A-Za-z]))?)+| +")
ENVIRONMENTS: dict[str, dict[str, str]] = {
    "NO_COLOR": {"NO_COLOR": "1"},
    "LC_ALL=C": {"LC_ALL": "C"},
    "dumb": {"TERM": "dumb"},
}
RUN = "pipeline run good --no-progress --json"
BROKEN = "pipeline run umlaut --no-progress"
IN_TERMINALS = [
    ("NO_COLOR", ""),
    ("NO_COLOR", BROKEN),
    ("LC_ALL=C", BROKEN),
    ("LC_ALL=C", "pipeline list"),
    ("dumb", RUN),
    ("dumb", "init"),
]
CLOSED = [(0, RUN), (1, RUN), (2, RUN), (1, "pipeline list"), (2, BROKEN)]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a waiting job and a schedule."""
    root = tmp_path_factory.mktemp("template")
    (root / "pipelines").mkdir()
    (root / "conf" / "pipelines").mkdir(parents=True)
    (root / "conf" / "project.yml").write_text("name: demo\ntimezone: Europe/Berlin\n")
    for name, body in {
        "raises": "raise ValueError('no such luck')",
        "exits": "raise SystemExit(3)",
        "killed": "import os; os.kill(os.getpid(), 9)",
        "umlaut": "raise ValueError('\\xfc\\u2603')",
        "late": "import atexit; atexit.register(print, 'late')",
        "closed": "import sys; sys.stdout.close()",
        "unclosed": "global last; last = open('/dev/stderr', 'w'); last.write('last words')",
    }.items():
        (root / "conf" / "pipelines" / f"{name}.yml").touch()
        (root / "pipelines" / f"{name}.py").write_text(f"def {name}() -> int:\n    {body}\n")
    (root / "crontab").write_text("0 8 * * 7 flowerpower pipeline run good -i x=5\n")
    (root / "conf" / "pipelines" / "good.yml").write_text("run: {inputs: {x: 2}}\n")
    (root / "pipelines" / "good.py").write_text(
        "def double(x: int) -> int:\n    print('doubling', x)\n    return 2 * x\n"
    )
    manager = PipelineManager(root, quiet=True, environ={})
    manager.add_job("good", job_id="waits")
    manager.schedule("good", cron="0 2 * * *", schedule_id="nightly")
    manager.close()
    return root


@dataclass(frozen=True)
class BothWays:
    """Runs a command forked and fresh, each in a new copy of one project at one path."""

    template: Path
    folder: Path

    def run(self, call: str, run: Callable[[Cli, list[str]], Ended]) -> tuple[Ended, Ended]:
        forked, fresh = (self._run(call, run, fresh=fresh) for fresh in (False, True))
        return forked, fresh

    def _run(self, call: str, run: Callable[[Cli, list[str]], Ended], *, fresh: bool) -> Ended:
        shutil.rmtree(self.folder)
        shutil.copytree(self.template, self.folder / "work")
        (self.folder / "home").mkdir()
        ended = run(Cli(self.folder / "work", self.folder / "home", fresh=fresh), call.split())
        if call in TIMED:
            stdout, stderr = (NUMBERS.sub("#", text) for text in (ended.stdout, ended.stderr))
            return Ended(ended.code, stdout, stderr)
        return ended


@pytest.fixture
def both_ways(template: Path, tmp_path: Path) -> BothWays:
    (tmp_path / "both").mkdir()
    return BothWays(template, tmp_path / "both")


def test_every_command_is_called() -> None:
    """Each command of the tree runs in an interpreter of its own at least once, below."""
    assert {tuple(name.split()) for name in CALLS} == LEAVES.keys()
    for name, call in CALLS.items():
        assert call.startswith(name)


@pytest.mark.parametrize("call", [*CALLS.values(), *OTHERS])
def test_a_forked_command_gives_what_a_fresh_one_gives(call: str, both_ways: BothWays) -> None:
    """Exit code, stdout and stderr on pipes are those of an interpreter of its own."""
    forked, fresh = both_ways.run(call, lambda cli, words: cli.run(*words))
    assert forked == fresh


@pytest.mark.parametrize(("environment", "call"), IN_TERMINALS)
def test_so_it_is_in_a_terminal(call: str, environment: str, both_ways: BothWays) -> None:
    """Terminals, colours and encodings are seen alike."""
    forked, fresh = both_ways.run(
        call, lambda cli, words: cli.run_in_terminal(*words, **ENVIRONMENTS[environment])
    )
    assert forked == fresh


@pytest.mark.parametrize(("number", "call"), CLOSED)
def test_so_it_is_with_a_closed_stream(call: str, number: int, both_ways: BothWays) -> None:
    """A descriptor that is closed is closed in a fork too."""
    forked, fresh = both_ways.run(call, lambda cli, words: cli.run_closed(*words, number=number))
    assert forked == fresh


SEEN = """\
import json, os, resource, signal, sys, threading

def seen() -> dict:
    return {
        "argv": sys.argv, "orig_argv": sys.orig_argv[-4:], "path": sys.path, "folder": os.getcwd(),
        "environ": dict(os.environ), "flags": str(sys.flags), "main": str(sys.modules["__main__"].__spec__.name),
        "streams": [[stream.encoding, stream.errors, stream.newlines, stream.name, stream.mode,
                     stream.line_buffering] for stream in (sys.__stdin__, sys.__stdout__, sys.__stderr__)],
        "descriptors": sorted(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else [],
        "signals": {number.name: getattr(signal.getsignal(number), "__name__", str(signal.getsignal(number)))
                    for number in signal.Signals},
        "blocked": len(signal.pthread_sigmask(signal.SIG_BLOCK, [])), "threads": threading.active_count(),
        "limits": resource.getrlimit(resource.RLIMIT_NOFILE), "umask": os.umask(0o22),
    }
"""


@pytest.mark.parametrize("environ", [{}, {"LC_ALL": "C"}], ids=["UTF-8", "C"])
def test_a_pipeline_sees_no_difference(
    environ: dict[str, str], both_ways: BothWays, template: Path
) -> None:
    """Arguments, paths, environment, streams, descriptors and signals are alike in a run."""
    (template / "pipelines" / "seen.py").write_text(SEEN)
    (template / "conf" / "pipelines" / "seen.yml").touch()
    forked, fresh = both_ways.run(
        "pipeline run seen --json", lambda cli, words: cli.run(*words, code=0, **environ)
    )
    seen, expected = (ended.json["outputs"]["seen"] for ended in (forked, fresh))
    # An import may keep a file open, which the server has closed; none of the server's is left open.
    assert set(seen.pop("descriptors")) <= set(expected.pop("descriptors"))
    assert {key: (seen[key], expected[key]) for key in expected if seen[key] != expected[key]} == {}


def test_a_job_sees_no_difference(both_ways: BothWays, template: Path) -> None:
    """So it is in a job of a forked worker, whose fork server is a fork, too."""
    (template / "pipelines" / "seen.py").write_text(SEEN)
    (template / "conf" / "pipelines" / "seen.yml").touch()

    def run(cli: Cli, show_job: list[str]) -> Ended:
        cli.run("job-queue", "add-job", "seen", "--job-id", "seen", code=0)
        cli.run("job-queue", "start-worker", "--burst", code=0)
        return cli.run(*show_job, code=0)

    forked, fresh = both_ways.run("job-queue show-job seen --json", run)
    seen, expected = (ended.json["result"]["outputs"]["seen"] for ended in (forked, fresh))
    for one in (seen, expected):
        # How a fork server was called, with which descriptors, nothing reads in a child.
        for key in ("argv", "orig_argv", "flags", "descriptors"):
            del one[key]
    assert {key: (seen[key], expected[key]) for key in expected if seen[key] != expected[key]} == {}


@pytest.mark.parametrize(
    "key", ["PYTHONUTF8", "LC_CTYPE", "FORCE_COLOR", "FLOWERPOWER_TEST_MARK", "TZ"]
)
def test_what_may_change_a_start_is_started_afresh(key: str, cli: Cli) -> None:
    """With a variable that an interpreter or an import may read, nothing is forked."""
    assert server_for(("pipeline", "list"), cli.merged_environ()) is not None
    assert server_for(("pipeline", "list"), cli.merged_environ(**{key: "1"})) is None
    assert server_for(("pipeline", "list"), cli.merged_environ(LANG=None)) is None
