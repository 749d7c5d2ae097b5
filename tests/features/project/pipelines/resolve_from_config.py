"""The columns of a file that the configuration names."""

import pandas as pd
from hamilton.function_modifiers import (
    extract_columns,
    group,
    inject,
    resolve_from_config,
    source,
)


@resolve_from_config(decorate_with=lambda columns: extract_columns(*columns))
def table(file: str) -> pd.DataFrame:
    """The whole file."""
    return pd.read_csv(file)


@resolve_from_config(
    decorate_with=lambda columns: inject(chosen=group(**{each: source(each) for each in columns}))
)
def means(chosen: dict[str, pd.Series]) -> dict[str, float]:
    """The mean of each column that was asked for."""
    return {name: column.mean() for name, column in chosen.items()}
