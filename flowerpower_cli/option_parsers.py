"""From the text of an option to its value; what cannot be one is told with the option's name."""

from __future__ import annotations

from datetime import datetime

import typer

from flowerpower.errors import FlowerpowerError, UsageError


def whole_number(text: str) -> int:
    """ASCII digits as an int, for options that count something."""
    plain = str(text)
    if not (plain.isascii() and plain.isdigit()) or len(plain) > 9:
        raise typer.BadParameter(f"{plain[:40]!r} is not a whole number.")
    return int(plain)


def decimal_number(text: str) -> float:
    """A plain decimal number such as 0.1."""
    plain = str(text)
    if not plain.isascii() or not plain.replace(".", "", 1).isdigit() or len(plain) > 20:
        raise typer.BadParameter(f"{plain[:40]!r} is not a number.")
    return float(plain)


def duration(text: str) -> float:
    """Seconds in a text such as 90s, 5m, 1h30m."""
    from flowerpower.triggers import clock

    try:
        return clock.parse_duration(text)
    except FlowerpowerError as error:
        raise typer.BadParameter(error.message) from None


def time_to_live(text: str) -> float:
    """Seconds, 0 for not at all, -1 for as long as the record."""
    return -1.0 if text == "-1" else duration(text)


def time_reading(text: str) -> datetime:
    """The reading in an ISO 8601 text, naive if it has no offset."""
    from flowerpower.triggers import clock

    try:
        return clock.parse_time(text)
    except FlowerpowerError as error:
        raise typer.BadParameter(error.message) from None


def chosen(flag: str, given: list[str] | None, known: list[str]) -> list[str]:
    """The words of a repeatable option, split at commas, all of them `known`.

    Raises:
        UsageError: naming the flag and the first that is not.
    """
    from flowerpower.text import did_you_mean

    words = [word for text in given or [] for word in text.split(",") if word]
    for word in words:
        if word not in known:
            raise UsageError(
                f"{flag} {word[:60]!r}: expected {', '.join(known)}.{did_you_mean(word, known)}"
            )
    return words


def time_or_ago(text: str) -> datetime:
    """As `time_reading`, or how long ago: 2h, 1d ago."""
    from flowerpower.triggers import clock

    try:
        return clock.after(clock.now(), -clock.parse_duration(str(text).removesuffix("ago")))
    except FlowerpowerError:
        return time_reading(text)
