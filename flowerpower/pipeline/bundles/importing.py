"""Reading a bundle or a project's folder, and importing a bundle's pipeline into a project.

What is read may be hostile: sizes are limited, links are refused.
"""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from flowerpower.config.files import PROJECT_FILE
from flowerpower.errors import ConfigError, FlowerpowerError, Refused, UsageError, os_errors_as
from flowerpower.files.atomic import write_files
from flowerpower.pipeline.bundles.bundle import (
    MANIFEST,
    MAX_BYTES,
    MAX_MEMBERS,
    OVER_LIMIT,
    Bundle,
    bundle_error,
    bundle_from_members,
    renamed,
)
from flowerpower.pipeline.bundles.module_files import leads_out
from flowerpower.text import did_you_mean, shortened

MAX_ZIP_BYTES = MAX_BYTES + 5_000_000
_ENTRY = b"PK\x01\x02"
"""The first bytes of each entry in a zip's directory."""
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# Python's zipfile raises any of these on damaged or forged bytes, not BadZipFile alone.
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
)
_EXCLUDED = ("__pycache__", "output")


def read_bundle(path: Path, name: str | None = None) -> Bundle:
    """The bundle in the folder or zip `path`, checked, under `name` if given; none of it is run.

    Raises:
        UsageError: if there is no such file or folder.
        ConfigError: if it is not a bundle, or contains what a bundle must not contain.
        InvalidName, Refused: as `renamed`.
    """
    label = shortened(str(path), 200)
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"There is no file or folder {label}.{_nearest_beside(path)}") from None
    except OSError as error:
        raise ConfigError(f"{label} cannot be read: {error.strerror}.") from None
    if stat.S_ISDIR(mode):
        members = read_folder(path, label, lambda _: True)
    elif stat.S_ISREG(mode):
        members = _read_zip(_read_file(path, label), label)
    else:
        raise UsageError(f"{label} is neither a folder nor a zip.")
    bundle = bundle_from_members(members, label)
    return bundle if name is None else renamed(bundle, name)


def read_project_folder(path: Path) -> dict[Path, bytes]:
    """The files in the project folder `path` that a copy of it starts with, by relative path.

    Left out are hidden files (except `.gitignore`) and folders, virtual environments, and what
    runs produce: `output` and `__pycache__`.

    Raises:
        ConfigError: if it contains links or other special files, or is too large.
    """
    members = read_folder(path, shortened(str(path), 200), is_source)
    return {Path(name): content for name, content in sorted(members.items())}


def is_project_folder(path: Path) -> bool:
    """Whether `path` is a whole project and not a bundle."""
    return (path / PROJECT_FILE).is_file() and not (path / MANIFEST).exists()


def is_source(path: Path) -> bool:
    """Whether a file or folder of a project is one that people have written."""
    if path.name.startswith("."):
        return path.name == ".gitignore"
    return path.name not in _EXCLUDED and not (path / "pyvenv.cfg").exists()


def _nearest_beside(path: Path) -> str:
    try:
        return did_you_mean(path.name, os.listdir(path.parent)[:1000])
    except (OSError, ValueError):
        return ""


@dataclass
class _Members:
    """Members by name, within the limits for a bundle."""

    label: str
    contents: dict[str, bytes] = field(default_factory=dict)
    bytes_left: int = MAX_BYTES

    def add(self, name: str, stream: IO[bytes]) -> None:
        if name in self.contents:
            raise bundle_error(self.label, f"it contains {shortened(name)!r} twice")
        # What is really unpacked counts, as the size in a zip's directory may be a lie.
        content = stream.read(self.bytes_left + 1)
        if len(content) > self.bytes_left or len(self.contents) >= MAX_MEMBERS:
            raise bundle_error(self.label, OVER_LIMIT)
        self.bytes_left -= len(content)
        self.contents[name] = content


def _read_file(path: Path, label: str) -> bytes:
    with os_errors_as(ConfigError, f"{label} cannot be read"), path.open("rb") as stream:
        content = stream.read(MAX_ZIP_BYTES + 1)
    # Entries are counted before zipfile sees them: it reads a directory of millions of them whole.
    if len(content) > MAX_ZIP_BYTES or content.count(_ENTRY) > 2 * MAX_MEMBERS:
        raise bundle_error(label, OVER_LIMIT)
    return content


def _read_zip(content: bytes, label: str) -> dict[str, bytes]:
    members = _Members(label)
    folders = []
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for info in archive.infolist():
                # Not `filename`: zipfile cuts that at a NUL, so a check would see another name.
                name = info.orig_filename
                _check_kind(info, name, label)
                if name.endswith("/"):
                    folders.append(name)
                    continue
                with archive.open(info) as stream:
                    members.add(name, stream)
    except (*_UNREADABLE, OSError) as error:
        raise bundle_error(label, f"it is not a readable zip file ({error})") from None
    for folder in folders:
        if not any(name.startswith(folder) for name in members.contents):
            raise bundle_error(label, f"{shortened(folder)!r} is a folder without files")
    return members.contents


def _check_kind(info: zipfile.ZipInfo, name: str, label: str) -> None:
    expected = stat.S_IFDIR if name.endswith("/") else stat.S_IFREG
    # The upper half holds the mode on Unix; it is 0 where another system made the zip.
    if stat.S_IFMT(info.external_attr >> 16) not in (0, expected):
        raise _special_file(label, name)
    if info.flag_bits & _ENCRYPTED:
        raise bundle_error(label, f"{shortened(name)!r} is encrypted")
    if info.compress_type not in _METHODS:
        raise bundle_error(label, f"{shortened(name)!r} has an unknown compression method")


def _special_file(label: str, name: str) -> ConfigError:
    return bundle_error(label, f"{shortened(name)!r} is a link or another special file")


def read_folder(top: Path, label: str, is_member: Callable[[Path], bool]) -> dict[str, bytes]:
    """The files below a folder, by relative path, but for files and folders that are no members.

    Raises:
        ConfigError: as `read_project_folder`; errors call the folder `label`.
    """
    members = _Members(label)
    count, folders = 0, [top]
    with os_errors_as(ConfigError, f"{label} cannot be read"):
        while folders:
            for path in folders.pop().iterdir():
                if not is_member(path):
                    continue
                name = path.relative_to(top).as_posix()
                count += 1
                if count > 2 * MAX_MEMBERS:
                    raise bundle_error(label, OVER_LIMIT)
                mode = path.lstat().st_mode
                if stat.S_ISDIR(mode):
                    folders.append(path)
                elif stat.S_ISREG(mode):
                    # The file may be swapped for a link or a FIFO after lstat: the open refuses to
                    # follow the one and does not wait for a writer of the other.
                    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
                    with os.fdopen(os.open(path, flags), "rb") as stream:
                        members.add(name, stream)
                else:
                    raise _special_file(label, name)
    return members.contents


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
        """Write the files, all of them or none; FlowerpowerError if one cannot be written."""
        # Real paths, because replacing a link would replace the link and not its file.
        contents = {
            Path(os.path.realpath(self.root / path)): self.bundle.files[path]
            for path in (*self.new, *self.replaced)
        }
        failure = f"{self.bundle.pipeline} cannot be imported"
        with os_errors_as(FlowerpowerError, failure, "; nothing was changed"):
            write_files(contents)


def import_bundle(
    root: Path, path: Path, name: str | None, *, overwrite: bool, dry_run: bool
) -> ImportPlan:
    """As `PipelineManager.import_pipeline`, into the project at `root`."""
    plan = plan_import(root, read_bundle(path, name), overwrite=overwrite)
    if not dry_run:
        plan.apply()
    return plan


def plan_import(root: Path, bundle: Bundle, *, overwrite: bool = False) -> ImportPlan:
    """What importing the bundle would do; nothing is written.

    Raises:
        Refused: with all files at once that exist with other content (unless `overwrite`) or
            cannot be written.
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
            both = f"{path.as_posix()} and {other.as_posix()}"
            raise Refused(f"{both} are the same file through a link.")


def _obstacle(root: Path, path: Path) -> str | None:
    """Why no file can be written there: a file where a folder must be, or a folder in its place."""
    for parent in path.parents:
        if os.path.lexists(root / parent) and not os.path.isdir(root / parent):
            return f"{parent.as_posix()} already exists and is not a folder."
    if os.path.lexists(root / path) and not os.path.isfile(root / path):
        return f"{path.as_posix()} already exists and is not a file."
    return None


def _has_content(target: Path, content: bytes) -> bool:
    with os_errors_as(FlowerpowerError, f"{target} cannot be read"):
        return target.stat().st_size == len(content) and target.read_bytes() == content
