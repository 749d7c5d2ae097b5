"""Columns of customers, each computed from others."""

import pandas as pd


def average_order(spent: pd.Series, orders: pd.Series) -> pd.Series:
    """What an order came to, 0 without orders."""
    return (spent / orders.where(orders > 0)).fillna(0.0)


def age(born: pd.Series, year: int) -> pd.Series:
    """How old a customer becomes this year."""
    return year - born


def is_valued(average_order: pd.Series, age: pd.Series) -> pd.Series:
    """Whom to write a letter."""
    return (average_order > 20) & (age < 50)
