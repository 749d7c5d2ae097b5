import uuid
from pathlib import Path
from typing import Any

from tests.contract.backends import SqlBackendSetup


class OnPostgresql(SqlBackendSetup):
    """The APScheduler backend on PostgreSQL, in a namespace of its own."""

    def __init__(self, root: Path, url: str) -> None:
        self._root = root
        self._url = url
        self._namespace = f"test-{uuid.uuid4()}"

    @property
    def options(self) -> dict[str, Any]:
        return {
            "type": "apscheduler",
            "base_dir": str(self._root),
            "url": self._url,
            "namespace": self._namespace,
        }
