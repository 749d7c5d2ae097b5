"""An engine that fails in the midst of work, and threads that must not hold up a worker's end."""

from tests.acceptance.working import MakeSite, Site, WorkerProcess, value
from tests.conditions import WAIT_LIMIT, eventually

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
    eventually(lambda: "out of order" in _log(worker) or site.type == "rq")
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
