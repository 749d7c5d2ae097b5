"""Columns whose annotations say what they hold."""

from typing import Annotated

import pandas as pd
from hamilton.htypes import column

Integers = Annotated[pd.Series, int]
visits_type = column[pd.Series, int]


def visits(visits_file: str) -> visits_type:
    """Visits, day by day."""
    return pd.read_csv(visits_file)["visits"]


def doubled(visits: Integers) -> Integers:
    """Twice of them."""
    return visits * 2


def total(doubled: Integers) -> int:
    """All of them."""
    return int(doubled.sum())
