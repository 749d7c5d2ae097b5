"""How service files look."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowerpower_cli.views.tables import Block, line

if TYPE_CHECKING:
    from flowerpower.pipeline.services.deployment import ServiceFile


def files_data(files: Sequence[ServiceFile], folder: Path | None) -> list[dict[str, Any]]:
    """The files as JSON; `path` is where each was written."""
    return [
        {
            "name": file.name,
            "target": file.target,
            "mode": "0600" if file.private else "0644",
            "path": None if folder is None else str((folder / file.name).absolute()),
            "content": file.content,
        }
        for file in files
    ]


def files_text(files: Sequence[ServiceFile]) -> str:
    """The content of one file; of several, each below where it belongs."""
    if len(files) == 1:
        return files[0].content
    return "\n".join(f"==> {file.target} <==\n{file.content}" for file in files)


def paths_view(files: Sequence[ServiceFile], folder: Path | None) -> Iterator[Block]:
    """Where the files were written."""
    return (line((folder or Path()) / file.name) for file in files)
