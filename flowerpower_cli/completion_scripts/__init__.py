"""Completion scripts for four shells, made from the tree of commands.

They hold the tree itself; only names of pipelines, jobs and schedules are asked for while
somebody types, of `flowerpower --complete-names` (see `flowerpower_cli.complete_names`).

`python -m flowerpower_cli.completion_scripts completions/` writes the files anew.
"""

from __future__ import annotations

from collections.abc import Callable

from flowerpower_cli.completion_scripts.bash import render as render_bash
from flowerpower_cli.completion_scripts.fish import render as render_fish
from flowerpower_cli.completion_scripts.powershell import render as render_powershell
from flowerpower_cli.completion_scripts.tree import Command, command_tree
from flowerpower_cli.completion_scripts.zsh import render as render_zsh

FILES = {
    "bash": "flowerpower.bash",
    "zsh": "_flowerpower",
    "fish": "flowerpower.fish",
    "powershell": "flowerpower.ps1",
}
_RENDERERS: dict[str, Callable[[Command], str]] = {
    "bash": render_bash,
    "zsh": render_zsh,
    "fish": render_fish,
    "powershell": render_powershell,
}


def script(shell: str) -> str:
    """The completion script for one of the shells in `FILES`."""
    from flowerpower_cli.app import build_app

    return _RENDERERS[shell](command_tree(build_app()))
