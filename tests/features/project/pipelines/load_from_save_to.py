"""Hamilton's own loaders and savers, and what they tell of what they wrote."""

from pathlib import Path
from typing import Any

import pandas as pd
from hamilton.function_modifiers import load_from, save_to, source, value


@load_from.csv(path=source("sales_file"), inject_="sales")
@save_to.json(path=source("cheap_file"), output_name_="saved_json")
def cheap_units(sales: pd.DataFrame, limit: float = 0.5) -> dict[str, int]:
    """Units of what costs less than the limit, by product."""
    cheap = sales[sales["price"] < limit]
    return {name: int(units) for name, units in cheap.groupby("product")["units"].sum().items()}


@load_from.csv(path=source("sales_file"))
@save_to.csv(path=value("pears.csv"), output_name_="saved_csv")
def pears(sales: pd.DataFrame) -> pd.DataFrame:
    """What was sold of pears."""
    return sales[sales["product"] == "pear"].reset_index(drop=True)


def saved_columns(saved_csv: dict[str, Any]) -> list[str]:
    """The columns that were saved."""
    return list(saved_csv["dataframe_metadata"]["column_names"])


def saved_bytes(saved_json: dict[str, Any], cheap_file: str) -> int:
    """The size that the saver tells, which is that of the file."""
    size = int(saved_json["file_metadata"]["size"])
    return size if size == Path(cheap_file).stat().st_size else -1
