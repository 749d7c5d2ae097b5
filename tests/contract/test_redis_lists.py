"""Lists of jobs on Redis are read page by page, each while the one before is looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flowerpower.job_queue.rq import store
from flowerpower.jobs.job import JobFilter
from tests.contract.fake_worker import spec
from tests.contract.on_redis import OnRedis
from tests.servers import RedisServer

PAGE = 10


@pytest.fixture
def queue(redis_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A queue of 45 jobs, of which every third is of another pipeline, listed by pages of ten."""
    monkeypatch.setattr(store, "PAGE", PAGE)
    with OnRedis(tmp_path, redis_server.url()).open() as backend:
        specs = [spec(f"n-{n}", pipeline="report" if n % 3 else "other") for n in range(45)]
        backend.add_jobs(specs)
        # From now on Redis knows the script.
        assert len(backend.list_jobs(JobFilter())) == 45
        yield backend


def _scripts(queue: Any) -> int:
    """How many scripts Redis has run."""
    stats = queue.connection.client.info("commandstats")
    return int(stats.get("cmdstat_evalsha", {"calls": 0})["calls"])


@pytest.mark.parametrize(
    ("limit", "pages"), [(1, 1), (9, 1), (10, 1), (11, 2), (20, 2), (21, 3), (45, 5), (1000, 5)]
)
def test_no_page_is_read_that_is_not_needed(queue: Any, limit: int, pages: int) -> None:
    """However many jobs there are, a list reads as many as it has."""
    before = _scripts(queue)
    jobs = queue.list_jobs(JobFilter(limit=limit))
    assert _scripts(queue) - before == pages
    assert [job.id for job in jobs] == [f"n-{n}" for n in range(44, -1, -1)][:limit]


def test_records_that_are_gone_do_not_make_a_list_shorter(queue: Any) -> None:
    """Nor does what the filter leaves out: further pages are read until it has as many."""
    prefix = f"rq:job:{queue.namespace}--"
    queue.connection.client.delete(*(f"{prefix}n-{n}" for n in range(20, 43)))
    jobs = queue.list_jobs(JobFilter(limit=12))
    assert [job.id for job in jobs] == [f"n-{n}" for n in (44, 43, *range(19, 9, -1))]
    others = queue.list_jobs(JobFilter(pipeline="other", limit=5))
    assert [job.id for job in others] == ["n-18", "n-15", "n-12", "n-9", "n-6"]


def test_a_list_that_ends_early_leaves_no_answer_behind(queue: Any) -> None:
    """The next command gets its own answer, whatever page was on its way."""
    for _ in range(3):
        listed = queue._store.newest_jobs(JobFilter(limit=45))
        assert next(listed)[0]["id"] == "n-44"
        listed.close()
        assert queue.get_job("n-3").id == "n-3"
        assert len(queue.list_jobs(JobFilter(limit=45))) == 45
