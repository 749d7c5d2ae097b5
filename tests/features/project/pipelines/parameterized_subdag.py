"""The same DAG for several regions, with settings of their own."""

from typing import Any

import pandas as pd
from features import totals
from hamilton.function_modifiers import config, parameterized_subdag, source, value


def sales(sales_file: str) -> pd.DataFrame:
    """The sales as they were written down."""
    return pd.read_csv(sales_file)


@config.when(rating="lenient")
def is_good__lenient(revenue: float, threshold: float) -> bool:
    """Half of the threshold is enough."""
    return revenue >= threshold / 2


@config.when_not(rating="lenient")
def is_good__strict(revenue: float, threshold: float) -> bool:
    """Nothing below the threshold."""
    return revenue >= threshold


@parameterized_subdag(
    totals,
    is_good__lenient,
    is_good__strict,
    inputs={"sales": source("sales"), "threshold": source("threshold")},
    north_report={"inputs": {"region": value("north")}, "config": {"rating": "strict"}},
    south_report={"inputs": {"region": value("south")}, "config": {"rating": "lenient"}},
)
def report(units: int, is_good: bool) -> dict[str, Any]:
    """What is told of a region."""
    return {"units": units, "good": is_good}
