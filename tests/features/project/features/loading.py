"""Where the data comes from."""

import pandas as pd


def sales(sales_file: str) -> pd.DataFrame:
    """The sales as they were written down."""
    return pd.read_csv(sales_file)
