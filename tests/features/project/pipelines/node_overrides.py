"""A node that needs a service is given a value in its place."""


def exchange_rate(rate_service: str) -> float:
    """What a euro costs."""
    raise ConnectionError(f"{rate_service} does not answer.")


def price_in_dollars(exchange_rate: float, price: float = 80.0) -> float:
    """The price for those who pay in dollars."""
    return price * exchange_rate
