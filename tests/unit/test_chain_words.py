"""What is said of a job and its parents, in each state that it can be in."""

from datetime import UTC, datetime
from typing import Any

import pytest

from flowerpower.jobs.chain import AfterCondition, not_met_error
from flowerpower.jobs.job import Job, JobStatus
from flowerpower_cli.views.job import error_title, parents_words

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
S = JobStatus
SUCCESS, FAILURE, END = AfterCondition
NOT_MET = not_met_error(SUCCESS, "one", "failed")
FAILED = {"type": "ValueError", "message": "no luck", "code": "run_failed"}


def job(status: JobStatus, **fields: Any) -> Job:
    return Job("job", "report", "default", status, NOW, NOW, **fields)


@pytest.mark.parametrize(
    ("status", "after", "on", "attempt", "words"),
    [
        (S.WAITING, {"one": None}, SUCCESS, 0, "it runs once its parent has finished"),
        (S.WAITING, {"one": None, "two": "failed"}, END, 0,
         "it runs once all its parents have ended, in whatever way"),
        (S.CANCELLED, {"one": "failed"}, SUCCESS, 0, "it was to run once its parent has finished"),
        (S.CANCELLED, {"one": None}, FAILURE, 0, "it was to run once its parent has failed"),
        (S.CANCELLED, {"one": "finished"}, SUCCESS, 1, "it waited until its parent had finished"),
        (S.QUEUED, {"one": "finished"}, SUCCESS, 0, "it waited until its parent had finished"),
        (S.SCHEDULED, {"one": "failed"}, FAILURE, 0, "it waited until its parent had failed"),
        (S.RUNNING, {"one": "finished", "two": "finished"}, SUCCESS, 1,
         "it waited until all its parents had finished"),
        (S.FINISHED, {"one": "finished"}, SUCCESS, 1, "it waited until its parent had finished"),
        (S.FAILED, {"one": "gone"}, END, 1, "it waited until its parent had ended, in whatever way"),
        (S.QUEUED, {"one": "failed"}, SUCCESS, 0,
         "it does not wait for them, because it was retried itself"),
        (S.FINISHED, {"one": None}, SUCCESS, 1,
         "it does not wait for them, because it was retried itself"),
    ],
)  # fmt: skip
def test_parents_are_told_as_the_job_is(
    status: JobStatus, after: dict[str, str | None], on: AfterCondition, attempt: int, words: str
) -> None:
    """Nothing that has ended, or was cancelled, is said to be going to run."""
    assert parents_words(job(status, after=after, after_on=on, attempt=attempt)) == words


@pytest.mark.parametrize(
    ("status", "error", "fields", "title"),
    [
        (S.CANCELLED, NOT_MET, {}, "Why it was cancelled"),
        (S.CANCELLED, FAILED, {}, "The last attempt's error"),
        (S.FAILED, FAILED, {}, "Error"),
        (S.SCHEDULED, FAILED, {}, "The last attempt's error"),
        (S.RUNNING, FAILED, {"cancel_requested": True}, "Why it is cancelled"),
    ],
)
def test_an_error_is_called_what_it_is(
    status: JobStatus, error: dict[str, Any], fields: dict[str, Any], title: str
) -> None:
    """A job that a parent has cancelled has had no error."""
    assert error_title(job(status, error=error, **fields)) == title
