"""Ray and Dask: a cluster that already runs, or one of this machine for the run."""

from __future__ import annotations

import abc
import contextlib
import importlib
import logging
import os
import secrets
import shutil
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flowerpower.config.run_section import ExecutorConfig
from flowerpower.errors import RunFailed
from flowerpower.run.executors.remote_executor import RemoteExecutor
from flowerpower.run.executors.remote_task import run_packed
from flowerpower.run.modules import call_with_path, project_import_path
from flowerpower.run.node_events import NodeEventHook
from flowerpower.run.patches import (
    SILENT,
    environ,
    local_ray_only,
    log_levels,
    preserved_signal_handler,
    quiet_dask_worker,
)

if TYPE_CHECKING:
    from flowerpower.run.cache.tasks import CachedTasks

CONNECT_TIMEOUT = 5
"""Seconds in which a cluster must answer."""
KILL_DELAY = 0.3
"""Seconds until Dask's processes are killed that do not end by themselves."""
LOG_DRAIN_SECONDS = 0.6
"""Seconds in which Ray forwards what was printed last."""
HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
"""The first bytes of a gRPC client, which a server answers at once."""
_RAY_AUTH_TOKEN = secrets.token_hex(32)
"""The password of a Ray that we start: without it any user of the machine could give it work."""


class Cluster(RemoteExecutor):
    """A cluster at the `address` of the configuration, or one of this machine for this run."""

    def __init__(
        self,
        config: ExecutorConfig,
        node_events: NodeEventHook,
        cached_tasks: CachedTasks | None,
    ) -> None:
        super().__init__(None, node_events, cached_tasks)
        self._config = config
        self._resources = contextlib.ExitStack()

    def init(self) -> None:
        """Connect, or raise RunFailed."""
        try:
            self.connect()
        except BaseException:
            self._resources.close()
            raise

    @abc.abstractmethod
    def connect(self) -> None:
        """Connect; what `_resources` holds is closed at the end, or if this raises."""

    def finalize(self) -> None:
        """Disconnect, and end a local cluster; after a failure running tasks are not waited for."""
        self._resources.close()


class Ray(Cluster):
    """A cluster of Ray."""

    def __init__(
        self,
        ray: Any,
        config: ExecutorConfig,
        node_events: NodeEventHook,
        cached_tasks: CachedTasks | None,
    ) -> None:
        super().__init__(config, node_events, cached_tasks)
        self._ray = ray
        # By default Ray calls a task whose process died up to three times more.
        self._remote = ray.remote(max_retries=0)(call_with_path)
        errors = ray.exceptions
        self.crash_errors = errors.WorkerCrashedError, errors.OutOfMemoryError, errors.NodeDiedError

    def connect(self) -> None:
        """Connect, unless this process is connected already."""
        if self._ray.is_initialized():
            return
        address = self._config.address
        self._resources.enter_context(_environ(RAY_COLOR_PREFIX="0", RAY_USAGE_STATS_ENABLED="0"))
        try:
            if address in (None, "local"):
                self._start_local()
            else:
                self._connect_to(str(address))
        except BaseException:
            self._ray.shutdown()
            raise
        self._resources.callback(self._end)

    def _start_local(self) -> None:
        """Start a Ray that listens on this machine alone, at this process's own priority."""
        self._resources.enter_context(local_ray_only(self._ray))
        variables = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_worker_niceness": "0"}
        self._resources.enter_context(_environ(RAY_AUTH_TOKEN=_RAY_AUTH_TOKEN, **variables))
        with _connection_errors("Ray", None), preserved_signal_handler(signal.SIGTERM):
            context = self._ray.init(
                address="local",
                num_cpus=self._config.max_workers,
                include_dashboard=False,
                logging_level="error",
            )
        session = context.address_info["session_dir"]
        self._resources.callback(shutil.rmtree, session, ignore_errors=True)

    def _connect_to(self, address: str) -> None:
        # Ray's client retries once a second, with a warning each time: 3 times instead of 20.
        self._resources.enter_context(_environ(RAY_gcs_server_port_wait_time_s="3"))
        hint = "Start it with `ray start --head`; if it asks for a token, set RAY_AUTH_MODE=token."
        with _connection_errors("Ray", address, hint), preserved_signal_handler(signal.SIGTERM):
            _check_answers(address, None if os.environ.get("RAY_USE_TLS") else HTTP2_PREFACE)
            self._ray.init(address=address, logging_level="error")

    def call(self, packed: bytes) -> Future[bytes]:
        reference = self._remote.remote(project_import_path(), run_packed, packed)
        future: Future[bytes] = reference.future()
        return future

    def _end(self) -> None:
        # Ray forwards what nodes print through files that it polls.
        time.sleep(LOG_DRAIN_SECONDS)
        self._ray.shutdown()


class Dask(Cluster):
    """A cluster of Dask; one of this machine has `workers` processes."""

    def __init__(
        self,
        distributed: Any,
        config: ExecutorConfig,
        workers: int,
        node_events: NodeEventHook,
        cached_tasks: CachedTasks | None,
    ) -> None:
        super().__init__(config, node_events, cached_tasks)
        self._distributed, self._workers = distributed, workers
        self._pids: list[int] = []
        self.crash_errors = (distributed.scheduler.KilledWorker,)

    def connect(self) -> None:
        address = self._config.address
        hint = "Start it with `dask scheduler`, and a `dask worker`." if address else None
        self._resources.enter_context(_dask_settings())
        with _connection_errors("Dask", address, hint):
            if address is not None:
                _check_answers(address, None if address.startswith("tls") else b"")
                client = self._distributed.Client(address, timeout=CONNECT_TIMEOUT)
            else:
                client = self._distributed.Client(self._start_local())
        self._client = self._resources.enter_context(client)
        if address is None:
            self._pids = list(client.run(quiet_dask_worker).values())

    def _start_local(self) -> Any:
        cluster = self._distributed.LocalCluster(
            n_workers=self._workers,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=None,
            # It starts the dashboard's server all the same, by default at a port that is the same
            # for all clusters of the machine.
            scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
        )
        self._resources.enter_context(cluster)
        self._resources.callback(self._kill_workers_later)
        return cluster

    def call(self, packed: bytes) -> Future[bytes]:
        path = project_import_path()
        # Not pure: Dask would return the result of an earlier call with the same arguments.
        call = self._client.submit(call_with_path, path, run_packed, packed, pure=False)
        future: Future[bytes] = Future()

        def settle(ended: Any) -> None:
            try:
                future.set_result(ended.result())
            except self._distributed.client.FutureCancelledError as error:
                future.set_exception(ConnectionError(f"Dask has given it up: {error.reason}"))
            except BaseException as error:  # noqa: BLE001 - it is raised where the run waits
                future.set_exception(error)

        call.add_done_callback(settle)
        return future

    def finalize(self) -> None:
        if self._config.address is None:
            # On a busy machine its processes end late, or lose each other, and Dask warns of it.
            logging.getLogger("distributed").setLevel(SILENT)
        super().finalize()

    def _kill_workers_later(self) -> None:
        """Kill the processes if tasks still run; a cluster that closes does not replace them."""
        if self._running:
            timer = threading.Timer(KILL_DELAY, self._kill_workers)
            timer.daemon = True
            timer.start()

    def _kill_workers(self) -> None:
        for pid in self._pids:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)


def _environ(**variables: str) -> contextlib.AbstractContextManager[None]:
    """Set variables of the environment that the user has not set, and remove them at the end."""
    return environ({name: variables[name] for name in variables if name not in os.environ})


@contextlib.contextmanager
def _dask_settings() -> Iterator[None]:
    """No second call of a task whose process died, and no logs but Dask's own troubles."""
    settings = {
        "distributed.scheduler.allowed-failures": 0,
        "distributed.admin.large-graph-warning-threshold": "1 TiB",
    }
    least = {"distributed": logging.WARNING, "distributed.client": logging.CRITICAL}
    levels = {name: max(level, logging.getLogger(name).level) for name, level in least.items()}
    with log_levels(levels), importlib.import_module("dask").config.set(settings):
        yield


def _check_answers(address: str, greeting: bytes | None) -> None:
    """Raise OSError if a server takes no connections or does not answer a greeting, if any.

    The clients of Ray and Dask would wait for an answer without end.
    """
    url = urlsplit(address if "://" in address else f"//{address}")
    if url.hostname is None or url.port is None:
        return
    with socket.create_connection((url.hostname, url.port), timeout=CONNECT_TIMEOUT) as connection:
        if greeting is not None:
            connection.sendall(greeting)
            if not connection.recv(1):
                raise OSError("it takes connections and closes them")


@contextlib.contextmanager
def _connection_errors(name: str, address: str | None, hint: str | None = None) -> Iterator[None]:
    """Raise whatever a cluster's client raises as RunFailed."""
    start = time.monotonic()
    try:
        yield
    except Exception as error:  # noqa: BLE001 - their clients may raise anything
        where = f" at {address}" if address else ""
        raise RunFailed(
            f"{name}{where} cannot be reached (tried for {time.monotonic() - start:.0f} s): "
            f"{type(error).__name__}: {str(error).partition(chr(10))[0]}",
            hint=hint,
        ) from None
