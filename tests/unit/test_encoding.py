"""Results as JSON: nothing is lost silently, nothing hostile gets through."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import json
import pathlib
import threading
from typing import Any

import numpy as np
import pandas as pd
import pytest

from flowerpower.jobs.encoding import encode_outputs, safe_repr


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: int
    when: dt.date


class Unrepresentable:
    def __repr__(self) -> str:
        raise ValueError

    @property
    def shape(self) -> tuple[int]:
        raise RuntimeError


class Liar(list[int]):
    def __iter__(self) -> Any:
        raise OSError


def _encoded(value: object) -> tuple[Any, list[str]]:
    outputs, notes = encode_outputs({"v": value})
    json.dumps(outputs, allow_nan=False)
    assert all(note["output"] == "v" for note in notes)
    return outputs["v"], [note["note"] for note in notes]


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (None, None), (True, True), (7, 7), (1.5, 1.5), ("é", "é"), ([1, (2,)], [1, [2]]),
        ({"a": 1, 2: 3, None: 4, True: 5}, {"a": 1, "2": 3, "null": 4, "true": 5}),
        (np.int64(7), 7), (np.float32(1.5), 1.5), (np.bool_(True), True), (np.str_("x"), "x"),
        (np.datetime64("2026-01-02"), "2026-01-02"), (np.array(3), 3),
        (dt.datetime(2026, 1, 2, tzinfo=dt.UTC), "2026-01-02T00:00:00+00:00"),
        (dt.date(2026, 1, 2), "2026-01-02"), (dt.time(1, 2), "01:02:00"), (dt.timedelta(hours=1), 3600.0),
        (pd.Timestamp("2026-01-02"), "2026-01-02T00:00:00"), (pd.NaT, None), (pd.NA, None),
        (decimal.Decimal("1.10"), "1.10"), (pathlib.PurePosixPath("a/b"), "a/b"), (Colour.RED, "red"),
        (Point(1, dt.date(2026, 1, 2)), {"x": 1, "when": "2026-01-02"}), (10**300, 10**300),
    ],
)  # fmt: skip
def test_what_json_can_say_is_said(value: object, encoded: object) -> None:
    """Numbers of NumPy are numbers, times ISO text, and no note is made."""
    assert _encoded(value) == (encoded, [])


def test_nan_and_infinity_are_null_and_said_to_be() -> None:
    """They are counted in a note."""
    assert _encoded([1.0, float("nan"), np.float64("inf")]) == (
        [1.0, None, None],
        ["2 x NaN or infinity written as null"],
    )


def test_a_set_is_a_list_and_said_to_be() -> None:
    """A set has no JSON of its own."""
    assert _encoded({1}) == ([1], ["1 x set written as a list"])


def test_a_data_frame_is_summarised_with_shape_columns_and_rows() -> None:
    """The first ten rows are there, with times as text and NaN as null."""
    frame = pd.DataFrame(
        {"n": range(100), "t": pd.Timestamp("2026-01-02"), "x": [float("nan")] * 100}
    )
    summary, notes = _encoded(frame)
    assert summary["summary_of"] == "pandas.DataFrame"
    assert (summary["shape"], summary["columns"], len(summary["rows"])) == (
        [100, 3],
        ["n", "t", "x"],
        10,
    )
    assert summary["rows"][1] == {"n": 1, "t": "2026-01-02T00:00:00", "x": None}
    assert notes == ["summarised: pandas.DataFrame is not JSON"]


@pytest.mark.parametrize(
    "value",
    [threading.Lock(), b"\xff" * 10, object(), Unrepresentable(), [Unrepresentable()], Liar([1]), 1j,
     {(1, 2): 3}, {1: 1, "1": 2}, 10**5000, lambda: None, "x" * 2_000_000, list(range(1_000_000)),
     np.zeros((3, 3)), np.zeros((2, 10**6)), pd.Series([1.0]), range(3), type],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_anything_else_is_a_stated_summary(value: object) -> None:
    """It names its type, a note says so, and it stays small."""
    summary, notes = _encoded(value)
    assert next(iter(summary)) == "summary_of"
    assert notes[0].startswith("summarised: ")
    assert len(json.dumps(summary)) < 10_000


class Late:
    """A table that is not read yet, as polars has them."""

    def collect_schema(self) -> Late:
        return self

    def __getattr__(self, name: str) -> Any:
        assert name != "columns", "polars warns of it"
        raise AttributeError(name)

    def names(self) -> list[str]:
        return ["a"]


class Arrow:
    """A table whose `columns` are the data, as those of PyArrow are."""

    column_names = ("a",)
    columns = ([1, 2],)


def test_columns_are_names_and_ask_for_no_data() -> None:
    """Of a table that is not read yet, and of one whose columns hold the data."""
    assert [_encoded(value)[0]["columns"] for value in (Late(), Arrow())] == [["a"], ["a"]]


def test_cycles_and_depth_are_bounded() -> None:
    """A list within itself and a thousand levels are summarised."""
    cycle: list[Any] = []
    cycle.append(cycle)
    deep: list[Any] = []
    for _ in range(1000):
        deep = [deep]
    for value in (cycle, deep):
        assert _encoded(value)[1] == ["summarised: nested more than 40 levels deep"]


def test_stray_surrogates_become_escapes() -> None:
    """Text that is not Unicode can be written as UTF-8 all the same."""
    encoded, _ = _encoded("a\udcff")
    assert encoded.encode() == b"a\\udcff"


def test_all_outputs_together_stay_under_the_limit() -> None:
    """The largest are summarised until the rest fits, and notes say which."""
    values = {name: name * 40_000 for name in "abcde"} | {"small": 1}
    outputs, notes = encode_outputs(values, limit=100_000)
    assert len(json.dumps(outputs)) < 110_000
    assert outputs["small"] == 1
    assert len(notes) == 3


def test_repr_is_never_larger_than_its_limit() -> None:
    """Huge and hostile values have a short repr."""
    for value in ("x" * 10**7, list(range(10**6)), Unrepresentable(), b"\x00" * 10**6):
        assert len(safe_repr(value)) < 2_100
