"""What was raised and counted while tests and campaigns ran: one line of JSON for each of them.

`make faults` names the file in FLOWERPOWER_TEST_FAULTS; elsewhere nothing is written. A test says by
marks which faults it raises, on which backend, and how often; what it has counted it says by
`counted`. Helpers of the tests count by themselves what holds for every test: tracebacks, commands
that hang, runs of one job at once, and processes that are left.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.acceptance.fault_list import ANY, BY_ID, CAUGHT, COUNTS, SHARED

if TYPE_CHECKING:
    import pytest

FILE = "FLOWERPOWER_TEST_FAULTS"
TRACEBACK = "Traceback (most recent call last)"
_PROPERTY = "faults"
_counts: Counter[str] = Counter()
_raised: Counter[str] = Counter()


@dataclass
class Record:
    """What one test or campaign came to.

    Attributes:
        source: the test's node id without its parameters, or the campaign's name.
        backend: where its queue was; `any` if the fault has nothing to do with that.
        raised: how often it raised which fault, by the fault's id.
        counts: what it counted; a kind that is not there was not counted.
        catches: which wrong counts it shows to be found, as "CAMPAIGN: KIND".
    """

    source: str
    backend: str
    passed: bool
    raised: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    catches: list[str] = field(default_factory=list)

    def write(self) -> None:
        """Add it to the file of records, if there is one."""
        if name := os.environ.get(FILE):
            path = Path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            # One write: two campaigns may end at the same time.
            with path.open("ab", buffering=0) as file:
                file.write(json.dumps(asdict(self)).encode() + b"\n")


def read_records(path: Path) -> list[Record]:
    """All that was recorded in a file."""
    return [Record(**json.loads(line)) for line in path.read_text("utf-8").splitlines()]


def counted(**counts: int) -> None:
    """Add to the counts of the test that runs; of what is 0 it is known then that it was counted."""
    for kind, count in counts.items():
        assert kind in COUNTS, kind
        _counts[kind] += int(count)


def compared(expected: Iterable[str], found: Iterable[str]) -> None:
    """Count as lost what was not found, and as doubled what came twice or was not expected."""
    wanted, seen = Counter(expected), Counter(found)
    counted(lost=(wanted - seen).total(), doubled=(seen - wanted).total())


def take_counts() -> dict[str, int]:
    """What was counted since the last call, by a campaign that runs in no test."""
    counts = dict(_counts)
    _counts.clear()
    return counts


def raised(faults: Mapping[str, int]) -> None:
    """How often the test that runs has raised each fault; else each of its marks counts once."""
    _raised.update(faults)


def begin_test(item: pytest.Item) -> None:
    """Before a test: its marks are right, and nothing is counted yet."""
    _counts.clear()
    _raised.clear()
    for mark in item.iter_markers("fault"):
        unknown = set(mark.args) - BY_ID.keys()
        assert not unknown, f"{item.nodeid}: tests/acceptance/fault_list.py has no {unknown}"
    for mark in item.iter_markers("catches"):
        campaign, kind = mark.args
        assert kind in CAUGHT[campaign], f"{item.nodeid}: {kind}"


def end_test(item: pytest.Item) -> None:
    """After a test: what was raised and counted goes with its report to who writes it down."""
    marks = list(item.iter_markers("fault"))
    faults = {fault: mark.kwargs.get("on") for mark in marks for fault in mark.args}
    if not faults and not list(item.iter_markers("catches")):
        return
    item.user_properties.append(
        (
            _PROPERTY,
            {
                "backends": {fault: on or _backend(item, fault) for fault, on in faults.items()},
                "raised": dict(_raised) or dict.fromkeys(faults, 1),
                # Of a test that shows what a count finds, the counts are wrong on purpose.
                "counts": dict(_counts) if faults else {},
                "catches": [
                    f"{mark.args[0]}: {mark.args[1]}" for mark in item.iter_markers("catches")
                ],
            },
        )
    )


def _backend(item: pytest.Item, fault: str) -> str:
    """By the parameters of a test; else the only one that the fault is on, else SQLite."""
    parameters = getattr(item, "callspec", None)
    for name in ("url", "setup", "backend", "kind"):
        value = str(parameters.params.get(name)) if parameters else ""
        value = {"rq": "redis"}.get(value, value)
        if value in (*SHARED, "memory"):
            return value
    on = BY_ID[fault].on
    return ANY if not on else on[0]


def write_report(report: pytest.TestReport, outcomes: dict[str, str]) -> None:
    """A phase of a test has ended, maybe in another process: write the whole test at its end.

    `outcomes` are those of tests of which an earlier phase has failed or was skipped.
    """
    if not report.passed:
        outcomes[report.nodeid] = report.outcome
    outcome = outcomes.get(report.nodeid, report.outcome)
    if report.when != "teardown" or FILE not in os.environ or outcome == "skipped":
        return
    passed = outcome == "passed"
    source = report.nodeid.partition("[")[0]
    known: dict[str, Any] = dict(report.user_properties).get(_PROPERTY, {})  # type: ignore[assignment]
    backends = known.get("backends", {})
    for backend in set(backends.values()):
        raised_there = {
            fault: count
            for fault, count in known["raised"].items()
            if backends.get(fault, backend) == backend
        }
        Record(source, backend, passed, raised_there, known["counts"]).write()
    if known.get("catches") or (not backends and not passed):
        Record(source, ANY, passed, catches=known.get("catches", [])).write()
