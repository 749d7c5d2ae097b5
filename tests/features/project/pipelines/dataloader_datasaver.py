"""A loader and a saver that tell where the data came from and went to."""

from pathlib import Path
from typing import Any

import pandas as pd
from hamilton.function_modifiers import dataloader, datasaver


@dataloader()
def sales(source_file: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The sales, and what is known of their file."""
    table = pd.read_csv(source_file)
    return table, {"file": source_file, "rows": len(table)}


def daily_revenue(sales: pd.DataFrame) -> dict[str, float]:
    """Revenue, day by day."""
    revenue = sales["units"] * sales["price"]
    return revenue.groupby(sales["day"]).sum().to_dict()


@datasaver()
def best_days(daily_revenue: dict[str, float], target_file: str) -> dict:
    """Days and their revenue, the best first."""
    days = sorted(daily_revenue.items(), key=lambda each: -each[1])
    target = Path(target_file)
    target.parent.mkdir(exist_ok=True)
    target.write_text("".join(f"{day},{revenue}\n" for day, revenue in days), "utf-8")
    return {"file": target_file, "rows": len(days)}
