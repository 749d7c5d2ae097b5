"""Several outputs, one of them a dict."""

import datetime as dt


def fahrenheit(temperatures: list[float]) -> list[float]:
    """For those who ask so."""
    return [each * 1.8 + 32 for each in temperatures]


def warmest(temperatures: list[float]) -> float:
    """The highest."""
    return max(temperatures)


def summary(temperatures: list[float], warmest: float) -> dict[str, object]:
    """What is told of the days."""
    return {"days": len(temperatures), "warmest": warmest, "from": dt.date(2026, 3, 1)}


def not_asked_for() -> str:
    """No output needs it, so it does not run."""
    raise AssertionError("it ran")
