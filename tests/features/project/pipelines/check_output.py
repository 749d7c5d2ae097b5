"""Readings are checked: what is odd is told of, and the run goes on."""

import pandas as pd
from hamilton.function_modifiers import check_output


@check_output(data_type=float, range=(-30.0, 40.0), allow_nans=False, importance="warn")
def celsius(readings_file: str) -> pd.Series:
    """What the sensors have read."""
    return pd.read_csv(readings_file)["celsius"]


@check_output(range=(0.0, 100.0), importance="fail")
def mean_celsius(celsius: pd.Series) -> float:
    """The mean of all readings."""
    return float(celsius.mean())


@check_output(values_in=["cold", "mild", "hot"], importance="fail")
def weather(mean_celsius: float) -> str:
    """The mean in one word."""
    return "cold" if mean_celsius < 10 else "mild" if mean_celsius < 25 else "hot"
