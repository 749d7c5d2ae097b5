"""Which database a URL means; its driver is imported only then."""

from __future__ import annotations

from pathlib import Path

from flowerpower.errors import ConfigError
from flowerpower.job_queue.apscheduler.database import Database


def open_database(url: str, root: Path) -> Database:
    """The database at `url`; a relative SQLite file is below the folder `root`.

    Raises:
        ConfigError: if no driver takes the URL, or its extra is not installed.
        BackendUnreachable: if it cannot be opened.
    """
    if url.startswith("sqlite:///"):
        from flowerpower.job_queue.apscheduler.sqlite import Sqlite

        return Sqlite(root / url.removeprefix("sqlite:///"))
    if url.startswith("postgresql://"):
        try:
            from flowerpower.job_queue.apscheduler.postgres import Postgres
        except ImportError:
            raise ConfigError(
                "PostgreSQL needs an extra that is not installed.",
                hint="pip install 'flowerpower-cli[postgresql]'",
            ) from None
        return Postgres(url)
    raise ConfigError(f"No database driver takes a URL that begins with {url[:20]!r}.")
