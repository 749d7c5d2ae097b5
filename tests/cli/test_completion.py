from __future__ import annotations

import os
import pty
import select
import shlex
import shutil
import subprocess
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest
import typer

from flowerpower_cli.app import build_app
from flowerpower_cli.completion.scripts import FILES, script
from tests.cli.completing import ATTEMPTS, FOLDER, HOSTILE, NAMES, REPOSITORY, fill, schedule
from tests.terminal import COMMAND, TIMEOUT

PROGRAMS = {"bash": "bash", "zsh": "zsh", "fish": "fish", "powershell": "pwsh"}
SHELLS = [shell for shell, program in PROGRAMS.items() if shutil.which(program)]


@dataclass(frozen=True)
class Case:
    """A line up to the cursor, what must be offered for it, and whether that is all."""

    line: str
    offered: frozenset[str]
    only: bool = True


def _all(line: str, *offered: str) -> Case:
    return Case(line, frozenset(offered))


def _some(line: str, *offered: str) -> Case:
    return Case(line, frozenset(offered), only=False)


RUN = "flowerpower pipeline run"
CASES = [
    _some("flowerpower ", "init", "pipeline", "completion"),
    _all("flowerpower pip", "pipeline"),
    _some("flowerpower pipeline ", "new", "list", "run", "show", "validate", "delete"),
    _all("flowerpower pipeline r", "run"),
    _all("flowerpower -- pip", "pipeline"),
    _all("flowerpower nonsense "),
    _all("flowerpower --vers", "--version"),
    _some(f"{RUN} --", "--executor", "--input", "--no-cache", "--json", "--base-dir", "--help"),
    _all(f"{RUN} --exec", "--executor"),
    _all(f"{RUN} daily_report --exec", "--executor"),
    _some(f"{RUN} --executor ", "synchronous", "threadpool"),
    _all(f"{RUN} --executor thr", "threadpool"),
    _all("flowerpower init --type=r", "rq"),
    _all("flowerpower completion show ", "bash", "zsh", "fish", "powershell"),
    _all(f"{RUN} ", *NAMES),
    _all(f"{RUN} dai", "daily_report"),
    _all("flowerpower pipeline validate dai", "daily_report"),
    _all(f"{RUN} --input a=b dai", "daily_report"),
    _all(f"{RUN} -i a=b -q dai", "daily_report"),
    _all(f"{RUN} --json dai", "daily_report"),
    _all(f"{RUN} daily_report dai"),
    _all("flowerpower pipeline new dai"),
    _all("flowerpower schedule show ", "night", "morning"),
    _all("flowerpower job-queue pause ", "default", "reports"),
    _all("flowerpower job-queue add-job daily_report --queue re", "reports"),
    _all("flowerpower schedule pause night mor", "morning"),
    _all("flowerpower schedule preview mor", "morning"),
    _all("flowerpower job-queue list-jobs --schedule nig", "night"),
    _all("flowerpower schedule add daily_report --schedule-id mor", "morning"),
    _all(f"{RUN} --base-dir ../other ", "elsewhere"),
    _all(f"{RUN} --base-dir=../other ", "elsewhere"),
    _all(f"{RUN} --base-dir '../a blank' ", "between"),
    _all(f"{RUN} --base-dir '$(touch executed)' d"),
    _all(f"{RUN} --base-dir $(touch executed) d"),
    _all(f"{RUN} --base-dir nowhere d"),
    _all(f"{RUN} $(touch executed) --exec", "--executor"),
]
USED_LINES = [f"{RUN} --executor threadpool --exec", f"{RUN} --cache --no-ca"]
FILE_LINES = {
    f"{RUN} -o given.": "given.yml",
    f"{RUN} --output=given.": "given.yml",
    f"{RUN} --inputs @given.": "@given.yml",
    "flowerpower pipeline list --base-dir giv": "given_folder",
}


@dataclass(frozen=True)
class Playground:
    """Projects, a folder without one, and an environment to start shells in."""

    project: Path
    empty: Path
    environ: dict[str, str]


@pytest.fixture(scope="module")
def playground(tmp_path_factory: pytest.TempPathFactory) -> Playground:
    """Projects with names of all kinds, and the program on the PATH."""
    root = tmp_path_factory.mktemp("shells")
    for folder in ("empty", "home", "bin"):
        (root / folder).mkdir()
    hostile = [name for name in HOSTILE if len(name) < 100]
    fill(root / "project", [*NAMES, *hostile])
    schedule(root / "project", ["night", "morning", *hostile, "x" * 181])
    fill(root / "other", ["elsewhere"])
    fill(root / "a blank", ["between"])
    (root / "folders" / "given_folder").mkdir(parents=True)
    (root / "folders" / "given.yml").touch()
    program = root / "bin" / "flowerpower"
    program.write_text(f'#!/bin/sh\nexec {shlex.join(COMMAND)} "$@"\n')
    program.chmod(0o755)
    environ = {
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "HOME": str(root / "home"),
        "LANG": "C.UTF-8",
        "TERM": "xterm",
        "PYTHONPATH": str(REPOSITORY),
    }
    return Playground(root / "project", root / "empty", environ)


# Every block of answers ends with a line "#".
FISH = r"""
source $argv[1]
for line in $argv[2..-1]
    complete -C $line | string replace -r '\t.*' ''
    echo '#'
end
"""
POWERSHELL = r"""
. $args[0]
foreach ($line in $args[1..($args.Count - 1)]) {
    (TabExpansion2 -inputScript $line -cursorColumn $line.Length).CompletionMatches |
        Where-Object { $_.ResultType -like 'Parameter*' } | ForEach-Object CompletionText
    '#'
}
"""
BASH_SETUP = r"""
PS1=
source "$SCRIPTS/flowerpower.bash"
tell() {
    _flowerpower "$@" 2>> "$HOME/errors"
    printf '%s\n' "${COMPREPLY[@]}" '#' >> "$HOME/answers"
}
complete -F tell flowerpower
flowerpower() { printf '%s\n' "${@: -1}" '#' >> "$HOME/entered"; }
echo '#' >> "$HOME/answers"
"""
# What compadd would add is written down where it is told to add it for good.
ZSH_SETUP = r"""
PS1=
fpath=($SCRIPTS $fpath)
autoload -Uz compinit && compinit -u -D
compadd() {
    if [[ ${@[1,(i)(-|--)]} != *-(O|A|D)\ * ]]; then
        local -a hits
        builtin compadd -O hits "$@"
        print -rl -- $hits >> $HOME/answers
    fi
    builtin compadd "$@"
}
complete-and-tell() {
    zle complete-word 2>> $HOME/errors
    print '#' >> $HOME/answers
}
zle -N complete-and-tell
bindkey '^I' complete-and-tell
flowerpower() { print -rl -- $@[-1] '#' >> $HOME/entered }
print '#' >> $HOME/answers
"""
INTERACTIVE = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], BASH_SETUP),
    "zsh": (["zsh", "-f", "-i"], ZSH_SETUP),
}


class Terminal:
    """An interactive bash or zsh that somebody types at."""

    def __init__(self, shell: str, folder: Path, environ: dict[str, str]) -> None:
        self.home = Path(environ["HOME"])
        command, place = INTERACTIVE[shell]
        (self.home / "setup").write_text(place)
        for name in ("answers", "entered", "errors"):
            (self.home / name).write_text("")
        self.master, end = pty.openpty()
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env={**environ, "SCRIPTS": str(FOLDER)},
            stdin=end,
            stdout=end,
            stderr=end,
            start_new_session=True,
        )
        os.close(end)
        self._type("source ~/setup\n", self.home / "answers")

    def ask(self, line: str) -> set[str]:
        """What Tab offers behind `line`."""
        offered = self._type(f"{line}\t", self.home / "answers")
        os.write(self.master, b"\x15")
        return offered

    def last_word(self, line: str) -> str:
        """The last word of the command that `line`, Tab and Enter make."""
        (word,) = self._type(f"{line}\t\n", self.home / "entered")
        return word

    def _type(self, keys: str, output: Path) -> set[str]:
        before = len(output.read_text())
        os.write(self.master, keys.encode())
        end = time.monotonic() + TIMEOUT
        while not (text := output.read_text()[before:]).endswith("#\n"):
            assert time.monotonic() < end, (keys, text)
            if select.select([self.master], [], [], 0.02)[0]:
                os.read(self.master, 65536)
        return set(text.removesuffix("#\n").splitlines()) - {""}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.process.kill()
        self.process.wait(TIMEOUT)
        os.close(self.master)
        assert (self.home / "errors").read_text() == ""


def _ask(shell: str, lines: list[str], folder: Path, environ: dict[str, str]) -> list[set[str]]:
    """What `shell` offers for each of the lines, in `folder`; it may say nothing on stderr."""
    if shell in INTERACTIVE:
        with Terminal(shell, folder, environ) as terminal:
            return [terminal.ask(line) for line in lines]
    path = str(FOLDER / FILES[shell])
    command = {
        "fish": ["fish", "-c", FISH, path, *lines],
        "powershell": ["pwsh", "-NoProfile", "-c", f"& {{ {POWERSHELL} }}", path, *lines],
    }[shell]
    done = subprocess.run(
        command,
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=True,
    )
    assert done.stderr == ""
    return [set(block.split("\n")) - {""} for block in done.stdout.split("#\n")[:-1]]


@dataclass(frozen=True)
class Answers:
    """What one shell offers for every line of CASES."""

    shell: str
    offered: dict[str, set[str]]


def _words(offered: set[str]) -> set[str]:
    return {word.removeprefix("--type=") for word in offered}


@pytest.fixture(scope="module", params=SHELLS)
def answers(request: pytest.FixtureRequest, playground: Playground) -> Answers:
    """All answers of one shell, from one process."""
    lines = [case.line for case in CASES] + USED_LINES
    offered: dict[str, set[str]] = {}
    # Names that are not there within a moment are left out, as happens on a busy machine.
    for _ in range(ATTEMPTS):
        answers = _ask(request.param, lines, playground.project, playground.environ)
        offered |= zip(lines, answers, strict=True)
        lines = [case.line for case in CASES if not case.offered <= _words(offered[case.line])]
        if not lines:
            break
    return Answers(request.param, offered)


@pytest.mark.parametrize("shell", FILES)
def test_the_files_are_those_that_the_tree_makes(shell: str) -> None:
    """completions/ holds what the generator makes out of the present tree of commands."""
    written = (FOLDER / FILES[shell]).read_text(encoding="utf-8")
    root = typer.main.get_command(build_app())
    assert written == script(shell, root), "out of date: `make completions`"
    assert shell != "zsh" or written.startswith("#compdef flowerpower\n")


def test_the_wheel_carries_the_scripts() -> None:
    """Every script that a shell looks for under share/ is put there from completions/."""
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    shared = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"]
    assert shared == {
        "completions/flowerpower.bash": "share/bash-completion/completions/flowerpower",
        "completions/_flowerpower": "share/zsh/site-functions/_flowerpower",
        "completions/flowerpower.fish": "share/fish/vendor_completions.d/flowerpower.fish",
    }


def test_bash_is_among_the_shells_that_are_tried() -> None:
    """The scripts run in every shell of this machine, and bash is one."""
    assert "bash" in SHELLS


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.line)
def test_what_a_shell_offers(answers: Answers, case: Case) -> None:
    """Groups, commands, options, choices and pipelines are offered where they can stand."""
    offered = _words(answers.offered[case.line])
    if case.only:
        assert offered == case.offered
    else:
        assert offered >= case.offered
        assert not offered & NAMES


@pytest.mark.fault("completion-names")
def test_nothing_on_the_line_or_in_a_folder_is_run(
    answers: Answers, playground: Playground
) -> None:
    """Names of files and words of the line that a shell would expand are never run."""
    assert not list(playground.project.parent.rglob("executed*"))
    assert {path.name for path in playground.project.iterdir()} == {"conf", ".flowerpower"}


@pytest.mark.parametrize("line", USED_LINES)
def test_an_option_is_offered_once(answers: Answers, line: str) -> None:
    """An option that counts once is not offered again, nor its opposite (fish offers all)."""
    if answers.shell != "fish":
        assert answers.offered[line] == set()


@pytest.mark.parametrize("shell", [shell for shell in SHELLS if shell != "powershell"])
def test_files_and_folders(shell: str, playground: Playground) -> None:
    """Options that name a file or a folder are completed from the disk."""
    folder = playground.project.parent / "folders"
    if shell in INTERACTIVE:
        with Terminal(shell, folder, playground.environ) as terminal:
            made = [terminal.last_word(line) for line in FILE_LINES]
    else:
        made = [
            next(iter(words - {"given_folder/"} or words))
            for words in _ask(shell, list(FILE_LINES), folder, playground.environ)
        ]
    words = [word.removeprefix("--output=").rstrip("/") for word in made]
    assert words == list(FILE_LINES.values())


@pytest.mark.parametrize("shell", SHELLS)
def test_no_names_where_there_is_no_project(shell: str, playground: Playground) -> None:
    """Outside a project no pipeline is offered, and nothing is said."""
    assert _ask(shell, [f"{RUN} d"], playground.empty, playground.environ) == [set()]


@pytest.mark.parametrize("shell", SHELLS)
def test_no_names_without_the_program(shell: str, playground: Playground) -> None:
    """Where flowerpower is not on the PATH no pipeline is offered, and nothing is said."""
    environ = {**playground.environ, "PATH": "/usr/bin:/bin"}
    assert _ask(shell, [f"{RUN} d"], playground.project, environ) == [set()]
