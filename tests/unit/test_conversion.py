"""Values as the types that a DAG declares, from what JSON, YAML and a shell can write."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import json
import pathlib
import typing
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, NewType

import numpy as np
import pandas as pd
import pytest
from pydantic import BaseModel, Field, SecretStr

from flowerpower.errors import InvalidInputs
from flowerpower.jobs.inputs import encode_input
from flowerpower.pipeline.signature import type_from_json, type_to_json
from flowerpower.run.conversion import convert_fire_time, convert_value

DAY = dt.date(2026, 1, 2)
MOMENT = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
ID = uuid.UUID("b205ad23-d3ec-4085-8c42-2b84d518025e")
UserId = NewType("UserId", int)


class Size(enum.Enum):
    SMALL = "small"
    LARGE = "large"


class Color(enum.Enum):
    RED = 1
    BLUE = 2


class Customer(BaseModel):
    name: str
    age: int = 0
    since: dt.date | None = None


@dataclasses.dataclass
class Flight:
    number: int
    day: dt.date = DAY


class Account(BaseModel):
    name: str
    password: str


class Row(typing.TypedDict):
    number: int
    day: typing.NotRequired[dt.date]


READ: list[tuple[Any, Any, Any]] = [
    # JSON, declared, value
    ("2026-01-02", dt.date, DAY),
    ("2026-01-02T03:04:05Z", dt.datetime, MOMENT),
    ("2026-01-02T03:04:05Z", pd.Timestamp, pd.Timestamp(MOMENT)),
    ("03:04", dt.time, dt.time(3, 4)),
    ("90s", dt.timedelta, dt.timedelta(seconds=90)),
    (90, dt.timedelta, dt.timedelta(seconds=90)),
    ("a/b", pathlib.Path, pathlib.Path("a/b")),
    (str(ID), uuid.UUID, ID),
    ("1.10", decimal.Decimal, decimal.Decimal("1.10")),
    (1, float, 1.0),
    (1, float | None, 1.0),
    (None, float | None, None),
    ("small", Size, Size.SMALL),
    ("SMALL", Size, Size.SMALL),
    (1, Color, Color.RED),
    ("RED", Color, Color.RED),
    (["2026-01-02"], list[dt.date], [DAY]),
    ([1, 2], list[float], [1.0, 2.0]),
    (["a", "b"], set[str], {"a", "b"}),
    ([1, 2], tuple[int, ...], (1, 2)),
    ([1, "x"], tuple[int, str], (1, "x")),
    (["a"], Sequence[str], ["a"]),
    ({"a": "2026-01-02"}, Mapping[str, dt.date], {"a": DAY}),
    ({"2026-01-02": 1}, dict[dt.date, int], {DAY: 1}),
    ({"name": "a", "since": "2026-01-02"}, Customer, Customer(name="a", since=DAY)),
    ([{"name": "a"}], list[Customer], [Customer(name="a")]),
    ({"number": 1, "day": "2026-01-02"}, Flight, Flight(1, DAY)),
    ({"number": 1, "day": "2026-01-02"}, Row, {"number": 1, "day": DAY}),
    ([{"number": 1}], list[Row], [{"number": 1}]),
    (None, Row | None, None),
    (5, UserId, 5),
    ("x", Literal["x", "y"], "x"),
    (7, Annotated[int, Field(gt=5)], 7),
    ("2026-01-02", str | dt.date, "2026-01-02"),
    ("anything", Any, "anything"),
    ({"a": [1]}, object, {"a": [1]}),
]
REFUSED: list[tuple[Any, Any, str]] = [
    # value, declared, what the reason says
    ("much", int, "^$"),
    ("1", int, "^$"),
    (1.0, int, "^$"),
    (True, int, "^$"),
    (True, float, "^$"),
    (90210, str, "^$"),
    (DAY, str, "^$"),
    (pathlib.Path("x"), str, "^$"),
    (None, int, "^$"),
    ("ab", list[str], "^$"),
    ("ab", Sequence[str], "^$"),
    ("ab", Iterable[str], "^$"),
    ([], dict, "^$"),
    ([1], pd.Series, "^$"),
    ([1], np.ndarray, "^$"),
    ("soon", dt.date, "expected a date"),
    ("2026", dt.datetime, "ISO 8601"),
    (1700000000, dt.datetime, "ISO 8601"),
    (["1700000000"], list[dt.datetime], r"^\[0\]: .*ISO 8601"),
    (["2026-01-02", "x"], list[dt.date], r"^\[1\]: "),
    ("often", dt.timedelta, "not a duration"),
    ("smal", Size, "'small' or 'large'.* Did you mean 'small'?"),
    (3, Color, "1 or 2"),
    ({"nme": "a"}, Customer, "^name: it is missing"),
    ({"name": "a", "age": "3"}, Customer, "^age: expected a whole number, got the text '3'"),
    ([{"name": 1}], list[Customer], r"^\[0\].name: expected text, got 1"),
    ({"number": 1, "dai": "x"}, Flight, "^dai: there is no such field"),
    ({"day": "2026-01-02"}, Row, "^number: it is missing"),
    ({"number": 1, "dai": 1}, Row, "^dai: there is no such field"),
    ("z", Literal["x", "y"], "expected x or y"),
    ("soon", dt.date | int, "^expected a date"),
    ({"name": "a", "password": 12345}, Account, r"^password: it does not fit\.$"),
    (3, Annotated[int, Field(gt=5)], "greater than 5"),
]


@pytest.mark.parametrize(("value", "declared", "expected"), READ)
def test_json_becomes_the_declared_type(value: Any, declared: Any, expected: Any) -> None:
    """What JSON has for a type is read as a value of that type, inside of containers too."""
    converted = convert_value(value, declared)
    assert (type(converted), converted) == (type(expected), expected)


@pytest.mark.parametrize(("value", "declared", "expected"), READ)
def test_a_value_of_the_type_stays_as_it_is_and_comes_back_from_json(
    value: Any, declared: Any, expected: Any
) -> None:
    """Python gives the object itself; a job stores JSON that is read as the same value."""
    converted = convert_value(expected, declared)
    assert (type(converted), converted) == (type(expected), expected)
    stored = json.loads(json.dumps(encode_input(expected, "inputs.x")))
    assert convert_value(stored, declared) == expected


@pytest.mark.parametrize(("value", "declared", "reason"), REFUSED)
def test_a_value_that_would_change_is_refused(value: Any, declared: Any, reason: str) -> None:
    """No number becomes text, no text a number, and no number a time; the reason says where."""
    with pytest.raises(ValueError, match=reason):
        convert_value(value, declared)


def test_what_a_shell_wrote_counts_as_text_where_text_is_declared() -> None:
    """`90210` is a zip code for a `str`, a number for an `int`, and 1.10 stays exact."""
    for text, declared, expected in (
        ("90210", str, "90210"),
        ("90210", int, 90210),
        ("true", str, "true"),
        ("null", str | None, None),
        ("5", int | str, 5),
        ("20260102", dt.date, DAY),
        ("1.10", decimal.Decimal, decimal.Decimal("1.10")),
        ("1.10", decimal.Decimal | None, decimal.Decimal("1.10")),
        ("null", decimal.Decimal | None, None),
        ("1", Literal["1"], "1"),
    ):
        converted = convert_value(json.loads(text), declared, text)
        assert (type(converted), str(converted)) == (type(expected), str(expected)), text


def test_objects_of_other_libraries_are_judged_by_their_class() -> None:
    """A table is passed on as the object it is; a subclass is one of its base."""
    frame = pd.DataFrame({"a": [1]})
    assert convert_value(frame, pd.DataFrame | None) is frame
    assert convert_value(np.float64(2), float) == 2
    moment = dt.datetime(2026, 1, 2)
    assert convert_value(moment, dt.date) is moment
    with pytest.raises(ValueError, match=r"^$"):
        convert_value(frame, pd.Series)


def test_an_exception_of_a_validator_is_the_reason() -> None:
    """Whatever the code of a user's type raises, the value does not fit."""

    class Odd(BaseModel):
        x: int

        def model_post_init(self, context: Any) -> None:
            raise RuntimeError("odd")

    with pytest.raises(ValueError, match="RuntimeError: odd"):
        convert_value({"x": 1}, Odd)


def test_the_time_of_a_fire_comes_as_it_is_declared() -> None:
    """As a datetime, text or time of pandas; a date would depend on a zone, a number on a unit."""
    for declared in (dt.datetime, dt.datetime | None, object, Any):
        assert convert_fire_time(MOMENT, declared) is MOMENT
    assert convert_fire_time(MOMENT, str) == "2026-01-02T03:04:05+00:00"
    assert convert_fire_time(MOMENT, pd.Timestamp) == pd.Timestamp(MOMENT)
    assert type(convert_fire_time(MOMENT, pd.Timestamp)) is pd.Timestamp
    for declared in (dt.date, int, float, list[str], dt.date | None):
        with pytest.raises(ValueError, match=r"^$|time zone|valid"):
            convert_fire_time(MOMENT, declared)


def test_what_has_no_json_is_refused_by_its_key_path() -> None:
    """Bytes, tables and NaN have none, nor has a mapping with keys that are no text."""
    for value, path in (
        ({"a": [b"x"]}, r"inputs\.x\.a\[0\] is a bytes"),
        (Flight(pd.DataFrame()), r"inputs\.x\.number is a DataFrame"),  # type: ignore[arg-type]
        ([float("nan")], r"inputs\.x\[0\] is nan"),
        ({1: 2}, r"inputs\.x has the key 1"),
        ({DAY: 1, str(DAY): 2}, r"inputs\.x has the key"),
    ):
        with pytest.raises(InvalidInputs, match=path):
            encode_input(value, "inputs.x")
    assert convert_value({"1": ["small"]}, dict[int, list[Size]]) == {1: [Size.SMALL]}
    assert encode_input({"b", "a", "c"}, "x") == ["a", "b", "c"]
    assert encode_input(dt.timedelta(seconds=-1.5), "x") == "-P0DT1.500000S"
    assert encode_input(Customer(name="a"), "x") == {"name": "a", "age": 0, "since": None}
    assert convert_value(encode_input(dt.timedelta(seconds=-1.5), "x"), dt.timedelta) == (
        dt.timedelta(seconds=-1.5)
    )


PLAIN = [
    int, Any, object, dt.date, dict, float | None, list[dt.date], dict[str, list[pathlib.Path]],
    tuple[int, ...], Literal["a", 1, None], Sequence[str], set[str | int],
]  # fmt: skip
NOT_PLAIN = [
    Size, Customer, Flight, Row, UserId, pd.DataFrame, list[Size], Customer | None, SecretStr,
    Annotated[int, Field(gt=5)], Iterable[int], tuple[()], Literal[Size.SMALL],
]  # fmt: skip


def test_plain_types_are_kept_as_json_and_no_others() -> None:
    """A kept type is read again as the same type; those of users and of libraries are not kept."""
    for kind in PLAIN:
        assert type_from_json(json.loads(json.dumps(type_to_json(kind)))) == kind
    for kind in NOT_PLAIN:
        assert type_to_json(kind) is None, kind
