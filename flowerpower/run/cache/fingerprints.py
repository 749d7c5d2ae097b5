"""Fingerprints of values: two are equal only if one value can be used in place of the other.

Hamilton's fingerprints do not distinguish 1 from "1", a list from a tuple, an array from its
transpose, or a table from one with other column names: a cache that uses them returns wrong values.
"""

from __future__ import annotations

import datetime as dt
import decimal
import fnmatch
import hashlib
import itertools
import os
import pathlib
import re
import stat
import types
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

MAX_DEPTH = 50
MAX_MISSES = 1000
"""Texts in a row that name no file; the texts after them are not looked up."""
MAX_NAME = 1000
MAX_FILES = 10_000
"""Files and folders that are looked at for one name; of more than these the state is not known."""
_SUFFIX = re.compile(r"\.\w{1,10}$")
_PLAIN = (
    bool, int, float, complex, str, bytes, type(None), dt.datetime, dt.date, dt.time, dt.timedelta,
    dt.timezone, decimal.Decimal, uuid.UUID, range, slice,
)  # fmt: skip


class NoFingerprint(Exception):
    """The value has no fingerprint.

    Such as an open connection, a local function, a table that is not read yet, or a huge folder.
    """


def fingerprint(value: Any) -> str:
    """The fingerprint of a value, as hexadecimal digits.

    That of a path includes the state of its file or folder.

    Raises:
        NoFingerprint: if the value has none.
    """
    return fingerprint_with_files(value, ())[0]


def fingerprint_with_files(value: Any, folders: Iterable[pathlib.Path]) -> tuple[str, bool]:
    """The fingerprint of a value and of the files that it names; whether it may name any.

    A text or path anywhere in the value may name a file, a folder with all that is in it, or files
    by a pattern with `*`. A relative name is looked up in each of `folders`.

    Raises:
        NoFingerprint: if the value has none, or names too many files.
    """
    hasher = _Hasher(list(dict.fromkeys(folders)))
    hasher.add(value, 0)
    return hasher.digest.hexdigest(), hasher.names_files


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
    """Hashes a value; each part of it is preceded by its type.

    `names_files` says whether a part of it may name a file, which need not exist yet.
    """

    def __init__(self, folders: list[pathlib.Path]) -> None:
        super().__init__()
        self.names_files = False
        self._folders = folders
        self._misses = 0
        self._known_states: dict[str, list[str | None]] = {}

    def add(self, value: Any, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise NoFingerprint
        kind = type(value)
        self.mark(f"{kind.__module__}.{kind.__qualname__}")
        if kind in _PLAIN:
            self.mark(value if isinstance(value, bytes) else repr(value))
            if kind is str and self._folders:
                self._add_named(value)
        elif kind in (list, tuple):
            self._add_all(value, depth)
        elif kind is dict:
            for key, item in value.items():
                self._add_label(key, depth)
                self.add(item, depth + 1)
            self.mark(str(len(value)))
        elif kind in (set, frozenset):
            self._add_all(sorted(value, key=fingerprint), depth)
        elif isinstance(value, pathlib.PurePath):
            self.mark(str(value))
            self._add_named(value)
        elif isinstance(value, type | types.FunctionType | types.BuiltinFunctionType):
            self.mark(_import_name(value))
        else:
            add = _LIBRARIES.get(kind.__module__.partition(".")[0])
            if add is None or not add(self, value, depth):
                self._add_object(value, depth)

    def _add_named(self, name: str | pathlib.PurePath) -> None:
        """Add the state of the files that a text or path names."""
        text = str(name)
        is_text = isinstance(name, str)
        if is_text and (self._misses > MAX_MISSES or not _may_be_name(text)):
            return
        # Those that are there are kept: a column may name one large folder in every row.
        states = self._known_states.get(text) or [
            _state(folder, text) for folder in self._folders or [pathlib.Path()]
        ]
        is_there = any(states)
        self._misses = 0 if is_there else self._misses + 1
        if is_there:
            self._known_states[text] = states
            self.mark(repr(states))
        self.names_files |= is_there or not is_text or "/" in text or bool(_SUFFIX.search(text))

    def _add_label(self, value: Any, depth: int) -> None:
        """Hash a key, or the names of columns: a text in it is no name of a file."""
        folders, self._folders = self._folders, []
        self.add(value, depth + 1)
        self._folders = folders

    def _add_all(self, parts: Iterable[Any], depth: int) -> None:
        count = 0
        for part in parts:
            self.add(part, depth + 1)
            count += 1
        self.mark(str(count))

    def _add_object(self, value: Any, depth: int) -> None:
        """Hash any other object by what pickle would rebuild it from."""
        if type(value) is object or isinstance(value, Iterator) or _is_lazy(value):
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
            self._add_label(value.columns, depth)
            self._add_all((value.index, value.attrs), depth)
            for position in range(value.shape[1]):
                self._add_column(value.iloc[:, position], depth)
        elif isinstance(value, pd.Series):
            self._add_label(value.name, depth)
            self._add_all((value.index, value.attrs), depth)
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
            if isinstance(column.dtype, pd.StringDtype) and self._folders:
                for text in itertools.takewhile(lambda _: self._misses <= MAX_MISSES, column):
                    if isinstance(text, str):
                        self._add_named(text)

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


def _is_lazy(value: Any) -> bool:
    """Whether a value only says how to get the data, which may change meanwhile."""
    kind = type(value)
    return (
        kind.__name__ == "LazyFrame"
        or kind.__module__.startswith(("pyarrow._dataset", "ibis.", "pyspark.", "duckdb"))
        or (hasattr(kind, "__dask_graph__") and value.__dask_graph__() is not None)
    )


def _may_be_name(text: str) -> bool:
    """Whether a text can be the name of a file: not `.` or `/`, which separate things."""
    return len(text) < MAX_NAME and text.isprintable() and any(map(str.isalnum, text))


def _state(folder: pathlib.Path, name: str) -> str | None:
    """The state of a file, a folder or the files of a pattern; None if there is nothing."""
    path = folder / name
    if "*" in name and ("/" in name or "*." in name) and not re.search(r"\s", name):
        literal = list(itertools.takewhile(lambda part: "*" not in part, path.parts))
        # `*` also matches `/` here: rather too many files than too few.
        pattern = str(pathlib.Path(*path.parts[len(literal) :])).replace("**/", "*")
        return _folder_state(pathlib.Path(*literal), pattern)
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    if stat.S_ISDIR(status.st_mode):
        return _folder_state(path, "*")
    return _file_state(status) if stat.S_ISREG(status.st_mode) else None


def _folder_state(top: pathlib.Path, pattern: str) -> str:
    """The names, times and sizes of the files in a folder and below, without hidden ones."""
    states: list[str] = []
    folders, seen, count = [str(top)], set(), 0
    while folders:
        folder = folders.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError:
            continue
        count += len(entries)
        if count > MAX_FILES:
            raise NoFingerprint
        for entry in entries:
            if entry.name.startswith(".") or entry.name == "__pycache__":
                continue
            name = os.path.relpath(entry.path, top)
            try:
                status = entry.stat()
            except OSError:
                continue
            if stat.S_ISDIR(status.st_mode):
                # A link may lead back to a folder above.
                if (status.st_dev, status.st_ino) not in seen:
                    seen.add((status.st_dev, status.st_ino))
                    folders.append(entry.path)
            elif fnmatch.fnmatchcase(name, pattern):
                states.append(f"{name} {_file_state(status)}")
    return "\n".join(sorted(states))


def _file_state(status: os.stat_result) -> str:
    return f"{status.st_mtime_ns}-{status.st_size}"
