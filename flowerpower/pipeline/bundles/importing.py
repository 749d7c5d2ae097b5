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

    def carry_out(self) -> None:
        """Write the files, all of them or none.

        Raises:
            FlowerpowerError: if one cannot be written.
        """
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
        Refused: with all conflicts at once: files that are there with other content, unless
            `overwrite`, and places where no file can be written.
    """
    check_places(root, bundle.files)
    plan = ImportPlan(root, bundle, [], [], [])
    conflicts, obstacles = [], []
    for path, content in bundle.files.items():
        target = root / path
        if blocked := _obstacle(root, path):
            obstacles.append(blocked)
        elif not os.path.lexists(target):
            plan.new.append(path)
        elif _holds(target, content):
            plan.unchanged.append(path)
        else:
            plan.replaced.append(path)
            conflicts.append(f"{path.as_posix()} is there already, with other content.")
    if overwrite:
        conflicts = []
    if obstacles or conflicts:
        raise Refused(
            f"{bundle.pipeline} cannot be imported into {root}:",
            details=[*obstacles, *conflicts],
            hint="--overwrite replaces what is there." if conflicts else None,
        )
    return plan


def check_places(root: Path, paths: Iterable[Path]) -> None:
    """Raises Refused if writing to one of `paths` would, through a link, write elsewhere."""
    places: dict[str, Path] = {}
    for path in paths:
        if leads_out(root, path):
            raise Refused(f"{path.as_posix()} leads out of {root}, through a link.")
        other = places.setdefault(os.path.realpath(root / path), path)
        if other != path:
            raise Refused(f"{path.as_posix()} and {other.as_posix()} are one file, through a link.")


def _obstacle(root: Path, path: Path) -> str | None:
    """What is in the way of a file there: a file for a folder, or a folder for the file."""
    for parent in path.parents:
        if os.path.lexists(root / parent) and not os.path.isdir(root / parent):
            return f"{parent.as_posix()} is there already, and is no folder."
    if os.path.lexists(root / path) and not os.path.isfile(root / path):
        return f"{path.as_posix()} is there already, and is no file."
    return None


def _holds(target: Path, content: bytes) -> bool:
    try:
        with target.open("rb") as stream:
            return stream.read(len(content) + 1) == content
    except OSError as error:
        raise FlowerpowerError(f"{target} cannot be read: {error.strerror}.") from None
