"""The same features for a whole file and for one customer who is here now."""

import pandas as pd
from hamilton.function_modifiers import config, extract_columns


@config.when(mode="batch")
@extract_columns("orders", "spent")
def customers__batch(customers_file: str) -> pd.DataFrame:
    """All customers."""
    return pd.read_csv(customers_file)


@config.when(mode="online")
@extract_columns("orders", "spent")
def customers__online(spent_now: float, orders_now: int) -> pd.DataFrame:
    """One customer, as a table of one row."""
    return pd.DataFrame({"orders": [orders_now], "spent": [spent_now]})


def spending_level(spent: pd.Series) -> list[str]:
    """How much was spent, in a word."""
    return ["high" if each >= 100 else "low" for each in spent]


def has_ordered(orders: pd.Series) -> list[bool]:
    """Whether anything was ordered at all."""
    return (orders > 0).tolist()
