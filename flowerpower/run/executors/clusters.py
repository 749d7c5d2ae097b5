"""Ray and Dask: a cluster that runs, or one of this machine for the run."""

from __future__ import annotations

import concurrent.futures
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
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from flowerpower.config.run import ExecutorConfig
from flowerpower.errors import RunFailed
from flowerpower.run.executors.cluster_imports import call_with, own_path
from flowerpower.run.executors.remote_executor import RemoteExecutor
from flowerpower.run.node_events import NodeEventHook

ANSWER = 5
"""Seconds in which a cluster must answer."""
HASTE = 0.3
"""Seconds until processes of Dask's are killed that do not end by themselves."""
LAST_WORDS = 0.6
"""Seconds in which Ray brings what was printed last."""
HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
"""How a client of gRPC begins: a server says something to it at once."""
_TOKEN = secrets.token_hex(32)
"""What a Ray of ours takes orders by."""


class Ray(RemoteExecutor):
    """Ray: one that runs at `address`, or one of this machine for this run."""

    def __init__(self, ray: Any, config: ExecutorConfig, recorder: NodeEventHook) -> None:
        super().__init__(None, recorder)
        self._ray, self._config = ray, config
        self._began = contextlib.ExitStack()
        # Ray itself would call again, up to three times, what has ended its process.
        self._remote = ray.remote(max_retries=0)(call_with)
        errors = ray.exceptions
        self.deaths = errors.WorkerCrashedError, errors.OutOfMemoryError, errors.NodeDiedError

    def init(self) -> None:
        """Connect, unless this process is connected already.

        Raises:
            RunFailed: if it cannot.
        """
        if self._ray.is_initialized():
            return
        address = self._config.address
        self._began.enter_context(_environ(RAY_COLOR_PREFIX="0", RAY_USAGE_STATS_ENABLED="0"))
        try:
            if address in (None, "local"):
                self._begin_own()
            else:
                self._connect_to(str(address))
        except BaseException:
            self._ray.shutdown()
            self._began.close()
            raise
        self._began.callback(self._end)

    def _begin_own(self) -> None:
        """Start one that listens to this machine alone, and is not nicer than this process."""
        constants = self._ray._private.ray_constants
        self._began.enter_context(_attribute(constants, "ENABLE_RAY_CLUSTER", False))
        self._began.enter_context(
            _environ(
                RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER="0",
                RAY_AUTH_TOKEN=_TOKEN,
                RAY_worker_niceness="0",
            )
        )
        with _reached("Ray", None), _kept_handler(signal.SIGTERM):
            context = self._ray.init(
                address="local",
                num_cpus=self._config.max_workers,
                include_dashboard=False,
                logging_level="error",
            )
        session = context.address_info["session_dir"]
        self._began.callback(shutil.rmtree, session, ignore_errors=True)

    def _connect_to(self, address: str) -> None:
        # One that refuses is asked again each second, with a warning: three times, not twenty.
        self._began.enter_context(_environ(RAY_gcs_server_port_wait_time_s="3"))
        hint = "Start it with `ray start --head`; if it asks for a token, set RAY_AUTH_MODE=token."
        with _reached("Ray", address, hint), _kept_handler(signal.SIGTERM):
            _check_answers(address, None if os.environ.get("RAY_USE_TLS") else HTTP2_PREFACE)
            self._ray.init(address=address, logging_level="error")

    def call(
        self, function: Callable[[bytes], bytes], packed: bytes
    ) -> concurrent.futures.Future[bytes]:
        """Call a function in a worker of it."""
        reference = self._remote.remote(own_path(), function, packed)
        called: concurrent.futures.Future[bytes] = reference.future()
        return called

    def finalize(self) -> None:
        """End what `init` began."""
        self._began.close()

    def _end(self) -> None:
        # What nodes have printed comes through files that Ray looks at now and then.
        time.sleep(LAST_WORDS)
        self._ray.shutdown()


class Dask(RemoteExecutor):
    """Dask: a scheduler that runs at `address`, or a cluster of processes for this run."""

    def __init__(
        self, distributed: Any, config: ExecutorConfig, workers: int, recorder: NodeEventHook
    ) -> None:
        super().__init__(None, recorder)
        self._distributed, self._config, self._workers = distributed, config, workers
        self._began = contextlib.ExitStack()
        self._pids: list[int] = []
        self.deaths = (distributed.scheduler.KilledWorker,)

    def init(self) -> None:
        """Connect.

        Raises:
            RunFailed: if it cannot.
        """
        address = self._config.address
        hint = "Start it with `dask scheduler`, and a `dask worker`." if address else None
        try:
            self._began.enter_context(_dask_settings())
            with _reached("Dask", address, hint):
                if address is not None:
                    _check_answers(address, None if address.startswith("tls") else b"")
                    client = self._distributed.Client(address, timeout=ANSWER)
                else:
                    client = self._distributed.Client(self._own_cluster())
            self._client = self._began.enter_context(client)
            if address is None:
                self._pids = list(client.run(_calmed).values())
        except BaseException:
            self._began.close()
            raise

    def _own_cluster(self) -> Any:
        cluster = self._distributed.LocalCluster(
            n_workers=self._workers,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=None,
            # There is a server for it all the same, at one port for all who say none.
            scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
        )
        self._began.enter_context(cluster)
        self._began.callback(self._hasten)
        return cluster

    def call(
        self, function: Callable[[bytes], bytes], packed: bytes
    ) -> concurrent.futures.Future[bytes]:
        """Call a function in a worker of it."""
        called = self._client.submit(call_with, own_path(), function, packed, pure=False)
        future: concurrent.futures.Future[bytes] = concurrent.futures.Future()

        def settle(ended: Any) -> None:
            try:
                future.set_result(ended.result())
            except self._distributed.client.FutureCancelledError as error:
                future.set_exception(ConnectionError(f"Dask has given it up: {error.reason}"))
            except BaseException as error:  # noqa: BLE001 - it is told where the run is
                future.set_exception(error)

        called.add_done_callback(settle)
        return future

    def finalize(self) -> None:
        """End what `init` began; what still runs after a failure is not waited for."""
        self._began.close()

    def _hasten(self) -> None:
        """Kill the processes, if they run something, once they are not started again."""
        if self._running:
            logging.getLogger("distributed").setLevel(logging.CRITICAL + 1)
            timer = threading.Timer(HASTE, _kill, [self._pids])
            timer.daemon = True
            timer.start()


def _calmed() -> int:
    """In a worker of Dask's: say nothing of tasks that are given up; the process."""
    logging.getLogger("distributed.worker.state_machine").setLevel(logging.ERROR)
    return os.getpid()


def _kill(pids: list[int]) -> None:
    for pid in pids:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def _environ(**wanted: str) -> Iterator[None]:
    """Variables of the environment for as long as this lasts, where the user has set none."""
    added = [each for each in wanted if each not in os.environ]
    os.environ.update({each: wanted[each] for each in added})
    try:
        yield
    finally:
        for each in added:
            os.environ.pop(each, None)


@contextlib.contextmanager
def _attribute(owner: Any, name: str, value: object) -> Iterator[None]:
    before = getattr(owner, name, None)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


@contextlib.contextmanager
def _kept_handler(number: int) -> Iterator[None]:
    """What handles the signal stays what it is, whatever is called meanwhile."""
    before = signal.getsignal(number)
    try:
        yield
    finally:
        if before is not None and threading.current_thread() is threading.main_thread():
            signal.signal(number, before)


@contextlib.contextmanager
def _dask_settings() -> Iterator[None]:
    """Dask calls nothing again that has ended its process, and tells of its own troubles alone."""
    settings = {
        "distributed.scheduler.allowed-failures": 0,
        "distributed.admin.large-graph-warning-threshold": "1 TiB",
    }
    loggers = {"distributed": logging.WARNING, "distributed.client": logging.CRITICAL}
    levels = {name: logging.getLogger(name).level for name in loggers}
    for name, level in loggers.items():
        logging.getLogger(name).setLevel(max(level, levels[name]))
    try:
        with importlib.import_module("dask").config.set(settings):
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def _check_answers(address: str, greeting: bytes | None) -> None:
    """Raise OSError if nothing takes connections there, or says nothing to a greeting.

    Their own clients wait for an answer without end; None: no answer is awaited.
    """
    place = urlsplit(address if "://" in address else f"//{address}")
    if place.hostname is None or place.port is None:
        return
    with socket.create_connection((place.hostname, place.port), timeout=ANSWER) as connection:
        if greeting is not None:
            connection.sendall(greeting)
            if not connection.recv(1):
                raise OSError("it takes connections and closes them")


@contextlib.contextmanager
def _reached(what: str, address: str | None, hint: str | None = None) -> Iterator[None]:
    since = time.monotonic()
    try:
        yield
    except Exception as error:  # noqa: BLE001 - their clients may raise anything
        where = f" at {address}" if address else ""
        raise RunFailed(
            f"{what}{where} cannot be reached (tried for {time.monotonic() - since:.0f} s): "
            f"{type(error).__name__}: {str(error).partition(chr(10))[0]}",
            hint=hint,
        ) from None
