"""What RQ's own classes see of a queue of ours."""

from __future__ import annotations

from typing import Any

import redis
import rq.job
import rq.registry
from rq import Queue
from rq.serializers import JSONSerializer

from tests.contract.on_redis import OnRedis

REGISTRIES = {
    "scheduled": rq.registry.ScheduledJobRegistry,
    "wip": rq.registry.StartedJobRegistry,
    "finished": rq.registry.FinishedJobRegistry,
    "failed": rq.registry.FailedJobRegistry,
    "canceled": rq.registry.CanceledJobRegistry,
    "deferred": rq.registry.DeferredJobRegistry,
}


class Stock:
    """RQ's own classes on one of our queues, with RQ's serializer for JSON."""

    def __init__(self, setup: OnRedis, name: str = "default") -> None:
        self.namespace = setup.options["namespace"]
        self.client = redis.Redis.from_url(setup.options["url"])
        self.queue = Queue(
            f"{self.namespace}.{name}", connection=self.client, serializer=JSONSerializer
        )

    def id(self, job_id: str) -> str:
        return f"{self.namespace}--{job_id}"

    def registry(self, word: str) -> Any:
        return REGISTRIES[word](queue=self.queue)

    def where(self, job_id: str) -> set[str]:
        """The registries, and the queue, that have the job."""
        found = {
            word for word in REGISTRIES if self.id(job_id) in self.registry(word).get_job_ids()
        }
        return found | ({"queue"} if self.id(job_id) in self.queue.job_ids else set())

    def fetch(self, job_id: str, serializer: Any = JSONSerializer) -> rq.job.Job:
        return rq.job.Job.fetch(self.id(job_id), self.client, serializer=serializer)
