"""What is known of a fetched version of a project, from its folder alone; nothing is fetched.

Every process that is given the folder, such as a child that runs a job, learns from it where the
work folder is: it needs no address and no storage options.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

MARK = ".flowerpower-version.json"
"""In the root folder of a fetched version. A name with a dot is never fetched."""
FILES = "files"
"""The root folder of a version, beside what is kept of it."""
_KEY = re.compile(r"[A-Za-z0-9_-]{1,100}")
_VERSION = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class RemoteVersion:
    """A version of a remote project: a digest of what its source says of its files.

    `source` is its address with secrets masked, `name` the project's if it has no other, and `key`
    the name of the source's folders.
    """

    source: str
    key: str
    name: str
    version: str

    @property
    def work(self) -> Path:
        """The folder for what is written: the same for all versions of the source."""
        return state_home() / "flowerpower" / "projects" / self.key


def state_home() -> Path:
    """XDG_STATE_HOME, or its default."""
    return _home("XDG_STATE_HOME", ".local/state")


def cache_home() -> Path:
    """XDG_CACHE_HOME, or its default."""
    return _home("XDG_CACHE_HOME", ".cache")


def _home(variable: str, default: str) -> Path:
    # A relative path is to be ignored, says the specification.
    value = os.environ.get(variable, "")
    return Path(value) if os.path.isabs(value) else Path(os.path.expanduser("~"), default)


def is_version(text: object) -> bool:
    """Whether it can be a version; one that comes from a queue names a folder."""
    return isinstance(text, str) and _VERSION.fullmatch(text) is not None


def version_in(root: Path) -> RemoteVersion | None:
    """The version whose root folder this is; None if it is the folder of a local project."""
    try:
        content = (root / MARK).read_bytes()
    except OSError:
        return None
    try:
        data = json.loads(content)
        record = RemoteVersion(*(str(data[name]) for name in ("source", "key", "name", "version")))
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    is_valid = is_version(record.version) and _KEY.fullmatch(record.key)
    return record if is_valid else None


def kept_beside(root: Path) -> Path:
    """The folder for what is kept of the project in `root` and can be made again: signatures."""
    return root / ".flowerpower" if version_in(root) is None else root.parent


def work_folder(root: Path) -> Path:
    """Where runs of the project in `root` are, and what they write: of a local project `root`."""
    record = version_in(root)
    return root if record is None else record.work
