"""RQManager: the job queue on Redis, for many workers on many machines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flowerpower.errors import ConfigError
from flowerpower.job_queue.base import WorkerEvent, WorkerOptions
from flowerpower.job_queue.rq.connection import Connection, make_url
from flowerpower.job_queue.rq.worker_store import RedisWorkers
from flowerpower.job_queue.schedule_store import ScheduleStore
from flowerpower.jobs.job import check_ttl
from flowerpower.text import check_name
from flowerpower.triggers import clock


class RQManager(RedisWorkers):
    """A job queue in a Redis.

    Args:
        base_dir: the project's folder, in which jobs run.
        url: `redis://…`, `rediss://…` or `unix://…`; or else
        host, port, database, username, password: the same in parts.
        namespace: what parts this project's jobs from others' in the same Redis.
        result_ttl: seconds a result is kept where a job does not say; history_ttl: an ended
            job's record.

    Raises:
        UsageError: if the namespace is no name, or a time to live is out of range.
        ConfigError: if the URL is none of a Redis, or the namespace cannot part ids.
        BackendUnreachable: if it does not answer.
    """

    def __init__(
        self,
        base_dir: Path,
        url: str | None = None,
        *,
        host: str | None = None,
        port: int | None = None,
        database: int | None = None,
        username: str | None = None,
        password: str | None = None,
        namespace: str = "default",
        result_ttl: float = 120.0,
        history_ttl: float = 7 * 86_400.0,
    ) -> None:
        self.base_dir = base_dir
        check_name("namespace", namespace)
        if "--" in namespace or namespace.endswith("-"):
            raise ConfigError(
                f"The namespace {namespace!r} holds '--' or ends with '-', "
                "which parts it from ids on Redis.",
                hint="Set job_queue.namespace in conf/project.yml.",
            )
        check_ttl("result_ttl", result_ttl)
        clock.parse_duration(history_ttl)
        connection = Connection(make_url(url, host, port, database, username, password))
        super().__init__(connection, namespace, result_ttl, history_ttl)
        connection.greet()

    def info(self) -> Mapping[str, Any]:
        """What Redis says of itself.

        Raises:
            BackendUnreachable: if it does not answer.
        """
        with self.connection.errors():
            found: Mapping[str, Any] = self.connection.client.info()
        return found

    def check(self) -> Mapping[str, Any]:
        info = self.info()
        name = str(info.get("server_name") or "redis").capitalize()
        version = info.get(f"{name.lower()}_version") or info.get("redis_version")
        return {"backend": "rq", "url": self.connection.url, "version": f"{name} {version}"}

    def close(self) -> None:
        self.connection.close()

    def run_worker(
        self, options: WorkerOptions, on_event: Callable[[WorkerEvent], None] | None = None
    ) -> int:
        from flowerpower.job_queue.rq.worker import work

        return work(self, options, on_event)

    def _open_schedules(self) -> ScheduleStore:
        from flowerpower.job_queue.rq.schedules import RedisSchedules

        return RedisSchedules(self)

    def run_scheduler(self, on_event: Callable[[WorkerEvent], None] | None = None) -> None:
        from flowerpower.job_queue.worker.scheduler import Scheduler

        Scheduler(self, on_event).run()
