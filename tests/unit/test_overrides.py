"""What a caller changes of a run: as plain data, checked where there is something to check."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from flowerpower.config.overrides import RunOverrides
from flowerpower.config.pipeline import ScheduleConfig
from flowerpower.config.run import CheckedOverrides, ExecutorOverrides, RetryOverrides

PLAIN: list[dict[str, Any]] = [
    {},
    {"inputs": {"a": 1, "b": [object]}, "config": {"x": None}},
    {"overrides": {"node": 1.5}, "written": {"node": "1.50"}},
    {"declared": ""},
    {"inputs": None, "retry": None, "adapters": None, "final_vars": None},
]
CHECKED: list[dict[str, Any]] = [
    {"final_vars": ["a"], "timeout": 3, "load": {"a": "a.csv"}},
    {"executor": {"type": "threadpool", "max_workers": 2}, "cache": False, "recompute": []},
    {"retry": {"max_retries": 3, "delay": "1m"}, "adapters": ["print"], "progressbar": False},
    {"custom_adapters": ["a.b:C"], "save": {"a": "b.png"}},
    {"retry": {}},
    {"executor": {}},
]
WRONG: list[dict[str, Any]] = [
    {"inputs": {1: 2}},
    {"inputs": [1]},
    {"written": {"a": 1}},
    {"declared": 5},
    {"final_vars": []},
    {"final_vars": "a"},
    {"timeout": "soon"},
    {"retry": {"max_retries": -1}},
    {"executor": {"type": "celery"}},
    {"adapters": ["unknown"]},
    {"unknown": 1},
]


@pytest.mark.parametrize("data", [*PLAIN, *CHECKED])
def test_they_are_what_the_checks_make_of_them(data: dict[str, Any]) -> None:
    """Plain data, a checked model and an entry of a file give the same overrides."""
    overrides = RunOverrides.model_validate(data)
    assert overrides == RunOverrides(**data)
    assert overrides == RunOverrides.of_checked(CheckedOverrides.model_validate(data))
    in_file = {key: value for key, value in data.items() if key not in ("written", "declared")}
    entry = ScheduleConfig.model_validate({"cron": "@daily", "run": in_file})
    assert entry.run == RunOverrides.model_validate(in_file)
    assert ScheduleConfig(cron="@daily", run=entry.run).run == entry.run


@pytest.mark.parametrize("data", [*PLAIN, *CHECKED])
def test_settings_are_read_as_the_same(data: dict[str, Any]) -> None:
    """`settings` has what differs from the defaults, and `model_validate` reads it."""
    overrides = RunOverrides.model_validate(data)
    assert RunOverrides.model_validate(overrides.settings) == overrides
    expected = CheckedOverrides.model_validate(data).model_dump(exclude_defaults=True)
    assert overrides.settings == expected


@pytest.mark.parametrize("data", WRONG)
def test_what_is_wrong_is_refused(data: dict[str, Any]) -> None:
    """The same is refused as pydantic refuses, by keyword and in data."""
    with pytest.raises(ValidationError) as expected:
        CheckedOverrides.model_validate(data)
    with pytest.raises(ValidationError) as refused:
        RunOverrides.model_validate(data)
    assert str(refused.value) == str(expected.value)


def test_a_callers_mapping_may_change_later() -> None:
    """Overrides keep what they were made of."""
    inputs = {"a": 1}
    overrides = RunOverrides(inputs=inputs)
    inputs["a"] = 2
    assert overrides.inputs == {"a": 1}
    assert RunOverrides().inputs is not RunOverrides().inputs


def test_changes_leave_the_rest() -> None:
    """`with_changes` gives another object, with its parts as they were made."""
    overrides = RunOverrides(
        executor=ExecutorOverrides(type="threadpool"), retry=RetryOverrides(max_retries=1)
    )
    changed = overrides.with_changes(inputs={"a": 1})
    assert (changed.inputs, overrides.inputs) == ({"a": 1}, {})
    assert (changed.executor, changed.retry) == (overrides.executor, overrides.retry)
    assert changed.retry_settings == {"max_retries": 1}


def test_values_alone_need_no_pydantic() -> None:
    """Inputs, what a shell wrote of them, and the name of a declared schedule are plain."""
    code = """
import sys
from flowerpower.config.overrides import RunOverrides
RunOverrides(inputs={"a": 1}, overrides={}, written={"a": "1"}, declared="x").settings
print("pydantic" in sys.modules)
RunOverrides(timeout=3)
print("pydantic" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


@pytest.mark.parametrize(
    "changes",
    [{"declared": "nightly"}, {"declared": ""}, {"config": {"a": 1}}, {"overrides": {"a": None}},
     {"timeout": 0.0}, {"cache": False}, {"final_vars": ["a"]}, {"adapters": ["print"]}],
)  # fmt: skip
def test_what_is_more_than_inputs_is_seen(changes: dict[str, Any]) -> None:
    """A job that sets more than inputs must not be given the graph of one that does not."""
    assert RunOverrides(inputs={"x": 1}, written={"x": "1"}).sets_inputs_alone
    assert not RunOverrides(inputs={"x": 1}, **changes).sets_inputs_alone
