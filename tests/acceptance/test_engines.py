"""The engines of workers when they end: told to, or by a failure of their own."""

import signal

import redis
from rq import Worker

from tests.acceptance.working import MakeSite, Site, WorkerProcess, value
from tests.conditions import WAIT_LIMIT, eventually
from tests.servers import RedisServer

WAITS = """
import os, time
open("begun", "a").close()
while not os.path.exists("go"):
    time.sleep(0.01)
return 1
"""
# Of each engine something that its loop calls at every turn.
BROKEN_LOOPS = """
import os
from flowerpower.job_queue.apscheduler.claim_store import ClaimStore
from flowerpower.job_queue.rq.worker import RqWorker

def failing(method):
    def call(*arguments):
        if os.path.exists("begun"):
            raise RuntimeError("out of order")
        return method(*arguments)
    return call

ClaimStore.get_next_run_time = failing(ClaimStore.get_next_run_time)
RqWorker._fire = failing(RqWorker._fire)
"""


def test_a_worker_whose_loop_has_failed_ends(make_site: MakeSite, url: str | None):
    """What runs is finished and recorded; then the worker ends with an error, not in silence."""
    site = make_site(url)
    site.pipeline("waits", WAITS)
    running = site.add("waits")
    worker = site.worker(num_workers=2, broken=BROKEN_LOOPS)
    eventually((site.root / "begun").exists)
    eventually(lambda: "out of order" in _log(worker))
    waiting = site.add("waits")
    (site.root / "go").touch()
    assert worker.process.wait(WAIT_LIMIT) == 1
    assert "The loop that claims jobs has failed" in _log(worker)
    assert value(site.job(running)) == 1
    assert [event["job"] for event in worker.events("job")] == [running]
    assert site.queue.list_workers() == []
    assert site.left() == []
    site.worker()
    again = site.ended(waiting)
    assert (value(again), again.worker_losses) == (1, 0)


def _log(worker: WorkerProcess) -> str:
    return worker.errors.read_text("utf-8")


def test_jobs_that_wait_for_a_child_are_given_back_at_the_end(site: Site):
    """TERM to a worker that has prefetched: what has not begun is queued, at no cost."""
    site.pipeline("quick", "import time\ntime.sleep(0.01)")
    ids = [site.add("quick", f"job-{number}") for number in range(400)]
    worker = site.worker(num_workers=2, jobs_per_child=200)
    eventually(lambda: len(worker.events("job")) > 50)
    assert worker.stop() == 0
    jobs = [site.job(job_id) for job_id in ids]
    done = [job for job in jobs if job.status.is_ended]
    assert len(done) == len(worker.events("job"))
    assert {(job.status, job.worker_losses) for job in jobs} <= {
        ("finished", 0), ("queued", 0)}  # fmt: skip
    site.worker(num_workers=2, jobs_per_child=200)
    site.drained(ids)


def test_rqs_tools_see_a_worker_that_finishes_its_jobs(
    make_site: MakeSite, redis_server: RedisServer
):
    """After TERM a worker is listed, busy, for as long as its jobs run; then it is gone."""
    site = make_site(redis_server.url())
    site.pipeline("waits", WAITS)
    job = site.add("waits")
    worker = site.worker()
    eventually((site.root / "begun").exists)
    with redis.Redis.from_url(redis_server.url()) as client:

        def states() -> list[str]:
            shown = Worker.all(connection=client)
            return [str(each.get_state()) for each in shown if each.pid == worker.process.pid]

        eventually(lambda: states() == ["busy"])
        (name,) = [each.id for each in site.queue.list_workers()]
        worker.signal(signal.SIGTERM)
        eventually(lambda: worker.events("stopping"))
        # What it says of itself from here on, it says as a worker that is stopping.
        key = f"rq:worker:{name}"
        client.hdel(key, "last_heartbeat")
        eventually(lambda: client.hexists(key, "last_heartbeat"))
        assert states() == ["busy"]
        (site.root / "go").touch()
        assert worker.process.wait(WAIT_LIMIT) == 0
        assert states() == []
    assert value(site.job(job)) == 1
