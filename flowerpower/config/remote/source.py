"""A project at a URL: which version it has now, and the folder of this machine with that version.

Whatever hangs is given up: a look at the source, or a fetch, runs in a thread that nobody joins.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from flowerpower.config.remote import listing
from flowerpower.config.remote.address import absolute, key_of, name_of, shown, storage_options
from flowerpower.config.remote.cache import VersionCache, make_private_folder
from flowerpower.config.remote.version import RemoteVersion, is_version
from flowerpower.errors import (
    ConfigError,
    FlowerpowerError,
    InvalidDuration,
    ProjectNotFound,
    SourceUnreachable,
    os_errors_as,
)
from flowerpower.files.atomic import write_files
from flowerpower.text import mask, one_line, shortened
from flowerpower.triggers import clock

LOOK_VARIABLE = "FLOWERPOWER_LOOK_EVERY"
LOOK_EVERY = 30.0
"""Seconds between two looks of a worker or scheduler for a new version."""
LOOK_SECONDS, FETCH_SECONDS = 15.0, 120.0
"""How long a look, and a fetch, may take."""
FETCHES = 4
"""How often it is fetched, if it changes while that is done."""
_Answer = TypeVar("_Answer")


class _Away(SourceUnreachable):
    """It did not answer, or not with a project: the last version that is kept may stand for it."""


class RemoteSource:
    """The project at a URL that fsspec knows, as folders of this machine.

    Args:
        url: its address; with `fs`, the path of its folder in that file system.
        options: fsspec's storage options; by default those of FLOWERPOWER_STORAGE_OPTIONS.
        fs: a file system of fsspec's to use.
        environ: the environment to look in; None stands for the process's.

    Raises:
        ConfigError: if the options are no JSON object.
    """

    def __init__(
        self,
        url: str,
        options: Mapping[str, Any] | None = None,
        fs: Any = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        environ = os.environ if environ is None else environ
        self._url, self._fs = absolute(url) if fs is None else url, fs
        self._options = storage_options({} if fs is not None and not options else options, environ)
        self._look_every = _look_every(environ)
        address = self._url
        if fs is not None:
            protocol = fs.protocol if isinstance(fs.protocol, str) else fs.protocol[0]
            address = f"{protocol}://{fs._strip_protocol(url).lstrip('/')}"
        public = storage_options(getattr(fs, "storage_options", None) or self._options, environ)
        self.shown = shown(address)
        self._key, self._name = key_of(address, public), name_of(address)
        self._cache = VersionCache(self._key)
        self._root: Path | None = None
        self._trouble: str | None = None

    # What every source of a project has: see `flowerpower.config.project_source`

    def root(self) -> Path:
        """The root folder of the newest version that is known; the first call looks for it."""
        return self._root or self.newest()

    def root_of(self, version: str | None) -> Path:
        """The root folder of a version, which is fetched if need be; None stands for the newest.

        Raises:
            FlowerpowerError: if it cannot be had (any more).
        """
        if version is None:
            return self.root()
        if not is_version(version):
            raise FlowerpowerError("The job's record is damaged: its version cannot be read.")
        if root := self._cache.root_of(version):
            return root
        try:
            found = self._look(version)
        except FlowerpowerError as error:
            raise FlowerpowerError(
                f"The job needs the version {version[:12]} of {self.shown}, which is not kept on "
                f"this machine and cannot be fetched: {error.message}"
            ) from None
        if found.parent.name != version:
            raise FlowerpowerError(
                f"The job needs the version {version[:12]} of {self.shown}, which is gone: "
                f"there is {found.parent.name[:12]} now, and this machine has not kept the other.",
                hint="Add the job again, or run it with `flowerpower job-queue retry-job --again`.",
            )
        return found

    @contextlib.contextmanager
    def watched(self, on_trouble: Callable[[str], None]) -> Iterator[None]:
        """Look for new versions every LOOK_EVERY seconds; `root` then returns the newest one.

        While that fails the version before stays; `on_trouble` is called with why, once.
        """
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(self._look_every):
                self._look_again(on_trouble)

        threading.Thread(target=watch, name="project versions", daemon=True).start()
        try:
            yield
        finally:
            ended.set()

    # What only this one has

    def newest(self) -> Path:
        """Look at the source now; the root folder of the version that it has.

        If it does not answer, it is the last version that is kept here, with a warning in the log.

        Raises:
            ProjectNotFound, ConfigError: if there is no project, or it must not be fetched.
            SourceUnreachable: if it does not answer, and no version is kept.
        """
        try:
            return self._look()
        except _Away as error:
            kept = self._cache.newest()
            root = self._cache.root_of(kept[0]) if kept else None
            if kept is None or root is None:
                raise
            when = clock.format_time(datetime.fromtimestamp(int(kept[1]), UTC))
            logging.getLogger("flowerpower").warning(
                "Warning: %s Going on with its version %s, looked at %s.",
                *(mask(error.message), kept[0][:12], when),
            )
            self._use(root)
            return root

    def _look_again(self, on_trouble: Callable[[str], None]) -> None:
        try:
            self._look()
        except Exception as error:  # noqa: BLE001 - a worker goes on with the version it has
            message = error.message if isinstance(error, FlowerpowerError) else repr(error)
            trouble = f"The project cannot be looked at, and stays as it is: {mask(message)}"
            if trouble != self._trouble:
                on_trouble(trouble)
            self._trouble = trouble
        else:
            self._trouble = None

    def _look(self, wanted: str | None = None) -> Path:
        """The root folder of the version that the source has, fetched if it is not kept.

        Another one than the `wanted` one is not fetched.
        """
        fs, found = self._within(LOOK_SECONDS, "look at", self._list)
        root = self._cache.root_of(found.version)
        if root is None and wanted not in (None, found.version):
            return self._cache.folder / found.version / "files"
        if root is None:
            with self._cache.locked():
                # Another process may have fetched it meanwhile.
                root = self._cache.root_of(found.version)
                if root is None:
                    root = self._within(FETCH_SECONDS, "fetch", partial(self._fetch, fs, found))
        self._cache.set_newest(root.parent.name)
        self._use(root)
        return root

    def _use(self, root: Path) -> None:
        work = RemoteVersion("", self._key, "", "").work
        with os_errors_as(FlowerpowerError, f"The folder {work} cannot be made"):
            make_private_folder(work)
        self._root = root

    def copy_to(self, folder: Path) -> None:
        """Write all files of the project into a folder, but for those that are hidden.

        Raises:
            FlowerpowerError: if they cannot be read or written, or are too many or too large.
        """

        def fetch() -> list[tuple[str, bytes]]:
            return list(listing.read_files(*self._list(whole=True)))

        contents = self._within(FETCH_SECONDS, "copy", fetch)
        with os_errors_as(FlowerpowerError, f"{self.shown} cannot be copied to {folder}"):
            write_files({folder / path: content for path, content in contents})

    def _list(self, *, whole: bool = False) -> tuple[Any, listing.Listing]:
        fs, base = self._fs, self._url
        if fs is None:
            fs, base = listing.open_filesystem(self._url, self._options)
        else:
            base = fs._strip_protocol(base)
            fs.invalidate_cache()
        return fs, listing.list_project(fs, base, whole=whole)

    def _fetch(self, fs: Any, found: listing.Listing) -> Path:
        reason = ""
        for attempt in range(FETCHES):
            if attempt:
                time.sleep(0.2 * 2**attempt)
                fs, found = self._list()
            try:
                # Read as a whole first: it is small, and what has changed is then never written.
                contents = list(listing.read_files(fs, found))
                _, after = self._list()
            except listing.ChangedWhileRead as error:
                reason = f" {error.message}"
                continue
            if after.version == found.version:
                record = RemoteVersion(self.shown, self._key, self._name, found.version)
                with self._cache.write_errors():
                    return self._cache.add(record, contents)
        raise SourceUnreachable(
            f"{self.shown} has changed each of the {FETCHES} times that it was fetched.{reason}",
            hint="Try again once nobody writes to it.",
        )

    def _within(self, seconds: float, what: str, function: Callable[[], _Answer]) -> _Answer:
        """The answer of a function, in another thread; its errors as ours."""
        answers: list[_Answer] = []
        errors: list[BaseException] = []

        def call() -> None:
            try:
                answers.append(function())
            except BaseException as error:  # noqa: BLE001 - raised again by who waits
                errors.append(error)

        thread = threading.Thread(target=call, name=f"{what} project", daemon=True)
        thread.start()
        thread.join(seconds)
        if errors:
            raise self._as_ours(errors[0]) from None
        if not answers:
            raise _Away(f"{self.shown} did not answer in {seconds:g} seconds.")
        return answers[0]

    def _as_ours(self, error: BaseException) -> FlowerpowerError:
        if isinstance(error, ProjectNotFound):
            return ProjectNotFound(
                f"{self.shown} is not a project: {error.message[:1].lower()}{error.message[1:]}"
            )
        if isinstance(error, ConfigError):
            return ConfigError(f"{self.shown}: {error.message}", hint=error.hint)
        if isinstance(error, listing.ChangedWhileRead):
            return SourceUnreachable(f"{self.shown} changes while it is read: {error.message}")
        if isinstance(error, FlowerpowerError):
            return error
        reason = one_line(shortened(mask(str(error)), 300)).rstrip(".")
        # Who may not read it any more is not served what is kept either.
        kind = SourceUnreachable if isinstance(error, PermissionError) else _Away
        return kind(
            f"{self.shown} cannot be read: {type(error).__name__}: {reason}.",
            hint="Is the address right, and does FLOWERPOWER_STORAGE_OPTIONS hold what it needs?",
        )


def _look_every(environ: Mapping[str, str]) -> float:
    text = environ.get(LOOK_VARIABLE)
    if not text:
        return LOOK_EVERY
    try:
        return max(clock.parse_duration(text), 0.1)
    except InvalidDuration as error:
        raise ConfigError(f"{LOOK_VARIABLE}: {error.message}") from None
