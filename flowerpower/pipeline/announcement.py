"""The line that is printed when Python adds a job or a schedule."""

from __future__ import annotations


def announce(action: str, project: str, pipeline: str, identifier: str, end: str = "") -> None:
    """Print `✅ Successfully ACTION PROJECT.PIPELINE with ID IDENTIFIER` and `end`."""
    from rich.console import Console
    from rich.text import Text

    sentence = Text(f"✅ Successfully {action} ")
    sentence.append(f"{project}.{pipeline}", style="blue").append(" with ID ")
    sentence.append(identifier, style="green").append(end)
    # Soft wrap, because an id that is broken over two lines cannot be copied.
    Console(highlight=False).print(sentence, soft_wrap=True)
