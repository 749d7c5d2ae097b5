"""A report out of nodes that other modules define."""


def report(mean_price: float, highest_price: float) -> str:
    """Prices in one line."""
    return f"mean {mean_price:.2f}, at most {highest_price:.2f}"
