"""The tracker of Hamilton's user interface, for a server that may be slow or go away.

It is imported only where Hamilton's SDK is installed and asked for.
"""

from __future__ import annotations

import functools
import logging
import queue
import threading
from types import SimpleNamespace
from typing import Any

import requests
from hamilton_sdk.adapters import HamiltonTracker
from hamilton_sdk.api import clients

from flowerpower.text import mask_values

CONNECT, READ = 5, 10
"""Seconds in which the server must take a connection, and answer."""


class Client(clients.BasicSynchronousHamiltonClient):  # type: ignore[misc] # it has no types
    """Hamilton's client, with secrets masked, and without threads that outlive the run."""

    def __init__(
        self, api_key: str | None, username: str, h_api_url: str, verify: str | bool = True
    ) -> None:
        self.api_key, self.username, self.verify = api_key, username, verify
        self.base_url = f"{h_api_url.rstrip('/')}/api/v1"
        self.max_batch_size, self.flush_interval = 100, 2
        self.data_queue: queue.Queue[Any] = queue.Queue()
        self.running = True
        self._failure: Exception | None = None
        self.worker_thread = threading.Thread(target=self.worker, daemon=True)
        self.worker_thread.start()

    def register_dag_template_if_not_exists(self, **told: Any) -> int:
        """Tell of the DAG; the identifier that it has there."""
        told["config"] = mask_values(told["config"], named=True)
        return int(super().register_dag_template_if_not_exists(**told))

    def create_and_start_dag_run(self, *, inputs: dict[str, Any], **told: Any) -> int:
        """Tell of a run that begins; the identifier that it has there."""
        shown = mask_values(dict(inputs), named=True)
        return int(super().create_and_start_dag_run(inputs=shown, **told))

    def update_tasks(self, dag_run_id: int, attributes: list[Any], *rest: Any, **told: Any) -> None:
        """Tell of nodes, in a while.

        Raises:
            Exception: what came of it the last time, if that went wrong.
        """
        if self._failure is not None:
            raise self._failure
        super().update_tasks(dag_run_id, mask_values(attributes), *rest, **told)

    def flush(self, batch: list[Any]) -> None:
        """Send what is told of nodes; in the thread that does it an error would be lost."""
        try:
            super().flush(batch)
        except Exception as error:  # noqa: BLE001 - it is raised where it is heard
            self._failure = error

    def stop(self) -> None:
        """Send what is left.

        Raises:
            Exception: if that cannot be done.
        """
        self.data_queue.put(None)
        self.worker_thread.join(CONNECT + READ)
        if self._failure is not None:
            raise self._failure


def make_tracker(**settings: Any) -> HamiltonTracker:
    """The tracker; the server has taken its project and user.

    Raises:
        Exception: if the server cannot be reached or does not take them.
    """
    # The SDK waits for its server without end, and logs what is told by us.
    clients.requests = SimpleNamespace(
        **{
            verb: functools.partial(getattr(requests, verb), timeout=(CONNECT, READ))
            for verb in ("get", "post", "put")
        }
    )
    logging.getLogger("hamilton_sdk").setLevel(logging.CRITICAL + 1)
    return HamiltonTracker(client_factory=Client, **settings)
