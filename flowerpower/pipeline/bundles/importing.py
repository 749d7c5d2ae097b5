"""A bundle's pipeline into a project: what would be written, and writing it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from flowerpower.atomic_files import write_files
from flowerpower.errors import FlowerpowerError, Refused
from flowerpower.pipeline.bundles.bundle import Bundle
from flowerpower.pipeline.bundles.module_files import leads_out


@dataclass(frozen=True)
class ImportPlan:
    """What importing `bundle` into the project `root` does to each of its files.

    `new`, `replaced` and `unchanged` are paths relative to the root, each file in one of them.
    """

    root: Path
    bundle: Bundle
    new: list[Path]
    replaced: list[Path]
    unchanged: list[Path]

    def apply(self) -> None:
        """Write the files, all of them or none.

        Raises:
            FlowerpowerError: if one cannot be written.
        """
        # Real paths, because replacing a link would replace the link and not its file.
        contents = {
            Path(os.path.realpath(self.root / path)): self.bundle.files[path]
            for path in (*self.new, *self.replaced)
        }
        try:
            write_files(contents)
        except OSError as error:
            raise FlowerpowerError(
                f"{self.bundle.pipeline} cannot be imported: {error.strerror or error}; "
                "nothing was changed."
            ) from None


def plan_import(root: Path, bundle: Bundle, *, overwrite: bool = False) -> ImportPlan:
    """What importing the bundle would do; nothing is written.

    Raises:
        Refused: with all conflicts at once: files that exist with other content, unless
            `overwrite`, and paths where no file can be written.
    """
    check_targets(root, bundle.files)
    plan = ImportPlan(root, bundle, [], [], [])
    obstacles = []
    for path, content in bundle.files.items():
        target = root / path
        if obstacle := _obstacle(root, path):
            obstacles.append(obstacle)
        elif not os.path.lexists(target):
            plan.new.append(path)
        elif _has_content(target, content):
            plan.unchanged.append(path)
        else:
            plan.replaced.append(path)
    replaced = [] if overwrite else plan.replaced
    conflicts = [f"{path.as_posix()} already exists with other content." for path in replaced]
    if obstacles or conflicts:
        raise Refused(
            f"{bundle.pipeline} cannot be imported into {root}:",
            details=[*obstacles, *conflicts],
            hint="--overwrite replaces files that exist." if conflicts else None,
        )
    return plan


def check_targets(root: Path, paths: Iterable[Path]) -> None:
    """Raise Refused if a link would make a write go outside `root`, or two writes to one file."""
    targets: dict[str, Path] = {}
    for path in paths:
        if leads_out(root, path):
            raise Refused(f"{path.as_posix()} leads out of {root} through a link.")
        other = targets.setdefault(os.path.realpath(root / path), path)
        if other != path:
            raise Refused(
                f"{path.as_posix()} and {other.as_posix()} are the same file through a link."
            )


def _obstacle(root: Path, path: Path) -> str | None:
    """Why no file can be written there: a file where a folder must be, or a folder in its place."""
    for parent in path.parents:
        if os.path.lexists(root / parent) and not os.path.isdir(root / parent):
            return f"{parent.as_posix()} already exists and is not a folder."
    if os.path.lexists(root / path) and not os.path.isfile(root / path):
        return f"{path.as_posix()} already exists and is not a file."
    return None


def _has_content(target: Path, content: bytes) -> bool:
    try:
        with target.open("rb") as stream:
            # One byte more than the content is enough to tell a longer file.
            return stream.read(len(content) + 1) == content
    except OSError as error:
        raise FlowerpowerError(f"{target} cannot be read: {error.strerror}.") from None
