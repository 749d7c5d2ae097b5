"""Files of a folder, read in parallel and put together."""

import csv
from collections import Counter
from pathlib import Path

from hamilton.htypes import Collect, Parallelizable


def store_file(folder: str) -> Parallelizable[Path]:
    """Each store's file, one by one."""
    yield from sorted(Path(folder).glob("*.csv"))


def rows(store_file: Path) -> list[dict[str, str]]:
    """What a store has sold."""
    with store_file.open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def units_of_store(store_file: Path, rows: list[dict[str, str]]) -> dict[str, int]:
    """How many units of all items a store has sold."""
    return {store_file.stem: sum(int(row["units"]) for row in rows)}


def units_by_store(units_of_store: Collect[dict[str, int]]) -> dict[str, int]:
    """All stores together."""
    totals: Counter[str] = Counter()
    for each in units_of_store:
        totals.update(each)
    return dict(totals)


def best_store(units_by_store: dict[str, int]) -> str:
    """The store that has sold most."""
    return max(units_by_store, key=lambda store: units_by_store[store])
