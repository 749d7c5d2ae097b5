"""Jobs of one namespace as rows of the database: the steps that transactions are made of."""

from __future__ import annotations

import json
from typing import Any

from flowerpower.job_queue import records
from flowerpower.job_queue.apscheduler.database import Database, Transaction, in_list
from flowerpower.job_queue.base import FinishRequest
from flowerpower.job_queue.records import Row
from flowerpower.jobs.claim import Claim
from flowerpower.jobs.job import MAX_WORKER_LOSSES, Job, JobFilter, JobSpec, JobStatus
from flowerpower.text import JOB_ID_LIMIT, is_job_id, is_name


class SqlStore:
    """What APSManager and its schedules write and read within their transactions.

    `result_ttl` and `history_ttl` are the project's, in seconds.
    """

    def __init__(self, database: Database, result_ttl: float, history_ttl: float) -> None:
        self.database = database
        self.history_ttl = history_ttl
        self._result_ttl = result_ttl

    # Jobs

    def job_parameters(self, tx: Transaction, spec: JobSpec) -> dict[str, Any]:
        """The parameters of `add_job` for a new job."""
        run_at = tx.now if spec.run_at is None else spec.run_at.timestamp()
        return {
            "id": spec.id,
            "pipeline": spec.pipeline,
            "queue": spec.queue,
            "payload": json.dumps(spec.payload()),
            "status": JobStatus.SCHEDULED if run_at > tx.now else JobStatus.QUEUED,
            "run_at": run_at,
            "result_ttl": self._result_ttl if spec.result_ttl is None else spec.result_ttl,
            "schedule_id": spec.schedule_id,
            "scheduled_for": records.seconds_of(spec.scheduled_for),
        }

    def job(self, tx: Transaction, job_id: str, *, created: bool = True) -> Job:
        """The job of that id; JobNotFound if there is none, or its record has expired."""
        return records.job_of(self.row(tx, "get_job", job_id), tx.now, created=created)

    def row(self, tx: Transaction, query: str, job_id: str) -> Row:
        """The one row that the query gives for the job; JobNotFound if it gives none."""
        # Drivers refuse some texts that are no names, such as those with NUL.
        rows = tx.rows(query, id=job_id) if is_job_id(job_id) else []
        if not rows:
            newest = tx.rows("list_jobs", {"conditions": ""}, limit=1000)
            raise records.job_not_found(job_id, [str(row["id"]) for row in newest])
        return rows[0]

    def rows_of(self, tx: Transaction, wanted: JobFilter) -> list[Row]:
        """The rows of the jobs that match, the newest first."""
        conditions: list[str] = []
        parameters: dict[str, Any] = {}
        if wanted.statuses:
            # An unknown status counts as failed, so failed is all but the other statuses.
            with_unknown = JobStatus.FAILED in wanted.statuses
            statuses = set(JobStatus) - wanted.statuses if with_unknown else wanted.statuses
            text, parameters = in_list("status", sorted(statuses))
            if parameters:
                conditions.append(f"status {'NOT ' if with_unknown else ''}IN ({text})")
        for column in ("pipeline", "queue", "schedule_id"):
            if (value := getattr(wanted, column)) is not None:
                if not is_name(value, JOB_ID_LIMIT):
                    return []
                conditions.append(f"{column} = :{column}")
                parameters[column] = value
        if wanted.since is not None:
            conditions.append("created_at >= :since")
            parameters["since"] = wanted.since.timestamp()
        text = "".join(f" AND {condition}" for condition in conditions)
        limit = max(0, wanted.limit)
        return tx.rows("list_jobs", {"conditions": text}, limit=limit, **parameters)

    def end_times(self, tx: Transaction) -> dict[str, float]:
        """The parameters of a query that ends a job."""
        return {"expires_at": tx.now + self.history_ttl}

    # Attempts

    def finish(self, tx: Transaction, request: FinishRequest) -> bool:
        """End an attempt; False, with nothing written, if its claim is no longer held."""
        claim, result = request.claim, request.end
        keeps_result = result.status is JobStatus.FINISHED
        expires = keeps_result and claim.result_ttl >= 0
        is_held = tx.run(
            "finish",
            **fence(claim),
            **self.end_times(tx),
            status=result.status,
            result=records.as_json(result.result) if keeps_result and claim.result_ttl else None,
            result_expires_at=tx.now + claim.result_ttl if expires else None,
            error=records.as_json(result.error),
            progress=records.as_json(request.progress),
            retries=result.retries,
            attempts_left=result.attempts_left,
            run_at=records.seconds_of(result.run_at),
        )
        if is_held:
            self.append_log(tx, claim, request.log)
        return bool(is_held)

    def requeue_lost(self, tx: Transaction, reason: str, **claimed: Any) -> int:
        """Requeue one lost attempt, or all of a worker (with `id=""`); return how many."""
        return tx.run(
            "requeue_lost",
            **claimed,
            **self.end_times(tx),
            max_worker_losses=MAX_WORKER_LOSSES,
            error=records.lost_error(reason),
        )

    def append_log(self, tx: Transaction, claim: Claim, text: str) -> None:
        """Append to the log of an attempt; of more than LOG_LIMIT bytes the end is kept."""
        if not text:
            return
        attempt = {"id": claim.job_id, "attempt": claim.attempt}
        (last,) = tx.rows("last_log", **attempt)
        total = last["size"]
        for seq, piece in enumerate(records.log_pieces(text), start=last["seq"] + 1):
            size = len(piece.encode())
            tx.run("append_log", **attempt, seq=seq, text=piece, size=size)
            total += size
        if total > records.LOG_LIMIT:
            kept = 0
            for row in tx.rows("log_sizes", **attempt):
                kept += row["size"]
                if kept > records.LOG_LIMIT:
                    tx.run("trim_log", **attempt, seq=row["seq"])
                    break


def fence(claim: Claim) -> dict[str, Any]:
    """Parameters that make a write change nothing if the worker no longer holds the claim."""
    return {"id": claim.job_id, "worker": claim.owner, "attempt": claim.attempt}
