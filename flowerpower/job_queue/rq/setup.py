"""How a Redis is set up, by its answer to INFO, and what is wrong with that."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from flowerpower.jobs.problem import Level, Problem

UNKNOWN = "unknown: the user of Redis may not run INFO"
OLDEST = (6, 2)
"""The first version of Redis that is supported."""
NEARLY_FULL = 0.9
"""The part of its memory, or of its connections, from which a Redis is nearly full."""


def persistence(info: Mapping[str, Any] | None) -> str:
    """How Redis keeps its data on disk; UNKNOWN without an answer."""
    if info is None:
        return UNKNOWN
    return "append-only file" if info.get("aof_enabled") else "no append-only file"


def problems(info: Mapping[str, Any] | None) -> Iterator[Problem]:
    """All that is wrong; nothing is known without an answer."""
    if info is None:
        return
    yield from loss_problems(info)
    yield from _full_problems(info)
    # Valkey says here which Redis it stands in for.
    version = str(info.get("redis_version", ""))
    if (numbers := re.match(r"(\d+)\.(\d+)", version)) and tuple(
        map(int, numbers.groups())
    ) < OLDEST:
        yield Problem(
            "redis_too_old", Level.ERROR,
            f"Redis is version {version}; 6.2 is the oldest that is supported.",
            "Upgrade Redis.",
        )  # fmt: skip
    if info.get("role") == "slave":
        yield Problem(
            "redis_is_replica", Level.ERROR,
            "This Redis is a replica: nothing can be written to it.",
            "Name the master in the url, or the Sentinels: redis+sentinel://…",
        )  # fmt: skip
    failing = [
        name
        for name in ("aof_last_write_status", "aof_last_bgrewrite_status", "rdb_last_bgsave_status")
        if info.get(name, "ok") != "ok"
    ]
    if failing:
        yield Problem(
            "redis_cannot_save", Level.ERROR,
            f"Redis could not write to its disk ({', '.join(failing)}).",
            "See its log, and whether its disk is full.",
        )  # fmt: skip


def loss_problems(info: Mapping[str, Any] | None) -> Iterator[Problem]:
    """Settings with which this Redis may lose acknowledged jobs; none without an answer."""
    if info is None:
        return
    if not info.get("aof_enabled"):
        yield Problem(
            "redis_no_append_only_file", Level.WARNING,
            "Redis has no append-only file: a crash of Redis loses jobs (set appendonly yes).",
            "redis-cli CONFIG SET appendonly yes; write it into redis.conf too.",
        )  # fmt: skip
    policy = info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        yield Problem(
            "redis_evicts", Level.WARNING,
            f"Redis may evict jobs when it is full: maxmemory-policy is {policy}, not noeviction.",
            "redis-cli CONFIG SET maxmemory-policy noeviction; write it into redis.conf too.",
        )  # fmt: skip


def _full_problems(info: Mapping[str, Any]) -> Iterator[Problem]:
    limit = info.get("maxmemory") or 0
    if limit and info.get("used_memory", 0) >= NEARLY_FULL * limit:
        used = info.get("used_memory_human"), info.get("maxmemory_human")
        yield Problem(
            "redis_memory_nearly_full", Level.WARNING,
            f"Redis uses {used[0]} of its {used[1]} of memory; when it is full, no job can be "
            "added.",
            "Raise maxmemory, or keep less: result_ttl, history_ttl, flowerpower job-queue prune",
        )  # fmt: skip
    clients = info.get("maxclients") or 0
    if clients and info.get("connected_clients", 0) >= NEARLY_FULL * clients:
        yield Problem(
            "redis_connections_nearly_used", Level.WARNING,
            f"Redis has {info['connected_clients']} connections and takes {clients}.",
            "Raise maxclients.",
        )  # fmt: skip
