"""Where a project's files are, for callers and workers: in a folder of this machine or at a URL."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from flowerpower.config.files import (
    BASE_DIR_VARIABLE,
    Project,
    find_project_root,
    project_root,
)
from flowerpower.config.remote.version import version_in
from flowerpower.errors import FlowerpowerError, Refused, UsageError


class ProjectSource(Protocol):
    """What gives the folder of a project; for any thread."""

    def root(self) -> Path:
        """The project's root folder, of a remote project that of the newest version known."""

    def root_of(self, version: str | None) -> Path:
        """The root folder of the version that a job was asked for; None if it names none.

        Raises:
            FlowerpowerError: if that version cannot be had (any more).
        """

    def watched(self, on_trouble: Callable[[str], None]) -> contextlib.AbstractContextManager[None]:
        """While it is entered, `root` follows the source; `on_trouble` says why it does not."""


class LocalSource:
    """A folder of this machine; it may be that of one version of a remote project."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def root(self) -> Path:
        """As `ProjectSource`."""
        return self._root

    def root_of(self, version: str | None) -> Path:
        """As `ProjectSource`."""
        if version is None:
            return self._root
        record = version_in(self._root)
        if record is None or record.version != version:
            raise FlowerpowerError(
                f"The job needs the version {str(version)[:12]} of a project at a URL; this worker "
                f"runs the folder {self._root}.",
                hint="Start its workers with --base-dir URL.",
            )
        return self._root

    def watched(
        self,
        on_trouble: Callable[[str], None],  # noqa: ARG002 - its files are read when they are needed
    ) -> contextlib.AbstractContextManager[None]:
        """As `ProjectSource`."""
        return contextlib.nullcontext()


def is_url(text: object) -> bool:
    """Whether it is an address for fsspec, and no folder: `s3://…`, `zip://…::https://…`."""
    return isinstance(text, str) and ("://" in text or "::" in text)


def find_source(
    base_dir: str | os.PathLike[str] | None,
    environ: Mapping[str, str],
    storage_options: Mapping[str, Any] | None = None,
    fs: Any = None,
) -> ProjectSource:
    """The source of a project, as `PipelineManager` is given it.

    Raises:
        ProjectNotFound: if there is none.
        SourceUnreachable: if it is at a URL that does not answer, and nothing of it is kept.
        UsageError: if there are options for a folder of this machine.
    """
    address = environ.get(BASE_DIR_VARIABLE) if base_dir is None else base_dir
    if is_url(address) or fs is not None:
        # Nothing of it is needed for a folder of this machine.
        from flowerpower.config.remote.source import RemoteSource

        return RemoteSource(str(address or ""), storage_options, fs, environ)
    if storage_options:
        raise UsageError(
            "storage_options= are for a project at a URL, and base_dir is a folder of this machine."
        )
    if base_dir is None:
        return LocalSource(find_project_root(Path(), environ))
    return LocalSource(project_root(Path(base_dir)))


def check_writable(project: Project) -> None:
    """Raise Refused if the project is at a URL: its files are changed there, not from here."""
    if project.remote is not None:
        raise Refused(
            f"The project is at {project.remote.source}, which is only read.",
            hint="Change its files there, or in a checkout of it.",
        )
