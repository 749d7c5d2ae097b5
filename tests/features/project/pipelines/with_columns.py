"""Columns added to a data frame, each by a function of its own."""

import pandas as pd
from features import customers as columns
from hamilton.plugins.h_pandas import with_columns


def customers(customers_file: str) -> pd.DataFrame:
    """Customers as they were written down."""
    return pd.read_csv(customers_file)[["customer", "born", "orders", "spent"]]


@with_columns(
    columns,
    columns_to_pass=["born", "orders", "spent"],
    select=["age", "is_valued"],
    namespace="added",
)
def enriched(customers: pd.DataFrame) -> pd.DataFrame:
    """Customers, and what is known of them besides."""
    return customers.drop(columns=["born", "orders", "spent"])
