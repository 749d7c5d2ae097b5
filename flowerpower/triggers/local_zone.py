"""The name of the machine's time zone, found as the C library finds the zone itself.

The variable TZ comes first and then /etc/localtime. That file is often a copy or is mounted into a
container: then it has no name of its own, and the zone with the same content is looked for.
"""

from __future__ import annotations

import contextlib
import importlib.resources
import io
import itertools
import os
import re
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from flowerpower.text import did_you_mean, one_line, shortened
from flowerpower.triggers.transitions import Transition, next_transition, offset_at, to_datetime

_FIXED_OFFSET = re.compile(r"(?:[A-Za-z]{3,}|<[A-Za-z0-9+-]{3,}>)([+-]?)([0-9]{1,2})", re.ASCII)
_FROM, _UNTIL = 0, 68 * 31_556_952
"""Seconds since 1970: two zones that agree from 1970 to 2038 count as the same."""


@dataclass(frozen=True)
class LocalZone:
    """The machine's zone: its `name`, or None and the sentence why it has none."""

    name: str | None
    problem: str = ""


@lru_cache(maxsize=4)
def find_local_zone(tz: str | None, root: str = "/") -> LocalZone:
    """The machine's zone; `tz` is the variable TZ, and `root` the folder that holds `etc`."""
    if tz is not None:
        return _from_variable(tz, Path(root))
    return _from_file(Path(root, "etc/localtime"), Path(root))


def _from_variable(tz: str, root: Path) -> LocalZone:
    text = tz.removeprefix(":")
    if not text:
        return LocalZone("UTC")
    if text.startswith("/"):
        return _from_file(Path(text), root)
    # A file of that name comes before the meaning that POSIX gives: EST5EDT is a file, too.
    if name := _known_name(text):
        return LocalZone(name)
    if fixed := _FIXED_OFFSET.fullmatch(text):
        hours = int(fixed[2])
        # Both count hours to the west: UTC+5 is five hours behind.
        name = f"Etc/GMT{fixed[1] or '+'}{hours}" if hours else "UTC"
        if _known_name(name):
            return LocalZone(name)
    guess = did_you_mean(text, zoneinfo.available_timezones())
    shown = one_line(shortened(text, 60))
    return LocalZone(None, f"TZ is {shown!r}, which is not the name of a time zone.{guess}")


def _from_file(path: Path, root: Path) -> LocalZone:
    """The zone that a file defines: by the name of what it links to, or else by its content."""
    configured = _configured_name(root)
    if not path.exists():
        # To the C library this is UTC; who wrote /etc/timezone meant something else.
        return LocalZone(configured or "UTC")
    mounted = _mounted_file(path, root)
    for target in () if mounted else _link_targets(path):
        if name := _known_name(target.partition("/zoneinfo/")[2]):
            return LocalZone(name)
    try:
        content = path.read_bytes()
        name = _name_by_content(content, configured, mounted)
    except (OSError, ValueError) as error:
        return LocalZone(None, f"{path} cannot be read as a time zone: {error}.")
    problem = f"{path} is a copy of a time zone's file, and no zone here has the same content."
    return LocalZone(name, "" if name else problem)


def _link_targets(path: Path) -> Iterator[str]:
    """The path itself and what it links to, link by link."""
    for _ in range(20):
        # Not the end of all links alone: US/Eastern may be a link, and is the name to keep.
        yield str(path)
        if not path.is_symlink():
            return
        path = path.parent / os.readlink(path)


def _mounted_file(path: Path, root: Path) -> str | None:
    """The file that `path` leads to, if another one is mounted over it.

    A mount on /etc/localtime, if that is a link to Etc/UTC, hides the file of Etc/UTC: the link
    still says UTC, and the machine's times are those of the mounted file.
    """
    real = os.path.realpath(path)
    try:
        mounts = Path(root, "proc/self/mountinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return None
    return real if any(mount.split()[4:5] == [real] for mount in mounts) else None


def _known_name(text: str) -> str | None:
    name = text.removeprefix("posix/")
    try:
        return ZoneInfo(name).key if name else None
    except (LookupError, OSError, ValueError):
        return None


def _configured_name(root: Path) -> str | None:
    try:
        return _known_name(Path(root, "etc/timezone").read_text("ascii").strip())
    except (OSError, ValueError):
        return None


def _name_by_content(content: bytes, configured: str | None, mounted: str | None) -> str | None:
    """The name of the zone with this content, or else of one with the same times since 1970.

    Not a name whose file is the `mounted` one: it stands for another zone elsewhere.
    """
    zone = ZoneInfo.from_file(io.BytesIO(content))
    names = [
        name
        for name in zoneinfo.available_timezones()
        if _is_same(zone, name)
        and mounted not in [os.path.realpath(Path(folder, name)) for folder in zoneinfo.TZPATH]
    ]
    # Links such as Arctic/Longyearbyen have the content of the zone that they link to.
    main = _main_names()
    rank = {
        name: (_database_file(name) != content, name != configured, name != "UTC", name not in main)
        for name in names
    }
    return min(names, key=lambda name: (rank[name], name), default=None)


def _is_same(zone: ZoneInfo, name: str) -> bool:
    other = ZoneInfo(name)
    if offset_at(zone, _FROM) != offset_at(other, _FROM):
        return False
    pairs = itertools.zip_longest(_transitions(zone), _transitions(other))
    # By abbreviation, too: Africa/Abidjan has the times of UTC, and is not UTC.
    now = to_datetime(_UNTIL)
    same_name = now.astimezone(zone).tzname() == now.astimezone(other).tzname()
    return same_name and all(one == two for one, two in pairs)


def _transitions(zone: ZoneInfo) -> Iterator[Transition]:
    transition = next_transition(zone, _FROM, _UNTIL)
    while transition:
        yield transition
        transition = next_transition(zone, transition.at, _UNTIL)


def _main_names() -> frozenset[str]:
    """The zones that the database's table lists: one for each region, no links."""
    lines = (_database_file("zone1970.tab") or b"").decode().splitlines()
    return frozenset(line.split("\t")[2] for line in lines if line.count("\t") >= 2)


def _database_file(name: str) -> bytes | None:
    """A file of the time zone database: of the machine's, or else of the package tzdata."""
    folders = [Path(folder) for folder in zoneinfo.TZPATH]
    for folder in (*folders, importlib.resources.files("tzdata") / "zoneinfo"):
        with contextlib.suppress(OSError):
            return folder.joinpath(name).read_bytes()
    return None
