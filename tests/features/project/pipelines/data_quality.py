"""A report on a table's quality."""

from typing import Any

import pandas as pd


def table(customers_file: str) -> pd.DataFrame:
    """Customers as they were written down."""
    return pd.read_csv(customers_file)


def missing(table: pd.DataFrame) -> dict[str, int]:
    """Columns with gaps, and how many."""
    counts = table.isna().sum()
    return {str(name): int(count) for name, count in counts[counts > 0].items()}


def duplicates(table: pd.DataFrame) -> int:
    """Customers that are there twice."""
    return int(table["customer"].duplicated().sum())


def outliers(table: pd.DataFrame, limit: float = 1.4) -> list[str]:
    """Customers whose spending is far from the mean, in standard deviations."""
    distance = (table["spent"] - table["spent"].mean()).abs() / table["spent"].std()
    return table["customer"][distance > limit].tolist()


def report(missing: dict[str, int], duplicates: int, outliers: list[str]) -> dict[str, Any]:
    """All of it, and a verdict."""
    return {"missing": missing, "duplicates": duplicates, "outliers": outliers,
            "clean": not (missing or duplicates)}  # fmt: skip
