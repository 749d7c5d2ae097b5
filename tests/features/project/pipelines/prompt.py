"""An answer out of a handbook: pieces of text, the best ones, a prompt, a language model."""

import re
from pathlib import Path

from hamilton.function_modifiers import config


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+", text.lower()))


def passages(handbook_file: str) -> list[str]:
    """The handbook, paragraph by paragraph."""
    return Path(handbook_file).read_text(encoding="utf-8").strip().split("\n\n")


def context(passages: list[str], question: str, top: int = 1) -> list[str]:
    """The passages that share most words with the question."""
    asked = _words(question)
    return sorted(passages, key=lambda each: -len(asked & _words(each)))[:top]


def prompt(context: list[str], question: str) -> str:
    """What the model is asked."""
    return "Answer from this alone:\n{}\nQuestion: {}".format("\n".join(context), question)


@config.when(provider="echo")
def completion__echo(prompt: str) -> str:
    """A model without a network: it says the context again."""
    return prompt.splitlines()[1]


@config.when_not(provider="echo")
def completion__none() -> str:
    """No model is there."""
    return "unknown"


def answer(completion: str, question: str) -> dict[str, str]:
    """What the reader is told."""
    return {"question": question, "answer": completion}
