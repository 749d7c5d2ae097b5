"""Words that people bring along from other tools are answered with ours."""

from __future__ import annotations

import re
from typing import Any, get_type_hints

import pytest
import typer

from flowerpower.errors import UsageError
from flowerpower.pipeline import PipelineManager
from flowerpower.pipeline.other_names import ARGUMENTS, CALLS, IMPORTS
from flowerpower_cli.app import GROUPS, MODULES, build_app
from flowerpower_cli.misplaced import SHARED, VALUED
from flowerpower_cli.options import QueueOptions
from flowerpower_cli.other_words import ABSENT, COMMANDS, OPTIONS
from tests.conftest import MakeProject
from tests.terminal import Cli

FROM_ELSEWHERE = {
    "pipeline ls": "pipeline list",
    "pipeline show-pipelines": "pipeline list",
    "pipeline show-summary": "pipeline show",
    "pipeline show-dag": "pipeline dag",
    "pipeline save-dag": "pipeline dag --output",
    "pipeline visualize": "pipeline dag",
    "pipeline export-pipeline": "pipeline export",
    "pipeline add-job": "job-queue add-job",
    "pipeline run-job": "job-queue add-job --wait",
    "pipeline schedule": "schedule add",
    "pipeline schedule-all": "schedule apply",
    "job-queue ls": "job-queue list-jobs",
    "job-queue show-jobs": "job-queue list-jobs",
    "job-queue show-job-ids": "job-queue list-jobs --quiet",
    "job-queue start-worker-pool": "job-queue start-worker --num-workers",
    "job-queue show-schedules": "schedule list",
    "job-queue cancel-schedule": "schedule delete",
    "job-queue pause-schedule": "schedule pause",
    "job-queue resume-schedule": "schedule resume",
    "job-queue status": "status",
    "job-queue info": "status",
    "job-queue top": "job-queue watch",
    "job-queue suspend": "job-queue pause",
    "job-queue show-schedule-ids": "schedule list --quiet",
    "job-queue enqueue-pipeline": "job-queue add-job",
    "job-queue schedule-pipeline": "schedule add",
    "run": "pipeline run",
    "ui": "dashboard",
    "cfg": "pipeline validate",
    "worker": "job-queue start-worker",
    "scheduler": "job-queue start-scheduler",
    "start-worker": "job-queue start-worker",
    "--install-completion": "completion install",
}

BEFORE_THE_COMMAND = {
    "--base-dir X status": "status --base-dir X",
    "--base-dir=X status --json": "status --base-dir=X --json",
    "--base-dir status doctor": "doctor --base-dir status",
    "job-queue --base-dir X list-jobs": "job-queue list-jobs --base-dir X",
    "--type rq job-queue add-job one -- -i": "job-queue add-job --type rq one -- -i",
    "job-queue --type=rq add-job one": "job-queue add-job --type=rq one",
    "--json status": "status --json",
    "schedule --no-color list": "schedule list --no-color",
    "--quiet --verbose status": "status --quiet --verbose",
    "-q status": "status -q",
    "-vq pipeline list": "pipeline list -vq",
    "-v schedule -q list": "schedule list -v -q",
    "--base-dir X": "COMMAND --base-dir X",
    "--base-dir": "COMMAND --base-dir",
    "--base-dir X stats": "COMMAND --base-dir X",
    "--json --limit 5 job-queue list-jobs": "COMMAND --json",
    "--type rq init": "init --type rq",
    "job-queue --json": "job-queue COMMAND --json",
}


@pytest.mark.parametrize("words", BEFORE_THE_COMMAND)
def test_a_shared_option_before_the_command_is_put_behind_it(cli: Cli, words: str) -> None:
    """With exit code 2, as one error that says the whole command."""
    error = cli.run(*words.split(), code=2).stderr
    assert f"Say `flowerpower {BEFORE_THE_COMMAND[words]}`." in error, error
    assert "stands before the command." in error
    assert "No such" not in error


def test_an_option_that_the_command_does_not_have_is_not_put_behind_it(cli: Cli) -> None:
    """Nor is one that only some commands have."""
    for words in ("--type rq completion show", "--limit 5 status", "init --base-dir X"):
        assert "No such option" in cli.run(*words.split(), code=2).stderr


def test_all_shared_options_are_known_before_the_command() -> None:
    """By all of their names, and whether a value follows."""
    command = typer.main.get_command(build_app(["job-queue", "list-jobs"]))
    listed = command.commands["job-queue"].commands["list-jobs"]
    fields = get_type_hints(QueueOptions)
    params = [param for param in listed.params if param.name in fields]
    assert {name for param in params for name in param.opts} == {*SHARED}
    valued = {name for p in params if not (p.is_flag or p.count) for name in p.opts}
    assert valued == {*VALUED}


@pytest.mark.parametrize("words", FROM_ELSEWHERE)
def test_a_command_of_another_tool_is_answered_with_ours(cli: Cli, words: str) -> None:
    """With exit code 2 and the whole command, not with what is spelled like it."""
    error = cli.run(*words.split(), "x", code=2).stderr
    assert f"Say `flowerpower {FROM_ELSEWHERE[words]}`." in " ".join(error.split()), error
    assert "Did you mean" not in error


@pytest.mark.parametrize("words", ABSENT)
def test_what_does_not_exist_is_said(cli: Cli, words: str) -> None:
    """A command without a counterpart is answered with a sentence, not with its nearest spelling."""
    error = " ".join(cli.run(*words.split(), code=2).stderr.split())
    assert ABSENT[words] in error
    assert "Did you mean" not in error


def test_a_mistyped_command_is_still_guessed(cli: Cli) -> None:
    """A slip of the fingers gets the nearest command of the group."""
    assert "Did you mean 'list-jobs'?" in cli.run("job-queue", "lst-jobs", code=2).stderr


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (["pipeline", "run", "x", "--executor-max-workers", "4"], "Say --max-workers."),
        (["job-queue", "add-job", "x", "--queue-name", "slow"], "Say --queue."),
        (["job-queue", "start-worker", "--concurrency", "4"], "Say --num-workers."),
        (["job-queue", "add-job", "x", "--ttl", "10m"], "Say --expires."),
        (["job-queue", "watch", "--interval", "5s"], "Say --refresh."),
        (["job-queue", "list-jobs", "--watch"], "Say `flowerpower job-queue watch`."),
        (["job-queue", "add-job", "x", "--at-front"], "Say --priority."),
        (["schedule", "add", "x", "--priority-weight", "5"], "Say --priority."),
        (["schedule", "add", "x", "--run-every", "1h"], "Say --interval."),
        (["pipeline", "run", "x", "--executor-cfg", "{}"], "Say --executor."),
        (["pipeline", "run", "x", "--base_dir", "."], "Say --base-dir."),
        (["pipeline", "run", "x", "--outputs", "a"], "Say --final-vars."),
        (["pipeline", "run", "x", "--storage-options", "{}"], "A project is a folder"),
        (["pipeline", "dag", "x", "--output-path", "a.svg"], "Say --output."),
        (["pipeline", "show", "x", "--to-html"], "Say --html."),
        (["pipeline", "delete", "x", "--module"], "with its configuration and its module."),
        (["job-queue", "start-worker", "--job-queue-type", "rq"], "Say --type."),
        (["pipeline", "run", "x", "--cache", "true"], "Say --cache or --no-cache."),
        (["job-queue", "list-jobs", "--json", "true"], "Say --json."),
        (["pipeline", "run", "x", "--final-vars", '["a", "b"]'], "Say --final-vars a,b."),
        (
            ["pipeline", "run", "x", "--with-adapter", '{"mlflow": {}}'],
            "Say --with-adapter mlflow.",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_option_of_another_tool_is_answered_with_ours(
    cli: Cli, make_project: MakeProject, arguments: list[str], answer: str
) -> None:
    """With exit code 2 and the form that it has here."""
    make_project(x=("run: {}\n", "def a() -> int:\n    return 1\n"))
    assert answer in " ".join(cli.run(*arguments, code=2).stderr.split())


def test_init_takes_its_name_as_an_option_too(cli: Cli) -> None:
    """`init --name N` is `init N`; two different names are refused."""
    cli.run("init", "--name", "mine", code=0)
    assert (cli.folder / "mine" / "conf" / "project.yml").exists()
    cli.run("init", "mine", "--name", "other", code=2)


def test_every_answer_exists() -> None:
    """What the tables name is a command or an option of ours, and what they replace is not."""
    for theirs, ours in COMMANDS.items():
        assert re.sub(r" --.*", "", ours) in {*MODULES, *GROUPS}, ours
        assert theirs not in MODULES
    for options in OPTIONS.values():
        assert all(option.startswith("--") or option in MODULES for option in options)
    for name in CALLS:
        assert not hasattr(PipelineManager, name), name


@pytest.mark.parametrize("name", CALLS)
def test_a_method_of_another_tool_is_answered_with_our_call(
    make_project: MakeProject, name: str
) -> None:
    """An AttributeError names the call, whose method exists."""
    manager: Any = PipelineManager(make_project())
    with pytest.raises(AttributeError, match=re.escape(f"Say {CALLS[name]}.")):
        getattr(manager, name)
    called: Any = manager
    for part in CALLS[name].partition("(")[0].split("."):
        called = getattr(called, part)
    assert callable(called)


def test_a_mistyped_method_is_guessed(make_project: MakeProject) -> None:
    """Any other unknown attribute gets the nearest method."""
    manager: Any = PipelineManager(make_project())
    with pytest.raises(AttributeError, match="Did you mean 'schedule'"):
        manager.schedul  # noqa: B018
    assert not hasattr(manager, "__deepcopy__")


@pytest.mark.parametrize(
    "name", ["executor_cfg", "with_adapter_cfg", "queue_name", "on_success", "depends_on", "pool"]
)
def test_an_argument_of_another_tool_is_answered_with_ours(
    make_project: MakeProject, name: str
) -> None:
    """A UsageError names the argument."""
    manager: Any = PipelineManager(make_project(x=("run: {}\n", "def a() -> int:\n    return 1\n")))
    with pytest.raises(UsageError, match=re.escape(f"Say {ARGUMENTS[name]}.")):
        manager.add_job("x", **{name: 1})


@pytest.mark.parametrize("module", ["flowerpower", "flowerpower.pipeline"])
@pytest.mark.parametrize("name", IMPORTS)
def test_a_name_of_the_upstream_package_is_answered_with_ours(module: str, name: str) -> None:
    """`from flowerpower import FlowerPowerProject` says what to say."""
    with pytest.raises(ImportError, match=re.escape(f"Say {IMPORTS[name]}.")):
        exec(f"from {module} import {name}")
    with pytest.raises(ImportError, match="cannot import name 'Nonsense'"):
        exec(f"from {module} import Nonsense")


@pytest.mark.parametrize("name", ["run_config", "log_level", "additional_modules"])
def test_an_argument_of_the_upstream_tools_run_is_answered_with_ours(
    make_project: MakeProject, name: str
) -> None:
    """With what takes its place, or that nothing need be said."""
    manager: Any = PipelineManager(make_project(x=("", "def a() -> int:\n    return 1\n")))
    with pytest.raises(UsageError, match=re.escape(f"Say {ARGUMENTS[name]}.")):
        manager.run("x", **{name: 1})
