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

from flowerpower.run.cache import fingerprints
from flowerpower.run.cache.fingerprints import (
    NoFingerprint,
    fingerprint,
    fingerprint_with_files,
)


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


class Source:
    def __init__(self, path: Any) -> None:
        self.path = path


NAMES: dict[str, Any] = {
    "a text": "data",
    "a path": Path("data"),
    "a pattern": "data/*.csv",
    "a pattern of folders": "data/**/*.csv",
    "a list": ["x", "data"],
    "a nested dictionary": {"a": {"b": ["data"]}},
    "an object": Source("data"),
    "a table": pd.DataFrame({"name": ["data/deep/two.csv", "none"]}),
    "a set": {"data"},
}


@pytest.mark.parametrize("what", NAMES)
def test_a_name_stands_for_all_that_is_in_its_folder(tmp_path: Path, what: str) -> None:
    """Whatever part of a value names files: one that is new, changed or gone changes it."""
    value = NAMES[what]

    def current() -> str:
        text, names_files = fingerprint_with_files(value, [tmp_path])
        assert names_files or what in (
            "a text",
            "a list",
            "a nested dictionary",
            "a set",
            "an object",
        )
        return text

    seen = [current()]
    folder = tmp_path / "data" / "deep"
    folder.mkdir(parents=True)
    (tmp_path / "data" / "one.csv").write_text("1")
    (folder / "two.csv").write_text("2")
    seen.append(current())
    assert fingerprint_with_files(value, [tmp_path])[1]
    assert current() == seen[-1]
    (folder / "two.csv").write_text("22")
    seen.append(current())
    (folder / "two.csv").unlink()
    (tmp_path / "data" / "one.csv").unlink()
    (folder / "three.csv").write_text("3")
    seen.append(current())
    assert len(set(seen)) == (4 if what != "a table" else 3)


def test_what_belongs_to_no_data_is_not_looked_at(tmp_path: Path) -> None:
    """Hidden files, caches of Python, keys, names of columns, and texts that only separate."""
    values = [Path("data"), {"data": 1}, pd.DataFrame({"data": [1]}), "/", ".", "data data"]
    (tmp_path / "data").mkdir()
    before = [fingerprint_with_files(value, [tmp_path]) for value in values]
    for name in (".hidden", ".git/index", "__pycache__/x.pyc"):
        file = tmp_path / "data" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("x")
    assert [fingerprint_with_files(value, [tmp_path]) for value in values] == before
    assert [names_files for _, names_files in before] == [True, False, False, False, False, False]


def test_a_folder_that_leads_back_to_itself_ends(tmp_path: Path) -> None:
    """A link to a folder above is followed once; a broken one not at all."""
    (tmp_path / "data" / "deep").mkdir(parents=True)
    (tmp_path / "data" / "deep" / "up").symlink_to(tmp_path / "data")
    (tmp_path / "data" / "broken").symlink_to(tmp_path / "nothing")
    assert fingerprint_with_files("data", [tmp_path])[1] in (True, False)


def test_a_huge_folder_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of more files than are looked at is not taken as unchanged."""
    monkeypatch.setattr(fingerprints, "MAX_FILES", 3)
    for number in range(4):
        (tmp_path / f"{number}.csv").write_text("")
    for value in (tmp_path, str(tmp_path), f"{tmp_path}/*.csv"):
        with pytest.raises(NoFingerprint):
            fingerprint_with_files(value, [tmp_path])


def test_texts_are_looked_up_as_long_as_some_name_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long list of names is looked up whole, a long list of other texts is not."""
    monkeypatch.setattr(fingerprints, "MAX_MISSES", 3)
    names = [f"{number}.csv" for number in range(20)]
    for name in names:
        (tmp_path / name).write_text("")
    before = fingerprint_with_files(names, [tmp_path])
    (tmp_path / names[-1]).write_text("1")
    assert fingerprint_with_files(names, [tmp_path]) != before
    other = ["a", "b", "c", "d", "e", names[0]]
    assert fingerprint_with_files(other, [tmp_path])[1] is False


class LazyFrame:
    """Called as those of polars and narwhals are."""


class Collection:
    def __dask_graph__(self) -> dict[str, Any] | None:
        return {}


@pytest.mark.parametrize("value", [LazyFrame(), [LazyFrame()], Collection()])
def test_what_is_not_read_yet_has_none(value: Any) -> None:
    """A recipe says nothing of the data that it will find."""
    with pytest.raises(NoFingerprint):
        fingerprint(value)
