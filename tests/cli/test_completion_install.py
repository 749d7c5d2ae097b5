"""`completion show` and `completion install`."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowerpower_cli.completion.scripts import FILES
from tests.cli.completing import FOLDER
from tests.terminal import Cli


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
