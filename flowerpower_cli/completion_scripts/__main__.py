"""`python -m flowerpower_cli.completion_scripts FOLDER` writes every script to FOLDER."""

from __future__ import annotations

import sys
from pathlib import Path

from flowerpower_cli.completion_scripts import FILES, script


def main(folder: Path) -> None:
    """Write every script to `folder`, which is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    for shell, name in FILES.items():
        (folder / name).write_text(script(shell), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Usage: python -m flowerpower_cli.completion_scripts FOLDER")
    main(Path(sys.argv[1]))
