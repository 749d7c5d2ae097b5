"""The SQLite file of a project's queue, for tests that look into it or damage it."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def jobs_database(root: Path) -> Iterator[sqlite3.Connection]:
    """The queue of the project in `root`, which must exist; committed at the end, and closed."""
    # A connection's own `with` commits and does not close: from Python 3.13 on that is a warning,
    # whenever the collector comes to it.
    path = root / ".flowerpower" / "jobs.db"
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        yield database
