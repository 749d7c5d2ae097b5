"""A time series: windows, changes, weeks, and what is out of the ordinary."""

import datetime as dt

import pandas as pd


def visits(visits_file: str) -> pd.Series:
    """Visits with the day as their index."""
    return pd.read_csv(visits_file, parse_dates=["day"], index_col="day")["visits"]


def moving_average(visits: pd.Series, days: int = 4) -> pd.Series:
    """The mean of the last days."""
    return visits.rolling(days).mean()


def change(visits: pd.Series) -> list[float]:
    """From each day to the next, in visits."""
    return visits.diff().dropna().tolist()


def weekly(visits: pd.Series) -> dict[dt.date, int]:
    """Visits by week, named by its Sunday."""
    return {day.date(): int(count) for day, count in visits.resample("W").sum().items()}


def peak_days(visits: pd.Series, moving_average: pd.Series, factor: float = 1.25) -> list[dt.date]:
    """Days far above the average of the days up to then."""
    return [day.date() for day in visits.index[visits > moving_average * factor]]
