"""What can be said of prices."""

import pandas as pd


def mean_price(sales: pd.DataFrame) -> float:
    """The mean of the prices of all sales."""
    return float(sales["price"].mean())


def highest_price(sales: pd.DataFrame) -> float:
    """The dearest unit."""
    return float(sales["price"].max())
