"""One job: its nodes as a timeline and in the DAG, error, result, attempts and log."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup

from flowerpower.errors import FlowerpowerError, UsageError
from flowerpower.jobs.chain import DELETED
from flowerpower.jobs.job import Job, JobStatus, LogChunk
from flowerpower.pipeline.job_chain import JobChain, cancelled_with, read_chain
from flowerpower.pipeline.waiting import read_waits_for
from flowerpower.text import mask_values, shortened
from flowerpower.triggers import clock
from flowerpower_cli.views.job import error_title, parents_words
from flowerpower_cli.views.job_changes import cancelled_too
from flowerpower_cli.views.job_list import waiting_note
from flowerpower_cli.views.jobs import job_facts, record_data
from flowerpower_cli.views.pipelines import is_table, run_messages
from flowerpower_cli.web import drawing
from flowerpower_cli.web.drawing import dag, sentence
from flowerpower_cli.web.rendering import Page
from flowerpower_cli.web.site import Query, Reading

MAX_LOG = 200_000
"""Characters of a log on a page; the whole of it has an address of its own."""
MAX_RESULT = 10_000
"""Characters of one output."""
MAX_ROWS, MAX_COLUMNS = 20, 20


@dataclass(frozen=True)
class Bar:
    """A node of a run; `left` and `width` are its time in percent of the run's."""

    name: str
    state: str
    started_at: datetime | None
    seconds: float | None
    left: float = 0.0
    width: float = 0.0


@dataclass(frozen=True)
class Output:
    """An output of a job: a table with `columns` and `rows`, or a text."""

    name: str
    text: str = ""
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()


def job(reading: Reading, job_id: str, query: Query) -> Page:
    """All that is known of one job."""
    site = reading.site
    record = site.manager.job_queue.get_job(job_id)
    site.learn_secrets([record.pipeline])
    attempt = _attempt(record, query)
    after = _seq_after(query, attempt)
    chain = read_chain(site.manager.job_queue, record)
    site.learn_secrets(one.pipeline for one in chain.jobs.values())
    log = log_end(site.manager.job_queue.read_log(record.id, attempt, after))
    return Page(
        "job.html",
        f"Job {record.id}",
        "jobs",
        {
            **job_values(reading, record, chain),
            **_acts(reading, record, chain),
            "attempt": attempt,
            "log": log,
        },
    )


def job_values(reading: Reading, record: Job, chain: JobChain | None = None) -> dict[str, Any]:
    """What the template of a job needs, without its log; the picture only of a `chain`."""
    zone, job_queue = reading.site.zone, reading.site.manager.job_queue
    reason = read_waits_for(job_queue, record)
    # How long it has run by now changes all the time: that is told by its own element.
    facts = [(name, text) for name, text in job_facts(record, zone) if name != "runs for"]
    bars = timeline(record, reading.now)
    states = {bar.name: bar.state for bar in bars}
    result = record.result or {}
    shown = [*outputs(result.get("outputs") or {})]
    return {
        "job": record,
        "facts": facts,
        "waits": waiting_note(reason),
        "parents": [*record.after.items()],
        "parents_words": parents_words(record),
        "children": job_queue.children_of([record.id]) if chain is None else chain.children,
        "chain": None if chain is None else drawing.chain(chain),
        "is_chain_cut": chain is not None and chain.is_cut,
        "bars": bars,
        "progress": record.progress or {},
        "picture": _picture(reading, record, states),
        "overrides": _as_json(record_data(record)["overrides"]),
        "error": record.error,
        "error_title": error_title(record),
        "attempts": [*record.attempts] if record.attempt > 1 else [],
        "values_of_result": [output for output in shown if not output.columns],
        "tables_of_result": [output for output in shown if output.columns],
        "messages": [*run_messages({**result, "notes": None})] if result else [],
        "log_attempts": range(1, record.attempt + 1),
    }


def _acts(reading: Reading, record: Job, chain: JobChain) -> dict[str, Any]:
    """What may be done with a job, and which others are cancelled then, as sentences."""
    job_queue = reading.site.manager.job_queue

    def others(end: str) -> str:
        # An open page is read each second: most jobs have no children, and ask nothing for this.
        return cancelled_too(cancelled_with(job_queue, record, end) if chain.children else (), 1)

    may_cancel = not record.status.is_ended and not record.cancel_requested
    may_delete = record.status is not JobStatus.RUNNING
    return {
        "may_retry": record.status in (JobStatus.FAILED, JobStatus.CANCELLED),
        "may_cancel": may_cancel,
        "may_delete": may_delete,
        "cancelled_too": others(JobStatus.CANCELLED) if may_cancel else "",
        "deleted_too": others(DELETED) if may_delete else "",
    }


def _attempt(record: Job, query: Query) -> int:
    text = next(iter(query.get("attempt") or ()), "")
    if not text:
        return max(record.attempt, 1)
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= max(record.attempt, 1)):
        raise UsageError(f"attempt is {text[:20]!r}: the job has had {record.attempt}.")
    return int(text)


def _seq_after(query: Query, attempt: int) -> int:
    """The chunk of the log after which a stream goes on: `after=ATTEMPT.SEQ` in the address."""
    number, _, seq = next(iter(query.get("after") or ()), "").partition(".")
    is_known = number == str(attempt) and seq.isascii() and seq.isdigit()
    return int(seq[:15]) if is_known else 0


def _picture(reading: Reading, record: Job, states: Mapping[str, str]) -> Markup | None:
    """The DAG; a sentence if it cannot be drawn, None while it is not known."""
    description = reading.describe(record.pipeline)
    if description is None:
        return None
    if description.graph is None:
        return sentence(f"The DAG of {record.pipeline} cannot be drawn: {description.error}")
    return dag(description.graph, states)


def timeline(record: Job, now: datetime) -> list[Bar]:
    """The nodes of the last attempt that have begun, in that order."""
    nodes = (record.progress or {}).get("nodes")
    bars = [_bar(name, node) for name, node in nodes.items()] if isinstance(nodes, dict) else []
    times = [bar.started_at for bar in bars if bar.started_at]
    if not times:
        return bars
    end_of_run = record.ended_at if record.status.is_ended and record.ended_at else now
    begin = min(times)

    def ended(bar: Bar) -> float:
        assert bar.started_at is not None
        since = (bar.started_at - begin).total_seconds()
        if bar.seconds is None:
            return max(since, (end_of_run - begin).total_seconds())
        return since + bar.seconds

    total = max((ended(bar) for bar in bars if bar.started_at), default=0.0) or 1e-6
    return [_placed(bar, begin, ended(bar), total) if bar.started_at else bar for bar in bars]


def _placed(bar: Bar, begin: datetime, end: float, total: float) -> Bar:
    assert bar.started_at is not None
    left = max(0.0, (bar.started_at - begin).total_seconds()) / total * 100
    # Half a percent is the least that can be seen.
    width = max(0.5, end / total * 100 - left)
    return Bar(
        bar.name, bar.state, bar.started_at, bar.seconds,
        round(min(left, 99.5), 2), round(min(width, 100 - min(left, 99.5)), 2),
    )  # fmt: skip


def _bar(name: str, node: Any) -> Bar:
    """One node of the progress; a damaged record may hold anything."""
    node = node if isinstance(node, dict) else {}
    seconds = node.get("seconds")
    try:
        started = clock.parse_time(node["started_at"]).astimezone()
    except (FlowerpowerError, LookupError, TypeError, ValueError):
        started = None
    state = "from cache" if node.get("from_cache") else str(node.get("state"))
    return Bar(name, state, started, seconds if isinstance(seconds, int | float) else None)


def outputs(values: Mapping[str, Any]) -> Iterator[Output]:
    """The outputs of a result; of a table its first rows."""
    for name, value in values.items():
        if is_table(value):
            columns = [str(column) for column in value.get("columns") or ["value"]][:MAX_COLUMNS]
            rows = [
                [_cell(row.get(column)) for column in columns]
                if isinstance(row, dict)
                else [_cell(row)]
                for row in value["rows"][:MAX_ROWS]
            ]
            shape = " x ".join(map(str, value.get("shape") or ()))
            yield Output(name, f"{value['summary_of']} {shape}".strip(), columns, rows)
        else:
            text = value if isinstance(value, str) else _as_json(value)
            yield Output(name, shortened(text, MAX_RESULT))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return shortened(
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), 200
    )


def _as_json(value: Any) -> str:
    return json.dumps(mask_values(value), ensure_ascii=False, indent=2) if value != {} else ""


@dataclass(frozen=True)
class Log:
    """The end of a log, and the number of its last chunk; `is_cut` if there is more before."""

    chunks: Sequence[LogChunk]
    last: int
    is_cut: bool

    @property
    def text(self) -> str:
        """All of it in one."""
        return "".join(chunk.text for chunk in self.chunks)


def log_end(chunks: Iterable[LogChunk], limit: int = MAX_LOG) -> Log:
    """The last `limit` characters of a log."""
    kept: list[LogChunk] = []
    left, is_cut, last = limit, False, 0
    for chunk in reversed([*chunks]):
        last = max(last, chunk.seq)
        if left <= 0:
            is_cut = True
            break
        is_cut = len(chunk.text) > left
        kept.append(LogChunk(chunk.attempt, chunk.seq, chunk.text[-left:]))
        left -= len(chunk.text)
    return Log([*reversed(kept)], last, is_cut)
