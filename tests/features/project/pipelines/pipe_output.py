"""What a function returns goes through steps before others see it."""

from hamilton.function_modifiers import pipe_output, source, step, value


def _floored(values: list[float], floor: float) -> list[float]:
    return [max(each, floor) for each in values]


def _capped(values: list[float], ceiling: float) -> list[float]:
    return [min(each, ceiling) for each in values]


@pipe_output(
    step(_floored, floor=value(0.0)),
    step(_capped, ceiling=source("ceiling")),
)
def measurements(raw: list[float]) -> list[float]:
    """Measurements in grams."""
    return [each * 2 for each in raw]


def mean(measurements: list[float]) -> float:
    """Their mean."""
    return sum(measurements) / len(measurements)
