from __future__ import annotations

import os
import pty
import select
import shlex
import shutil
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest
import typer

from flowerpower.config import files
from flowerpower_cli.app import build_app
from flowerpower_cli.completion import names
from flowerpower_cli.completion.scripts import FILES, script
from tests.conditions import eventually, slowed
from tests.jobs_database import jobs_database
from tests.terminal import COMMAND, TIMEOUT, Cli

REPOSITORY = Path(__file__).parents[2]
FOLDER = REPOSITORY / "completions"

ATTEMPTS = 10
NAMES = {"daily_report", "data_cleansing", "weekly"}
HOSTILE = ["$(touch executed)", "`touch executed`", "a b", ";touch executed", "new\nline", "*",
           "--yes", "-x", "ä", "x" * 101, "'", '"', "\x1b[31m"]  # fmt: skip
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


def _fill(root: Path, names: list[str]) -> None:
    (root / "conf" / "pipelines").mkdir(parents=True)
    (root / "conf" / "project.yml").write_text("name: demo\n")
    for name in names:
        (root / "conf" / "pipelines" / f"{name}.yml").touch()


def _schedule(root: Path, ids: list[str]) -> None:
    """What completion reads of a calendar, and of queues."""
    (root / ".flowerpower").mkdir()
    with jobs_database(root) as database:
        database.execute("CREATE TABLE flowerpower_schedules (id TEXT, created_at REAL)")
        for name in ("jobs", "paused_queues"):
            database.execute(f"CREATE TABLE flowerpower_{name} (queue TEXT)")
        database.execute("INSERT INTO flowerpower_jobs VALUES ('default'), ('default'), ('$(x)')")
        database.execute("INSERT INTO flowerpower_paused_queues VALUES ('reports')")
        rows = [(job_id, 0.0) for job_id in ids]
        database.executemany("INSERT INTO flowerpower_schedules VALUES (?, ?)", rows)
    database.close()


@pytest.fixture(scope="module")
def playground(tmp_path_factory: pytest.TempPathFactory) -> Playground:
    """Projects with names of all kinds, and the program on the PATH."""
    root = tmp_path_factory.mktemp("shells")
    for folder in ("empty", "home", "bin"):
        (root / folder).mkdir()
    hostile = [name for name in HOSTILE if len(name) < 100]
    _fill(root / "project", [*NAMES, *hostile])
    _schedule(root / "project", ["night", "morning", *hostile, "x" * 181])
    _fill(root / "other", ["elsewhere"])
    _fill(root / "a blank", ["between"])
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


def _names(cli: Cli, *arguments: str, **environ: str) -> set[str]:
    # As above.
    for _ in range(ATTEMPTS):
        ended = cli.run("--complete-names", *arguments, code=0, **environ)
        assert ended.stderr == ""
        if ended.stdout:
            break
    return set(ended.stdout.splitlines())


@pytest.mark.fault("completion-names")
def test_the_entry_prints_valid_names_alone(cli: Cli) -> None:
    """The entry offers what matches the rule for names and cannot be taken for an option."""
    _fill(cli.folder / "demo", [*NAMES, *HOSTILE])
    pipelines = cli.folder / "demo" / "conf" / "pipelines"
    (pipelines / "folder.yml").mkdir()
    (pipelines / "dangling.yml").symlink_to("nowhere")
    os.mkfifo(pipelines / "fifo.yml")
    (pipelines / "other.yaml").touch()
    assert _names(cli, "pipelines", "--base-dir", "demo") == NAMES


def test_the_entry_finds_the_project(cli: Cli) -> None:
    """--base-dir comes before FLOWERPOWER_BASE_DIR, that before the folders from here upwards."""
    _fill(cli.folder, ["here"])
    _fill(cli.home / "named", ["named"])
    _fill(cli.home / "set", ["set"])
    below = cli.folder / "a" / "b"
    below.mkdir(parents=True)
    inside = Cli(below, cli.home)
    assert _names(inside, "pipelines") == {"here"}
    assert _names(inside, "pipelines", FLOWERPOWER_BASE_DIR=str(cli.home / "set")) == {"set"}
    named = ("--base-dir", "~/named")
    assert _names(inside, "pipelines", *named, FLOWERPOWER_BASE_DIR="x") == {"named"}
    assert _names(inside, "pipelines", "--base-dir", str(below)) == set()


@pytest.mark.parametrize(
    "arguments",
    [(), ("",), ("no-such-kind",), ("pipelines", "--other", "."), ("pipelines", "a", "b", "c")],
)
def test_the_entry_is_silent_on_what_it_does_not_know(arguments: tuple[str, ...], cli: Cli) -> None:
    """A call that asks for nothing known prints nothing and ends with 0."""
    _fill(cli.folder, ["here"])
    assert _names(cli, *arguments) == set()


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_entry_bears_closed_streams(number: int, cli: Cli) -> None:
    """Whichever stream is closed, the entry ends with 0 and says nothing on stderr."""
    _fill(cli.folder, ["here"])
    ended = cli.run_closed("--complete-names", "pipelines", number=number)
    assert (ended.code, ended.stderr) == (0, "")


@pytest.mark.parametrize("place", ["conf/pipelines", "conf/project.yml", "conf"])
def test_the_entry_does_not_wait_for_a_fifo(place: str, cli: Cli) -> None:
    """A FIFO in place of a folder or a file of the project holds nobody up."""
    _fill(cli.folder, [])
    path = cli.folder / place
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    os.mkfifo(path)
    started = time.monotonic()
    assert _names(cli, "pipelines") == set()
    assert time.monotonic() - started < slowed(2)


def test_the_entry_is_quick_in_a_huge_folder(cli: Cli) -> None:
    """Ten thousand pipelines are offered, or none, within a moment."""
    _fill(cli.folder, [f"p{number}" for number in range(10_000)])
    started = time.monotonic()
    assert len(_names(cli, "pipelines")) in (0, 10_000)
    assert time.monotonic() - started < slowed(2)


def test_the_entry_gives_up_on_a_read_that_hangs(cli: Cli) -> None:
    """A read of the folder that never returns ends with the process, with 0 and in silence."""
    _fill(cli.folder, ["here"])
    os.mkfifo(cli.folder / "hangs")
    program = (
        "import os; os.scandir = lambda path: open('hangs');"
        "from flowerpower_cli.completion import names; names.run(['pipelines'])"
    )
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=cli.folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert names.TIME_LIMIT <= time.monotonic() - started < slowed(2)


def test_the_entry_imports_little(cli: Cli) -> None:
    """The entry imports the standard library, and of this project only what the rule needs."""
    _fill(cli.folder, ["here"])
    command = [sys.executable, "-X", "importtime", "-m", "flowerpower_cli", "--complete-names"]

    def complete() -> subprocess.CompletedProcess[str] | None:
        done = subprocess.run(
            [*command, "pipelines"],
            cwd=cli.folder,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=True,
        )
        # On a busy machine it may give up at its time limit: it is asked until it answers.
        return done if done.stdout else None

    done = eventually(complete)
    assert done is not None
    assert done.stdout == "here\n"
    modules = [line.rpartition("|")[2].strip() for line in done.stderr.splitlines()]
    assert not {"typer", "rich", "yaml", "pydantic", "hamilton"} & set(modules)
    assert {name for name in modules if name.startswith("flowerpower")} == {
        "flowerpower",
        "flowerpower.errors",
        "flowerpower.text",
        "flowerpower_cli",
        "flowerpower_cli.completion",
        "flowerpower_cli.completion.names",
        "flowerpower_cli.main",
    }


def test_the_entry_looks_where_the_library_looks() -> None:
    """The entry, which does not import the library's places, has the same ones."""
    assert Path(names.PROJECT_FILE) == files.PROJECT_FILE
    assert Path(names.PIPELINES_FOLDER) == files.PIPELINES_FOLDER
    assert names.BASE_DIR_VARIABLE == files.BASE_DIR_VARIABLE


@pytest.mark.parametrize("shell", FILES)
def test_show(shell: str, cli: Cli) -> None:
    """`completion show` prints the script, or with --json an object that holds it."""
    written = (FOLDER / FILES[shell]).read_text(encoding="utf-8")
    assert cli.run("completion", "show", shell, code=0).stdout == written
    shown = cli.run("completion", "show", shell, "--json", code=0).json
    assert shown == {"shell": shell, "script": written}


@pytest.mark.parametrize(
    ("value", "shell"), [("/bin/bash", "bash"), ("/usr/bin/pwsh", "powershell"), ("fish", "fish")]
)
def test_the_shell_is_found_out(value: str, shell: str, cli: Cli) -> None:
    """Without an argument the shell is that of $SHELL."""
    shown = cli.run("completion", "show", "--json", code=0, SHELL=value).json
    assert shown["shell"] == shell


@pytest.mark.parametrize("value", ["/bin/tcsh", "", None])
def test_a_shell_without_a_script_is_told(value: str | None, cli: Cli) -> None:
    """A $SHELL that there is no script for is a usage error that names the four."""
    error = cli.run("completion", "show", "--json", code=2, SHELL=value).error
    assert error["code"] == "usage"
    assert error["hint"] == "Name one of: bash, zsh, fish, powershell."


BACKENDS = {
    "bash": ".local/share/bash-completion/completions/flowerpower",
    "zsh": ".local/share/zsh/site-functions/_flowerpower",
    "fish": ".config/fish/completions/flowerpower.fish",
    "powershell": ".config/powershell/flowerpower.ps1",
}


@pytest.mark.parametrize("shell", FILES)
def test_install(shell: str, cli: Cli) -> None:
    """`completion install` writes the file once, where the shell looks; then it is already so."""
    path = cli.home / BACKENDS[shell]
    would = cli.run("completion", "install", shell, "--dry-run", "--json", code=0).json
    assert (would["path"], would["changed"], would["installed"]) == (str(path), True, False)
    assert not path.exists()
    first = cli.run("completion", "install", shell, code=0)
    assert first.stdout == f"{path}\n"
    assert path.read_bytes() == (FOLDER / FILES[shell]).read_bytes()
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    again = cli.run("completion", "install", shell, "--json", code=0)
    assert (again.json["changed"], again.json["installed"]) == (False, True)
    assert "Nothing to do: the script is up to date." in again.stderr
    assert (again.json["line"] is None) is (shell == "fish")
    path.write_text("old")
    assert cli.run("completion", "install", shell, "--json", code=0).json["changed"]


def test_install_keeps_to_the_folders_of_xdg(cli: Cli, tmp_path: Path) -> None:
    """XDG_DATA_HOME and XDG_CONFIG_HOME are honoured unless they are relative."""
    there = {"XDG_DATA_HOME": str(tmp_path / "data"), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    for shell, start in (("bash", "data/bash-completion"), ("fish", "config/fish")):
        path = cli.run("completion", "install", shell, code=0, **there).stdout
        assert path.startswith(str(tmp_path / start))
    path = cli.run("completion", "install", "bash", code=0, XDG_DATA_HOME="data").stdout
    assert path.startswith(str(cli.home))


def test_install_tells_what_it_cannot_write(cli: Cli) -> None:
    """A place that cannot be written is an error that names it, and leaves nothing behind."""
    (cli.home / BACKENDS["bash"]).mkdir(parents=True)
    error = cli.run("completion", "install", "bash", "--json", code=1).error
    assert BACKENDS["bash"] in error["message"]
    assert [entry.name for entry in (cli.home / BACKENDS["bash"]).parent.iterdir()] == [
        "flowerpower"
    ]
