"""Variables of the environment in values: as upstream writes them, and as we do."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any

from flowerpower.config.yaml_reader import KeyPath
from flowerpower.pipeline.upstream.old_file import OldFile
from flowerpower.pipeline.upstream.report import Row

_VARIABLE = re.compile(r"\$\$|\$\{([^}]*)\}|\$([A-Za-z_][A-Za-z0-9_]*)")
_BODY = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-?])(.*))?", re.DOTALL)
_UNSET = "a variable that is not set is empty in upstream and an error here; ${NAME:-} allows it."
_NOT_READ = "it is no placeholder here, and stays as it is written."
_TEMPLATE = "it stays as it is written: no template is filled in here, nor in upstream."


def with_our_placeholders(file: OldFile, *, interpolated: bool) -> tuple[OldFile, list[Row]]:
    """The file with every placeholder written our way, and a row for each that means less here.

    `interpolated` says whether this version of upstream reads placeholders at all; where it does
    not, `${` is text.
    """
    rows: list[Row] = []

    def written(value: Any, path: KeyPath) -> Any:
        if isinstance(value, dict):
            return {key: written(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [written(item, (*path, number)) for number, item in enumerate(value)]
        if not isinstance(value, str):
            return value
        advice: list[str] = [_TEMPLATE] if "{{" in value or "{%" in value else []
        if interpolated:
            value = _VARIABLE.sub(lambda match: _placeholder(match, advice.append), value)
        else:
            value = value.replace("${", "$${")
        rows.extend(file.row(path, "left_out", advice=text) for text in dict.fromkeys(advice))
        return value

    return dataclasses.replace(file, data=written(file.data, ())), rows


def _placeholder(match: re.Match[str], note: Callable[[str], None]) -> str:
    if match[0] == "$$":
        # Twice a dollar sign is one there, and here only before a brace.
        return "$$" if match.string[match.end() :].startswith("{") else "$"
    body = _BODY.fullmatch(match[1] if match[1] is not None else match[2])
    if body is None:
        note(_NOT_READ)
        return "$" + match[0]
    name, operator, rest = body.groups()
    if operator in (":-", "-"):
        return f"${{{name}:-{rest}}}"
    if operator is None:
        note(_UNSET)
    return f"${{{name}}}"
