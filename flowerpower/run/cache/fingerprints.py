"""Fingerprints of values: two are equal only if one value can be used in place of the other.

Hamilton's fingerprints do not distinguish 1 from "1", a list from a tuple, an array from its
transpose, or a table from one with other column names: a cache that uses them returns wrong values.
"""

from __future__ import annotations

import datetime as dt
import decimal
import hashlib
import itertools
import os
import pathlib
import stat
import types
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

MAX_DEPTH = 50
MAX_NAMES = 1000
MAX_NAME = 1000
_NO_FILE = "none"
_PLAIN = (
    bool, int, float, complex, str, bytes, type(None), dt.datetime, dt.date, dt.time, dt.timedelta,
    dt.timezone, decimal.Decimal, uuid.UUID, range, slice,
)  # fmt: skip


class NoFingerprint(Exception):
    """The value has no fingerprint, such as an open connection or a local function."""


def fingerprint(value: Any) -> str:
    """The fingerprint of a value, as hexadecimal digits.

    That of a path includes the time and size of its file.

    Raises:
        NoFingerprint: if the value has none.
    """
    hasher = _Hasher()
    hasher.add(value, 0)
    return hasher.digest.hexdigest()


def file_states(value: Any, folders: Iterable[pathlib.Path]) -> list[str]:
    """The time and size of each file that a value names.

    The value may be a text, a path, or a list, tuple or dictionary of them, of which the first
    MAX_NAMES are looked at. A relative name is looked up in each of `folders`.
    """
    parts = value.values() if isinstance(value, dict) else value
    names = parts if isinstance(value, list | tuple | dict) else [value]
    states: list[str] = []
    for name in itertools.islice(names, MAX_NAMES):
        if isinstance(name, pathlib.PurePath) or (
            isinstance(name, str) and 0 < len(name) < MAX_NAME and name.isprintable()
        ):
            for folder in folders:
                state = _file_state(folder / name)
                if state not in (_NO_FILE, "other", *states):
                    states.append(state)
    return states


class Digest:
    """A hash of parts, each preceded by its length."""

    def __init__(self) -> None:
        self.digest = hashlib.blake2b(digest_size=24)

    def mark(self, part: str | bytes) -> None:
        """Add a part."""
        content = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        self.digest.update(len(content).to_bytes(8, "little"))
        self.digest.update(content)


class _Hasher(Digest):
    """Hashes a value; each part of it is preceded by its type."""

    def add(self, value: Any, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise NoFingerprint
        kind = type(value)
        self.mark(f"{kind.__module__}.{kind.__qualname__}")
        if kind in _PLAIN:
            self.mark(value if isinstance(value, bytes) else repr(value))
        elif kind in (list, tuple):
            self._add_all(value, depth)
        elif kind is dict:
            self._add_all((part for item in value.items() for part in item), depth)
        elif kind in (set, frozenset):
            self._add_all(sorted(map(fingerprint, value)), depth)
        elif isinstance(value, pathlib.PurePath):
            self.mark(f"{value}|{_file_state(value)}")
        elif isinstance(value, type | types.FunctionType | types.BuiltinFunctionType):
            self.mark(_import_name(value))
        else:
            add = _LIBRARIES.get(kind.__module__.partition(".")[0])
            if add is None or not add(self, value, depth):
                self._add_object(value, depth)

    def _add_all(self, parts: Iterable[Any], depth: int) -> None:
        count = 0
        for part in parts:
            self.add(part, depth + 1)
            count += 1
        self.mark(str(count))

    def _add_object(self, value: Any, depth: int) -> None:
        """Hash any other object by what pickle would rebuild it from."""
        if type(value) is object or isinstance(value, Iterator):
            raise NoFingerprint
        try:
            reduced = value.__reduce_ex__(4)
        except Exception:  # noqa: BLE001 - the value's own code runs
            raise NoFingerprint from None
        if isinstance(reduced, str):
            self.mark(reduced)
            return
        function, arguments, *rest = reduced
        self.mark(_import_name(function))
        self._add_all(arguments, depth)
        for part in rest:
            # The items of subclasses of list and dict come as iterators.
            self.add(list(part) if isinstance(part, Iterator) else part, depth + 1)

    def add_numpy(self, value: Any, depth: int) -> bool:
        """Hash a NumPy array or number; False for anything else."""
        import numpy as np

        is_masked = type(value) is np.ma.MaskedArray
        if not is_masked and type(value) is not np.ndarray and not isinstance(value, np.generic):
            return False
        self.mark(f"{value.dtype!r} {value.shape}")
        if is_masked:
            self._add_all((np.ma.getmaskarray(value), value.compressed()), depth)
        elif value.dtype.hasobject:
            self._add_all(value.ravel().tolist() if value.shape else [value.item()], depth)
        else:
            self.mark(value.tobytes())
        return True

    def add_pandas(self, value: Any, depth: int) -> bool:
        """Hash a pandas table, column or index; False for anything else."""
        import pandas as pd

        if isinstance(value, pd.DataFrame):
            self._add_all((value.columns, value.index, value.attrs), depth)
            for position in range(value.shape[1]):
                self._add_column(value.iloc[:, position], depth)
        elif isinstance(value, pd.Series):
            self._add_all((value.name, value.index, value.attrs), depth)
            self._add_column(value, depth)
        elif isinstance(value, pd.RangeIndex):
            self.mark(f"{value.start} {value.stop} {value.step} {list(value.names)!r}")
        elif isinstance(value, pd.Index):
            self.mark(f"{list(value.names)!r} {getattr(value, 'freq', None)!r}")
            self._add_column(value, depth)
        else:
            return False
        return True

    def _add_column(self, column: Any, depth: int) -> None:
        import numpy as np
        import pandas as pd

        self.mark(f"{column.dtype!r} {len(column)}")
        if isinstance(column.dtype, pd.CategoricalDtype):
            self.add(column.dtype.categories, depth + 1)
        if isinstance(column.dtype, np.dtype) and not column.dtype.hasobject:
            self.mark(column.to_numpy().tobytes())
        elif column.dtype == object or isinstance(column, pd.MultiIndex):
            self._add_all(column.tolist(), depth)
        else:
            self.mark(pd.util.hash_array(column.array, categorize=False).tobytes())

    def add_polars(self, value: Any, depth: int) -> bool:
        """Hash a Polars table or column; False for anything else."""
        import polars as pl  # type: ignore[import-not-found] # an extra of the user's

        if isinstance(value, pl.Series):
            value = value.to_frame()
        if not isinstance(value, pl.DataFrame):
            return False
        self.mark(repr(value.schema))
        self.add(value.to_dict(as_series=False), depth + 1)
        return True


_LIBRARIES: dict[str, Callable[[_Hasher, Any, int], bool]] = {
    "numpy": _Hasher.add_numpy,
    "pandas": _Hasher.add_pandas,
    "polars": _Hasher.add_polars,
}


def _import_name(value: Any) -> str:
    name = f"{value.__module__}.{value.__qualname__}"
    if "<" in name:
        # A function inside another function: others may have the same name.
        raise NoFingerprint
    return name


def _file_state(path: pathlib.PurePath) -> str:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return _NO_FILE
    return f"{status.st_mtime_ns}-{status.st_size}" if stat.S_ISREG(status.st_mode) else "other"
