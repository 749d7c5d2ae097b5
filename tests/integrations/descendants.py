"""Every living process below this one, also those whose own parents have ended."""

from __future__ import annotations

import os
from pathlib import Path

from flowerpower.job_queue.worker import isolation

# What loses its parent becomes a child of this process, and is found again.
isolation.adopt_orphans()


def descendants(pid: int | None = None) -> dict[int, str]:
    """The living processes below `pid`, by default below this one, and their command lines."""
    found: dict[int, str] = {}
    for child in _children(pid or os.getpid()):
        folder = Path("/proc") / str(child)
        try:
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if state != "Z":
            found[child] = command
        found.update(descendants(child))
    return found


def _children(pid: int) -> list[int]:
    try:
        texts = [
            (thread / "children").read_text() for thread in Path(f"/proc/{pid}/task").iterdir()
        ]
    except OSError:
        return []
    return [int(each) for text in texts for each in text.split()]
