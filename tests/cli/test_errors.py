"""Every way to go wrong that we know of: exit code, one message, nothing on stdout."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.error_paths import (
    ENVIRONMENTS,
    FAULTS,
    NOT_ASKED,
    PATHS,
    PIPELINES,
    SHOWN_EVERYWHERE,
    Path_,
)
from tests.conftest import MakeProject, project_maker
from tests.terminal import Cli, Ended


def _marked(case: Path_) -> object:
    raises = [fault for fault, names in FAULTS.items() if case.name in names]
    return pytest.param(case, marks=[pytest.mark.fault(*raises)] if raises else [], id=case.name)


def _prepare(case: Path_, make_project: MakeProject) -> None:
    if case.project:
        root = make_project(**PIPELINES)
        if case.prepare:
            case.prepare(root)


def _run(cli: Cli, environment: str, arguments: tuple[str, ...]) -> Ended:
    environ = ENVIRONMENTS.get(environment, {})
    if environment == "closed stdin":
        return cli.run_closed(*arguments, number=0)
    if environment in ("pipe", "LC_ALL=C"):
        return cli.run(*arguments, **environ)
    columns = 40 if environment == "narrow terminal" else 100
    typed = "n\n" if arguments in {case.arguments for case in NOT_ASKED} else ""
    return cli.run_in_terminal(*arguments, columns=columns, typed=typed, **environ)


def _check(case: Path_, environment: str, ended: Ended) -> None:
    """Exit code, nothing on stdout, and one message that says all that it must."""
    assert ended.code == case.code, ended
    assert ended.stdout == "", ended
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", ended.stderr)
    assert len(re.findall(r"(?:^|[\r\n]|\[y/N\] (?:n\r\n)?)Error: ", text)) == 1, ended
    assert "Traceback" not in text
    assert "hunter2" not in text
    if environment == "NO_COLOR":
        assert not re.search(r"\x1b\[[0-9;]*m", ended.stderr)
    elif environment not in ("terminal", "narrow terminal"):
        assert "\x1b" not in ended.stderr
    # A narrow terminal folds lines anywhere.
    flat = re.sub(r"\s+", "", text)
    for words in case.says:
        assert re.sub(r"\s+", "", words) in flat, (words, ended.stderr)


@pytest.mark.parametrize("case", [_marked(case) for case in PATHS])
def test_an_error_is_one_clear_message_and_the_documented_exit_code(
    case: Path_, cli: Cli, make_project: MakeProject
) -> None:
    """A failure ends with its exit code, says what and where on stderr, and prints nothing else."""
    _prepare(case, make_project)
    _check(case, "pipe", _run(cli, "pipe", case.arguments))


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param(name, marks=[pytest.mark.fault("lang-c")] if name == "LC_ALL=C" else [])
        for name in ENVIRONMENTS
    ],
)
@pytest.mark.parametrize(
    "case",
    [case for case in PATHS if case.name in SHOWN_EVERYWHERE],
    ids=lambda case: case.name,
)
def test_an_error_is_as_clear_everywhere(
    case: Path_, environment: str, cli: Cli, make_project: MakeProject
) -> None:
    """So it is on terminals, wide, narrow and plain, without colours, in ASCII, without stdin."""
    _prepare(case, make_project)
    _check(case, environment, _run(cli, environment, case.arguments))


@pytest.mark.faults
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_error_is_as_clear_everywhere(environment: str, tmp_path: Path) -> None:
    """So are all errors of the table in each of these places."""
    for number, case in enumerate(PATHS):
        home, folder = tmp_path / f"home-{number}", tmp_path / f"work-{number}"
        home.mkdir()
        folder.mkdir()
        _prepare(case, project_maker(folder))
        _check(case, environment, _run(Cli(folder, home), environment, case.arguments))


@pytest.mark.parametrize("case", PATHS, ids=lambda case: case.name)
def test_with_json_an_error_is_one_json_object_on_stderr(
    case: Path_, cli: Cli, make_project: MakeProject
) -> None:
    """With --json the last line of stderr is the error as code, message and hint."""
    _prepare(case, make_project)
    # Behind the words of the command: what is wrong may be the last argument.
    words = 1 if case.arguments[1:2] and case.arguments[1].startswith("-") else 2
    ended = cli.run(*case.arguments[:words], "--json", *case.arguments[words:])
    assert ended.code == case.code, ended
    assert ended.stdout == ""
    assert {"code", "message", "hint"} <= set(ended.error)
    assert "hunter2" not in ended.stderr


def test_there_are_at_least_forty_error_paths() -> None:
    """The table covers forty error paths or more, each once."""
    assert len({case.name for case in PATHS}) == len(PATHS) >= 40


def test_each_exit_code_is_among_those_that_are_shown_everywhere() -> None:
    """What is tried in every place is in the table, with every exit code that the table has."""
    tried = [case for case in PATHS if case.name in SHOWN_EVERYWHERE]
    assert {case.name for case in tried} == SHOWN_EVERYWHERE
    assert {name for names in FAULTS.values() for name in names} <= {case.name for case in PATHS}
    assert {case.code for case in tried} == {case.code for case in PATHS}
