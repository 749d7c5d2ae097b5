"""How the file of a SQLite job queue is kept, and what is wrong with that."""

from __future__ import annotations

import contextlib
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from flowerpower.jobs.problem import Level, Problem

MOUNTS = Path("/proc/self/mountinfo")
NETWORK = re.compile(
    r"(nfs\d?|cifs|smb\w*|ncpfs|afs|ceph|lustre|gpfs|beegfs|glusterfs|ocfs2|gfs2|9p|virtiofs"
    r"|fuse\.(sshfs|glusterfs|ceph|s3fs|rclone|gcsfuse|davfs|smbnetfs|curlftpfs|blobfuse\w*))"
)
"""Types of file systems that other machines, or the host of a virtual one, may write to as well."""
LITTLE_SPACE = 100_000_000
"""Bytes on the file's disk below which it is nearly full."""


def problems(path: Path, journal_mode: str) -> Iterator[Problem]:
    """All that is wrong with the file at `path`, which is open in that journal mode."""
    mounts = ""
    # Other systems have no such file.
    with contextlib.suppress(OSError):
        mounts = MOUNTS.read_text("utf-8", "surrogateescape")
    kind = file_system_of(path.resolve(), mounts)
    if kind is not None and NETWORK.fullmatch(kind):
        yield Problem(
            "sqlite_on_network", Level.WARNING,
            f"{path} is on a network file system ({kind}): SQLite loses data there.",
            "Move it to a local disk, or use PostgreSQL or Redis: flowerpower job-queue migrate",
        )  # fmt: skip
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        yield Problem(
            "sqlite_file_mode", Level.WARNING,
            f"Others than its owner may read or write {path}: its mode is {mode:04o}.",
            f"chmod 600 {path}",
        )  # fmt: skip
    if journal_mode != "wal":
        yield Problem(
            "sqlite_not_wal", Level.WARNING,
            f"{path} is in the journal mode {journal_mode}, not wal: whoever reads blocks whoever "
            "writes.",
            "Its file system cannot share memory between processes; move it to a local disk.",
        )  # fmt: skip
    free = shutil.disk_usage(path.parent).free
    if free < LITTLE_SPACE:
        yield Problem(
            "disk_nearly_full", Level.WARNING,
            f"The disk of {path} has {free / 1e6:.0f} MB left; without any, no job can be added.",
            "Make room, or keep less: result_ttl, history_ttl, flowerpower job-queue prune",
        )  # fmt: skip


def file_system_of(path: Path, mounts: str) -> str | None:
    """The type of the file system of an absolute path, by the text of /proc/self/mountinfo."""
    best: tuple[int, str] | None = None
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split(" ")
        if len(fields) < 5 or not after:
            continue
        # Blanks in a path stand there as \040.
        point = Path(re.sub(r"\\(\d{3})", lambda match: chr(int(match[1], 8)), fields[4]))
        # Of several at one place the last one covers the others.
        if path.is_relative_to(point) and (best is None or len(point.parts) >= best[0]):
            best = len(point.parts), after.split(" ")[0]
    return None if best is None else best[1]
