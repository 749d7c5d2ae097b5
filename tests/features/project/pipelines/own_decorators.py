"""Decorators of one's own over plain functions."""

import functools
from collections.abc import Callable


def _rounded(digits: int) -> Callable[[Callable[..., float]], Callable[..., float]]:
    def decorate(function: Callable[..., float]) -> Callable[..., float]:
        @functools.wraps(function)
        def rounded(*args: float, **kwargs: float) -> float:
            return round(function(*args, **kwargs), digits)

        return rounded

    return decorate


def _told(function: Callable[..., float]) -> Callable[..., float]:
    @functools.wraps(function)
    def told(*args: float, **kwargs: float) -> float:
        print(function.__name__, sorted(kwargs))
        return function(*args, **kwargs)

    return told


@_rounded(2)
@_told
def tax(net: float, rate: float = 0.075) -> float:
    """The tax on it."""
    return net * rate


@_rounded(1)
def gross(net: float, tax: float) -> float:
    """What is paid in the end."""
    return net + tax
