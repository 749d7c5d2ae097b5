"""How the text of an option becomes a value; an error gets the option's name from Typer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

import typer

from flowerpower.errors import FlowerpowerError

_Value = TypeVar("_Value")


def whole_number(value: str) -> int:
    """ASCII digits as an int, for options that count something."""
    # Typer parses a default too, which may be an int already.
    text = str(value)
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise typer.BadParameter(f"{text[:40]!r} is not a whole number.")
    return int(text)


def priority_number(value: str) -> int:
    """A whole number that may be negative; the library knows its range."""
    text = str(value)
    return -whole_number(text[1:]) if text.startswith("-") else whole_number(text)


def decimal_number(value: str) -> float:
    """A plain decimal number such as 0.1."""
    text = str(value)
    # float() alone would take "nan", "1e400" and digits of other scripts.
    if not text.isascii() or not text.replace(".", "", 1).isdigit() or len(text) > 20:
        raise typer.BadParameter(f"{text[:40]!r} is not a number.")
    return float(text)


def _parsed(parse: Callable[[str], _Value], text: str) -> _Value:
    try:
        return parse(text)
    except FlowerpowerError as error:
        raise typer.BadParameter(error.message) from None


def duration(text: str) -> float:
    """Seconds in a text such as 90s, 5m, 1h30m."""
    from flowerpower.triggers import clock

    return _parsed(clock.parse_duration, text)


def time_to_live(text: str) -> float:
    """Seconds; 0 is not at all, -1 as long as the record."""
    return -1.0 if text == "-1" else duration(text)


def iso_time(text: str) -> datetime:
    """An ISO 8601 time, naive if the text has no offset."""
    from flowerpower.triggers import clock

    return _parsed(clock.parse_time, text)


def time_or_ago(text: str) -> datetime:
    """As `iso_time`, or how long ago: 2h, 1d ago."""
    from flowerpower.triggers import clock

    try:
        return clock.after(clock.now(), -clock.parse_duration(str(text).removesuffix("ago")))
    except FlowerpowerError:
        return iso_time(text)
