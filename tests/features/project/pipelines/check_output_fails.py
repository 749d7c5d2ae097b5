"""Readings that are not as they must be end the run."""

import pandas as pd
from hamilton.function_modifiers import check_output


@check_output(range=(-30.0, 40.0), importance="fail")
def celsius(readings_file: str) -> pd.Series:
    """What the sensors have read."""
    return pd.read_csv(readings_file)["celsius"]


def mean_celsius(celsius: pd.Series) -> float:
    """The mean of all readings."""
    return float(celsius.mean())
