"""The rule for names and ids, and the nearest valid name to a mistyped one."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from flowerpower.errors import InvalidName

NAME_RULE = "1 to {limit} characters out of A-Z a-z 0-9 _ -"
_NAME = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)

PIPELINE_NAME_LIMIT = 100
SCHEDULE_ID_LIMIT = 180
JOB_ID_LIMIT = 200


def is_name(text: object, limit: int = PIPELINE_NAME_LIMIT) -> bool:
    """Whether `text` matches `[A-Za-z0-9_-]{1,limit}`."""
    return isinstance(text, str) and len(text) <= limit and _NAME.fullmatch(text) is not None


def check_name(kind: str, text: str, limit: int = PIPELINE_NAME_LIMIT) -> str:
    """`text` itself if it is a valid name.

    Raises:
        InvalidName: with the rule, naming what (`kind`) was to be named.
    """
    if is_name(text, limit):
        return text
    rule = NAME_RULE.format(limit=limit)
    shown = text if len(text) <= 60 else text[:57] + "..."
    raise InvalidName(f"{shown!r} cannot be the {kind}: expected {rule}.")


def nearest(word: str, valid: Iterable[str]) -> str | None:
    """The valid word most like `word`, or None if none is like it."""
    words = list(valid)
    by_lower = {known.lower(): known for known in words}
    if word.lower() in by_lower:
        return by_lower[word.lower()]
    found = difflib.get_close_matches(word.lower()[:200], by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def did_you_mean(word: str, valid: Iterable[str]) -> str:
    """`" Did you mean 'x'?"` with a leading blank, or the empty string."""
    known = nearest(word, valid)
    return f" Did you mean {known!r}?" if known else ""
