"""The files of a project at a URL: which there are, what version they make, and their contents."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flowerpower.errors import ConfigError, FlowerpowerError, ProjectNotFound
from flowerpower.text import did_you_mean, one_line, shortened

WHOLE_FOLDERS = ("conf", "pipelines")
"""Fetched with all that is in them; of all else only Python files."""
PROJECT_FILE = "conf/project.yml"
UPSTREAM_PROJECT_FILE = "conf/project.yaml"
MAX_LISTED, MAX_FILES = 20_000, 2_000
MAX_BYTES = 50 * 1024 * 1024
_IGNORED = {"__pycache__", "node_modules"}
_CHECKSUMS = ("sha", "hex", "ETag", "etag", "md5Hash", "md5", "content_md5", "crc32c", "CRC")
"""What file systems call a checksum of a file's content: GitHub, git, S3, Google, Azure, zip."""
_TIMES = ("mtime", "LastModified", "last_modified", "updated", "modified", "date_time", "created")
_SYMLINK_MODE = 0o120000


class ChangedWhileRead(FlowerpowerError):
    """The source does not hold (any more) what it said it holds."""


@dataclass(frozen=True)
class RemoteFile:
    """A file: its path in the project, its address in the file system, and its size in bytes.

    `stamp` changes with its content; None if the file system says nothing that would.
    """

    path: str
    address: str
    size: int | None
    stamp: str | None


@dataclass(frozen=True)
class Listing:
    """The files of a project at one moment."""

    files: tuple[RemoteFile, ...]
    version: str


def open_filesystem(url: str, options: Mapping[str, Any]) -> tuple[Any, str]:
    """A new file system of fsspec's, and the project's folder in it.

    Raises:
        ConfigError: if fsspec, or its package for the scheme, is not installed, or it knows none.
    """
    try:
        from fsspec import available_protocols
        from fsspec.core import split_protocol, url_to_fs
    except ImportError:
        raise ConfigError(
            "A project at a URL needs the package fsspec.",
            hint="pip install 'flowerpower-cli[remote]'",
        ) from None
    links = [split_protocol(link)[0] or link.partition(":")[0] for link in url.split("::")]
    for scheme in links:
        if "://" in url and scheme not in available_protocols() and len(links) == 1:
            guess = did_you_mean(scheme, available_protocols())
            raise ConfigError(f"fsspec knows no {shortened(scheme, 40)}://.{guess}")
    # Not one that is kept in this process: it may keep an old listing, or an archive open.
    fresh = {scheme: {"skip_instance_cache": True} for scheme in links}
    for scheme, own in fresh.items():
        if isinstance(given := options.get(scheme), Mapping):
            own.update(given)
    try:
        fs, base = url_to_fs(url, **{**options, **fresh})
    except ImportError as error:
        raise ConfigError(f"{links[0]}:// needs another package: {one_line(str(error))}.") from None
    return fs, str(base)


def list_project(fs: Any, base: str, *, whole: bool = False) -> Listing:
    """The files of the project in the folder `base` of the file system.

    With `whole` all files that are not hidden, of a project that may be one of upstream's.

    Raises:
        ProjectNotFound: if it has no conf/project.yml.
        ConfigError: if a name among them must not be fetched, or they are too many or too large.
        Exception: whatever the file system raises.
    """
    files = sorted(_walk(fs, base, whole=whole), key=lambda file: file.path)
    paths = {file.path for file in files}
    if PROJECT_FILE not in paths and not (whole and UPSTREAM_PROJECT_FILE in paths):
        raise ProjectNotFound(f"There is no {PROJECT_FILE} in it.")
    for path in paths:
        above = path.split("/")[:-1]
        if any("/".join(above[:count]) in paths for count in range(1, len(above) + 1)):
            raise ConfigError(f"{one_line(path)} is in a folder that is a file too.")
    _check_size(sum(file.size or 0 for file in files), len(files), whole=whole)
    stamps = [
        (file.path, file.size, file.stamp or _digest(fs.cat_file(file.address))) for file in files
    ]
    return Listing(tuple(files), _digest(json.dumps(stamps).encode())[:40])


def read_files(fs: Any, listing: Listing) -> Iterator[tuple[str, bytes]]:
    """The path and the content of each file.

    Raises:
        ChangedWhileRead: if one is gone, or has another size than it was listed with.
        Exception: whatever the file system raises.
    """
    total = 0
    for some in _portions(listing.files):
        addresses = [file.address for file in some]
        try:
            # Several at a time: an object store answers them at once.
            contents = fs.cat(addresses) if len(addresses) > 1 else None
        except FileNotFoundError as error:
            raise ChangedWhileRead(f"A file is gone: {error}.") from None
        for file in some:
            content = _content(fs, file, contents)
            total += len(content)
            _check_size(total, len(listing.files))
            yield file.path, content


def _content(fs: Any, file: RemoteFile, contents: Any) -> bytes:
    try:
        if not isinstance(contents, Mapping) or file.address not in contents:
            content = fs.cat_file(file.address)
        else:
            content = contents[file.address]
    except FileNotFoundError:
        raise ChangedWhileRead(f"{one_line(file.path)} is gone.") from None
    if file.size is not None and len(content) != file.size:
        raise ChangedWhileRead(
            f"{one_line(file.path)} has {len(content)} bytes, and not {file.size} as it said."
        )
    return bytes(content)


def _portions(files: Sequence[RemoteFile]) -> Iterator[Sequence[RemoteFile]]:
    for start in range(0, len(files), 50):
        yield files[start : start + 50]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _check_size(size: int, count: int, *, whole: bool = False) -> None:
    hint = (
        "Fetched are all files in conf/ and pipelines/, and Python files elsewhere. Keep data and "
        "environments in another place."
    )
    if whole:
        hint = "Fetch it by the tool of its place, without its data, and name the folder."
    if count > MAX_FILES:
        raise ConfigError(
            f"The project has {count} files: expected {MAX_FILES} at most.", hint=hint
        )
    if size > MAX_BYTES:
        limit = MAX_BYTES // 1024**2
        raise ConfigError(f"The project's files are larger than {limit} MB together.", hint=hint)


def _walk(fs: Any, base: str, *, whole: bool) -> Iterator[RemoteFile]:
    """The files to fetch, folder by folder; what is ignored is not looked into."""
    base = base.strip("/")
    waiting, listed = [""], 0
    while waiting:
        folder = waiting.pop()
        try:
            entries = fs.ls(_address(fs, base, folder), detail=True)
        except (FileNotFoundError, NotADirectoryError):
            if folder:
                raise ChangedWhileRead(f"The folder {one_line(folder)} is gone.") from None
            raise ProjectNotFound("There is no such folder.") from None
        listed += len(entries)
        if listed > MAX_LISTED:
            raise ConfigError(
                f"There are more than {MAX_LISTED} files and folders in it.",
                hint="Keep data in another place than the project.",
            )
        names = {str(entry["name"]).rstrip("/").rpartition("/")[2] for entry in entries}
        if "pyvenv.cfg" in names:
            continue
        for entry in entries:
            path = _path(str(entry["name"]), base)
            # An object store may list a folder among what is in it.
            if path in (None, folder) or _is_ignored(str(path)):
                continue
            path = str(path)
            is_folder = entry.get("type") == "directory"
            is_whole = whole or path.split("/")[0] in WHOLE_FOLDERS
            if not is_folder and not is_whole and not path.endswith(".py"):
                continue
            if _is_link(entry):
                if is_folder and not is_whole:
                    continue
                raise ConfigError(f"{one_line(path)} is a symbolic link, which is not fetched.")
            _check_path(path)
            if is_folder:
                waiting.append(path)
            elif entry.get("type") == "file":
                yield RemoteFile(path, str(entry["name"]), _size(entry), _stamp(entry))


def _address(fs: Any, base: str, folder: str) -> str:
    inner = "/".join(part for part in (base, folder) if part)
    # In some file systems paths begin with a slash, in others they must not.
    return f"{fs.root_marker}{inner}" if fs.root_marker == "/" else inner


def _path(name: str, base: str) -> str | None:
    """The path in the project of what is called so in the file system; None for the folder."""
    name = name.rstrip("/")
    start = f"{base}/" if base else ""
    # One slash at most: a second one would make the rest an absolute path.
    name = name.removeprefix("/")
    if name == base or not name:
        return None
    if not name.startswith(start):
        raise ConfigError(f"{one_line(shortened(name))} is not in the project's folder.")
    return name[len(start) :]


def _is_ignored(path: str) -> bool:
    name = path.rpartition("/")[2]
    is_hidden = name.startswith(".") and name not in ("..", ".")
    return is_hidden or name in _IGNORED or name.endswith(".pyc")


def _check_path(path: str) -> None:
    parts = path.split("/")
    is_wrong = any(part in ("", ".", "..") or len(part.encode()) > 255 for part in parts)
    if is_wrong or len(path) > 1000 or re.search(r"[\x00-\x1f\x7f\\]|^[A-Za-z]:", path):
        raise ConfigError(
            f"{one_line(shortened(path))!r} cannot be the name of a file of a project."
        )


def _is_link(entry: Mapping[str, Any]) -> bool:
    mode = entry.get("mode")
    try:
        # git and GitHub give it as octal text.
        number = int(mode, 8) if isinstance(mode, str) else int(mode or 0)
    except (TypeError, ValueError):
        number = 0
    attributes = int(entry.get("external_attr") or 0) >> 16
    is_link = entry.get("islink") is True or entry.get("type") == "link"
    return is_link or any(kind & 0o170000 == _SYMLINK_MODE for kind in (number, attributes))


def _size(entry: Mapping[str, Any]) -> int | None:
    size = entry.get("size")
    return size if isinstance(size, int) and not isinstance(size, bool) else None


def _stamp(entry: Mapping[str, Any]) -> str | None:
    for name in _CHECKSUMS:
        if entry.get(name):
            return f"{name}:{entry[name]!s}"
    for name in _TIMES:
        if entry.get(name):
            return f"{name}:{entry[name]!s}"
    return None
