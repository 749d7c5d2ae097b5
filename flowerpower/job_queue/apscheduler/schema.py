"""The tables in sql/, and which versions of them can be used."""

from __future__ import annotations

import re

from flowerpower.job_queue.apscheduler.database import sql_text

SCHEMA_VERSION = 8
_UPGRADABLE_VERSION = 2


def schema_statements(version: int = 0) -> list[str]:
    """The statements that make the tables, or upgrade those of an earlier `version`."""
    upgrades = [f"upgrade_{number}.sql" for number in range(version, SCHEMA_VERSION)]
    text = "".join(map(sql_text, upgrades if version else ["schema.sql"]))
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
