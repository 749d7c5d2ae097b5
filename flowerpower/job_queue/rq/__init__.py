"""The job queue on Redis, run by RQ."""

from flowerpower.job_queue.rq.light_redis import install

# Here, because every module of this folder may be the first to import redis.
install()
