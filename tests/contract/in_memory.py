from pathlib import Path
from typing import Any

from tests.contract.backends import SqlBackendSetup


class InMemory(SqlBackendSetup):
    """The APScheduler backend in a private file, which nobody else reaches."""

    is_shared = False

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def options(self) -> dict[str, Any]:
        return {
            "type": "apscheduler",
            "base_dir": str(self._root),
            "url": "memory",
            "namespace": "test",
        }
