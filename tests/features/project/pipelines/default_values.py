"""Parameters with defaults: inputs that need not be given."""


def interest_rate(bonus: float = 0.0, base_rate: float = 0.5) -> float:
    """The rate for a year."""
    return base_rate + bonus


def growth(interest_rate: float, years: int = 1) -> float:
    """By what the capital is multiplied."""
    return (1 + interest_rate) ** years


def capital(principal: float, growth: float) -> float:
    """What is there in the end."""
    return principal * growth
