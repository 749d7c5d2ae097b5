"""Which index SQLite reads for what every poll, claim and fire asks; no table is read as a whole."""

import contextlib
import re
import sqlite3

import pytest

from flowerpower.job_queue.apscheduler.database import queries
from flowerpower.job_queue.apscheduler.observing import CHANGES
from flowerpower.job_queue.apscheduler.schema import schema_statements

TEXTS = {
    "others": "AND pipeline NOT IN (:closed0)",
    "skip_locked": "", "for_share": "", "for_update": "", "queues": ":queue", "ids": ":id",
    "condition": "AND schedules.id = :id", "targets": ":target", "more": "",
    "pipelines": ":pipeline", "names": "SELECT :pipeline AS name", "before": "",
}  # fmt: skip


def plan_of(name: str, **texts: str) -> str:
    """What SQLite does for a query, one step a line."""
    text = queries()[name]
    for key, value in {**TEXTS, **texts}.items():
        text = text.replace(f"{{{key}}}", value)
    parameters = dict.fromkeys(re.findall(r":(\w+)", text), 1)
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        for statement in schema_statements():
            database.execute(statement)
        rows = database.execute(f"EXPLAIN QUERY PLAN {text}", parameters).fetchall()
    database.close()
    return "\n".join(row[3] for row in rows)


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("next_due", "flowerpower_jobs_blocked (namespace=? AND concurrency_key>?)"),
        ("is_worker_known", "flowerpower_jobs_blocked (namespace=? AND concurrency_key>?)"),
        ("keys_with_room", "flowerpower_jobs_blocked (namespace=? AND concurrency_key>?)"),
        (
            "keys_with_room",
            "flowerpower_jobs_active (namespace=? AND concurrency_key=? AND blocked=?)",
        ),
        ("release_blocked", "flowerpower_jobs_blocked (namespace=? AND concurrency_key=?)"),
        ("active_jobs", "flowerpower_jobs_active (namespace=? AND concurrency_key=?)"),
        ("count_active", "flowerpower_jobs_active (namespace=? AND concurrency_key=?)"),
        ("promote", "flowerpower_jobs_due (namespace=? AND run_at<?)"),
        ("notices_due", "flowerpower_events_at (namespace=?)"),
        ("notices_due", "flowerpower_deliveries_due (namespace=? AND send_at>?)"),
        ("claim_delivery", "flowerpower_deliveries_due (namespace=? AND send_at<?)"),
        ("claim_delivery", "flowerpower_deliveries_lane (namespace=? AND lane=? AND created_at<?)"),
        ("is_worker_known", "flowerpower_jobs_parked (namespace=?)"),
        ("claim", "flowerpower_jobs_order (namespace=? AND queue=?)"),
        ("queued_in_order", "flowerpower_jobs_order (namespace=? AND queue=?)"),
        ("parked_in_order", "flowerpower_jobs_parked (namespace=? AND pipeline=? AND queue=?)"),
        ("unpark", "flowerpower_jobs_parked (namespace=? AND pipeline=? AND queue=?)"),
        ("limit_facts", "flowerpower_jobs_parked (namespace=? AND pipeline=?)"),
        ("parked_pipelines", "flowerpower_jobs_parked (namespace=? AND pipeline>?)"),
        ("limit_facts", "flowerpower_jobs_running (namespace=? AND pipeline=?)"),
        ("running_jobs", "flowerpower_jobs_owner (namespace=? AND owner>?)"),
        ("count_parked", "flowerpower_jobs_parked (namespace=?)"),
        ("get_unique_job", "flowerpower_jobs_unique (namespace=? AND unique_key=?)"),
        ("child_ids", "autoindex_flowerpower_children_1 (namespace=? AND parent_id=?)"),
        ("ledger_between", "flowerpower_fires_spans (namespace=? AND schedule_id=?"),
    ],
)
def test_an_index_is_read(name: str, index: str) -> None:
    """That one, by those columns; and nothing is scanned but what the query itself has made."""
    plan = plan_of(name)
    assert index in plan, plan
    assert not re.search(r"SCAN flowerpower_\w+", plan), plan


@pytest.mark.parametrize(
    ("condition", "order", "index"),
    [
        (*change, f"flowerpower_jobs_{index}")
        for change, index in zip(
            CHANGES,
            ("created (namespace=? AND created_at>?)", "owner (namespace=? AND owner>?)",
             "ended (namespace=? AND ended_at>?)"),
            strict=True,
        )
    ],
)  # fmt: skip
def test_changes_are_found_by_an_index(condition: str, order: str, index: str) -> None:
    """Whatever else is in the table."""
    plan = plan_of("list_jobs", conditions=condition, order=order)
    assert index in plan, plan


LOCKING = [name for name, text in queries().items() if "{skip_locked}" in text]
LOCKED_IN_IN = re.compile(r"\bIN \(\s*SELECT\b[^()]*(\([^()]*\)[^()]*)*\{skip_locked\}")


@pytest.mark.parametrize("name", LOCKING)
def test_rows_are_locked_in_a_with(name: str) -> None:
    """PostgreSQL may run a subquery of IN that locks rows once for each row of the table."""
    assert not LOCKED_IN_IN.search(queries()[name])
