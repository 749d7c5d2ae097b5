"""What is cached, what is not, and what is computed anew in each run."""

from pathlib import Path

from hamilton.function_modifiers import cache

LOG = Path("calls.txt")


def _note(node: str) -> None:
    with LOG.open("a", encoding="utf-8") as file:
        file.write(f"{node}\n")


def slow(base: float) -> float:
    """Computed once for each base."""
    _note("slow")
    return base / 2


@cache(behavior="recompute")
def rate() -> float:
    """Read again in each run."""
    _note("rate")
    return 1.5


@cache(format="json")
def quote(slow: float, rate: float) -> dict[str, float]:
    """Computed again only if the rate has changed."""
    _note("quote")
    return {"amount": slow * rate}
