"""The tracker of Hamilton's user interface, for a server that may be slow or go away.

Imported only if it is configured, as it needs Hamilton's SDK.
"""

from __future__ import annotations

import queue
import threading
from typing import Any

from hamilton_sdk.adapters import HamiltonTracker
from hamilton_sdk.api import clients

from flowerpower.run.patches import limit_hamilton_sdk_requests
from flowerpower.text import mask_values

CONNECT_TIMEOUT, READ_TIMEOUT = 5, 10
"""Seconds in which the server must take a connection, and answer."""


class Client(clients.BasicSynchronousHamiltonClient):  # type: ignore[misc] # it has no types
    """Hamilton's client, with secrets masked, and without threads that outlive the run."""

    def __init__(
        self, api_key: str | None, username: str, h_api_url: str, verify: str | bool = True
    ) -> None:
        # Not the SDK's own __init__: its thread would keep the process from ending.
        self.api_key, self.username, self.verify = api_key, username, verify
        self.base_url = f"{h_api_url.rstrip('/')}/api/v1"
        self.max_batch_size, self.flush_interval = 100, 2
        self.data_queue: queue.Queue[Any] = queue.Queue()
        self.running = True
        self._failure: Exception | None = None
        self.worker_thread = threading.Thread(target=self.worker, daemon=True)
        self.worker_thread.start()

    def register_dag_template_if_not_exists(self, **arguments: Any) -> int:
        arguments["config"] = mask_values(arguments["config"], named=True)
        return int(super().register_dag_template_if_not_exists(**arguments))

    def create_and_start_dag_run(self, **arguments: Any) -> int:
        arguments["inputs"] = mask_values(dict(arguments["inputs"]), named=True)
        return int(super().create_and_start_dag_run(**arguments))

    def update_tasks(
        self, dag_run_id: int, attributes: list[Any], *rest: Any, **arguments: Any
    ) -> None:
        """Queue what happened to nodes; raises why the thread failed to send the last time."""
        if self._failure is not None:
            raise self._failure
        super().update_tasks(dag_run_id, mask_values(attributes), *rest, **arguments)

    def flush(self, batch: list[Any]) -> None:
        """Called in the thread: send a batch; an error is kept for `update_tasks` and `stop`."""
        try:
            super().flush(batch)
        except Exception as error:  # noqa: BLE001 - raised again in the thread of the run
            self._failure = error

    def stop(self) -> None:
        """Send what is left; raises why that cannot be done."""
        self.data_queue.put(None)
        self.worker_thread.join(CONNECT_TIMEOUT + READ_TIMEOUT)
        if self._failure is not None:
            raise self._failure


def make_tracker(**settings: Any) -> HamiltonTracker:
    """The tracker, once the server has accepted its project and user; if not, this raises."""
    limit_hamilton_sdk_requests(clients, (CONNECT_TIMEOUT, READ_TIMEOUT))
    return HamiltonTracker(client_factory=Client, **settings)
