"""A command on many records that is stopped half-way says what it has done and what it has not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import pytest

from flowerpower.errors import BackendUnreachable, JobNotFound
from flowerpower_cli.command import CommandContext
from flowerpower_cli.lookup import for_each
from flowerpower_cli.options import SharedOptions


@dataclass(frozen=True)
class Record:
    id: str


CONTEXT = CommandContext(SharedOptions(), None)


def find(name: str) -> Any:
    if name == "unknown":
        raise JobNotFound(f"There is no job {name!r}.")
    return Record(name)


def deed(stops: BaseException) -> Any:
    """What ends at the record c."""

    def act(record: Any) -> str:
        if record.id == "c":
            raise stops
        return cast(Record, record).id

    return act


def test_a_backend_that_goes_away_ends_it() -> None:
    """The error names what was done, and what was not; nothing further is tried."""
    stops = BackendUnreachable("It does not answer.")
    results, (error,) = for_each(CONTEXT, "jobs", ["a", "b", "c", "d"], find, deed(stops))
    assert results == ["a", "b"]
    assert error.details == ["done: a, b", "not done: c, d"]


def test_ctrl_c_ends_it(capfd: pytest.CaptureFixture[str]) -> None:
    """The same is printed, and the interrupt goes on."""
    with pytest.raises(KeyboardInterrupt):
        for_each(CONTEXT, "jobs", ["a", "c", "d"], find, deed(KeyboardInterrupt()))
    assert capfd.readouterr().err == "done: a\nnot done: c, d\n"


def test_an_unknown_name_stops_no_other() -> None:
    """Its error is returned, and the others are done."""
    names = ["a", "unknown", "b"]
    results, (error,) = for_each(CONTEXT, "jobs", names, find, deed(KeyboardInterrupt()))
    assert (results, type(error)) == (["a", "b"], JobNotFound)
