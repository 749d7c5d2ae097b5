"""Requests for jobs and schedules that a run would refuse, and checks that are kept."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.conftest import MakeProject
from tests.terminal import Cli, Ended

HELLO = (
    "run: {inputs: {name: '${WHO:-world}'}, final_vars: [greeting]}\n",
    "from pipelines import marks\n\nprint('imported')\n\n\n"
    "def greeting(name: str) -> str:\n    return name + marks.END\n\n\n"
    "def twice(count: int, zip_code: str = '') -> str:\n    return 2 * count * zip_code\n",
)
CALENDAR = (
    "run: {inputs: {x: 1}}\n"
    "schedule:\n"
    "  - {id: right, interval: 1h, run: {inputs: {x: 2}}}\n"
    "  - {id: wrong, interval: 1h, run: {inputs: {x: much}}}\n"
    "  - {id: unknown, interval: 1h, run: {final_vars: [dobule]}}\n",
    "print('imported')\n\n\ndef double(x: int) -> int:\n    return 2 * x\n",
)


@pytest.fixture
def project(make_project: MakeProject) -> Path:
    root = make_project("name: demo\n", hello=HELLO, calendar=CALENDAR)
    (root / "pipelines" / "marks.py").write_text("END = '.'\n")
    return root


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        (("-i", "nme=x"), 2),
        (("--final-vars", "nothing"), 2),
        (("--final-vars", "twice", "-i", "count=much"), 2),
        (("--final-vars", "twice"), 2),
        (("--load", "greeting=none.json"), 2),
        (("--config", "name=x"), 2),
        (("--save", "greeting=x.sql"), 4),
    ],
)
def test_a_request_is_refused_as_by_a_run(
    cli: Cli, project: Path, flags: tuple[str, ...], code: int
) -> None:
    """The same words and exit code from add-job and schedule add; nothing was added."""
    run = cli.run("pipeline", "run", "hello", *flags, code=code)
    error = "Error:" + run.stderr.partition("Error:")[2]
    job = cli.run("job-queue", "add-job", "hello", *flags)
    assert job == Ended(code, "", f"imported\n{error}")
    schedule = cli.run("schedule", "add", "hello", "--cron", "* * * * *", *flags)
    if "none.json" not in error:
        # A file that is missing now may be there when the schedule fires.
        assert schedule == job
        assert cli.run("schedule", "list", "--json", code=0).json == []
    assert cli.run("job-queue", "list-jobs", "--json", code=0).json == []


def test_a_variable_may_be_set_for_the_workers_alone(cli: Cli, make_project: MakeProject) -> None:
    """Its placeholder stands for it: what it says is left to the worker, all else is checked."""
    config = "run:\n  inputs:\n    password: ${DB_PASSWORD}\n    count: ${COUNT}\n    scale: 2\n"
    module = (
        "def length(password: str, scale: int) -> int:\n    return scale * len(password)\n\n\n"
        "def counted(count: int) -> int:\n    return count\n"
    )
    make_project(a=(config, module))
    add = ("job-queue", "add-job")
    length = ("--final-vars", "length")
    assert cli.run("pipeline", "run", "a", *length).code == 4
    cli.run(*add, "a", *length, "--job-id", "one", code=0)
    cli.run(*add, "a", *length, "-i", "scale=much", code=2)
    cli.run(*add, "a", *length, "-i", "scla=3", code=2)
    cli.run(*add, "a", "--job-id", "two", code=0)
    secrets = {"DB_PASSWORD": "hunter2", "COUNT": "7"}
    cli.run("job-queue", "start-worker", "--burst", code=0, **secrets)
    for job, outputs in (("one", {"length": 14}), ("two", {"length": 14, "counted": 7})):
        assert cli.run("job-queue", "show-job", job, "--json").json["result"]["outputs"] == outputs


def test_declared_schedules_are_checked_one_by_one(cli: Cli, project: Path) -> None:
    """What the YAML gives each of its schedules counts; those that are right are added."""
    ended = cli.run("schedule", "add", "calendar", "--quiet")
    assert (ended.code, ended.stdout) == (2, "right\n"), ended
    assert "x takes int, got the text 'much'" in ended.stderr
    assert "Did you mean 'double'?" in ended.stderr


def test_a_kept_check_needs_no_import_until_something_changes(cli: Cli, project: Path) -> None:
    """Other values are checked by the kept types; an edit of what was read imports it again."""
    fresh = cli.freshly()

    def is_imported(*flags: str, code: int = 0, **environ: str) -> bool:
        arguments = ("job-queue", "add-job", "hello", "--json", *flags)
        ended = fresh.run(*arguments, code=code, **environ)
        return "imported" in ended.stderr

    twice = ("--final-vars", "twice", "-i")
    assert is_imported()
    assert not is_imported()
    assert is_imported(*twice, "count=1")
    assert not is_imported(*twice, "count=2")
    assert is_imported(*twice, "count=many", code=2)
    assert not is_imported()
    assert is_imported(WHO="you")
    assert not is_imported(WHO="you")
    for file in ("pipelines/hello.py", "pipelines/marks.py", "conf/pipelines/hello.yml",
                 "conf/project.yml"):  # fmt: skip
        path = project / file
        before = path.stat()
        path.write_text(f"{path.read_text()}# edited\n")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert is_imported(), file
        assert not is_imported(), file
    (project / "pipelines" / "hello.py").write_text(HELLO[1].replace("(name", "(nmae"))
    assert is_imported(code=2)


def test_a_damaged_signature_is_made_again(cli: Cli, project: Path) -> None:
    """It only spares an import; whatever it holds, the request is checked."""

    def is_imported() -> bool:
        return "imported" in cli.run("job-queue", "add-job", "calendar", code=0).stderr

    assert is_imported()
    assert not is_imported()
    (file,) = (project / ".flowerpower" / "signatures").iterdir()
    assert file.parent.stat().st_mode & 0o777 == 0o700
    good = json.loads(file.read_text())
    parts = {"files": 3, "calls": [], "variables": None, "software": {}, "v": 2}
    damaged = [json.dumps(good | {part: value}) for part, value in parts.items()]
    for content in ("", "[]", "\0", "[" * 100_000, *damaged):
        file.write_text(content)
        assert is_imported(), content
        assert json.loads(file.read_text())["calls"] == good["calls"]


def test_a_project_that_cannot_be_written_is_checked_each_time(cli: Cli, project: Path) -> None:
    """A signature that cannot be kept stops nobody."""
    (project / ".flowerpower").mkdir()
    (project / ".flowerpower" / "signatures").write_text("not a folder")
    for _ in range(2):
        ended = cli.run("job-queue", "add-job", "hello", code=0)
        assert "imported" in ended.stderr
    assert cli.run("job-queue", "add-job", "hello", "-i", "nme=x").code == 2


def test_what_the_shell_wrote_is_text_where_text_is_declared(cli: Cli, project: Path) -> None:
    """In a run, with a timeout in its child, and in a job, whose record holds the text."""
    flags = ("hello", "--final-vars", "twice", "-i", "count=1", "-i", "zip_code=90210")
    for more in ((), ("--timeout", "5m")):
        ended = cli.run("pipeline", "run", *flags, "--json", *more, code=0)
        assert ended.json["outputs"] == {"twice": "9021090210"}
    job = cli.run("job-queue", "add-job", *flags, "--json", code=0).json
    assert job["overrides"] == {
        "inputs": {"count": 1, "zip_code": "90210"},
        "final_vars": ["twice"],
    }
    (project / "inputs.yml").write_text("{count: 1, zip_code: 90210}\n")
    ended = cli.run("pipeline", "run", *flags[:3], "--inputs", "@inputs.yml")
    assert "zip_code takes str, got 90210" in ended.stderr
    assert ended.code == 2
    run = ("pipeline", "run", "hello", "--final-vars", "greeting", "--json")
    assert cli.run(*run, "--override", "greeting=007", code=0).json["outputs"] == {
        "greeting": "007"
    }
    assert cli.run(*run, "--override", "greeting=7", code=0).json["outputs"] == {"greeting": "7"}


def test_a_rule_that_cannot_be_read_is_refused(cli: Cli, make_project: MakeProject) -> None:
    """As an unknown limit; elsewhere a variable may be for the workers alone, which tell of it."""
    one = "def one() -> int:\n    return 1\n"
    file = make_project(one=("", one), other=("", one)) / "conf" / "pipelines" / "one.yml"
    unset = "the environment variable LEFT_OUT is not set."
    for text, message in (
        ("run: {limits: ['${LEFT_OUT}']}\nparams: {x: '${ELSE}'}\n", f"run.limits[0]: {unset}"),
        ("after: {pipeline: '${LEFT_OUT}'}\n", f"after.pipeline: {unset}"),
        ("after: {pipeline: ${LEFT_OUT}}\n", "is not valid YAML"),
    ):
        file.write_text(text)
        error = cli.run("job-queue", "add-job", "one", code=4).stderr
        assert "conf/pipelines/one.yml, line 1: " in error
        assert message in error
        assert "ELSE" not in error
    cli.run("job-queue", "add-job", "other", "--job-id", "free", code=0)
    worked = cli.run("job-queue", "start-worker", "--burst", code=0).stderr
    assert worked.count("Not all that conf/pipelines/one.yml says of limits and chains counts") == 1
