"""The files of a project of upstream's; whether a folder is one, and not a project of this tool."""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flowerpower.config.files import PIPELINES_FOLDER, PROJECT_FILE
from flowerpower.errors import ConfigError
from flowerpower.pipeline.bundles.bundle import MANIFEST
from flowerpower.pipeline.bundles.importing import is_source, read_folder
from flowerpower.pipeline.upstream.old_file import read_old_file
from flowerpower.text import shortened

PROJECT_FILES = (PROJECT_FILE, PROJECT_FILE.with_suffix(".yaml"))
"""Upstream reads either; the first that exists."""
MAX_DATA_BYTES = 1_000_000
"""Of a file that is copied and is neither YAML nor Python."""
MAX_DATA_FILES, MAX_ALL_DATA_BYTES = 500, 10_000_000
"""Of all such files together: well below the limits of a copy."""
_CODE = (".py", ".yml", ".yaml")
_TOO_LARGE = "not copied, as it is larger than 1 MB: copy it, or name its place in run.inputs."
_TOO_MANY = "not all of its files are copied, as they are many: copy them."
_LINK = "not copied, as it is a link or another special file: make it anew."
_ENVIRONMENT = (
    "not copied, and not read here: set its variables before you start the tool. Those that begin "
    "with FP_ are not read; FLOWERPOWER_JOB_QUEUE_URL is the address of the job queue."
)
_ONLY_UPSTREAM = (
    ("hooks_dir",),
    ("adapter", "ray"),
    ("adapter", "hamilton_tracker", "verify"),
    ("job_queue", "backend", "type"),
    ("job_queue", "backend", "data_store"),
    ("job_queue", "event_broker"),
    ("name",),
    ("run", "with_adapter"),
    ("run", "log_level"),
    ("run", "max_retries"),
    ("run", "retry", "retry_delay"),
    ("run", "additional_modules"),
    ("run", "executor", "num_cpus"),
)
"""Keys that upstream writes and that we do not have; `name` is one of a pipeline's file only."""


@dataclass
class OldProject:
    """The files of a project by relative path, and those left out, each with the reason."""

    files: dict[Path, bytes] = field(default_factory=dict)
    left_out: dict[Path, str] = field(default_factory=dict)


def read_old_project(folder: Path) -> OldProject | None:
    """The project of upstream's in a folder; None if it holds none. Nothing in it is changed.

    Files of more than 1 MB, links and hidden files are left out, as are virtual environments, and
    data beyond 500 files or 10 MB.

    Raises:
        ConfigError: if it cannot be read, or is too large.
    """
    if (folder / MANIFEST).exists() or not any((folder / file).is_file() for file in PROJECT_FILES):
        return None
    project = OldProject()
    count, size = 0, 0

    def is_copied(path: Path) -> bool:
        nonlocal count, size
        if path.name == ".env":
            project.left_out[path.relative_to(folder)] = _ENVIRONMENT
        if not is_source(path):
            return False
        status = path.lstat()
        is_file = stat.S_ISREG(status.st_mode)
        if stat.S_ISDIR(status.st_mode) or (is_file and path.suffix in _CODE):
            return True
        if not is_file or status.st_size > MAX_DATA_BYTES:
            project.left_out[path.relative_to(folder)] = _TOO_LARGE if is_file else _LINK
            return False
        count, size = count + 1, size + status.st_size
        if count > MAX_DATA_FILES or size > MAX_ALL_DATA_BYTES:
            # One row for a folder of thousands.
            project.left_out[path.parent.relative_to(folder)] = _TOO_MANY
            return False
        return True

    members = read_folder(folder, shortened(str(folder), 200), is_copied)
    project.files = {Path(name): content for name, content in sorted(members.items())}
    return project if is_upstream(project.files) else None


def config_files(paths: Mapping[Path, bytes]) -> Iterator[tuple[str, Path]]:
    """The pipelines that upstream finds, by name, each with its file; `group/a.yml` is `group.a`.

    A file directly in conf/ counts if there is a module of that name, as upstream 0.37 has it.
    """
    known: set[str] = set()
    in_folder = [path for path in paths if path.is_relative_to(PIPELINES_FOLDER)]
    beside = [
        path
        for path in paths
        if path.parent == PROJECT_FILE.parent
        and path not in PROJECT_FILES
        and Path("pipelines", f"{path.stem}.py") in paths
    ]
    # `.yml` before `.yaml`, as there.
    for path in sorted([*in_folder, *beside], key=lambda p: (p in beside, p.suffix != ".yml", p)):
        if path.suffix not in (".yml", ".yaml"):
            continue
        folder = PIPELINES_FOLDER if path in in_folder else PROJECT_FILE.parent
        name = ".".join(path.relative_to(folder).with_suffix("").parts)
        if name not in known:
            known.add(name)
            yield name, path


def is_upstream(files: Mapping[Path, bytes]) -> bool:
    """Whether the files of a project are upstream's: by a file or key that only upstream has."""
    if PROJECT_FILE not in files:
        return PROJECT_FILES[1] in files
    if _has_key(files, PROJECT_FILE, "name"):
        return True
    paths = [path for _, path in config_files(files)]
    if any(path.suffix != ".yml" or path.parent != PIPELINES_FOLDER for path in paths):
        return True
    return any(_has_key(files, path, "") for path in paths)


def _has_key(files: Mapping[Path, bytes], path: Path, besides: str) -> bool:
    # What cannot be read is said by whoever reads it next.
    with contextlib.suppress(ConfigError):
        data = read_old_file(files[path], path.as_posix()).data
        return any(_at(data, keys) for keys in _ONLY_UPSTREAM if keys != (besides,))
    return False


def _at(data: Any, keys: tuple[str, ...]) -> bool:
    for key in keys:
        if not isinstance(data, dict) or key not in data:
            return False
        data = data[key]
    return True
