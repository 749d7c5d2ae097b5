"""Inputs that may be nothing."""

from typing import Optional


def full_name(first: str, last: str, middle: str | None = None) -> str:
    """All names that there are."""
    return " ".join(part for part in (first, middle, last) if part)


def address(full_name: str, title: Optional[str] = None) -> str:  # noqa: UP045 - as many write it
    """How to begin a letter."""
    return f"Dear {title} {full_name}" if title is not None else f"Dear {full_name}"
