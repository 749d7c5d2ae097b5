"""One DAG inside another, once for each region."""

import pandas as pd
from features import totals
from hamilton.function_modifiers import source, subdag, value


def sales(sales_file: str) -> pd.DataFrame:
    """The sales as they were written down."""
    return pd.read_csv(sales_file)


@subdag(totals, inputs={"sales": source("sales"), "region": value("north")})
def north(price_per_unit: float) -> float:
    """What one unit brought in in the north."""
    return price_per_unit


@subdag(
    totals.of_region,
    totals.units,
    inputs={"region": value("south")},
    namespace="southern",
)
def south_units(units: int) -> int:
    """How many were sold in the south."""
    return units
