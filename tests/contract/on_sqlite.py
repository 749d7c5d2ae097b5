from pathlib import Path
from typing import Any

from tests.contract.backends import SqlBackendSetup


class OnSqlite(SqlBackendSetup):
    """The APScheduler backend on a SQLite file, its default."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def options(self) -> dict[str, Any]:
        return {"type": "apscheduler", "base_dir": str(self._root), "namespace": "test"}
