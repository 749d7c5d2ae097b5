"""Nodes with an owner and other tags, which a run leaves as they are."""

import pandas as pd
from hamilton.function_modifiers import extract_fields, schema, tag, tag_outputs


@tag(owner="web", pii="false")
def table(visits_file: str) -> pd.DataFrame:
    """Visits, day by day."""
    return pd.read_csv(visits_file)


@tag_outputs(quietest={"use": "planning"}, busiest={"use": ["planning", "news"]})
@extract_fields({"quietest": str, "busiest": str})
def days(table: pd.DataFrame) -> dict[str, str]:
    """The two days that stand out."""
    by_day = table.set_index("day")["visits"]
    return {"quietest": str(by_day.idxmin()), "busiest": str(by_day.idxmax())}


@schema.output(("day", "str"), ("visits", "int"))
def visits(table: pd.DataFrame) -> pd.DataFrame:
    """The last two days."""
    return table.tail(2).reset_index(drop=True)


def tagged(quietest: str, busiest: str) -> list[str]:
    """Both days, the quiet one first."""
    return [quietest, busiest]
