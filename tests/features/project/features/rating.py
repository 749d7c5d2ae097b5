"""What a measure is worth."""

from features import scoring
from hamilton.function_modifiers import configuration, source, subdag, value


@subdag(
    scoring,
    inputs={"amount": source("measure"), "bonus": value(5.0)},
    config={"scale": configuration("chosen_scale")},
)
def rated(score: float) -> float:
    """A measure's score."""
    return score
