"""Functions that change what others return, without a touch on those."""

from hamilton.function_modifiers import apply_to, mutate, source, value


def customers(names: list[str]) -> list[str]:
    """Customers, as they are written in the book."""
    return list(names)


def places(cities: list[str]) -> list[str]:
    """Places, as they are written in the book."""
    return list(cities)


@mutate(customers, places)
def _upper(texts: list[str]) -> list[str]:
    return [text.upper() for text in texts]


@mutate(apply_to(customers, prefix=source("greeting"), separator=value(" ")))
def _prefixed(texts: list[str], prefix: str, separator: str) -> list[str]:
    return [f"{prefix}{separator}{text}" for text in texts]
