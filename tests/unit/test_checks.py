"""What is checked before a job or a schedule is stored, and the types that inputs come as."""

from __future__ import annotations

import datetime as dt
import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from flowerpower.config.overrides import RunOverrides
from flowerpower.errors import FlowerpowerError, InvalidInputs, UnknownNode
from flowerpower.jobs.run import RunRequest
from flowerpower.pipeline import PipelineManager
from flowerpower.pipeline.execute import execute
from flowerpower.triggers import clock
from tests.conftest import MakeProject

FEED = (
    "run: {inputs: {day: 2026-01-02}}\n",
    "import datetime as dt\nimport enum\nimport pathlib\n\nfrom pydantic import BaseModel\n\n\n"
    "class Size(enum.Enum):\n    SMALL = 's'\n    LARGE = 'l'\n\n\n"
    "class Customer(BaseModel):\n    name: str\n    age: int\n\n\n"
    "def rate(seconds: int, day: dt.date) -> float:\n    return seconds / day.day\n\n\n"
    "def label(zip_code: str, size: Size = Size.SMALL) -> str:\n    return f'{zip_code} {size}'\n\n\n"
    "def name(customer: Customer) -> str:\n    return customer.name\n\n\n"
    "async def slow(seconds: int) -> int:\n    return seconds\n",
)
TYPES = (
    "run: {inputs: {days: [2026-01-02], customer: {name: Ann, orders: [{number: 1}]}}}\n",
    "import dataclasses\nimport datetime as dt\nimport enum\nimport pathlib\nimport typing\n"
    "from decimal import Decimal\n\nimport pandas as pd\nfrom pydantic import BaseModel\n\n\n"
    "class Size(enum.Enum):\n    SMALL = 's'\n    LARGE = 'l'\n\n\n"
    "@dataclasses.dataclass\nclass Order:\n    number: int\n    size: Size = Size.SMALL\n\n\n"
    "class Customer(BaseModel):\n    name: str\n    orders: list[Order]\n\n\n"
    "class Row(typing.TypedDict):\n    key: str\n    day: dt.date\n\n\n"
    "def seen(days: list[dt.date], customer: Customer, size: Size, sizes: set[Size], zip_code: str,\n"
    "         price: Decimal, file: pathlib.Path, wait: dt.timedelta, moment: pd.Timestamp,\n"
    "         row: Row, pair: tuple[int, str], order: Order | None) -> str:\n"
    "    return repr([days, customer, size, sizes, zip_code, price, file, wait, moment, row, pair, order])\n",
)
MISTAKES: dict[str, tuple[str, dict[str, Any]]] = {
    "unknown input": ("rate", {"inputs": {"secnds": 1}}),
    "missing input": ("rate", {}),
    "wrong type": ("rate", {"inputs": {"seconds": "much"}}),
    "wrong type inside": ("name", {"inputs": {"customer": {"name": "a", "age": "old"}}}),
    "no member": ("label", {"inputs": {"zip_code": "1", "size": "smal"}}),
    "an object of another type": ("label", {"inputs": {"zip_code": Path("x")}}),
    "unknown final variable": ("rte", {"inputs": {"seconds": 1}}),
    "executor": ("slow", {"inputs": {"seconds": 1}, "executor": "threadpool"}),
    "cache": ("slow", {"inputs": {"seconds": 1}, "cache": True}),
    "override of an input": ("rate", {"overrides": {"seconds": 1}}),
    "override of a wrong type": ("rate", {"overrides": {"rate": "fast"}}),
    "no such format": ("rate", {"inputs": {"seconds": 1}, "save": {"rate": "rate.sql"}}),
    "no such node to load": ("rate", {"inputs": {"seconds": 1}, "load": {"rte": "rate.json"}}),
    "adapter of the job": ("rate", {"inputs": {"seconds": 1}, "adapters": "nothing"}),
}


def _failure(call: Any, *arguments: Any, **more: Any) -> tuple[type, str, list[str], str | None]:
    with pytest.raises(FlowerpowerError) as caught:
        call(*arguments, **more)
    return type(caught.value), caught.value.message, caught.value.details, caught.value.hint


@pytest.fixture
def manager(make_project: MakeProject) -> PipelineManager:
    return PipelineManager(make_project("name: demo\n", feed=FEED, types=TYPES), quiet=True)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_job_and_a_schedule_are_refused_as_a_run_is(
    manager: PipelineManager, mistake: str
) -> None:
    """The same class, sentence and hint, and nothing is stored."""
    final_var, arguments = MISTAKES[mistake]
    arguments = {**arguments, "final_vars": [final_var]}
    expected = _failure(manager.run, "feed", **arguments)
    assert _failure(manager.add_job, "feed", **arguments) == expected
    assert _failure(manager.schedule, "feed", interval="1h", **arguments) == expected
    assert (manager.jobs.list(), manager.schedules.list()) == ([], [])


def test_a_kept_check_accepts_no_more_than_the_first(manager: PipelineManager) -> None:
    """After a good call, one of another value, name or node is judged by itself."""
    good = {"seconds": 3}
    for _ in range(2):
        manager.add_job("feed", inputs=good, final_vars="rate")
        for inputs in ({"seconds": "much"}, {"seconds": 1.5}, {"secnds": 3}, {}):
            with pytest.raises(FlowerpowerError):
                manager.add_job("feed", inputs=inputs, final_vars="rate")
        with pytest.raises(UnknownNode):
            manager.add_job("feed", inputs=good, final_vars="rte")
    assert len(manager.jobs.list()) == 2


def test_a_declared_schedule_and_a_run_now_are_checked(make_project: MakeProject) -> None:
    """What the YAML gives its schedule counts; after an edit, so does the pipeline as it is now."""
    config = "schedule: {{interval: 1h, run: {{inputs: {{x: {}}}}}}}\n"
    module = "def double(x: int) -> int:\n    return 2 * x\n"
    root = make_project(bad=(config.format("two"), module), good=(config.format(2), module))
    manager = PipelineManager(root, quiet=True)
    with pytest.raises(InvalidInputs, match="x takes int, got the text 'two'"):
        manager.schedule("bad")
    schedule = manager.schedules.get(manager.schedule("good"))
    (root / "pipelines" / "good.py").write_text(module.replace("int)", "list[int])"))
    with pytest.raises(InvalidInputs, match=r"x takes list\[int\], got 2"):
        schedule.run_now()
    assert manager.jobs.list() == []


def test_a_file_to_load_must_exist_for_a_job_that_is_due(
    manager: PipelineManager, tmp_path: Path
) -> None:
    """Before a later job or a fire, another one may still write it."""
    load = {"load": {"rate": tmp_path / "rate.json"}, "final_vars": "rate"}
    expected = _failure(manager.run, "feed", **load)
    for _ in range(2):
        assert _failure(manager.add_job, "feed", **load) == expected
        manager.add_job("feed", run_in="1h", **load)
    manager.schedule("feed", interval="1h", **load)
    (tmp_path / "rate.json").write_text("1.5")
    manager.add_job("feed", **load)
    (tmp_path / "rate.json").unlink()
    assert _failure(manager.add_job, "feed", **load) == expected


def test_inputs_come_as_what_is_declared_in_a_run_and_in_a_job(manager: PipelineManager) -> None:
    """From Python, as objects or as JSON, and from YAML: the pipeline sees the same values."""
    from_json = {
        "size": "l", "sizes": ["s"], "zip_code": "01234", "price": "1.10", "file": "a/b.csv",
        "wait": "1m30s", "moment": "2026-01-02T03:04:05Z", "pair": [1, "x"],
        "row": {"key": "k", "day": "2026-01-02"}, "order": {"number": 2, "size": "l"},
    }  # fmt: skip
    seen = manager.run("types", inputs=from_json)["seen"]
    assert seen == (
        "[[datetime.date(2026, 1, 2)], Customer(name='Ann', orders=[Order(number=1, "
        "size=<Size.SMALL: 's'>)]), <Size.LARGE: 'l'>, {<Size.SMALL: 's'>}, '01234', "
        "Decimal('1.10'), PosixPath('a/b.csv'), datetime.timedelta(seconds=90), "
        "Timestamp('2026-01-02 03:04:05+0000', tz='UTC'), {'key': 'k', 'day': "
        "datetime.date(2026, 1, 2)}, (1, 'x'), Order(number=2, size=<Size.LARGE: 'l'>)]"
    )
    types = importlib.import_module("pipelines.types")
    objects = {
        **from_json,
        "days": [dt.date(2026, 1, 2)],
        "customer": types.Customer(name="Ann", orders=[types.Order(1)]),
        "size": types.Size.LARGE,
        "sizes": {types.Size.SMALL},
        "file": Path("a/b.csv"),
        "wait": dt.timedelta(seconds=90),
        "moment": types.pd.Timestamp("2026-01-02T03:04:05Z"),
        "pair": (1, "x"),
        "row": {"key": "k", "day": dt.date(2026, 1, 2)},
        "order": types.Order(2, types.Size.LARGE),
        "price": types.Decimal("1.10"),
    }
    assert manager.run("types", inputs=objects)["seen"] == seen
    for _ in range(2):
        assert manager.run("types", inputs=from_json, cache=True)["seen"] == seen
    jobs = [manager.add_job("types", inputs=inputs) for inputs in (from_json, objects)]
    manager.job_queue.run_worker(burst=True)
    assert [job.result()["seen"] for job in jobs] == [seen, seen]


def test_a_value_that_json_would_change_is_refused(make_project: MakeProject) -> None:
    """A date for `object` would be text in the job, and a secret of pydantic asterisks."""
    module = (
        "from pydantic import BaseModel, SecretStr\n\n\n"
        "class Login(BaseModel):\n    secret: SecretStr\n\n\n"
        "def given(x: object) -> str:\n    return repr(x)\n\n\n"
        "def login(y: Login) -> str:\n    return y.secret.get_secret_value()\n"
    )
    manager = PipelineManager(make_project(a=("", module)), quiet=True)
    day = {"x": dt.date(2026, 1, 2)}
    assert manager.run("a", inputs=day, final_vars="given") == {
        "given": "datetime.date(2026, 1, 2)"
    }
    for _ in range(2):
        with pytest.raises(InvalidInputs, match=r"inputs\.x is a date, and would be another"):
            manager.add_job("a", inputs=day, final_vars="given")
        manager.add_job("a", inputs={"x": "2026-01-02"}, final_vars="given")
    login = importlib.import_module("pipelines.a").Login(secret="hunter2")
    assert manager.run("a", inputs={"y": login}, final_vars="login") == {"login": "hunter2"}
    with pytest.raises(InvalidInputs, match=r"inputs\.y is a Login") as caught:
        manager.add_job("a", inputs={"y": login}, final_vars="login")
    assert "hunter2" not in str(caught.value)


def test_what_the_yaml_gets_wrong_is_said_with_its_line(make_project: MakeProject) -> None:
    """And a number where text is declared with the advice to quote it."""
    config = "run:\n  inputs:\n    n: 1\n    zip_code: 90210\nparams: {tags: x}\n"
    module = "def a(n: int, zip_code: str, tags: list[str]) -> str:\n    return zip_code\n"
    manager = PipelineManager(make_project(a=(config, module)), quiet=True)
    with pytest.raises(InvalidInputs) as caught:
        manager.add_job("a", inputs={"n": "x"})
    assert sorted(caught.value.details) == [
        "conf/pipelines/a.yml, line 4: zip_code takes str, got 90210",
        "conf/pipelines/a.yml, line 5: tags takes list[str], got the text 'x'",
        "n takes int, got the text 'x'",
    ]
    assert "in quotes" in str(caught.value.hint)


def test_json_is_taken_whatever_a_model_makes_of_it(make_project: MakeProject) -> None:
    """Each reading gives another id: that is the model's own doing."""
    module = (
        "import uuid\n\nfrom pydantic import BaseModel, Field\n\n\n"
        "class Order(BaseModel):\n    number: int\n    id: uuid.UUID = Field(default_factory=uuid.uuid4)\n\n\n"
        "def given(order: Order) -> int:\n    return order.number\n"
    )
    manager = PipelineManager(make_project(a=("", module)), quiet=True)
    inputs = {"order": {"number": 1}}
    assert manager.add_job("a", inputs=inputs).record.to_json()["overrides"]["inputs"] == inputs
    order = importlib.import_module("pipelines.a").Order(number=2)
    job = manager.add_job("a", inputs={"order": order})
    assert job.record.to_json()["overrides"]["inputs"]["order"]["id"] == str(order.id)


def test_the_reason_of_a_secret_input_is_not_shown(make_project: MakeProject) -> None:
    """The message of a conversion quotes the value, which nobody may see here."""
    module = "import datetime as dt\n\n\ndef a(api_token: dt.date) -> str:\n    return ''\n"
    manager = PipelineManager(make_project(a=("", module)), quiet=True)
    with pytest.raises(InvalidInputs) as caught:
        manager.run("a", inputs={"api_token": "hunter2"})
    assert caught.value.details == ["api_token takes date, got ***"]


def test_types_that_hamilton_refuses_are_inputs_too(make_project: MakeProject) -> None:
    """Its own check fails on a TypedDict; coroutines, threads and futures take one as well."""
    module = (
        "import collections.abc\nimport typing\n\n\n"
        "class Row(typing.TypedDict):\n    key: str\n\n\n"
        "UserId = typing.NewType('UserId', int)\n\n\n"
        "def kinds(row: Row, pair: tuple[int, int], ages: collections.abc.Mapping[str, int],\n"
        "          user: UserId, rows: list[Row] | None) -> str:\n"
        "    return repr((row, pair, ages, user, rows))\n\n\n"
    )
    inputs = {
        "row": {"key": "a"},
        "pair": [1, 2],
        "ages": {"x": 1},
        "user": 3,
        "rows": [{"key": ""}],
    }
    expected = {"kinds": "({'key': 'a'}, (1, 2), {'x': 1}, 3, [{'key': ''}])"}
    later = module.replace("def kinds", "async def kinds")
    manager = PipelineManager(make_project(a=("", module), b=("", later)), quiet=True)
    for arguments in ({}, {"executor": "threadpool"}, {"executor": "future"}, {"cache": True}):
        assert manager.run("a", inputs=inputs, **arguments) == expected, arguments
    assert manager.run("a", inputs=inputs, adapters=["type_check"]) == expected
    assert manager.run("b", inputs=inputs) == expected
    assert manager.plan("a", RunOverrides(inputs=inputs)).input_values["pair"] == (1, 2)
    with pytest.raises(InvalidInputs, match="key: it is missing"):
        manager.run("a", inputs=inputs | {"row": {}})


FIRES = {
    "dt.datetime": "datetime.datetime(2026, 3, 29, 1, 0, tzinfo=datetime.timezone.utc)",
    "dt.datetime | None": "datetime.datetime(2026, 3, 29, 1, 0, tzinfo=datetime.timezone.utc)",
    "object": "datetime.datetime(2026, 3, 29, 1, 0, tzinfo=datetime.timezone.utc)",
    "str": "'2026-03-29T01:00:00+00:00'",
    "pd.Timestamp": "Timestamp('2026-03-29 01:00:00+0000', tz='UTC')",
}


@pytest.mark.parametrize("declared", [*FIRES, "dt.datetime = None", "int = 0"])
def test_scheduled_for_comes_as_it_is_declared(make_project: MakeProject, declared: str) -> None:
    """A fire gives its time, and a run by hand the time now, unless None or a default will do."""
    module = (
        "import datetime as dt\n\nimport pandas as pd\n\n\n"
        f"def when(scheduled_for: {declared}) -> str:\n    return repr(scheduled_for)\n"
    )
    root = make_project(a=("", module))
    manager = PipelineManager(root, quiet=True)
    before = clock.now()
    by_hand = manager.run("a")["when"]
    manager.add_job("a")
    if declared in FIRES:
        manager.schedule("a", interval="1h")
    if declared.endswith(("None", "= 0")) or declared == "object":
        assert by_hand == ("0" if declared.endswith("0") else "None")
    else:
        assert str(before.year) in by_hand
        assert by_hand[:5] == FIRES[declared][:5]
    if declared in FIRES:
        outcome = execute(RunRequest(str(root), "a", scheduled_for="2026-03-29T01:00:00+00:00"))
        assert outcome.values == {"when": FIRES[declared]}
    if declared != "int = 0":
        asked = manager.run("a", inputs={"scheduled_for": "2020-01-02T00:00:00Z"})["when"]
        assert "2020" in asked


@pytest.mark.parametrize("declared", ["int", "dt.date", "list[str]", "int = 0"])
def test_what_cannot_hold_the_time_of_a_fire_is_refused(
    make_project: MakeProject, declared: str
) -> None:
    """When the schedule is added, not at each of its fires; a run by hand says the same."""
    module = (
        f"import datetime as dt\n\n\ndef when(scheduled_for: {declared}) -> str:\n    return ''\n"
    )
    manager = PipelineManager(make_project(a=("", module)), quiet=True)
    for _ in range(2):
        with pytest.raises(InvalidInputs, match=r"scheduled_for takes .*not the time of a fire"):
            manager.schedule("a", cron="@daily")
    if "=" not in declared:
        with pytest.raises(InvalidInputs, match="scheduled_for takes"):
            manager.run("a")
    assert manager.schedules.list() == []


def test_a_record_of_a_job_holds_json(manager: PipelineManager) -> None:
    """What Python passed as objects is text and numbers in the queue."""
    inputs = {"seconds": 3, "day": dt.date(2026, 1, 2)}
    record = manager.add_job("feed", inputs=inputs, final_vars="rate").record.to_json()
    assert record["overrides"]["inputs"] == {"seconds": 3, "day": "2026-01-02"}
    schedule = manager.schedule("feed", interval="1h", inputs=inputs, final_vars="rate")
    assert manager.schedule("feed", interval="1h", inputs=inputs, final_vars="rate") == schedule
    json.dumps(manager.schedules.get(schedule).to_json())
