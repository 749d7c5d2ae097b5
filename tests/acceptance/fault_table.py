"""Prints the table of all faults, by what `make faults` has recorded; 1 if something is wrong.

That is: a fault without a result on one of its backends, a test or campaign that failed or is
missing, a count that is not 0 or was not made, and a broken store that no test shows to be found.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from flowerpower.triggers import clock
from tests.acceptance.fault_list import (
    ANY,
    BY_ID,
    CAMPAIGNS,
    CAUGHT,
    COUNTS,
    FAULTS,
    SECTIONS,
    SHARED,
    Fault,
)
from tests.acceptance.fault_records import Record, read_records

COLUMNS = (*SHARED, ANY)
NAMES = {
    "sqlite": "SQLite",
    "postgresql": "PostgreSQL",
    "redis": "Redis",
    ANY: "anywhere",
}
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "faults.md"
INTRODUCTION = """\
# Faults, and what was counted

`make faults` raises every fault of this table: real servers and processes are killed for real. It ends with this table, and with exit
code 1 if a fault has no result, a test failed, or a count is not 0. Random faults print their seed.

This run was on {today}, on a machine with {machine}. *How often* is how often the fault was raised on each backend; *anywhere* stands
for what has nothing to do with the backend. *Lost* and *doubled* count jobs, fires and notices; *overlapping* are runs of one job at the same
time; *wrong* is what came too early, too often at once, or changed. *Tracebacks* are of flowerpower's own processes, *hung* are commands
that took over 20 s, *left* are processes that outlived their worker.

`make soak` is the other test: half an hour of mixed load with random faults on each backend, see
[Guarantees](../explanation/guarantees.md#how-they-are-tested).
"""
BROKEN = """\
A count that finds nothing proves nothing unless it can find something. These tests break a store, a scheduler or a sender on purpose,
and the count of the campaign finds it.

"""
WIDTH = 72
"""Of the words for a fault, in characters."""


@dataclass
class Line:
    """What is known of one fault: how often it was raised where, by whom, and what was counted."""

    fault: Fault
    times: Counter[str] = field(default_factory=Counter)
    sources: set[str] = field(default_factory=set)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    """Of each backend what was counted; a kind that nobody has counted is not there."""

    def add(self, record: Record) -> None:
        """Take in one that has raised this fault."""
        self.times[record.backend] += record.raised[self.fault.id]
        self.sources.add(record.source)
        counts = self.counts.setdefault(record.backend, {})
        for kind, count in record.counts.items():
            counts[kind] = counts.get(kind, 0) + count

    def total(self, kind: str) -> int | None:
        """What was counted on all backends together; None if nobody has."""
        known = [counts[kind] for counts in self.counts.values() if kind in counts]
        return sum(known) if known else None

    def missing(self) -> Iterator[str]:
        """What a result lacks."""
        for backend in self.fault.columns:
            where = f"{self.fault.id}, {backend}"
            if not self.times[backend]:
                yield f"{where}: nothing has raised it"
            else:
                for kind in self.fault.counted:
                    if kind not in self.counts[backend]:
                        yield f"{where}: {kind} was not counted"


def lines_of(records: Iterable[Record]) -> dict[str, Line]:
    """The lines of the table, in its order; failed tests show nothing."""
    lines = {fault_id: Line(fault) for fault_id, fault in BY_ID.items()}
    for record in records:
        for fault_id, times in record.raised.items():
            # A campaign may raise more than the table asks of it.
            if record.passed and times and fault_id in lines:
                lines[fault_id].add(record)
    return lines


def shown_by(records: Iterable[Record]) -> dict[str, set[str]]:
    """By which tests each kind of wrong count is shown to be found."""
    shown: dict[str, set[str]] = {
        f"{campaign}: {kind}": set() for campaign, kinds in CAUGHT.items() for kind in kinds
    }
    for record in records:
        for caught in record.catches if record.passed else ():
            shown[caught].add(record.source)
    return shown


def problems(records: list[Record]) -> list[str]:
    """All that is wrong, in words."""
    ran = {(record.source, record.backend) for record in records}
    found = [
        f"{record.source}, {record.backend}: failed" for record in records if not record.passed
    ]
    if ("pytest", ANY) not in ran:
        found.append("pytest has not ended")
    for campaign, backends in CAMPAIGNS.items():
        found += [f"{campaign}, {backend}: has not ended" for backend in backends
                  if (campaign, backend) not in ran]  # fmt: skip
    for record in records:
        found += [f"{record.source}, {record.backend}: {count} {kind}"
                  for kind, count in record.counts.items() if count]  # fmt: skip
    for line in lines_of(records).values():
        found += line.missing()
    found += [f"{caught}: no test shows that it is found"
              for caught, tests in shown_by(records).items() if not tests]  # fmt: skip
    return found


def name_of(source: str) -> str:
    """A test or campaign, as short as it is still found: FILE::TEST."""
    path, _, test = source.partition("::")
    return f"{Path(path).name}::{test}" if test else f"{path}.py"


def _numbers(line: Line) -> str:
    times = "".join(f"{line.times[column] or '·':>{len(column) + 2}}" for column in COLUMNS)
    counts = [line.total(kind) for kind in COUNTS]
    shown = "".join(f"{'·' if count is None else count:>{len(kind) + 2}}"
                    for kind, count in zip(COUNTS, counts, strict=True))  # fmt: skip
    return f"{times}  |{shown}"


def print_table(records: list[Record]) -> None:
    """Every fault: how often it was raised where, what was counted, and by whom."""
    lines = lines_of(records)
    head = "".join(f"{column:>{len(column) + 2}}" for column in COLUMNS)
    head += "  |" + "".join(f"{kind:>{len(kind) + 2}}" for kind in COUNTS)
    print(f"{'how often it was raised, and what was counted (· nothing)':<{WIDTH}}{head}")
    for letter, section in SECTIONS.items():
        print(f"\n{letter}  {section}")
        for fault in FAULTS[letter]:
            line = lines[fault.id]
            print(f"   {fault.text:<{WIDTH - 3}}{_numbers(line)}")
            if fault.not_here:
                print(f"      not raised here: {fault.not_here}")
            for source in sorted(line.sources):
                print(f"      {name_of(source)}")
    print("\nWhat the counts find in stores that are broken on purpose")
    for caught, tests in shown_by(records).items():
        print(f"   {caught:<{WIDTH - 3}}  {', '.join(sorted(map(name_of, tests))) or '·'}")


def _row(*cells: object) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |\n"


def _on(line: Line) -> str:
    """How often a fault was raised where."""
    times = [f"{NAMES[column]} {line.times[column]}" for column in COLUMNS if line.times[column]]
    return ", ".join(times) or f"not raised here: {line.fault.not_here}"


def _counted(line: Line) -> str:
    known = {kind: line.total(kind) for kind in COUNTS}
    return ", ".join(f"{kind} {count}" for kind, count in known.items() if count is not None)


def page_of(records: list[Record], today: str, machine: str) -> str:
    """The page of the documentation: the same table, with what a run counted."""
    lines, parts = lines_of(records), [INTRODUCTION.format(today=today, machine=machine)]
    for letter, section in SECTIONS.items():
        parts.append(f"\n## {section}\n\n")
        parts.append(_row("Fault", "How often", "Counted", "Raised by"))
        parts.append("|---|---|---|---|\n")
        for fault in FAULTS[letter]:
            line = lines[fault.id]
            sources = "<br>".join(f"`{name_of(source)}`" for source in sorted(line.sources))
            parts.append(_row(fault.text, _on(line), _counted(line), sources))
    parts.append("\n## What the counts find\n\n" + BROKEN)
    parts.append(_row("Count", "Shown by") + "|---|---|\n")
    for caught, tests in shown_by(records).items():
        parts.append(_row(caught, "<br>".join(f"`{name_of(test)}`" for test in sorted(tests))))
    return "".join(parts)


def write_page(records: list[Record], note: str) -> None:
    """Write the page, with this day's date and the size of this machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    machine = f"{os.cpu_count()} cores and {memory:.0f} GB of memory"
    machine += f". {note.rstrip('.')}" if note else ""
    today = f"{clock.now():%-d %B %Y}"
    PAGE.write_text(page_of(records, today, machine), encoding="utf-8")


def main() -> int:
    """Print it; the exit code is 1 if something is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("records", type=Path)
    parser.add_argument("--page", action="store_true", help=f"write {PAGE} too")
    parser.add_argument("--note", default="", help="a sentence about this run, for the page")
    options = parser.parse_args()
    records = read_records(options.records)
    print_table(records)
    if options.page:
        write_page(records, options.note)
    found = problems(records)
    print(*(["", "Wrong:"] if found else ["", "Nothing is wrong."]), *found, sep="\n  ")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
