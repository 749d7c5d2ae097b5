"""Functions without a body of their own."""

from hamilton.function_modifiers import does


def _sum(**parts: float) -> float:
    return sum(parts.values())


def _difference(whole: float, part: float) -> float:
    return whole - part


@does(_sum)
def expenses(rent: float, power: float, food: float) -> float:
    """All that is paid in a month."""


@does(_difference, whole="income", part="expenses")
def savings(income: float, expenses: float) -> float:
    """What is left of the income."""
