"""Features for a model: missing values, categories and scales."""

import pandas as pd
from hamilton.function_modifiers import config, extract_columns


@extract_columns("customer", "plan", "orders", "spent")
def customers(customers_file: str) -> pd.DataFrame:
    """Customers as they were written down."""
    return pd.read_csv(customers_file)


def plan_known(plan: pd.Series) -> pd.Series:
    """The plan, where none is written the basic one."""
    return plan.fillna("basic")


def is_premium(plan_known: pd.Series) -> pd.Series:
    """Whether the plan is premium, as a number."""
    return (plan_known == "premium").astype(int)


@config.when(scaling="minmax")
def spent_scaled__minmax(spent: pd.Series) -> pd.Series:
    """What was spent, between 0 and 1."""
    return (spent - spent.min()) / (spent.max() - spent.min())


@config.when(scaling="rank")
def spent_scaled__rank(spent: pd.Series) -> pd.Series:
    """What was spent, as a rank from 1 on."""
    return spent.rank()


def features(
    customer: pd.Series, orders: pd.Series, is_premium: pd.Series, spent_scaled: pd.Series
) -> pd.DataFrame:
    """What a model is given."""
    columns = {
        "customer": customer, "orders": orders, "premium": is_premium, "spent": spent_scaled
    }  # fmt: skip
    return pd.DataFrame(columns)
