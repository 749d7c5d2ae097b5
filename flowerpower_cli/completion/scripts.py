"""Completion scripts for four shells, made from the tree of commands.

They contain the whole tree. Only names of pipelines, jobs and schedules are looked up while
somebody types, by `flowerpower --complete-names` (see `flowerpower_cli.completion.names`).

`make completions` writes the files in completions/.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flowerpower_cli.completion.bash import render as render_bash
from flowerpower_cli.completion.fish import render as render_fish
from flowerpower_cli.completion.powershell import render as render_powershell
from flowerpower_cli.completion.tree import Command, command_tree
from flowerpower_cli.completion.zsh import render as render_zsh

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


def script(shell: str, root: Any) -> str:
    """The completion script of a shell in `FILES` for the tree of commands at `root`."""
    return _RENDERERS[shell](command_tree(root))
