"""The doctor from Python: each check, what hides what, time limits and exit codes."""

from __future__ import annotations

import dataclasses
import os
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from flowerpower.errors import ProjectNotFound, UsageError
from flowerpower.jobs.claim import WorkerInfo
from flowerpower.jobs.problem import Level, Problem
from flowerpower.pipeline import PipelineManager
from flowerpower.pipeline.doctor import configuration, examine, pipelines
from flowerpower.pipeline.doctor.diagnosis import CheckResult, Diagnosis
from flowerpower.triggers import clock
from tests.conditions import slowed
from tests.conftest import MakeProject
from tests.contract.fake_worker import FakeWorker
from tests.servers import RedisServer

PIPELINE = "def total(number: int = 1) -> int:\n    return number\n"


@pytest.fixture
def root(make_project: MakeProject) -> Path:
    return make_project(report=("", PIPELINE))


def result(root: Path, name: str) -> CheckResult:
    """What one check finds."""
    (found,) = examine.examine(root, [name]).checks
    return found


def codes(root: Path, name: str) -> list[str]:
    return [problem.code for problem in result(root, name).problems]


# The whole


def test_a_new_project_is_fine(root: Path) -> None:
    """Every default check says what is so, and none makes the job queue's file."""
    diagnosis = PipelineManager(root, quiet=True).doctor()
    assert {check.name for check in diagnosis.checks} == {
        name for name, spec in examine.CHECKS.items() if spec.is_default
    }
    assert diagnosis.problems == []
    assert [check.name for check in diagnosis.checks if check.skipped] == ["clock", "status"]
    assert all(check.fact or check.skipped for check in diagnosis.checks)
    assert diagnosis.exit_code(strict=True) == 0
    assert not (root / ".flowerpower" / "jobs.db").exists()


def test_a_queue_that_cannot_be_made_is_said(make_project: MakeProject) -> None:
    """Before the first use: its folder may not be written to, or is none."""
    settings = "name: demo\njob_queue: {backend: {url: sqlite:///taken/queue/jobs.db}}\n"
    root = make_project(settings, report=("", PIPELINE))
    assert codes(root, "backend") == []
    (root / "taken").write_text("a file where a folder would have to be")
    found = result(root, "backend")
    assert [problem.code for problem in found.problems] == ["queue_cannot_be_made"]
    assert f"{root / 'taken'} may not be written to" in found.problems[0].message


def test_a_wrong_file_hides_no_other(root: Path) -> None:
    """Each fault of each file is said once, and what can still be checked is."""
    (root / "conf" / "project.yml").write_text("nam: demo\ntimezone: Nowhere\n")
    (root / "conf" / "pipelines" / "report.yml").write_text("rum: {}\n")
    (root / "conf" / "pipelines" / "other.yml").write_text("schedule: {cron: '99 * * * *'}\n")
    diagnosis = examine.examine(root)
    messages = [problem.message for problem in diagnosis.problems]
    assert len(messages) == len(set(messages)) == 4
    assert all("line" in message for message in messages)
    assert diagnosis.exit_code() == 4
    said = {check.name: check.status for check in diagnosis.checks}
    assert (said["configuration"], said["versions"], said["backend"]) == ("error", "ok", "skipped")


def test_a_fault_is_said_by_whichever_check_is_made(root: Path) -> None:
    """A probe of a worker whose project is wrong fails as the configuration does."""
    (root / "conf" / "project.yml").write_text("nam: demo\n")
    assert codes(root, "worker") == ["config_fault"]
    assert examine.examine(root, ["worker"]).exit_code() == 4


def test_an_unknown_check_is_refused(root: Path) -> None:
    """With the nearest, and all names."""
    with pytest.raises(UsageError, match="Did you mean 'worker'") as caught:
        examine.examine(root, ["wroker"])
    assert "configuration" in str(caught.value.hint)


def test_no_project_is_an_error(tmp_path: Path) -> None:
    """There is nothing to examine."""
    with pytest.raises(ProjectNotFound):
        examine.examine(tmp_path)


@pytest.mark.parametrize(
    ("found", "strict", "code"),
    [
        ([], True, 0),
        ([("queue_paused", Level.WARNING)], False, 0),
        ([("queue_paused", Level.WARNING)], True, 1),
        ([("fires_late", Level.ERROR)], False, 1),
        ([("fires_late", Level.ERROR), ("backend_unreachable", Level.ERROR)], False, 5),
        ([("backend_unreachable", Level.ERROR), ("extra_missing", Level.ERROR)], False, 4),
        ([("pipeline_not_valid", Level.ERROR)], False, 4),
        ([("config_fault", Level.ERROR)], False, 4),
    ],
)
def test_exit_codes(found: list[tuple[str, Level]], strict: bool, code: int) -> None:
    """The first that applies of 4, 5, 1 and 0, whatever the order of the checks."""
    problems = tuple(Problem(name, level, "…") for name, level in found)
    for order in (problems, problems[::-1]):
        assert Diagnosis([CheckResult("a", order)]).exit_code(strict=strict) == code


# Time limits


@pytest.fixture
def mute_port() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(100)
        yield server.getsockname()[1]


def test_a_check_that_hangs_is_given_up(
    root: Path, mute_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it found counts, the others are made, and nothing more is asked of what hangs."""
    quick = {
        name: dataclasses.replace(spec, limit=0.3) if spec.needs_queue else spec
        for name, spec in examine.CHECKS.items()
    }
    monkeypatch.setattr(examine, "CHECKS", quick)
    (root / "conf" / "project.yml").write_text(
        f"job_queue: {{type: rq, backend: {{url: 'redis://127.0.0.1:{mute_port}/0'}}}}\n"
    )
    names = ["configuration", "backend", "clock", "status"]
    began = time.monotonic()
    diagnosis = examine.examine(root, names)
    assert time.monotonic() - began < slowed(2)
    assert [problem.code for problem in diagnosis.problems] == ["check_timed_out"]
    assert [check.status for check in diagnosis.checks] == ["ok", "error", "skipped", "skipped"]


def test_an_unreachable_queue_is_said_once(root: Path) -> None:
    """The other checks of the queue are left out."""
    (root / "conf" / "project.yml").write_text(
        "job_queue: {type: rq, backend: {url: 'redis://:tulip@127.0.0.1:1/0'}}\n"
    )
    diagnosis = examine.examine(root, ["backend", "clock", "status", "schedules", "worker"])
    assert [problem.code for problem in diagnosis.problems] == ["backend_unreachable"]
    assert diagnosis.exit_code() == 5
    assert "tulip" not in str(diagnosis.to_json())
    assert [check.status for check in diagnosis.checks[1:]] == ["skipped"] * 4


# Files and packages


def test_pipelines_are_checked_in_another_process(root: Path, monkeypatch) -> None:
    """One that prints, one that is wrong, one that ends the process: each is said, and no more."""
    texts = {
        "a_prints": f"import os\nprint('[1]')\nos.write(1, b'[2]')\n{PIPELINE}",
        "b_wrong": "def total(missing: nothing) -> int:\n    return 1\n",
        "c_ends": f"import os\nos._exit(3)\n{PIPELINE}",
        "d_after": PIPELINE,
    }
    for name, text in texts.items():
        (root / "conf" / "pipelines" / f"{name}.yml").write_text("")
        (root / "pipelines" / f"{name}.py").write_text(text)
    (root / "yaml.py").write_text("raise SystemExit('this is no module of Python')\n")
    problems = result(root, "pipelines").problems
    assert [problem.message.partition(":")[0] for problem in problems] == ["b_wrong", "c_ends"]
    assert {problem.code for problem in problems} == {"pipeline_not_valid"}
    assert "with exit code 3; not checked: d_after, report" in problems[1].message


def test_a_module_that_hangs_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what it has started is ended."""
    (root / "pipelines" / "report.py").write_text(
        "import pathlib, subprocess, time\n"
        "child = subprocess.Popen(['sleep', '1000'])\n"
        "pathlib.Path('child').write_text(str(child.pid))\n"
        "time.sleep(1000)\n"
    )
    limit = 1.0
    while not (root / "child").exists():
        limit *= 2
        monkeypatch.setattr(pipelines, "LIMIT", pipelines.MARGIN + limit)
        (problem,) = result(root, "pipelines").problems
    assert f"report: importing its modules took longer than {limit:g} seconds" in problem.message
    stat = Path(f"/proc/{(root / 'child').read_text()}/stat")
    assert not stat.exists() or stat.read_text().split()[2] == "Z"


def test_extras_that_are_missing_are_named(root: Path) -> None:
    """With the pipeline that wants each, and the command that installs it."""
    (root / "conf" / "pipelines" / "report.yml").write_text(
        "run: {executor: {type: ray, max_workers: 2}, adapter: {mlflow: true}}\n"
    )
    problems = result(root, "extras").problems
    assert [problem.code for problem in problems] == ["extra_missing"] * 2
    assert "executor ray of report" in problems[0].message
    assert problems[1].hint == "pip install 'flowerpower-cli[trackers]'"


def test_a_package_of_another_version_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """By what flowerpower itself requires; what an extra wants may be missing."""
    fake = ["rq~=99.0", "nothing-of-this-name>=1", "ray>=2; extra == 'ray'", "typer>=0.1", "<>"]
    monkeypatch.setattr(configuration.metadata, "requires", lambda _: fake)
    problems = list(configuration.check_versions(None))  # type: ignore[arg-type]
    assert [problem.message.partition(" ")[0] for problem in problems] == [
        "rq",
        "nothing-of-this-name",
    ]
    assert "flowerpower needs ~=99.0" in problems[0].message


# The job queue


def test_a_queue_in_memory_is_said(root: Path) -> None:
    """Nobody else finds what is in it."""
    (root / "conf" / "project.yml").write_text("job_queue: {backend: {url: memory}}\n")
    assert codes(root, "backend") == ["queue_in_memory"]
    assert result(root, "status").status == "skipped"
    assert codes(root, "worker") == ["worker_not_alive"]


def test_schedules_that_differ_are_named(root: Path) -> None:
    """A warning for each way in which they do."""
    entries = ", ".join(f"{{id: s{number}, interval: 1h}}" for number in range(7))
    path = root / "conf" / "pipelines" / "report.yml"
    path.write_text(f"schedule: [{entries}]\n")
    (problem,) = result(root, "schedules").problems
    assert problem.level is Level.WARNING
    assert "declared and not live: s0, s1, s2, s3, s4 and 2 more" in problem.message
    manager = PipelineManager(root, quiet=True)
    manager.schedules.apply()
    assert codes(root, "schedules") == []
    path.write_text("schedule: {id: s0, interval: 2h}\n")
    changed, orphans = result(root, "schedules").problems
    assert "other than declared: s0." in changed.message
    assert "declared no more: s1" in orphans.message
    assert "apply --prune" in str(orphans.hint)


def test_the_problems_of_the_status_are_those_of_the_doctor(root: Path) -> None:
    """The same codes from the same read model; the fact counts workers, jobs and schedules."""
    manager = PipelineManager(root, quiet=True)
    manager.add_job("report")
    expected = [problem.code for problem in manager.status().problems]
    assert codes(root, "status") == expected == ["queue_without_worker"]
    FakeWorker(manager.job_queue.backend)
    assert result(root, "status").fact == "1 worker, 0 schedules; 1 queued and 0 running jobs."


def test_clocks_that_differ_are_a_problem(root: Path, redis_server: RedisServer) -> None:
    """By how much, and which one is ahead."""
    (root / "conf" / "project.yml").write_text(
        f"job_queue: {{type: rq, backend: {{url: '{redis_server.url()}'}}}}\n"
    )
    assert codes(root, "clock") == []
    for offset, word in ((3600.0, "ahead of"), (-3600.0, "behind")):
        clock.set_source(lambda offset=offset: time.time() + offset)
        try:
            (problem,) = result(root, "clock").problems
        finally:
            clock.set_source(None)
        assert f"clock is 1h {word} the job queue's" in problem.message
        assert problem.code == "clock_skew"


# Health probes


def register(manager: PipelineManager, name: str, host: str, pid: int) -> None:
    backend = manager.job_queue.backend
    backend.register_worker(WorkerInfo(name, host, pid, ("default",), 1, clock.now()))


def test_a_worker_of_this_machine_is_alive(root: Path) -> None:
    """By its host and its process; another machine's, or a dead process, is none of ours."""
    manager = PipelineManager(root, quiet=True)
    assert codes(root, "worker") == ["worker_not_alive"]
    register(manager, "elsewhere", "another-host", os.getpid())
    register(manager, "gone", socket.gethostname(), 2**22 + 1)
    assert codes(root, "worker") == ["worker_not_alive"]
    register(manager, "here", socket.gethostname(), os.getpid())
    assert str(result(root, "worker").fact).startswith("here sent its last heartbeat")


def test_one_worker_can_be_asked_for(root: Path) -> None:
    """By its id, wherever it is."""
    manager = PipelineManager(root, quiet=True)
    register(manager, "elsewhere", "another-host", 1)
    assert manager.doctor("worker", worker_id="elsewhere").exit_code() == 0
    assert manager.doctor("worker", worker_id="another").exit_code() == 1


def test_a_worker_without_heartbeats_is_not_alive(root: Path) -> None:
    """Once a lease has passed since the last one."""
    manager = PipelineManager(root, quiet=True)
    register(manager, "here", socket.gethostname(), os.getpid())
    for seconds, expected in ((8.0, []), (12.0, ["worker_not_alive"])):
        clock.set_source(lambda seconds=seconds: time.time() + seconds)
        try:
            assert codes(root, "worker") == expected
        finally:
            clock.set_source(None)


def test_a_scheduler_is_alive_while_one_looks_for_fires(root: Path) -> None:
    """On SQL every worker is one."""
    manager = PipelineManager(root, quiet=True)
    assert codes(root, "scheduler") == ["scheduler_not_alive"]
    manager.job_queue.backend.schedules.fire_due()
    FakeWorker(manager.job_queue.backend)
    assert codes(root, "scheduler") == []


# The reference


def test_every_code_is_documented() -> None:
    """docs/reference/doctor.md has a row for each check and each code, and no other."""
    repository = Path(__file__).parents[2]
    page = (repository / "docs" / "reference" / "doctor.md").read_text("utf-8")
    documented = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    source = "".join(
        path.read_text("utf-8") for path in sorted((repository / "flowerpower").rglob("*.py"))
    )
    used = set(re.findall(r'Problem\(\s*"(\w+)"', source))
    assert len(used) > 20
    assert used - documented == set()
    assert {code for code in documented if f'"{code}"' not in source} == set()
    assert {name for name in examine.CHECKS if f"| `{name}` |" not in page} == set()
