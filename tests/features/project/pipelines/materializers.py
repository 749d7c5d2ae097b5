"""Functions that know of no file: the YAML says what is loaded and saved."""

import pandas as pd


def summary(sales: pd.DataFrame, factor: float) -> dict[str, float]:
    """Units and the plan for the next week, by product."""
    units = sales.groupby("product")["units"].sum()
    return {product: count * factor for product, count in units.items()}
