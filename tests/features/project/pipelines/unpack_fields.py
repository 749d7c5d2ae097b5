"""The least and the most of some scores, out of one tuple."""

from hamilton.function_modifiers import unpack_fields


@unpack_fields("lowest", "highest")
def extremes(scores: list[int]) -> tuple[int, int]:
    """The least and the most, found together."""
    return min(scores), max(scores)


def scaled(scores: list[int], lowest: int, highest: int) -> list[float]:
    """Each score between 0 and 1."""
    return [(score - lowest) / (highest - lowest) for score in scores]
