"""The table of benchmarks: its lines, and one run of the collector with a quick measurement."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The collector; programs there import each other by short names, which do not stay."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(BENCHMARKS)
    import table

    monkeypatch.setattr(table, "LOOK_SECONDS", 0.01)
    yield table
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(BENCHMARKS)):
            del sys.modules[name]


@pytest.mark.usefixtures("table")
def test_a_line_compares_what_was_measured_in_turns_round_by_round() -> None:
    from lines import Bound, beside_other

    # The machine was twice as slow in the second round, for both.
    pairs = [(10.0, 5.0), (22.0, 10.0), (9.0, 5.0)]
    line = beside_other("started", "SQLite", "ms", pairs, "another", Bound(2))

    assert (line.ours, line.theirs) == (10, 5)
    assert (line.ratio, line.difference) == (2, 5)
    assert line.is_kept
    assert line.as_cells() == (
        "started", "SQLite", "10 ms", "another: 5.0 ms", "2.00 x", "at most 2 x", "yes"
    )  # fmt: skip


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize(
    ("limit", "of", "at_least", "words", "is_kept"),
    [
        (1.9, "ratio", False, ("2.00 x", "at most 1.9 x"), False),
        (2, "ratio", True, ("2.00 x", "at least 2 x"), True),
        (4, "difference", False, ("+5.0 ms", "at most +4 ms"), False),
        (9, "value", False, ("2.00 x", "at most 9 ms"), False),
        (1000, "value", True, ("2.00 x", "at least 1,000 ms"), False),
    ],
)
def test_a_bound_is_of_a_ratio_a_difference_or_a_value(
    limit: float, of: str, at_least: bool, words: tuple[str, str], is_kept: bool
) -> None:
    from lines import Bound, beside_other

    line = beside_other("x", "", "ms", [(10, 5)], "another", Bound(limit, of, at_least))  # type: ignore[arg-type]

    assert line.as_cells()[4:] == (*words, "yes" if is_kept else "NO")
    assert line.as_data()["is_kept"] is is_kept


@pytest.mark.usefixtures("table")
def test_beside_a_program_that_did_nothing_there_is_no_ratio() -> None:
    from lines import Bound, beside_other

    bound = Bound(995, "value", at_least=True)
    line = beside_other("fires", "SQLite", "/s", [(1000, 0)], "another", bound)

    assert line.as_cells()[3:] == ("another: 0.00/s", "", "at least 995/s", "yes")


def test_the_collector_runs_a_benchmark_and_keeps_its_figures(
    table: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("ROUNDS", "1")
    file = tmp_path / "bench.json"

    assert table.main(["--only", "help", "--json", str(file)]) == 0

    printed = capsys.readouterr()
    data = json.loads(file.read_text())
    (line,) = data["lines"]
    assert line["what"] == "flowerpower --help"
    assert 0 < line["ours"] < 60_000
    assert 0 < line["theirs"] < 60_000
    assert data["failed"] == []
    assert 0 <= data["busy_percent"] <= 100
    assert "| flowerpower --help |" in printed.out
    assert "help ..." in printed.err


def test_a_benchmark_that_fails_loses_no_lines_and_gives_exit_code_1(
    table: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from lines import Bound, Line
    from programs import usage_of

    def broken(_: str | None) -> Iterator[Line]:
        yield Line("before", "", "ms", 1, bound=Bound(0.5, "value"))
        usage_of([sys.executable, "-c", "raise SystemExit('no such thing')"], BENCHMARKS)

    def whole(_: str | None) -> Iterator[Line]:
        yield Line("after", "", "ms", 1)

    monkeypatch.setattr(table, "MEASUREMENTS", {"broken": broken, "whole": whole})

    assert table.main([]) == 1

    printed = capsys.readouterr()
    assert "before" in printed.out
    assert "after" in printed.out
    assert "failed: broken" in printed.out
    assert "ended with 1: no such thing" in printed.err


def test_a_run_that_is_interrupted_shows_what_it_has(
    table: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from lines import Line

    def interrupted(_: str | None) -> Iterator[Line]:
        yield Line("before", "", "ms", 1)
        raise KeyboardInterrupt

    monkeypatch.setattr(table, "MEASUREMENTS", {"long": interrupted, "next": interrupted})

    assert table.main([]) == 1

    printed = capsys.readouterr().out
    assert printed.count("before") == 1
    assert "failed: long and what follows (interrupted)" in printed


def test_a_run_beside_other_programs_says_so(table: ModuleType) -> None:
    assert table.load_warning(8.4, 2) == ""
    assert "other programs used 43 % of 2 processors" in table.load_warning(43.2, 2)
