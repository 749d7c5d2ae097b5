"""What is cached, what is not, and what is computed anew in each run."""

from pathlib import Path

from hamilton.function_modifiers import cache


def _note(log: str, node: str) -> None:
    with Path(log).open("a", encoding="utf-8") as file:
        file.write(f"{node}\n")


def slow(base: float, log: str) -> float:
    """Computed once for each base."""
    _note(log, "slow")
    return base / 2


@cache(behavior="recompute")
def rate(log: str) -> float:
    """Read again in each run."""
    _note(log, "rate")
    return 1.5


@cache(format="json")
def quote(slow: float, rate: float, log: str) -> dict[str, float]:
    """Computed again only if the rate has changed."""
    _note(log, "quote")
    return {"amount": slow * rate}
