"""Another mean price in place of that of an earlier module."""

import pandas as pd


def mean_price(sales: pd.DataFrame) -> float:
    """The mean of what was paid for a unit, by units sold."""
    revenue = (sales["units"] * sales["price"]).sum()
    return float(revenue / sales["units"].sum())


def below_highest(mean_price: float, highest_price: float) -> float:
    """How far the mean is below the dearest."""
    return highest_price - mean_price
