"""What is wrong with how a server or a file is set up: pure functions of what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowerpower.job_queue.apscheduler import postgres_setup, sqlite_setup
from flowerpower.job_queue.rq import setup as redis_setup

MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 22 0:42 / /srv/with\\040blank rw - nfs4 server:/export rw
41 22 0:43 / /srv/local rw master:2 - xfs /dev/sdb rw
42 41 0:44 / /srv/local/share rw - fuse.sshfs me@host: rw
43 42 0:45 / /srv/local/share rw - tmpfs tmpfs rw
nonsense
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/me/jobs.db", "ext4"),
        ("/srv/with blank/jobs.db", "nfs4"),
        ("/srv/with blanket/jobs.db", "ext4"),
        ("/srv/local/jobs.db", "xfs"),
        ("/srv/local/share/jobs.db", "tmpfs"),
    ],
)
def test_the_file_system_of_a_path(path: str, kind: str) -> None:
    """The deepest mount point counts, and the last one there."""
    assert sqlite_setup.file_system_of(Path(path), MOUNTS) == kind
    assert sqlite_setup.file_system_of(Path(path), "") is None


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "9p", "virtiofs"])
def test_a_file_on_a_network_file_system_is_a_problem(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other kinds are none."""
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"22 1 8:1 / / rw - {kind} x rw\n")
    monkeypatch.setattr(sqlite_setup, "MOUNTS", mounts)
    file = tmp_path / "jobs.db"
    file.touch(mode=0o600)
    (problem,) = sqlite_setup.problems(file, "wal")
    assert problem.code == "sqlite_on_network"
    assert kind in problem.message
    mounts.write_text("22 1 8:1 / / rw - btrfs x rw\n")
    assert list(sqlite_setup.problems(file, "wal")) == []
    assert [problem.code for problem in sqlite_setup.problems(file, "delete")] == ["sqlite_not_wal"]
    monkeypatch.setattr(sqlite_setup, "LITTLE_SPACE", 2**70)
    assert [problem.code for problem in sqlite_setup.problems(file, "wal")] == ["disk_nearly_full"]


GOOD_REDIS = {
    "redis_version": "7.2.4", "aof_enabled": 1, "maxmemory_policy": "noeviction", "role": "master",
    "maxmemory": 0, "used_memory": 10**9, "connected_clients": 9, "maxclients": 100,
    "aof_last_write_status": "ok", "rdb_last_bgsave_status": "ok",
}  # fmt: skip


@pytest.mark.parametrize(
    ("info", "code"),
    [
        ({}, None),
        ({"redis_version": "6.0.16"}, "redis_too_old"),
        ({"redis_version": "10.0.0"}, None),
        ({"redis_version": "unstable"}, None),
        ({"aof_last_write_status": "err"}, "redis_cannot_save"),
        ({"rdb_last_bgsave_status": "err"}, "redis_cannot_save"),
        ({"connected_clients": 95}, "redis_connections_nearly_used"),
        ({"maxmemory": 10**9}, "redis_memory_nearly_full"),
    ],
)
def test_what_redis_says_of_itself(info: dict[str, object], code: str | None) -> None:
    """Each answer that is not as it should be is one problem."""
    found = [problem.code for problem in redis_setup.problems({**GOOD_REDIS, **info})]
    assert found == ([] if code is None else [code])


GOOD_POSTGRESQL = {
    "version": 160002, "version_text": "16.2", "read_only": False, "missing": None, "fsync": "on",
    "full_page_writes": "on", "synchronous_commit": "on", "connections": 3, "max_connections": 100,
}  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({}, None),
        ({"version": 120017, "version_text": "12.17"}, "postgresql_too_old"),
        ({"read_only": True}, "postgresql_read_only"),
        ({"missing": "INSERT on flowerpower_jobs"}, "postgresql_missing_rights"),
        ({"synchronous_commit": "off"}, "postgresql_not_durable"),
        ({"synchronous_commit": "remote_apply"}, None),
        ({"connections": 95}, "postgresql_connections_nearly_used"),
    ],
)
def test_what_postgresql_says_of_itself(facts: dict[str, object], code: str | None) -> None:
    """Each answer that is not as it should be is one problem."""
    found = [problem.code for problem in postgres_setup.problems({**GOOD_POSTGRESQL, **facts})]
    assert found == ([] if code is None else [code])
