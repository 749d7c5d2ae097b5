from __future__ import annotations

import collections
import datetime as dt
import enum
import fractions
import functools
import threading
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowerpower.run.cache.fingerprints import NoFingerprint, fingerprint


class Kind(enum.Enum):
    ONE = 1


@dataclass
class Point:
    x: int
    y: int


class Slots:
    __slots__ = ("x",)

    def __init__(self, x: int) -> None:
        self.x = x


class Other(Slots):
    __slots__ = ()


class Text(str):
    mark: int


def marked(value: Any, mark: int) -> Any:
    """The value with an attribute of its own."""
    value.mark = mark
    return value


class Private:
    __slots__ = ("__hidden", "shown")

    def __init__(self, hidden: int) -> None:
        self.__hidden = hidden
        self.shown = 1


class Array(np.ndarray):
    pass


class Items(list):  # type: ignore[type-arg]
    pass


def described(table: Any, **attrs: Any) -> Any:
    """A table that says something of itself."""
    copy = table.copy()
    copy.attrs.update(attrs)
    return copy


TABLE = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
DIFFERENT: list[Any] = [
    None, True, 1, 1.0, "1", b"1", [1], (1,), {1}, frozenset({1}), {1: None}, [], {}, "", (), [[1]],
    [1, 2], [2, 1], [[1], 2], [1, [2]], {"a": 1}, {"b": 1}, {"a": {"b": 1}}, {"a": "b", "c": "d"},
    {"a": "bc", "d": ""}, float("nan"), 0.0, -0.0, 1j, Kind.ONE, Point(1, 2), Point(2, 1),
    {"x": 1, "y": 2}, Slots(1), Slots(2), Other(1), int, len, sorted, functools.partial(sorted, [1]),
    functools.partial(sorted, [2]), PurePosixPath("a"), "a", dt.date(2026, 1, 1),
    dt.datetime(2026, 1, 1), dt.datetime(2026, 1, 1, tzinfo=dt.UTC), dt.timedelta(1),
    np.arange(6), np.arange(6).reshape(2, 3), np.arange(6).reshape(3, 2),
    np.arange(6, dtype="int32"), np.arange(6, dtype="float64"), np.float64(1), np.int64(1),
    np.array(["a"], dtype=object), np.array(["b"], dtype=object),
    np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 2], mask=[1, 0]),
    TABLE, TABLE.rename(columns={"a": "c"}), TABLE.astype({"a": "float64"}), TABLE[["b", "a"]],
    TABLE.iloc[::-1], TABLE.set_index("a"), TABLE.set_index("b"), TABLE.iloc[:0], TABLE["a"],
    TABLE["a"].rename("c"), TABLE["a"].astype("int32"), TABLE.index,
    TABLE.columns, pd.Index([1, 2], name="n"), pd.Series([1, 2], dtype="Int64"),
    pd.Series([1, None], dtype="Int64"), pd.Series(["x", "y"], dtype="category"),
    pd.Series(pd.Categorical(["x", "y"], categories=["y", "x"])),
    pd.Series(pd.Categorical(["x", "y"], categories=["x", "y", "z"])),
    pd.date_range("2026-01-01", periods=2), pd.date_range("2026-01-01", periods=2, tz="UTC"),
    pd.Timestamp("2026-01-01"), pd.Timedelta("1D"), pd.NaT, pd.Series([[1], [2]]),
    pd.Series([[1], ["2"]]), pd.MultiIndex.from_tuples([(1, "a")]),
    pd.MultiIndex.from_tuples([(1, "b")]), pd.array([1, 2], dtype="Int64"),
    marked(Text("a"), 1), marked(Text("b"), 1), marked(Text("a"), 2), Private(1), Private(2),
    np.arange(2).view(Array), np.arange(3).view(Array),
    Items([1]), Items([2]), marked(Items([1]), 1), collections.deque([1]), collections.deque([2]),
    collections.deque([1], maxlen=3), collections.defaultdict(int, a=1),
    collections.defaultdict(list, a=1), collections.OrderedDict(a=1), collections.Counter("a"),
    ValueError("a"), ValueError("b"), marked(ValueError("a"), 1), KeyError("a"),
    pd.Timestamp("2026-01-02").as_unit("s"), pd.Timestamp("2026-01-02").as_unit("ns"),
    described(TABLE, unit="m"), described(TABLE, unit="km"), described(TABLE["a"], unit="m"),
    pd.offsets.Day(1), pd.offsets.Day(2), pd.Period("2026-01"), pd.Interval(0, 1), fractions.Fraction(1, 2),
]  # fmt: skip


def test_different_values_have_different_fingerprints() -> None:
    """No two of many values that are not alike are taken for the same."""
    found: dict[str, Any] = {}
    for value in DIFFERENT:
        mark = fingerprint(value)
        assert mark not in found, (found.get(mark), value)
        found[mark] = value


@pytest.mark.parametrize("value", DIFFERENT, ids=lambda value: type(value).__name__)
def test_a_value_has_one_fingerprint(value: Any) -> None:
    """Asked twice, and for a copy where there can be one, it is the same."""
    import pickle

    assert fingerprint(value) == fingerprint(pickle.loads(pickle.dumps(value)))
    assert fingerprint(value).isalnum()


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
    | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=8,
)  # fmt: skip


def canonical(value: Any) -> str:
    """A value with all of its types, in full."""
    if isinstance(value, dict):
        return f"dict({[(canonical(k), canonical(v)) for k, v in value.items()]})"
    if isinstance(value, list | tuple):
        return f"{type(value).__name__}({[canonical(each) for each in value]})"
    return f"{type(value).__name__}({value!r})"


@given(_VALUES, _VALUES)
def test_equal_fingerprints_mean_equal_values(one: Any, other: Any) -> None:
    """Two values of JSON's kind have one fingerprint exactly if they are alike in all."""
    assert (fingerprint(one) == fingerprint(other)) == (canonical(one) == canonical(other))


@pytest.mark.parametrize(
    "value",
    [object(), threading.Lock(), lambda: 1, [threading.Lock()], iter([1])],
    ids=["object", "lock", "lambda", "list", "iterator"],
)
def test_what_says_nothing_of_itself_has_none(value: Any) -> None:
    """Locks, bare objects and functions without a name are not taken for one another."""
    with pytest.raises(NoFingerprint):
        fingerprint(value)


def test_a_circle_has_none() -> None:
    """A value that holds itself ends, and is not known."""
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(NoFingerprint):
        fingerprint(circle)


def test_a_path_stands_for_its_file(tmp_path: Path) -> None:
    """A change of the file behind a path changes the path's fingerprint."""
    file = tmp_path / "data.csv"
    absent = fingerprint(file)
    file.write_text("a")
    short = fingerprint(file)
    file.write_text("ab")
    assert len({absent, short, fingerprint(file)}) == 3
