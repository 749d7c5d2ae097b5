"""Mean and peak of visits over windows of several lengths."""

import pandas as pd
from hamilton.function_modifiers import (
    ParameterizedExtract,
    parameterize_extract_columns,
    source,
    value,
)


def visits(visits_file: str) -> pd.Series:
    """Visits, day by day."""
    return pd.read_csv(visits_file)["visits"]


@parameterize_extract_columns(
    ParameterizedExtract(
        ("short_mean", "short_peak"), {"series": source("visits"), "days": value(2)}
    ),
    ParameterizedExtract(
        ("long_mean", "long_peak"), {"series": source("visits"), "days": value(4)}
    ),
)
def window(series: pd.Series, days: int) -> pd.DataFrame:
    """Mean and peak of each window."""
    rolling = series.rolling(days)
    return pd.DataFrame({"mean": rolling.mean(), "peak": rolling.max()})


def short_summary(short_mean: pd.Series, short_peak: pd.Series) -> dict[str, float]:
    """Where windows of two days stand in the end."""
    return {"mean": short_mean.iloc[-1], "peak": short_peak.iloc[-1]}


def long_summary(long_mean: pd.Series, long_peak: pd.Series) -> dict[str, float]:
    """Where windows of four days stand in the end."""
    return {"mean": long_mean.iloc[-1], "peak": long_peak.iloc[-1]}
