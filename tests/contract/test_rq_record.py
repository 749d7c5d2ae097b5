"""A job's record is what RQ's own Job writes and reads, on the installed RQ."""

import pickle
import pickletools
from pathlib import Path

import rq.defaults
import rq.job

from flowerpower.job_queue.rq.entry_point import run_pipeline
from flowerpower.job_queue.rq.fields import (
    CONSTANT_FIELDS,
    ENTRY_POINT,
    RQ_KEY_PREFIX,
    STATUSES,
    record_of,
)
from tests.contract.fake_worker import spec
from tests.contract.on_redis import OnRedis
from tests.servers import RedisServer


def test_rq_writes_the_same_fields(redis_server: RedisServer, tmp_path: Path) -> None:
    """All that RQ's Job writes of such a job is in our record, and nothing of another value."""
    with OnRedis(tmp_path, redis_server.url()).open() as queue:
        theirs = rq.job.Job.create(
            ENTRY_POINT,
            kwargs={"pipeline": "report"},
            id="project--a",
            connection=queue.connection.client,  # type: ignore[attr-defined]
            origin="project.default",
            description="report",
            timeout=-1,
            result_ttl=-1,
            failure_ttl=-1,
            status=rq.job.JobStatus.QUEUED,
        )
    ours = {**CONSTANT_FIELDS, **record_of(spec("a"), "project", 120.0)}
    # The scripts write status and times.
    expected = theirs.to_dict()
    del expected["data"]
    assert pickle.loads(ours["data"].encode()) == pickle.loads(theirs.data)
    # Nothing in it can name a class or call one.
    codes = {code.name for code, *_ in pickletools.genops(ours["data"].encode())}
    assert codes == {
        "MARK",
        "UNICODE",
        "NONE",
        "EMPTY_TUPLE",
        "EMPTY_DICT",
        "SETITEM",
        "TUPLE",
        "STOP",
    }
    times = {name: expected.pop(name) for name in ("created_at", "status")}
    assert set(times) == {"created_at", "status"}
    assert {name: ours[name] for name in expected} == expected
    assert {name for name in ours if not name.startswith("fp_")} == {*expected, "data"}


def test_rq_reads_it(redis_server: RedisServer, tmp_path: Path) -> None:
    """RQ's Job finds the entry point, which is there; its states are RQ's words."""
    with OnRedis(tmp_path, redis_server.url()).open() as queue:
        queue.add_job(spec("a"))
        namespace = queue.namespace  # type: ignore[attr-defined]
        client = queue.connection.client  # type: ignore[attr-defined]
        job = rq.job.Job.fetch(f"{namespace}--a", connection=client)
        assert job.func_name == f"{run_pipeline.__module__}.{run_pipeline.__name__}"
        assert job.kwargs == {"pipeline": "report"}
        assert job.get_status() is rq.job.JobStatus.QUEUED
        assert job.created_at is not None
    assert rq.defaults.RQ_KEY_PREFIX == RQ_KEY_PREFIX
    assert set(STATUSES) <= {status.value for status in rq.job.JobStatus}
