"""From the text of an option to its value; the parser adds the option's name to the error."""

from __future__ import annotations

from datetime import datetime

import typer

from flowerpower.errors import FlowerpowerError, UsageError


def whole_number(value: str) -> int:
    """ASCII digits as an int, for options that count something."""
    # Typer parses a default too, which may be an int already.
    text = str(value)
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise typer.BadParameter(f"{text[:40]!r} is not a whole number.")
    return int(text)


def decimal_number(value: str) -> float:
    """A plain decimal number such as 0.1."""
    text = str(value)
    # float() alone would take "nan", "1e400" and digits of other scripts.
    if not text.isascii() or not text.replace(".", "", 1).isdigit() or len(text) > 20:
        raise typer.BadParameter(f"{text[:40]!r} is not a number.")
    return float(text)


def duration(text: str) -> float:
    """Seconds in a text such as 90s, 5m, 1h30m."""
    from flowerpower.triggers import clock

    try:
        return clock.parse_duration(text)
    except FlowerpowerError as error:
        raise typer.BadParameter(error.message) from None


def time_to_live(text: str) -> float:
    """Seconds; 0 is not at all, -1 as long as the record."""
    return -1.0 if text == "-1" else duration(text)


def iso_time(text: str) -> datetime:
    """An ISO 8601 time, naive if the text has no offset."""
    from flowerpower.triggers import clock

    try:
        return clock.parse_time(text)
    except FlowerpowerError as error:
        raise typer.BadParameter(error.message) from None


def time_or_ago(text: str) -> datetime:
    """As `iso_time`, or how long ago: 2h, 1d ago."""
    from flowerpower.triggers import clock

    try:
        return clock.after(clock.now(), -clock.parse_duration(str(text).removesuffix("ago")))
    except FlowerpowerError:
        return iso_time(text)


def words(texts: list[str] | None) -> list[str]:
    """The words of a repeatable option, each text split at commas."""
    return [word for text in texts or [] for word in text.split(",") if word]


def choices(flag: str, texts: list[str] | None, known: list[str]) -> list[str]:
    """The words of a repeatable option, all of them `known`.

    Raises:
        UsageError: naming the flag and the first word that is not known.
    """
    from flowerpower.text import did_you_mean

    chosen = words(texts)
    for word in chosen:
        if word not in known:
            raise UsageError(
                f"{flag} {word[:60]!r}: expected {', '.join(known)}.{did_you_mean(word, known)}"
            )
    return chosen
