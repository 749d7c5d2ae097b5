"""Whether a Redis keeps what it acknowledged, by its answer to INFO."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

UNKNOWN = "unknown: the user of Redis may not run INFO"


def persistence(info: Mapping[str, Any] | None) -> str:
    """How Redis keeps its data on disk; UNKNOWN without an answer."""
    if info is None:
        return UNKNOWN
    return "append-only file" if info.get("aof_enabled") else "no append-only file"


def warnings(info: Mapping[str, Any] | None) -> Iterator[str]:
    """Settings with which this Redis may lose acknowledged jobs; none without an answer."""
    if info is None:
        return
    if not info.get("aof_enabled"):
        yield "Redis has no append-only file: a crash of Redis loses jobs (set appendonly yes)."
    policy = info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        yield f"Redis may evict jobs when it is full: maxmemory-policy is {policy}, not noeviction."
