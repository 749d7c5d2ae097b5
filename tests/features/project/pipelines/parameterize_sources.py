"""The same margin for each region, from nodes of its own."""

from hamilton.function_modifiers import parameterize_sources


@parameterize_sources(
    north_margin={"revenue": "north_revenue", "cost": "north_cost"},
    south_margin={"revenue": "south_revenue", "cost": "south_cost"},
)
def margin(revenue: float, cost: float) -> float:
    """The part of the revenue that is left."""
    return (revenue - cost) / revenue


def better_region(north_margin: float, south_margin: float) -> str:
    """Where more is left."""
    return "north" if north_margin > south_margin else "south"
