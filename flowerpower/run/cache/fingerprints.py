"""Fingerprints of values: equal ones for values that may stand in for each other, and no others.

Hamilton's own do not tell 1 from "1", a list from a tuple, an array from its transpose or a table
from one with other column names; a cache that goes by them gives back wrong values.
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
MOST_NAMES = 1000
MAX_NAME = 1000
_NO_FILE = "none"
_PLAIN = (
    bool, int, float, complex, str, bytes, type(None), dt.datetime, dt.date, dt.time, dt.timedelta,
    dt.timezone, decimal.Decimal, uuid.UUID, range, slice,
)  # fmt: skip


class Unknown(Exception):
    """The value has no fingerprint: nothing of it says what it is."""


def fingerprint(value: Any) -> str:
    """A text of letters and digits that stands for the value.

    That of a path stands for the file too: its time and size.

    Raises:
        Unknown: if the value has none, such as an open connection.
    """
    feeder = _Feeder()
    feeder.feed(value, 0)
    return feeder.digest.hexdigest()


def file_states(value: Any, folders: Iterable[pathlib.Path]) -> list[str]:
    """The states of files that a text or path names, or the first in a list, tuple or dictionary.

    A relative name is looked up from each of `folders`.
    """
    parts = value.values() if isinstance(value, dict) else value
    names = parts if isinstance(value, list | tuple | dict) else [value]
    found: list[str] = []
    for name in itertools.islice(names, MOST_NAMES):
        if isinstance(name, pathlib.PurePath) or (
            isinstance(name, str) and 0 < len(name) < MAX_NAME and name.isprintable()
        ):
            for folder in folders:
                state = _file_state(folder / name)
                if state not in (_NO_FILE, "other", *found):
                    found.append(state)
    return found


class _Feeder:
    """Feeds a digest with a value, each part of it marked with its type and length."""

    def __init__(self) -> None:
        self.digest = hashlib.blake2b(digest_size=24)

    def feed(self, value: Any, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise Unknown
        kind = type(value)
        self._mark(f"{kind.__module__}.{kind.__qualname__}")
        if kind in _PLAIN:
            self._mark(value if isinstance(value, bytes) else repr(value))
        elif kind in (list, tuple):
            self._feed_all(value, depth)
        elif kind is dict:
            self._feed_all((part for item in value.items() for part in item), depth)
        elif kind in (set, frozenset):
            self._feed_all(sorted(map(fingerprint, value)), depth)
        elif isinstance(value, pathlib.PurePath):
            self._mark(f"{value}|{_file_state(value)}")
        elif isinstance(value, type | types.FunctionType | types.BuiltinFunctionType):
            self._mark(_named(value))
        elif (feed := _FEEDS.get(kind.__module__.partition(".")[0])) and feed(self, value, depth):
            pass
        else:
            self._feed_object(value, depth)

    def _mark(self, part: str | bytes) -> None:
        content = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        self.digest.update(len(content).to_bytes(8, "little"))
        self.digest.update(content)

    def _feed_all(self, parts: Iterable[Any], depth: int) -> None:
        count = 0
        for part in parts:
            self.feed(part, depth + 1)
            count += 1
        self._mark(str(count))

    def _feed_object(self, value: Any, depth: int) -> None:
        """Anything else is what pickle would make it of again."""
        if type(value) is object or isinstance(value, Iterator):
            raise Unknown
        try:
            reduced = value.__reduce_ex__(4)
        except Exception:  # noqa: BLE001 - the value's own code runs
            raise Unknown from None
        if isinstance(reduced, str):
            self._mark(reduced)
            return
        function, arguments, *rest = reduced
        self._mark(_named(function))
        self._feed_all(arguments, depth)
        for part in rest:
            # Items of lists and dictionaries come as iterators.
            self.feed(list(part) if isinstance(part, Iterator) else part, depth + 1)

    def feed_numpy(self, value: Any, depth: int) -> bool:
        """An array or a number of NumPy's."""
        import numpy as np

        if type(value) is np.ma.MaskedArray:
            self._mark(f"{value.dtype!r} {value.shape}")
            self._feed_all((np.ma.getmaskarray(value), value.compressed()), depth)
            return True
        if type(value) is not np.ndarray and not isinstance(value, np.generic):
            return False
        self._mark(f"{value.dtype!r} {value.shape}")
        if value.dtype.hasobject:
            self._feed_all(value.ravel().tolist() if value.shape else [value.item()], depth)
        else:
            self._mark(value.tobytes())
        return True

    def feed_pandas(self, value: Any, depth: int) -> bool:
        """A table, column or index of pandas'."""
        import pandas as pd

        if isinstance(value, pd.DataFrame):
            self._feed_all((value.columns, value.index, value.attrs), depth)
            for position in range(value.shape[1]):
                self._feed_column(value.iloc[:, position], depth)
        elif isinstance(value, pd.Series):
            self._feed_all((value.name, value.index, value.attrs), depth)
            self._feed_column(value, depth)
        elif isinstance(value, pd.RangeIndex):
            self._mark(f"{value.start} {value.stop} {value.step} {list(value.names)!r}")
        elif isinstance(value, pd.Index):
            self._mark(f"{list(value.names)!r} {getattr(value, 'freq', None)!r}")
            self._feed_column(value, depth)
        else:
            return False
        return True

    def _feed_column(self, column: Any, depth: int) -> None:
        import numpy as np
        import pandas as pd

        self._mark(f"{column.dtype!r} {len(column)}")
        if isinstance(column.dtype, pd.CategoricalDtype):
            self.feed(column.dtype.categories, depth + 1)
        if isinstance(column.dtype, np.dtype) and not column.dtype.hasobject:
            self._mark(column.to_numpy().tobytes())
        elif column.dtype == object or isinstance(column, pd.MultiIndex):
            self._feed_all(column.tolist(), depth)
        else:
            self._mark(pd.util.hash_array(column.array, categorize=False).tobytes())

    def feed_polars(self, value: Any, depth: int) -> bool:
        """A table or column of Polars'."""
        import polars as pl  # type: ignore[import-not-found] # an extra of the user's

        if isinstance(value, pl.Series):
            value = value.to_frame()
        if not isinstance(value, pl.DataFrame):
            return False
        self._mark(repr(value.schema))
        self.feed(value.to_dict(as_series=False), depth + 1)
        return True


_FEEDS: dict[str, Callable[[_Feeder, Any, int], bool]] = {
    "numpy": _Feeder.feed_numpy,
    "pandas": _Feeder.feed_pandas,
    "polars": _Feeder.feed_polars,
}


def _named(value: Any) -> str:
    name = f"{value.__module__}.{value.__qualname__}"
    if "<" in name:
        # A function made within another: others have its name.
        raise Unknown
    return name


def _file_state(path: pathlib.PurePath) -> str:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return _NO_FILE
    return f"{status.st_mtime_ns}-{status.st_size}" if stat.S_ISREG(status.st_mode) else "other"
