"""The table of all faults: what it finds wrong, and that the documentation has the same list."""

import re
from pathlib import Path

import pytest

from tests.acceptance.fault_list import ANY, BY_ID, CAMPAIGNS, CAUGHT, COUNTS, FAULTS, SECTIONS
from tests.acceptance.fault_records import Record
from tests.acceptance.fault_table import NAMES, PAGE, page_of, problems, shown_by

TESTS = Path(__file__).parents[1]
CATCHES = [f"{campaign}: {kind}" for campaign, kinds in CAUGHT.items() for kind in kinds]


def _records() -> list[Record]:
    """Of a run in which all went well."""
    zero = dict.fromkeys(COUNTS, 0)
    return [
        Record("pytest", ANY, True),
        *(Record(name, backend, True) for name, on in CAMPAIGNS.items() for backend in on),
        *(
            Record(f"tests/unit/x.py::test_{fault.id}", backend, True, {fault.id: 3}, zero)
            for fault in BY_ID.values()
            for backend in fault.columns
        ),
        *(Record("tests/unit/y.py::test_count", ANY, True, catches=[caught]) for caught in CATCHES),
    ]


def _raising(records: list[Record], fault: str, backend: str) -> Record:
    (record,) = [r for r in records if fault in r.raised and r.backend == backend]
    return record


def test_nothing_is_wrong_with_a_run_in_which_all_went_well() -> None:
    """Every fault on each of its backends, all counts 0, each count shown to count."""
    assert problems(_records()) == []


def test_what_has_no_result_is_wrong() -> None:
    """A fault on one backend, a count, a campaign, the end of pytest, a proof of a count."""
    records = _records()
    records.remove(_raising(records, "worker-killed", "redis"))
    _raising(records, "tree-killed", "sqlite").counts = {"lost": 0, "doubled": 0}
    records.remove(Record("campaign", "postgresql", True))
    records.remove(Record("pytest", ANY, True))
    records[-1].catches = []
    assert problems(records) == [
        "pytest has not ended",
        "campaign, postgresql: has not ended",
        "worker-killed, redis: nothing has raised it",
        "tree-killed, sqlite: overlapping was not counted",
        f"{CATCHES[-1]}: no test shows that it is found",
    ]


def test_what_failed_or_counted_something_is_wrong() -> None:
    """A failed test is no result either."""
    records = _records()
    _raising(records, "redis-full", "redis").passed = False
    _raising(records, "redis-hung", "redis").counts = {"lost": 1, "doubled": 0}
    assert problems(records) == [
        "tests/unit/x.py::test_redis-full, redis: failed",
        "tests/unit/x.py::test_redis-hung, redis: 1 lost",
        "redis-full, redis: nothing has raised it",
    ]


def test_a_failed_test_shows_nothing_of_a_count() -> None:
    """Only one that passes does."""
    failed = Record("tests/unit/y.py::test_count", ANY, False, catches=[CATCHES[0]])
    assert shown_by([failed])[CATCHES[0]] == set()


@pytest.mark.parametrize("fault", BY_ID)
def test_each_fault_is_raised_by_somebody_or_says_why_not(fault: str) -> None:
    """A mark, a campaign or a helper names it."""
    files = [
        file
        for file in TESTS.rglob("*.py")
        if file.name not in ("fault_list.py", "test_fault_table.py")
    ]
    named = any(fault in file.read_text("utf-8") for file in files) or _is_made(fault)
    assert named != bool(BY_ID[fault].not_here)


def _is_made(fault: str) -> bool:
    """Whether its id is put together from a name of a bad job, or of a server."""
    words = fault.removeprefix("job-").replace("-", "_")
    bad_jobs = (TESTS / "acceptance" / "test_worker_faults.py").read_text("utf-8")
    return f'"{words}"' in bad_jobs or fault in ("redis-killed", "postgresql-restarted")


def _page_rows(section: str) -> list[list[str]]:
    text = PAGE.read_text("utf-8")
    part = text.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in part.splitlines() if line.startswith("| ")]
    return rows[1:]


@pytest.mark.parametrize("letter", SECTIONS)
def test_the_page_has_every_fault(letter: str) -> None:
    """In the same words, on each of its backends, raised by tests that there are."""
    rows = _page_rows(SECTIONS[letter])
    assert [row[0] for row in rows] == [fault.text for fault in FAULTS[letter]]
    for fault, (_, times, counts, sources) in zip(FAULTS[letter], rows, strict=True):
        for backend in fault.columns:
            assert NAMES[backend] in times, fault.id
        for kind in fault.counted:
            assert f"{kind} 0" in counts, fault.id
        assert not re.search(r" [1-9]", counts), fault.id
        _exist(sources)


def test_the_page_says_who_shows_that_the_counts_count() -> None:
    """Each kind of each campaign, by a test that there is."""
    rows = _page_rows("What the counts find")
    assert [row[0] for row in rows] == CATCHES
    for _, sources in rows:
        _exist(sources)


def _exist(sources: str) -> None:
    for source in re.findall(r"`([^`]+)`", sources):
        name, _, test = source.partition("::")
        (file,) = (
            [*TESTS.rglob(name)]
            if not test
            else [file for file in TESTS.rglob(name) if f"\ndef {test}(" in file.read_text("utf-8")]
        )
        assert file.exists()


def test_a_page_has_what_was_recorded() -> None:
    """How often, where, what was counted, by whom; the day and the machine."""
    page = page_of(_records(), "1 May 2030", "2 cores")
    assert "on 1 May 2030, on a machine with 2 cores" in page
    assert "| NaN returned | anywhere 3 | lost 0, doubled 0" in page
    assert "`x.py::test_job-returns-nan`" in page
