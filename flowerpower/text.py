"""Text that comes from outside: valid names, the nearest valid word, and what may be shown of it.

What is shown holds no secrets and no control characters, which could act on a terminal.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from functools import cache

from flowerpower.errors import InvalidName

# Names and ids

NAME_LIMIT = 100
SCHEDULE_ID_LIMIT = 180
"""Shorter than a job's id: that of a fire's job is the schedule's id and a time."""
JOB_ID_LIMIT = 200


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    # At the first use: a command that only shows its help uses none of the patterns here, and it
    # takes a millisecond to compile them all.
    return re.compile(pattern)


def is_name(text: object, limit: int = NAME_LIMIT) -> bool:
    """Whether `text` may name a project, pipeline or queue, or (by its limit) a schedule."""
    # A name is also a file's and an argument's: one that begins with - would be read as an option.
    return _has_id_characters(text, limit) and not str(text).startswith("-")


def is_job_id(text: object) -> bool:
    """Whether `text` may be the id of a job."""
    return _has_id_characters(text, JOB_ID_LIMIT)


def _has_id_characters(text: object, limit: int) -> bool:
    """Whether it is a text of 1 to `limit` characters out of A-Z a-z 0-9 _ -."""
    if not isinstance(text, str) or len(text) > limit or not text.isascii():
        return False
    return text.replace("_", "a").replace("-", "a").isalnum()


def check_name(kind: str, text: str, limit: int = NAME_LIMIT) -> str:
    """`text` itself if it is a valid name.

    Raises:
        InvalidName: with the rule; `kind` says in the message what was to be named.
    """
    if is_name(text, limit):
        return text
    raise _invalid_name(kind, text, limit, ", and not beginning with -")


def check_job_id(text: str) -> str:
    """`text` itself if it is a valid id of a job.

    Raises:
        InvalidName: with the rule.
    """
    if is_job_id(text):
        return text
    raise _invalid_name("id of a job", text, JOB_ID_LIMIT)


def _invalid_name(kind: str, text: str, limit: int, rule: str = "") -> InvalidName:
    return InvalidName(
        f"{shortened(text, 60)!r} cannot be the {kind}: "
        f"expected 1 to {limit} characters out of A-Z a-z 0-9 _ -{rule}."
    )


def nearest(word: str, valid: Iterable[str]) -> str | None:
    """The valid word that is most similar to `word`; None if none is similar."""
    words = list(valid)
    by_lower = {known.lower(): known for known in words}
    if word.lower() in by_lower:
        return by_lower[word.lower()]
    # Cut: the search takes time that grows with the square of the length.
    matches = difflib.get_close_matches(word.lower()[:200], by_lower, n=1, cutoff=0.6)
    return by_lower[matches[0]] if matches else None


def did_you_mean(word: str, valid: Iterable[str]) -> str:
    """`" Did you mean 'x'?"` with a leading blank, or the empty string."""
    known = nearest(word, valid)
    return f" Did you mean {known!r}?" if known else ""


# Showing text

_HIDDEN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and newline, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks that change the order of what is read
    "\u2028\u2029\ufeff"
    "\ud800-\udfff"  # bytes that were not UTF-8
)
_CONTROL = f"[{_HIDDEN}]"
_CONTROL_OR_BREAK = f"[{_HIDDEN}\t\n]"
_SHORT_ESCAPES = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


def visible(text: str) -> str:
    """`text` with control characters as escapes; line breaks and tabs stay."""
    # What is printable has none of them.
    return text if text.isprintable() else _compiled(_CONTROL).sub(_escape, text)


def one_line(text: str) -> str:
    """`text` on one line: as `visible`, with line breaks and tabs as escapes too."""
    return text if text.isprintable() else _compiled(_CONTROL_OR_BREAK).sub(_escape, text)


def shortened(text: str, limit: int = 80) -> str:
    """`text`, cut to `limit` characters with an ellipsis at the end if it is longer."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    return _SHORT_ESCAPES.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


# Masking secrets

MASK = "***"

# In fsspec's `github://ORG:REPO@REF` what stands there is a name.
_URL_LOGIN = r"(?i)(?P<before>\b(?!github:)[a-z][a-z0-9+.-]*://[^\s/@:]*:)(?P<secret>[^\s/]+)(?=@)"
# What a message of ours may say of a setting whose name is that of a secret.
_OF_A_SETTING = "expected |the environment variable |the key is |has the tag |there is no file "
_NAMED_SECRET = (
    r"(?i)(?P<before>\b[\w-]*"
    r"(?:password|passwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key)"
    rf"[\w-]*[\"']?\s*[=:]\s*[\"']?)(?P<secret>(?!\$\{{|-default\}}|{_OF_A_SETTING})"
    r"[^\s\"',;}&]+)"
)
_SENSITIVE_NAME = (
    r"(?i)password|passwd|passphrase|pwd|secret|token|credential|api_?key|access_?key|private_?key"
)
_known_secrets: set[str] = set()
_longest_first: list[str] = []
"""The same; a secret may contain another one."""


def is_secret_name(name: str) -> bool:
    """Whether a key or a variable of this name probably holds a secret."""
    return _compiled(_SENSITIVE_NAME).search(name) is not None


def remember_secret(text: str) -> None:
    """Let `mask` hide `text` wherever it occurs, if it has four characters or more."""
    # A shorter one would mask half of what is printed.
    if len(text) >= 4:
        import json

        # As it is, and as repr and JSON write it.
        _known_secrets.update((text, repr(text)[1:-1], json.dumps(text)[1:-1]))
        _longest_first[:] = sorted(_known_secrets, key=len, reverse=True)


def remember_password(url: str) -> None:
    """Let `mask` hide the password in a URL, as it is written there and as it is meant."""
    from urllib.parse import unquote

    password = url.partition("://")[2].rpartition("@")[0].partition(":")[2]
    remember_secret(password)
    remember_secret(unquote(password))


def set_known_secrets(secrets: Iterable[str]) -> None:
    """Know these secrets, as `known_secrets` gives them, and no others."""
    _known_secrets.clear()
    _known_secrets.update(secrets)
    _longest_first[:] = sorted(_known_secrets, key=len, reverse=True)


def known_secrets() -> list[str]:
    """The texts that `mask` hides wherever they occur."""
    return sorted(_known_secrets)


def partial_secret_length(text: bytes) -> int:
    """How many bytes at the end of `text` may be the beginning of a known secret.

    A log that is read in pieces keeps them back: the rest of the secret may come next.
    """
    longest = 0
    for secret in _known_secrets:
        encoded = secret.encode("utf-8", "surrogateescape")
        for length in range(min(len(encoded) - 1, len(text)), longest, -1):
            if text.endswith(encoded[:length]):
                longest = length
                break
    return longest


def mask(text: str, *, named: bool = True) -> str:
    """`text` with known secrets, passwords of URLs and, if `named`, `password=…` hidden."""
    for secret in _longest_first:
        text = text.replace(secret, MASK)
    if "://" in text:
        text = _compiled(_URL_LOGIN).sub(rf"\g<before>{MASK}", text)
    if named and ("=" in text or ":" in text):
        text = _compiled(_NAMED_SECRET).sub(rf"\g<before>{MASK}", text)
    return text


def json_may_hold_secret(text: str) -> bool:
    """Whether `mask` may change a value in this JSON text; False is certain.

    To look through one long text is much faster than to look through all values.
    """
    import json

    secrets = {json.dumps(secret)[1:-1] for secret in _known_secrets}
    return ("://" in text and "@" in text) or any(secret in text for secret in secrets)


def _all_masked(value: object) -> object:
    """The value of a key that names a secret: only placeholders and numbers are shown."""
    if isinstance(value, dict):
        return {key: _all_masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_all_masked(item) for item in value]
    if isinstance(value, str) and not value.startswith("${"):
        return MASK
    return value


def mask_values(data: object, *, named: bool = False) -> object:
    """JSON-like `data` with secrets masked in its texts and, if `named`, under keys that name one.

    With `named=False` only known secrets and passwords of URLs are masked: in a result, `token: x`
    may be data.
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
