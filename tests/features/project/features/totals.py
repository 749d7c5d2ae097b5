"""Totals of the sales in one region; used as a part of other DAGs."""

import pandas as pd


def of_region(sales: pd.DataFrame, region: str) -> pd.DataFrame:
    """The sales in one region."""
    return sales[sales["region"] == region]


def units(of_region: pd.DataFrame) -> int:
    """How many were sold."""
    return int(of_region["units"].sum())


def revenue(of_region: pd.DataFrame) -> float:
    """What they brought in."""
    return float((of_region["units"] * of_region["price"]).sum())


def price_per_unit(units: int, revenue: float) -> float:
    """What one unit brought in."""
    return revenue / units
