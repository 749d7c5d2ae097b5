"""Plain scalars of YAML by the core schema of YAML 1.2, and slips that make a line no YAML."""

from __future__ import annotations

import re
from typing import Any

_INT = re.compile(r"[-+]?[0-9]{1,300}", re.ASCII)
_OTHER_BASE = re.compile(r"0x[0-9a-fA-F]{1,250}|0o[0-7]{1,250}", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_SPECIAL_FLOAT = {".inf": "inf", "+.inf": "inf", "-.inf": "-inf", ".nan": "nan"}
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_PLACEHOLDER = re.compile(r"\$\{[^}\"']*\}")
_UNQUOTED = re.compile(r"(?:^|[:\-\[,{]) *[*&!@`%]")


def typed(text: str) -> Any:
    """The value of a plain scalar: nothing, a boolean, a number or the text itself."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _OTHER_BASE.fullmatch(text):
        return int(text, 0)
    special = _SPECIAL_FLOAT.get(text.lower())
    is_float = special or (len(text) <= 300 and _FLOAT.fullmatch(text))
    return float(special or text) if is_float else text


def advice(line: str, context: str) -> str:
    """What to do about a line that is not YAML, if a frequent slip explains it; else nothing.

    `context` is what the parser was doing there.
    """
    placeholder = _PLACEHOLDER.search(line)
    if placeholder and "flow" in context:
        return f' Inside {{…}} and […] a placeholder needs quotes: "{placeholder[0]}".'
    if _UNQUOTED.search(line):
        return " A value that begins with one of * & ! @ ` % needs quotes."
    return ""
