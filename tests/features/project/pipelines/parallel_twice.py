"""Two parallel stretches in one DAG, one after the other, on threads."""

from hamilton.htypes import Collect, Parallelizable


def number(limit: int) -> Parallelizable[int]:
    """The numbers from 1 on."""
    return list(range(1, limit + 1))


def square(number: int) -> int:
    """A number times itself."""
    return number * number


def squares(square: Collect[int]) -> list[int]:
    """The squares, in the order of the numbers."""
    return list(square)


def odd(squares: list[int]) -> Parallelizable[int]:
    """Those squares that are odd."""
    yield from (each for each in squares if each % 2)


def halved(odd: int, divisor: int = 2) -> float:
    """One of them, divided."""
    return odd / divisor


def total(halved: Collect[float]) -> float:
    """All that was divided."""
    return sum(halved)
