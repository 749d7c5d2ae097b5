"""From the warehouse back to those who write letters: a list of customers as a file."""

from typing import Any

import pandas as pd
from hamilton.function_modifiers import dataloader, datasaver


@dataloader()
def customers(customers_file: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """What the warehouse knows."""
    return pd.read_csv(customers_file), {"source": customers_file}


def recipients(customers: pd.DataFrame, min_orders: int = 4) -> pd.DataFrame:
    """Whoever has ordered often enough."""
    return customers[customers["orders"] >= min_orders]


def mailing(recipients: pd.DataFrame) -> pd.DataFrame:
    """What the letter needs."""
    names = recipients["customer"].str.title()
    return pd.DataFrame({"name": names, "spent": recipients["spent"]})


@datasaver()
def export(mailing: pd.DataFrame, export_file: str) -> dict:
    """The list as a file."""
    mailing.to_csv(export_file, index=False)
    return {"file": export_file, "recipients": len(mailing)}
