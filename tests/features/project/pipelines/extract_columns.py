"""Columns of a file, each a node of its own."""

import pandas as pd
from hamilton.function_modifiers import extract_columns


@extract_columns("product", "units", "price")
def sales(sales_file: str) -> pd.DataFrame:
    """The sales as they were written down."""
    return pd.read_csv(sales_file)


def revenue(units: pd.Series, price: pd.Series) -> pd.Series:
    """Units times price, sale by sale."""
    return units * price


def best_seller(product: pd.Series, units: pd.Series) -> str:
    """The product of which most units were sold."""
    return str(units.groupby(product).sum().idxmax())


def total_revenue(revenue: pd.Series) -> float:
    """Revenue of all sales."""
    return float(revenue.sum())
