"""A payment's fee: which function computes it is a matter of configuration."""

from hamilton.function_modifiers import config


@config.when(method="card")
def fee__card(amount: float) -> float:
    """Cards take a part."""
    return amount * 0.02


@config.when(method="transfer")
def fee__transfer() -> float:
    """Transfers take a fixed sum."""
    return 0.25


@config.when_not_in(method=["card", "transfer"])
def fee__other(amount: float) -> float:
    """All else is dear."""
    return max(5.0, amount * 0.05)


@config.when_in(country=["DE", "FR", "NL"])
def currency__euro() -> str:
    """Where the euro is money."""
    return "EUR"


@config.when(country="GB")
def currency__pound() -> str:
    """Where the pound is money."""
    return "GBP"


@config.when_not(country="DE")
def customs() -> bool:
    """Only what leaves the country passes the customs."""
    return True


def total(amount: float, fee: float) -> float:
    """What is to be paid."""
    return amount + fee
