"""An order's line, taken apart into typed fields."""

import datetime as dt

from hamilton.function_modifiers import extract_fields


@extract_fields({"number": str, "ordered_on": dt.date, "quantity": int, "unit_price": float})
def fields(order: str) -> dict:
    """The fields of a line of the order book."""
    number, ordered_on, quantity, unit_price = order.split(";")
    return {
        "number": number,
        "ordered_on": dt.date.fromisoformat(ordered_on),
        "quantity": int(quantity),
        "unit_price": float(unit_price),
    }


def amount(quantity: int, unit_price: float) -> float:
    """What is to be paid."""
    return quantity * unit_price


def due_on(ordered_on: dt.date, days_to_pay: int = 14) -> dt.date:
    """The day by which it is to be paid."""
    return ordered_on + dt.timedelta(days=days_to_pay)


def reference(number: str, due_on: dt.date) -> str:
    """What the customer writes on the transfer."""
    return f"{number}/{due_on:%Y%m%d}"
