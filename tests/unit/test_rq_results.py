"""The end of an attempt in RQ's form, and back."""

import base64
import json
import zlib
from typing import Any

import pytest

from flowerpower.job_queue.rq.results import ERROR_LIMIT, entry_of, error_of, packed, result_of
from flowerpower.jobs.claim import AttemptResult
from flowerpower.jobs.job import JobStatus

TRACEBACK = """Traceback (most recent call last):
  File "a.py", line 3, in total
    raise ValueError("no region")
ValueError: no region: north
  of two
"""
CHAINED = f"{TRACEBACK}\nThe above exception was the direct cause …:\n\n{TRACEBACK}".replace(
    "ValueError: no region: north\n  of two\n", "rq.exceptions.DeserializationError\n"
)


def entry(**fields: str) -> dict[bytes, bytes]:
    return {name.encode(): value.encode() for name, value in fields.items()}


def error(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(error_of(entry(exc_string=packed(text))))
    return found


@pytest.mark.parametrize(
    "result",
    [
        {"outputs": {"total": 42}, "notes": []},
        {"outputs": {}},
        {"outputs": {"text": "ä\U0001f337\n"}, "notes": [{"output": "x", "note": "y"}]},
        {"notes": []},
    ],
)
def test_a_result_comes_back(result: dict[str, Any]) -> None:
    """RQ reads the outputs, as its JSONSerializer does; we read all of it."""
    fields = entry_of(AttemptResult(JobStatus.FINISHED, result=result))
    assert json.loads(base64.b64decode(fields["return_value"])) == result.get("outputs", {})
    read = json.loads(result_of(entry(**fields)) or "")
    assert read == {"outputs": {}, **result}


def test_an_entry_of_rqs_own_worker_is_no_result_of_ours() -> None:
    """Whatever its serializer wrote, it is not read."""
    assert result_of(entry(type="1", return_value="gASVKgAAAAAAAAA=")) is None


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        (TRACEBACK, "ValueError", "no region: north\n  of two"),
        ("Work-horse terminated unexpectedly; waitpid returned 9 (signal 9); ", "ProcessDied",
         "Work-horse terminated unexpectedly; waitpid returned 9 (signal 9);"),
        ("Moved to FailedJobRegistry, due to AbandonedJobError, at 2026-11-28", "WorkerLost",
         "Moved to FailedJobRegistry, due to AbandonedJobError, at 2026-11-28"),
        ("Job stopped by user, work-horse terminated.", "EndedByRq",
         "Job stopped by user, work-horse terminated."),
        (CHAINED, "rq.exceptions.DeserializationError", "RQ's worker cannot read the job with its serializer."),
    ],
)  # fmt: skip
def test_an_error_of_rqs_is_read(text: str, kind: str, message: str) -> None:
    found = error(text)
    assert (found["type"], found["message"]) == (kind, message)
    assert found["code"] == "run_failed"
    assert found.get("traceback", "").strip() == (text.strip() if "Traceback" in text else "")


@pytest.mark.parametrize("value", ["", "%%%", base64.b64encode(b"no zlib").decode(), "AAAA"])
def test_an_error_that_cannot_be_read_is_one(value: str) -> None:
    assert (
        json.loads(error_of(entry(exc_string=value)))["message"] == "RQ's own tools have ended it"
    )


@pytest.mark.fault("zlib-bomb")
def test_a_bomb_is_unpacked_up_to_a_limit() -> None:
    bomb = base64.b64encode(zlib.compress(b"x" * 50_000_000)).decode()
    assert len(json.loads(error_of(entry(exc_string=bomb)))["message"]) == ERROR_LIMIT


def test_a_secret_is_masked() -> None:
    assert "tulips" not in str(error("ValueError: password=tulips"))
