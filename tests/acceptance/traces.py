"""What jobs write of their runs, and what it says: when each ran, and what ran twice."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable

from flowerpower.jobs.job import Job
from tests.acceptance.fault_records import counted

Span = tuple[float, float, bool]
"""From when to when a run lived, by the monotonic clock, and whether it came to its end."""
TRACE = """
import json, os, time

def traced(name, seconds):
    def write(what):
        line = json.dumps([name, what, os.getpid(), time.monotonic()]) + "\\n"
        os.write(file, line.encode())
    file = os.open("trace", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    write("begin")
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(0.02)
        write("on")
    write("end")
    os.close(file)
"""


def spans_of(trace: Iterable[tuple[str, str, int, float]]) -> dict[str, list[Span]]:
    """The runs of each job. Of a process that was killed, its last sign of life counts."""
    open_spans: dict[tuple[str, int], tuple[float, float]] = {}
    spans: dict[str, list[Span]] = defaultdict(list)
    for name, what, pid, moment in trace:
        if what == "begin":
            if (name, pid) in open_spans:
                spans[name].append((*open_spans[name, pid], False))
            open_spans[name, pid] = (moment, moment)
        elif what == "on":
            open_spans[name, pid] = (open_spans[name, pid][0], moment)
        else:
            begin, _ = open_spans.pop((name, pid))
            spans[name].append((begin, moment, True))
    for (name, _), (begin, last) in open_spans.items():
        spans[name].append((begin, last, False))
    return spans


def overlaps(runs: Iterable[Span]) -> int:
    """How many of the runs of one job began before the one before had ended."""
    pairs = itertools.pairwise(sorted(runs))
    return sum(begin < end for (_, end, _), (begin, _, _) in pairs)


def count_runs(jobs: Iterable[Job], trace: Iterable[tuple[str, str, int, float]]) -> None:
    """Count jobs that have not ended, runs beyond their attempts, and runs at once."""
    spans = spans_of(trace)
    for job in jobs:
        runs = spans[job.id]
        counted(
            lost=not job.status.is_ended,
            doubled=max(0, len(runs) - job.attempt),
            overlapping=overlaps(runs),
        )
