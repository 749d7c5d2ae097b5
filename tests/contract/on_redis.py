import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

from flowerpower.job_queue.base import JobQueueBackend
from tests.contract.backends import BackendSetup


class OnRedis(BackendSetup):
    """The RQ backend, in a namespace of its own."""

    url_refused = "is not a Redis URL"

    def __init__(self, root: Path, url: str) -> None:
        self._root = root
        self._url = url
        self._namespace = f"test-{uuid.uuid4()}"

    @property
    def options(self) -> dict[str, Any]:
        return {
            "type": "rq",
            "base_dir": str(self._root),
            "url": self._url,
            "namespace": self._namespace,
        }

    def _key(self, job_id: str) -> str:
        return f"rq:job:{self._namespace}--{job_id}"

    def overwrite(self, backend: JobQueueBackend, job_id: str, part: str, text: str) -> None:
        client = backend.connection.client  # type: ignore[attr-defined]
        if part in ("result", "progress"):
            client.set(f"flowerpower:{self._namespace}:{part}:{job_id}", text)
        else:
            field = part if part == "status" else f"fp_{part}"
            client.hset(self._key(job_id), field, text)

    def vanish(self, backend: JobQueueBackend, job_id: str) -> None:
        backend.connection.client.delete(self._key(job_id))  # type: ignore[attr-defined]

    def fill(self, backend: JobQueueBackend, job_id: str, count: int) -> None:
        client = backend.connection.client  # type: ignore[attr-defined]
        fields = client.hgetall(self._key(job_id))
        queue = fields[b"fp_queue"].decode()
        pipeline = client.pipeline(transaction=False)
        for number in range(1, count + 1):
            pipeline.hset(self._key(f"{job_id}-{number}"), mapping=fields)
            pipeline.rpush(
                f"rq:queue:{self._namespace}.{queue}", f"{self._namespace}--{job_id}-{number}"
            )
            pipeline.zadd(
                f"flowerpower:{self._namespace}:jobs",
                {f"{job_id}-{number}": float(fields[b"fp_created_at"])},
            )
        pipeline.execute()

    def age(self, backend: JobQueueBackend, schedule_id: str, seconds: float) -> None:
        client = backend.connection.client  # type: ignore[attr-defined]
        own = f"flowerpower:{self._namespace}"
        key = f"{own}:schedule:{schedule_id}"
        for field in ("anchor", "next_fire", "due_at", "created_at"):
            if value := client.hget(key, field):
                client.hset(key, field, f"{float(value) - seconds:.6f}")
        dealt_with = float(client.hget(key, "last_fire") or client.hget(key, "anchor"))
        client.zadd(f"{own}:dealt_with", {schedule_id: dealt_with}, xx=True)
        client.zadd(f"{own}:due", {schedule_id: -seconds}, xx=True, incr=True)

    def set_next_fire(self, backend: JobQueueBackend, schedule_id: str, moment: datetime) -> None:
        self._set(backend, schedule_id, "next_fire", moment)
        self._set(backend, schedule_id, "due_at", moment, "due")

    def set_last_fire(self, backend: JobQueueBackend, schedule_id: str, moment: datetime) -> None:
        self._set(backend, schedule_id, "last_fire", moment, "dealt_with")

    def _set(
        self, backend: JobQueueBackend, schedule_id: str, field: str, moment: datetime, of: str = ""
    ) -> None:
        client = backend.connection.client  # type: ignore[attr-defined]
        own = f"flowerpower:{self._namespace}"
        client.hset(f"{own}:schedule:{schedule_id}", field, f"{moment.timestamp():.6f}")
        if of:
            client.zadd(f"{own}:{of}", {schedule_id: moment.timestamp()}, xx=True)

    def damage_schedule(self, backend: JobQueueBackend, schedule_id: str, text: str) -> None:
        client = backend.connection.client  # type: ignore[attr-defined]
        client.hset(f"flowerpower:{self._namespace}:schedule:{schedule_id}", "definition", text)
