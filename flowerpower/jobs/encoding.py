"""Results of a pipeline as JSON.

NumPy numbers become numbers, times ISO 8601 text, NaN and infinity null (with a note). A value
that has no JSON form, or is over the size limit, becomes a summary: an object whose first key is
`summary_of`, also with a note.
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

from flowerpower.jobs.inputs import MAX_INT_BITS

MAX_BYTES = 1_000_000
MAX_DEPTH = 40
SUMMARY_ROWS = 10
SUMMARY_COLUMNS = 50
REPR_LIMIT = 500

_NULL = "NaN or infinity written as null"
_LIST = "set written as a list"

Note = dict[str, str]


class _NotJson(Exception):
    """Raised by the encoder: the value has no JSON form; the text is the reason."""


def encode_outputs(
    values: dict[str, Any], limit: int = MAX_BYTES
) -> tuple[dict[str, Any], list[Note]]:
    """JSON of each output, and a note `{"output", "note"}` for each that was changed.

    All outputs together take at most about `limit` bytes: the largest are summarised first.
    """
    outputs: dict[str, Any] = {}
    notes: list[Note] = []
    sizes: dict[str, int] = {}
    for name, value in values.items():
        outputs[name], texts, sizes[name] = _encode(value, limit)
        notes += [{"output": name, "note": text} for text in texts]
    while sum(sizes.values()) > limit:
        largest = max(sizes, key=lambda name: sizes[name])
        # A summary would not be smaller than this.
        if sizes[largest] <= 4 * REPR_LIMIT:
            break
        outputs[largest] = summary(values[largest])
        sizes[largest] = 0
        notes = [note for note in notes if note["output"] != largest]
        notes.append({"output": largest, "note": f"summarised: all outputs exceed {limit} bytes"})
    return outputs, notes


def _encode(value: Any, limit: int) -> tuple[Any, list[str], int]:
    encoder = _Encoder(limit)
    try:
        encoded = encoder.encode(value, 0)
    except _NotJson as reason:
        return summary(value), [f"summarised: {reason}"], 0
    except Exception as error:  # noqa: BLE001 - the value's own code ran, and may raise anything
        return summary(value), [f"summarised: reading it raised {type(error).__name__}"], 0
    return encoded, encoder.notes(), encoder.size


class _Encoder:
    def __init__(self, limit: int) -> None:
        self.size = 0
        self._limit = limit
        self._changed = {_NULL: 0, _LIST: 0}

    def notes(self) -> list[str]:
        return [f"{count} x {change}" for change, count in self._changed.items() if count]

    def _spend(self, size: int) -> None:
        self.size += size
        if self.size > self._limit:
            raise _NotJson(f"larger than {self._limit} bytes as JSON")

    def encode(self, value: Any, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise _NotJson(f"nested more than {MAX_DEPTH} levels deep")
        # The exact types come first: they are most of all values, and `is` is the fastest test.
        kind = type(value)
        if value is None or kind is bool:
            self._spend(5)
            return value
        if kind is str:
            return self._text(value)
        if kind is int:
            if value.bit_length() > MAX_INT_BITS:
                raise _NotJson("an integer is too long to be written out")
            self._spend(value.bit_length() // 3 + 1)
            return value
        if kind is float:
            return self._number(value)
        if kind is dict or isinstance(value, dict):
            return self._mapping(value, depth)
        if isinstance(value, list | tuple):
            self._spend(2)
            return [self.encode(item, depth + 1) for item in value]
        return self._other(value, depth)

    def _text(self, value: str) -> str:
        self._spend(len(value) + 2)
        if not value.isascii():
            self._spend(len(value.encode("utf-8", "surrogatepass")) - len(value))
            return value.encode("utf-8", "backslashreplace").decode("utf-8")
        return value

    def _time(self, text: str) -> str | None:
        # NaT of pandas passes for a datetime, and `is NaT` would need an import of pandas.
        return self._text(text) if text != "NaT" else None

    def _number(self, value: float) -> float | None:
        self._spend(10)
        if math.isfinite(value):
            return value
        self._changed[_NULL] += 1
        return None

    def _mapping(self, value: dict[Any, Any], depth: int) -> dict[str, Any]:
        self._spend(2)
        encoded: dict[str, Any] = {}
        for key, item in value.items():
            if not isinstance(key, str):
                encoded_key = self.encode(key, depth + 1)
                if isinstance(encoded_key, dict | list):
                    raise _NotJson(f"a key is a {type(key).__name__}")
                key = encoded_key if isinstance(encoded_key, str) else json.dumps(encoded_key)
            text = self._text(key)
            if text in encoded:
                raise _NotJson("two keys are the same as text")
            encoded[text] = self.encode(item, depth + 1)
        return encoded

    def _other(self, value: Any, depth: int) -> Any:
        if isinstance(value, enum.Enum):
            return self.encode(value.value, depth + 1)
        if isinstance(value, dt.datetime | dt.date | dt.time):
            return self._time(value.isoformat())
        if isinstance(value, dt.timedelta):
            return self._number(value.total_seconds())
        if isinstance(value, str):
            # A subclass may have a __str__ of its own.
            return self._text(str.__str__(value))
        if isinstance(value, bool | int):
            return self.encode(int(value), depth)
        if isinstance(value, float):
            return self._number(float(value))
        if isinstance(value, pathlib.PurePath | uuid.UUID | decimal.Decimal):
            return self._text(str(value))
        if isinstance(value, set | frozenset):
            self._changed[_LIST] += 1
            return [self.encode(item, depth + 1) for item in value]
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = dataclasses.fields(value)
            return {f.name: self.encode(getattr(value, f.name), depth + 1) for f in fields}
        return self._from_library(value, depth)

    def _from_library(self, value: Any, depth: int) -> Any:
        # By name: importing NumPy or pandas for a run that uses neither would cost a second.
        library = type(value).__module__.partition(".")[0]
        if library == "numpy" and getattr(value, "shape", None) == ():
            if type(value).__name__ in ("datetime64", "timedelta64"):
                return self._time(str(value))
            item = value.item()
            if type(item) is not type(value):
                return self.encode(item, depth + 1)
        if library == "pandas" and type(value).__name__ in ("NAType", "NaTType"):
            return self.encode(None, depth)
        raise _NotJson(f"{type_name(value)} is not JSON")


def type_name(value: Any) -> str:
    """The full name of a value's class; a builtin has no module in it."""
    kind = type(value)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    # People know `pandas.DataFrame`, not the private module that defines it.
    if module.startswith(("pandas.", "polars.", "pyarrow.")):
        module = module.partition(".")[0] + "."
    return f"{module}{kind.__qualname__}"


def safe_repr(value: Any, limit: int = REPR_LIMIT) -> str:
    """`repr(value)`, cut to `limit`; if that raises, a text that says so."""
    # Before repr, not after: the repr of a huge value takes seconds and memory.
    if isinstance(value, str | bytes) and len(value) > limit:
        value = value[:limit]
    elif isinstance(value, list | tuple | set | frozenset | dict) and len(value) > limit:
        return f"<{type(value).__name__} of length {len(value)}>"
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001 - a user's __repr__ may raise anything
        return f"<{type_name(value)} whose repr raised {type(error).__name__}>"
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text if len(text) <= limit else text[: limit - 1] + "…"


def summary(value: Any) -> dict[str, Any]:
    """A value described as JSON: its type, and length, shape, columns and rows if it has them."""
    description: dict[str, Any] = {"summary_of": type_name(value)}
    for describe in (_size, _columns, _first_rows):
        try:
            description.update(describe(value))
        except Exception:  # noqa: BLE001, S112 - it only looks like a table; the rest stands
            continue
    if "rows" not in description:
        description["repr"] = safe_repr(value)
    return description


def _size(value: Any) -> dict[str, Any]:
    shape = getattr(value, "shape", None)
    if shape is None and hasattr(value, "__len__"):
        return {"length": len(value)}
    return {"shape": [int(size) for size in shape]} if isinstance(shape, tuple) else {}


def _columns(value: Any) -> dict[str, Any]:
    if hasattr(value, "collect_schema"):
        # `columns` of a lazy table of polars warns that it reads the file.
        columns = value.collect_schema().names()
    else:
        # PyArrow's `columns` are the values.
        columns = getattr(value, "column_names", getattr(value, "columns", None))
    if columns is None and hasattr(value, "to_frame") and hasattr(value, "head"):
        columns = ["value"]
    if columns is None:
        dtype = getattr(value, "dtype", None)
        return {} if dtype is None else {"dtype": str(dtype)}
    if type(value).__module__.partition(".")[0] == "pandas":
        columns = _pandas_head(value).columns
    return {"columns": _unique([_column_name(name) for name in list(columns)[:SUMMARY_COLUMNS]])}


def _pandas_head(value: Any) -> Any:
    """The first rows as a data frame; an index that is not just numbers becomes columns."""
    if hasattr(value, "to_frame"):
        frame = value.head(SUMMARY_ROWS).to_frame()
        if value.name is None:
            frame.columns = ["value"]
    else:
        frame = value.iloc[:SUMMARY_ROWS, :SUMMARY_COLUMNS]
    return frame if type(value.index).__name__ == "RangeIndex" else frame.reset_index()


def _column_name(column: Any) -> str:
    parts = column if isinstance(column, tuple) else (column,)
    return " ".join(str(part) for part in parts if part != "")


def _unique(names: list[str]) -> list[str]:
    """The names, each repeated one with a number: `a`, `a (2)`."""
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return unique


def _first_rows(value: Any) -> dict[str, Any]:
    library = type(value).__module__.partition(".")[0]
    rows: Any
    if library == "pandas":
        head = _pandas_head(value)
        names = _unique([_column_name(column) for column in head.columns])
        # Column by column: a row as a Series would have one type for all of its values.
        columns = [head.iloc[:, position].tolist() for position in range(len(names))]
        rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    elif library == "polars":
        rows = value.head(SUMMARY_ROWS)
        rows = rows.to_dicts() if hasattr(rows, "to_dicts") else rows.to_list()
    elif library == "pyarrow":
        rows = value.slice(0, SUMMARY_ROWS).to_pylist()
    elif library == "numpy" and math.prod(value.shape[1:]) <= SUMMARY_COLUMNS:
        rows = value[:SUMMARY_ROWS].tolist()
    else:
        return {}
    return {"rows": [_cell(row) for row in rows]}


def _cell(row: Any) -> Any:
    if isinstance(row, dict):
        return {str(key): _cell(item) for key, item in row.items()}
    encoded, notes, _ = _encode(row, 4 * REPR_LIMIT)
    return safe_repr(row, 100) if any("summarised" in note for note in notes) else encoded
