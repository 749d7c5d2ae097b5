"""A DAG in a DAG in a DAG, with a setting handed down."""

from features import rating
from hamilton.function_modifiers import source, subdag


@subdag(rating, inputs={"measure": source("precision")})
def precise(rated: float) -> float:
    """The score of precision."""
    return rated


@subdag(rating, inputs={"measure": source("recall")})
def complete(rated: float) -> float:
    """The score of recall."""
    return rated


def better(precise: float, complete: float) -> str:
    """Which of them is higher."""
    return "precise" if precise > complete else "complete"
