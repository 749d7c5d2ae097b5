"""Two ways to send a parcel, out of one function."""

from hamilton.function_modifiers import parameterize, source, value


@parameterize(
    standard_delivery=(
        {"base": value(4.0), "rate": value(0.5)},
        "A parcel of {weight} kg in three days, from {base}.",
    ),
    express_delivery={"base": value(9.0), "rate": source("express_rate")},
)
def delivery(base: float, rate: float, weight: float) -> float:
    """What a parcel costs."""
    return base + rate * weight


def surcharge(standard_delivery: float, express_delivery: float) -> float:
    """What the haste costs."""
    return express_delivery - standard_delivery
