"""Revenue by region, as a data frame."""

import pandas as pd


def sales(sales_file: str) -> pd.DataFrame:
    """The sales as they were written down."""
    return pd.read_csv(sales_file)


def revenue(sales: pd.DataFrame) -> pd.Series:
    """Units times price, sale by sale."""
    return sales["units"] * sales["price"]


def revenue_by_region(sales: pd.DataFrame, revenue: pd.Series) -> pd.DataFrame:
    """One row for each region, the best first."""
    totals = revenue.groupby(sales["region"]).sum().sort_values(ascending=False)
    return totals.rename("revenue").reset_index()
