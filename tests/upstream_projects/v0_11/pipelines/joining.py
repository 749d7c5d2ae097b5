"""Beside the pipeline: upstream has this folder on the import path."""


def joined(*parts: str) -> str:
    return " ".join(parts)
