"""A score out of a value; how is a matter of configuration."""

from hamilton.function_modifiers import config


@config.when(scale="percent")
def scaled__percent(amount: float) -> float:
    """Between 0 and 100."""
    return amount * 100


@config.when(scale="unit")
def scaled__unit(amount: float) -> float:
    """Between 0 and 1."""
    return amount


def score(scaled: float, bonus: float) -> float:
    """What counts in the end."""
    return scaled + bonus
