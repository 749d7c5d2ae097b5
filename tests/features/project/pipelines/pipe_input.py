"""A headline goes through steps before the function gets it."""

from hamilton.function_modifiers import pipe_input, source, step, value


def _stripped(text: str) -> str:
    return text.strip()


def _lower(text: str) -> str:
    return text.lower()


def _without(text: str, character: str) -> str:
    return text.replace(character, "")


def _first_words(text: str, count: int) -> str:
    return " ".join(text.split()[:count])


@pipe_input(
    step(_stripped),
    step(_lower).when(style="plain"),
    step(_without, character=value(":")).named("without_colon"),
    step(_first_words, count=source("limit")),
)
def slug(headline: str) -> str:
    """The headline as part of an address."""
    return headline.replace(" ", "-")
