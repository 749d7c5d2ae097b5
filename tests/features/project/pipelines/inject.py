"""A rating: parameters are bound to values, to nodes and to groups of them."""

from hamilton.function_modifiers import group, inject, source, value


@inject(marks=group(source("speed"), source("comfort"), source("price")))
def average(marks: list[float]) -> float:
    """All marks count alike."""
    return sum(marks) / len(marks)


@inject(
    marks=group(speed=source("speed"), price=source("price")),
    weights=value({"speed": 0.25, "price": 0.75}),
)
def weighted(marks: dict[str, float], weights: dict[str, float]) -> float:
    """Only what a buyer looks at, with a weight."""
    return sum(marks[name] * weights[name] for name in weights)


@inject(mark=source("weighted"), limit=value(8.0))
def recommended(mark: float, limit: float) -> bool:
    """Whether it is good enough."""
    return mark >= limit
