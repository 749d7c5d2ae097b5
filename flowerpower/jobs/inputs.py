"""Inputs of jobs as JSON: objects that have a plain form in it are written, others are refused.

They are read by the types that the DAG declares, as YAML is: see `run.conversion`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import json
import math
import pathlib
import uuid
from typing import Any

from flowerpower.errors import InvalidInputs

MAX_SPEC_DEPTH = 50
MAX_INT_BITS = 10_000
"""Python refuses to write whole numbers of more than 4,300 digits, about 14,000 bits."""


def encode_input(value: Any, path: str, depth: int = 0) -> Any:
    """A value as JSON with text keys; `path` is what a message calls it.

    Raises:
        InvalidInputs: with the key path of the first value that cannot be written.
    """
    if depth > MAX_SPEC_DEPTH:
        raise InvalidInputs(f"{path} is nested more than {MAX_SPEC_DEPTH} levels deep.")
    if isinstance(value, enum.Enum):
        has_plain_value = isinstance(value.value, str | int | float)
        return encode_input(value.value, path, depth) if has_plain_value else value.name
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        # A subclass may have a __str__ of its own.
        return str.__str__(value)
    if isinstance(value, int):
        if value.bit_length() > MAX_INT_BITS:
            raise InvalidInputs(f"{path} is a whole number of more than {MAX_INT_BITS} bits.")
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidInputs(
                f"{path} is {value}; a job's inputs must be JSON, which has finite numbers only."
            )
        return float(value)
    if isinstance(value, list | tuple):
        return [encode_input(item, f"{path}[{n}]", depth + 1) for n, item in enumerate(value)]
    if isinstance(value, set | frozenset):
        items = [encode_input(item, f"{path}[…]", depth + 1) for item in value]
        # In one order, however they were hashed: equal requests are the same text.
        return sorted(items, key=lambda item: json.dumps(item, sort_keys=True))
    if isinstance(value, dict):
        return _encode_mapping(value, path, depth)
    return _encode_object(value, path, depth)


def _encode_mapping(value: dict[Any, Any], path: str, depth: int) -> dict[str, Any]:
    encoded: dict[str, Any] = {}
    for key, item in value.items():
        text = key if isinstance(key, int) else encode_input(key, f"{path}: the key", depth + 1)
        if not isinstance(text, str) or text in encoded:
            raise InvalidInputs(f"{path} has the key {key!r}; keys must be text.")
        encoded[text] = encode_input(item, f"{path}.{text}", depth + 1)
    return encoded


def _encode_object(value: Any, path: str, depth: int) -> Any:
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        sign, length = ("-", -value) if value < dt.timedelta() else ("", value)
        return f"{sign}P{length.days}DT{length.seconds}.{length.microseconds:06d}S"
    if isinstance(value, pathlib.PurePath | uuid.UUID | decimal.Decimal):
        return str(value)
    # Not at the top: most inputs are plain, and an object of a model has imported pydantic.
    from pydantic import BaseModel

    if isinstance(value, BaseModel):
        try:
            body = value.model_dump(mode="json", by_alias=True, round_trip=True)
        except Exception as error:  # noqa: BLE001 - serializers of the user's own run
            name = type(value).__name__
            raise InvalidInputs(f"{path} is a {name} that cannot be JSON: {error}") from None
        return encode_input(body, path, depth)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [field.name for field in dataclasses.fields(value) if field.init]
        return {
            name: encode_input(getattr(value, name), f"{path}.{name}", depth + 1) for name in fields
        }
    raise InvalidInputs(
        f"{path} is a {type(value).__name__}; a job's inputs must be JSON.",
        hint="Pass a path or a name instead, and let the pipeline load the value.",
    )
