"""The tables and the named queries of sql/, and which versions of the tables can be used."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from flowerpower.jobs.job import JobStatus

SCHEMA_VERSION = 8
_UPGRADABLE_VERSION = 2
_LIVE = ", ".join(f"'{status}'" for status in JobStatus if not status.is_ended)
_RETURNING_END = """RETURNING id, status, pipeline, schedule_id, scheduled_for, concurrency_key,
    attempt, error, run_at, created_at, started_at, has_children"""
# Not `importlib.resources`, whose import takes longer than all that is read.
_FOLDER = Path(__file__).parent / "sql"
_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


def _sql(file: str) -> str:
    text = (_FOLDER / file).read_text("utf-8")
    return text.replace("{live}", _LIVE).replace("{returning_end}", _RETURNING_END)


@lru_cache(maxsize=1)
def queries() -> dict[str, str]:
    """The text of every named query in the files of sql/ that have some."""
    files = (
        "queries", "workers", "chains", "limits", "schedules", "observing", "notices", "migration",
    )  # fmt: skip
    parts = [part for file in files for part in _NAME.split(_sql(f"{file}.sql"))[1:]]
    return {name: text.strip() for name, text in zip(parts[::2], parts[1::2], strict=True)}


def schema_statements(version: int = 0) -> list[str]:
    """The statements that make the tables, or upgrade those of an earlier `version`."""
    upgrades = [f"upgrade_{number}.sql" for number in range(version, SCHEMA_VERSION)]
    text = "".join(map(_sql, upgrades if version else ["schema.sql"]))
    text = re.sub(r"^--.*\n", "", text, flags=re.MULTILINE)
    return [statement.strip() for statement in text.split(";") if statement.strip()]


def schema_fault(version: int) -> str | None:
    """Why tables of that version can be neither used nor upgraded, None if they can."""
    ours = SCHEMA_VERSION
    if version > ours:
        return (
            f"a newer flowerpower made its tables (schema version {version}; this one knows {ours})"
        )
    if version < _UPGRADABLE_VERSION:
        return (
            f"its tables have schema version {version}; this flowerpower uses version "
            f"{ours} and upgrades from {_UPGRADABLE_VERSION}"
        )
    return None
