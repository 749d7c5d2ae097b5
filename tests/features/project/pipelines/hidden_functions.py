"""Functions in a module that are no nodes."""

from collections import Counter
from statistics import mode

from hamilton.function_modifiers import hamilton_exclude


@hamilton_exclude
def normalised(word: str) -> str:
    """A helper that others may import too."""
    return word.strip().lower()


def _words(text: str) -> list[str]:
    return [normalised(word) for word in text.split()]


def counts(text: str) -> dict[str, int]:
    """How often each word is there."""
    return dict(Counter(_words(text)))


def most_common(text: str) -> str:
    """The word that is there most often."""
    return mode(_words(text))
