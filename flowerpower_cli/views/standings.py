"""How a declared schedule stands beside the live one, in a few words."""

from __future__ import annotations

STANDINGS = {
    "declared_and_live": "as declared",
    "changed": "changed since",
    "declared_only": "not live",
    "live_only": "declared no more",
    "disabled": "enabled: false",
    "over": "no fire to come",
}
"""By `flowerpower.pipeline.schedule_changes.Standing`."""
DIFFERENCES = {
    "changed": "is not as its YAML declares",
    "declared_only": "is declared, and not live",
    "live_only": "is live, and declared no more",
}
"""The same as what is said of a schedule, if there is a difference."""


def schedule_and_standing(words: str, standing: str) -> str:
    """A schedule in words, and how it stands if that is not as expected."""
    return words if standing == "declared_and_live" else f"{words} ({STANDINGS[standing]})"
