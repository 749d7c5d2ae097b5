"""One price, reduced at several rates."""

from hamilton.function_modifiers import parameterize_values


@parameterize_values(
    "rate",
    {("member_price", "For members."): 0.25, ("sale_price", "At the end of a season."): 0.5},
)
def reduced(list_price: float, rate: float) -> float:
    """The list price less a part of it."""
    return list_price * (1 - rate)
