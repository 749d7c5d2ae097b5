"""How a PostgreSQL server is set up for the role that uses it, and what is wrong with that."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources

from flowerpower.job_queue.records import Row
from flowerpower.jobs.problem import Level, Problem

OLDEST = 130_000
"""The first version that is supported, as server_version_num."""
NEARLY_FULL = 0.9
"""The part of its connections from which a server is nearly full."""


def query() -> str:
    """The text of the query whose one row `problems` takes."""
    return (resources.files(__package__) / "sql" / "postgres_setup.sql").read_text("utf-8")


def problems(facts: Row) -> Iterator[Problem]:
    """All that is wrong, by the row that `query` gives."""
    if facts["version"] < OLDEST:
        yield Problem(
            "postgresql_too_old", Level.WARNING,
            f"PostgreSQL is version {facts['version_text']}; 13 is the oldest that is tested.",
            "Upgrade PostgreSQL.",
        )  # fmt: skip
    if facts["read_only"]:
        yield Problem(
            "postgresql_read_only", Level.ERROR,
            "The database can only be read: it is a standby, or its transactions are read-only.",
            "Name the primary in the url, or several hosts and target_session_attrs=read-write.",
        )  # fmt: skip
    if facts["missing"]:
        yield Problem(
            "postgresql_missing_rights", Level.ERROR,
            f"The role may not do all that is needed; it lacks {facts['missing']}.",
            "GRANT SELECT, INSERT, UPDATE, DELETE on the tables flowerpower_… to the role.",
        )  # fmt: skip
    off = [name for name in ("fsync", "full_page_writes", "synchronous_commit")
           if facts[name] == "off"]  # fmt: skip
    if off:
        yield Problem(
            "postgresql_not_durable", Level.WARNING,
            f"A crash of the server or its machine may lose jobs: {', '.join(off)} is off.",
            f"ALTER SYSTEM SET {off[0]} = on",
        )  # fmt: skip
    if facts["connections"] >= NEARLY_FULL * facts["max_connections"]:
        yield Problem(
            "postgresql_connections_nearly_used", Level.WARNING,
            f"The server has {facts['connections']} connections of {facts['max_connections']}.",
            "Raise max_connections, or put PgBouncer before it.",
        )  # fmt: skip
