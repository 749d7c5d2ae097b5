"""Texts from outside: names and ids, and what may be shown (no secrets, no control characters)."""

from __future__ import annotations

import difflib
import json
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


MASK = "***"

_URL_PASSWORD = re.compile(
    r"(?P<before>\b[a-z][a-z0-9+.-]*://[^\s/@:]*:)(?P<secret>[^\s/]+)(?=@)", re.I
)
_NAMED_SECRET = re.compile(
    r"(?P<before>\b[\w-]*(?:password|passwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key)"
    r"[\w-]*[\"']?\s*[=:]\s*[\"']?)(?P<secret>(?!\$\{|-default\}|the environment variable )"
    r"[^\s\"',;}&]+)",
    re.I,
)
_SECRET_NAME = re.compile(
    r"password|passwd|passphrase|pwd|secret|token|credential|api_?key|access_?key|private_?key",
    re.I,
)
_known_secrets: set[str] = set()

_HIDDEN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and newline, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # reordering of what is read
    "\u2028\u2029\ufeff"
    "\ud800-\udfff"  # what was not UTF-8
)
_CONTROL = re.compile(f"[{_HIDDEN}]")
_CONTROL_OR_BREAK = re.compile(f"[{_HIDDEN}\t\n]")
_SHORT = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


def is_secret_name(name: str) -> bool:
    """Whether a key or variable of this name is taken to hold a secret."""
    return _SECRET_NAME.search(name) is not None


def remember_secret(text: str) -> None:
    """From now on, `mask` hides `text` wherever it stands, if it has four characters or more."""
    if len(text) >= 4:
        # As it stands, and as repr and JSON write it.
        _known_secrets.update((text, repr(text)[1:-1], json.dumps(text)[1:-1]))


def known_secrets() -> list[str]:
    """What `mask` hides wherever it stands."""
    return sorted(_known_secrets)


def begun_secret(text: bytes) -> int:
    """How many bytes at the end of `text` may be the beginning of a known secret."""
    longest = 0
    for secret in _known_secrets:
        whole = secret.encode("utf-8", "surrogateescape")
        for length in range(min(len(whole) - 1, len(text)), longest, -1):
            if text.endswith(whole[:length]):
                longest = length
                break
    return longest


def mask(text: str, *, named: bool = True) -> str:
    """`text` with known secrets, passwords of URLs and, if `named`, `password=…` hidden."""
    for secret in sorted(_known_secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    text = _URL_PASSWORD.sub(rf"\g<before>{MASK}", text)
    if not named:
        return text
    return _NAMED_SECRET.sub(rf"\g<before>{MASK}", text)


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    code = ord(character)
    return _SHORT.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def visible(text: str) -> str:
    """`text` with control characters shown as escapes; lines and tabs stay."""
    return _CONTROL.sub(_escaped, text)


def one_line(text: str) -> str:
    """`text` on one line: as `visible`, with line breaks and tabs as escapes too."""
    return _CONTROL_OR_BREAK.sub(_escaped, text)


def shortened(text: str, limit: int = 80) -> str:
    """`text`, cut to `limit` characters with an ellipsis at the end if it is longer."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _all_masked(value: object) -> object:
    """What stands under a key named after a secret: only placeholders and numbers are shown."""
    if isinstance(value, dict):
        return {key: _all_masked(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_all_masked(each) for each in value]
    if isinstance(value, str) and not value.startswith("${"):
        return MASK
    return value


def mask_values(data: object, *, named: bool = False) -> object:
    """JSON-like `data` with secrets hidden in its texts and (`named`) under keys named so.

    With `named=False` only known secrets and passwords of URLs are hidden: in a result,
    `token: x` may be data.
    """
    if isinstance(data, str):
        return mask(data, named=named)
    if isinstance(data, dict):
        return {
            mask(key, named=False) if isinstance(key, str) else key: (
                _all_masked(value)
                if named and isinstance(key, str) and is_secret_name(key)
                else mask_values(value, named=named)
            )
            for key, value in data.items()
        }
    if isinstance(data, list):
        return [mask_values(value, named=named) for value in data]
    return data
