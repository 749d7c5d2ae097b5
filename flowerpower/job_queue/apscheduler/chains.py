"""Parents and children in a SQL database: what an end makes of the children, and a retry.

The law is that of `flowerpower.jobs.chain`. Each function here is part of the transaction in which
the parent ends, is deleted or retried, or in which the child is added. On PostgreSQL, rows of
children are locked in the order of their ids, those of children of children after them; where that
is a circle for two transactions, one of them is begun again (`Database.run`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from flowerpower.job_queue import records
from flowerpower.job_queue.apscheduler.database import Transaction, in_list
from flowerpower.job_queue.records import RecordReader, Row
from flowerpower.jobs import chain
from flowerpower.jobs.chain import AfterCondition
from flowerpower.jobs.job import JobStatus

_PAGE = 500
"""Ids in one query."""
_RETRIED_ENDS = frozenset({JobStatus.FAILED, JobStatus.CANCELLED})
"""Ends that a retry takes back. Of a deleted parent nobody retries but another job of its id."""
_DAMAGED = {
    "type": "DamagedRecord",
    "message": "The job's record is damaged: its after_parents cannot be read.",
    "code": "damaged_record",
}


@dataclass
class _Child:
    """A job that has parents, which have ended as `parents` says; None if its record is damaged."""

    id: str
    condition: AfterCondition | None
    parents: dict[str, str | None]

    @property
    def after(self) -> str | None:
        """The column that says so; None leaves it as it is."""
        if self.condition is None:
            return None
        return records.after_json(self.condition, self.parents)

    @property
    def parameters(self) -> dict[str, str | None]:
        """The parameters of the queries that change it."""
        return {"id": self.id, "after": self.after}


def add_child(
    tx: Transaction, job_id: str, condition: AfterCondition, parents: Sequence[str]
) -> list[Row]:
    """Link a new job to its parents, and decide on it; its row if it is cancelled at once."""
    ends = link(tx, job_id, parents)
    child = _Child(job_id, condition, {name: ends.get(name, chain.GONE) for name in parents})
    return _decide(tx, [child]) if any(child.parents.values()) else []


def connect(tx: Transaction, row: Row) -> list[Row]:
    """Link a job that came from another queue, as `row`, to its parents here.

    A parent that is not here may come later. Returns the rows of jobs that it cancels.
    """
    child = _child_of(row)
    ends = link(tx, child.id, list(child.parents))
    if records.status_of(row) is not JobStatus.WAITING or child.condition is None:
        return []
    ended = {name: ends.get(name) for name, end in child.parents.items() if end is None}
    if not any(ended.values()):
        return []
    child.parents |= ended
    return _decide(tx, [child])


def live_parents(tx: Transaction, rows: Sequence[Row]) -> set[str]:
    """The parents that the waiting ones of these jobs wait for, and that have not ended here."""
    waiting = [_child_of(row) for row in rows if records.status_of(row) is JobStatus.WAITING]
    names = {name for child in waiting for name, end in child.parents.items() if end is None}
    if not names:
        return set()
    text, parameters = in_list("id", sorted(names))
    return {str(row["id"]) for row in tx.rows("live_parents", {"ids": text}, **parameters)}


def link(tx: Transaction, job_id: str, parents: Sequence[str]) -> dict[str, str | None]:
    """Link a job to parents, which are locked; how each that has a record has ended."""
    if not parents:
        return {}
    text, names = in_list("id", parents)
    # An end of a parent comes before this lock, and is seen here, or after the commit, and then it
    # sees that there are children.
    rows = tx.rows("lock_parents", {"ids": text}, **names)
    if not all(row["has_children"] for row in rows):
        tx.run("mark_parents", {"ids": text}, **names)
    tx.run_many("add_link", [{"parent": parent, "child": job_id} for parent in parents])
    statuses = {row["id"]: records.status_of(row) for row in rows}
    return {name: status if status.is_ended else None for name, status in statuses.items()}


def tell_ends(tx: Transaction, ends: Mapping[str, str]) -> list[Row]:
    """Tell the children of `ends`, by the id of the parent; the rows of all that this cancels.

    Among these are the children of cancelled children, and so on. The rows are {returning_end}.
    """
    cancelled: list[Row] = []
    while ends:
        waiting, others = [], []
        for row in _locked_children(tx, list(ends)):
            child = _child_of(row)
            new_ends = {name: ends[name] for name, end in child.parents.items()
                    if end is None and name in ends}  # fmt: skip
            child.parents |= new_ends
            if records.status_of(row) is JobStatus.WAITING:
                waiting += [child] if new_ends or child.condition is None else []
            elif new_ends and records.status_of(row) is JobStatus.CANCELLED:
                others.append(child)
        tx.run_many("set_after", [child.parameters for child in others])
        rows = _decide(tx, waiting)
        cancelled += rows
        ends = {row["id"]: JobStatus.CANCELLED for row in rows if row["has_children"]}
    return cancelled


def take_back_ends(tx: Transaction, retried: Sequence[str]) -> None:
    """Let the children of retried jobs wait for them again, and so on down."""
    parents = list(retried)
    unique_keys: set[str] = set()
    while parents:
        again, others = [], []
        parents_before, parents = set(parents), []
        for row in _locked_children(tx, list(parents_before)):
            child = _child_of(row)
            taken_back = [name for name, end in child.parents.items()
                          if name in parents_before and end in _RETRIED_ENDS]  # fmt: skip
            if not taken_back or child.condition is None:
                continue
            status, was_due = records.status_of(row), chain.is_due(child.condition, child.parents)
            child.parents |= dict.fromkeys(taken_back)
            is_cancelled = _is_cancelled_by_parent(row)
            # One that a user has retried alone waits for nobody, and its parents had not met it.
            if status in (JobStatus.QUEUED, JobStatus.SCHEDULED) and was_due:
                again.append(child)
                continue
            if not is_cancelled and status is not JobStatus.WAITING:
                continue
            # One that is unique, beside another that asks for the same, would do it twice.
            if (
                is_cancelled
                and chain.obstacle(child.condition, child.parents) is None
                and not _is_repeated(tx, row, unique_keys)
            ):
                again.append(child)
                parents += [child.id] if row["has_children"] else []
            else:
                others.append(child)
        tx.run_many("set_after", [child.parameters for child in others])
        tx.run_many("wait_again", [child.parameters for child in again])


def vanished_parents(tx: Transaction) -> dict[str, str]:
    """Parents that jobs wait for, and of which there is no record, by their end."""
    return {str(row["parent_id"]): chain.GONE for row in tx.rows("vanished_parents")}


def _decide(tx: Transaction, children: Sequence[_Child]) -> list[Row]:
    """Queue the waiting jobs that are due, and cancel those that cannot be; rows of the latter."""
    due, waiting, hopeless = [], [], []
    for child in children:
        if (error := _error_of(child)) is not None:
            hopeless.append({**child.parameters, "error": records.as_json(error)})
        elif child.condition is not None and chain.is_due(child.condition, child.parents):
            due.append(child.parameters)
        else:
            waiting.append(child.parameters)
    tx.run_many("set_after", waiting)
    tx.run_many("end_waiting", due)
    return [row for rows in tx.rows_of_many("cancel_child", hopeless) for row in rows]


def _error_of(child: _Child) -> Mapping[str, object] | None:
    """Why the job cannot run any more; None if it can."""
    if child.condition is None:
        return _DAMAGED
    parent = chain.obstacle(child.condition, child.parents)
    if parent is None:
        return None
    return chain.not_met_error(child.condition, parent, child.parents[parent] or chain.GONE)


def _locked_children(tx: Transaction, parents: Sequence[str]) -> Iterator[Row]:
    """The children that wait or were cancelled, locked, in the order of their ids."""
    ids: set[str] = set()
    for start in range(0, len(parents), _PAGE):
        text, names = in_list("id", parents[start : start + _PAGE])
        ids |= {row["child_id"] for row in tx.rows("child_ids", {"ids": text}, **names)}
    ordered = sorted(ids)
    for start in range(0, len(ordered), _PAGE):
        text, names = in_list("id", ordered[start : start + _PAGE])
        yield from tx.rows("lock_children", {"ids": text}, **names)


def _child_of(row: Row) -> _Child:
    parents, condition = records.after_of(RecordReader(row))
    return _Child(row["id"], condition, parents)


def _is_cancelled_by_parent(row: Row) -> bool:
    error = records.json_object(row["error"]) or {}
    return records.status_of(row) is JobStatus.CANCELLED and error.get("code") == chain.NOT_MET


def _is_repeated(tx: Transaction, row: Row, unique_keys: set[str]) -> bool:
    """Whether a job that asks for the same has not ended, or waits again: `unique_keys`."""
    key = row["unique_key"]
    if key is None:
        return False
    if key in unique_keys or tx.rows("get_unique_job", unique_key=key):
        return True
    unique_keys.add(key)
    return False
