"""Hamilton's cache: what is computed, what is not, and how that is told."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from flowerpower.errors import UnknownNode
from flowerpower.pipeline import PipelineManager
from tests.cli.cached import CONFIG, MODULE, calls, forecast, run
from tests.conftest import MakeProject
from tests.terminal import Cli


@pytest.fixture
def project(cli: Cli, make_project: MakeProject, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of one pipeline that counts its calls, and is the current folder."""
    root = make_project(steps=(CONFIG, MODULE))
    monkeypatch.chdir(root)
    return root


def test_a_second_run_computes_nothing(project: Path, cli: Cli) -> None:
    """What has not changed comes from the cache, and the run says so."""
    first = cli.run("pipeline", "run", "steps", "--json", code=0)
    assert calls(project) == ["first", "second", "third"]
    again = cli.run("pipeline", "run", "steps", code=0)
    assert calls(project) == []
    assert "steps finished: 3 nodes (3 from cache) in" in again.stderr
    assert "second finished from the cache in" in again.stderr
    result = cli.run("pipeline", "run", "steps", "--json", code=0).json
    assert result["outputs"] == first.json["outputs"] == {"third": 7}
    assert [node["from_cache"] for node in result["nodes"]] == [True] * 3
    assert [node["from_cache"] for node in first.json["nodes"]] == [False] * 3


def test_a_job_says_what_was_cached(project: Path, cli: Cli) -> None:
    """A job takes from the same cache, and its record tells which nodes."""
    run(project)
    cli.run("job-queue", "add-job", "steps", "--job-id", "j", code=0)
    cli.run("job-queue", "start-worker", "--burst", code=0)
    waited = cli.run("job-queue", "wait", "j", code=0)
    assert "3 nodes (3 from cache)" in waited.stderr
    shown = cli.run("job-queue", "show-job", "j", "--json", code=0).json
    assert shown["result"]["cached"] == ["first", "second", "third"]
    assert shown["progress"]["nodes"]["second"]["from_cache"] is True


def test_what_changed_is_computed_and_what_follows(project: Path) -> None:
    """Other inputs, other code and other defaults are other values."""
    assert run(project) == {"third": 7}
    calls(project)
    assert run(project, inputs={"number": 4}) == {"third": 9}
    assert calls(project) == ["first", "second", "third"]
    assert run(project, inputs={"bonus": 5}) == {"third": 12}
    assert calls(project) == ["third"]
    module = project / "pipelines" / "steps.py"
    module.write_text(MODULE.replace("first + 1", "first + 2"))
    assert run(project) == {"third": 8}
    assert calls(project) == ["second", "third"]


def test_the_plan_says_what_would_come_from_the_cache(project: Path, cli: Cli) -> None:
    """A forecast agrees with the run that follows, and computes and writes nothing."""
    assert forecast(project) == dict.fromkeys(("first", "second", "third"), "computed")
    assert not (project / ".flowerpower").exists()
    run(project)
    calls(project)
    assert forecast(project) == dict.fromkeys(("first", "second", "third"), "cached")
    assert forecast(project, inputs={"bonus": 1}) == {
        "first": "cached", "second": "cached", "third": "computed",
    }  # fmt: skip
    assert forecast(project, inputs={"number": 9}) == {
        "first": "computed", "second": "depends", "third": "depends",
    }  # fmt: skip
    assert forecast(project, recompute=["second"]) == {
        "first": "cached", "second": "computed", "third": "depends",
    }  # fmt: skip
    assert forecast(project, overrides={"second": 7}) == {"third": "cached"}
    assert forecast(project, cache=False) == {}
    assert calls(project) == []
    shown = cli.run("pipeline", "run", "steps", "--dry-run", code=0)
    assert re.search(r"first +int +from cache +number", shown.stdout)
    result = cli.run("pipeline", "run", "steps", "--dry-run", "--recompute", "third", "--json").json
    assert [node["cache"] for node in result["nodes"]] == ["cached", "cached", "computed"]


def test_recompute_computes_again(project: Path) -> None:
    """Named nodes are computed; what depends on them is not, if they give the same."""
    run(project)
    calls(project)
    run(project, recompute=["first"])
    assert calls(project) == ["first"]
    run(project, recompute="*")
    assert calls(project) == ["first", "second", "third"]
    run(project, cache=False)
    assert calls(project) == ["first", "second", "third"]


def test_recompute_puts_the_new_value_into_the_cache(project: Path) -> None:
    """What was computed anew is what later runs get, though nothing that they see has changed."""
    module = project / "pipelines" / "steps.py"
    module.write_text(
        "from pathlib import Path\n\ndef outside() -> int:\n"
        "    return int((Path(__file__).parent / 'number.txt').read_text())\n"
    )
    number = project / "pipelines" / "number.txt"
    config = project / "conf" / "pipelines" / "steps.yml"
    config.write_text("run: {cache: true}\n")
    number.write_text("1")
    assert run(project) == {"outside": 1}
    number.write_text("2")
    assert run(project) == {"outside": 1}
    assert run(project, recompute="*") == {"outside": 2}
    assert run(project) == {"outside": 2}


BEFORE_AND_AFTER = {
    "a constant": ("RATE = 2\n\ndef out(number: int) -> int:\n    return number * RATE\n", "RATE = 2", "RATE = 3"),
    "a helper": (
        "def _helper(x: int) -> int:\n    return x + 2\n\ndef out(number: int) -> int:\n    return _helper(number)\n",
        "x + 2", "x + 3",
    ),
    "a helper's helper": (
        "def _deep(x: int) -> int:\n    return x + 2\n\ndef _helper(x: int) -> int:\n    return _deep(x)\n\n"
        "def out(number: int) -> int:\n    return _helper(number)\n", "x + 2", "x + 3",
    ),
    "a class": (
        "class Rate:\n    value = 2\n\n    def of(self, x: int) -> int:\n        return x * self.value\n\n"
        "def out(number: int) -> int:\n    return Rate().of(number)\n", "value = 2", "value = 3",
    ),
    "a default": ("def out(number: int, by: int = 2) -> int:\n    return number * by\n", "by: int = 2", "by: int = 3"),
    "a decorator's value": (
        "from hamilton.function_modifiers import parameterize, value\n\nBY = 2\n\n"
        "@parameterize(out={'by': value(BY)})\ndef _out(number: int, by: int) -> int:\n    return number * by\n",
        "BY = 2", "BY = 3",
    ),
    "the body that @does takes": (
        "from hamilton.function_modifiers import does\n\ndef _body(number: int) -> int:\n    return number * 2\n\n"
        "@does(_body)\ndef out(number: int) -> int:\n    pass\n", "* 2", "* 3",
    ),
    "a step": (
        "from hamilton.function_modifiers import pipe_output, step\n\ndef _step(x: int, by: int) -> int:\n    return x * by\n\n"
        "@pipe_output(step(_step, by=2))\ndef out(number: int) -> int:\n    return number\n", "by=2", "by=3",
    ),
    "a group of values": (
        "from hamilton.function_modifiers import group, inject, value\n\nALL = [1, 1]\n\n"
        "@inject(all_=group(*[value(x) for x in ALL]))\ndef out(number: int, all_: list[int]) -> int:\n"
        "    return number * len(all_)\n", "[1, 1]", "[1, 1, 1]",
    ),
    "an imported module": ("import rates\n\ndef out(number: int) -> int:\n    return rates.times(number)\n", "", ""),
}  # fmt: skip


@pytest.mark.parametrize("what", BEFORE_AND_AFTER)
def test_a_change_of_code_is_seen(project: Path, cli: Cli, what: str) -> None:
    """What a node uses of the project's code is its version, wherever it stands; the plan agrees."""
    text, old, new = BEFORE_AND_AFTER[what]
    rates = project / "rates.py"
    rates.write_text("def times(x: int) -> int:\n    return x * 2\n")
    module = project / "pipelines" / "steps.py"
    module.write_text(text.replace("def _out", "def out_"))
    final = ("--final-vars", "out")
    first = cli.run("pipeline", "run", "steps", *final, "--json", code=0).json
    again = cli.run("pipeline", "run", "steps", *final, "--json", code=0).json
    assert again["outputs"] == first["outputs"]
    assert [node["from_cache"] for node in again["nodes"]] == [True] * len(again["nodes"])
    module.write_text(text.replace("def _out", "def out_").replace(old, new))
    rates.write_text(rates.read_text().replace("* 2", "* 3" if not old else "* 2"))
    planned = cli.run("pipeline", "run", "steps", *final, "--dry-run", "--json", code=0).json
    assert "computed" in [node["cache"] for node in planned["nodes"]]
    changed = cli.run("pipeline", "run", "steps", *final, "--json", code=0).json["outputs"]
    plain = cli.run("pipeline", "run", "steps", *final, "--no-cache", "--json", code=0).json[
        "outputs"
    ]
    assert changed == plain != first["outputs"]


def test_pipelines_do_not_share_values_by_name(project: Path) -> None:
    """Functions of the same text in two pipelines are not the same if what they use is not."""
    text = "RATE = 0.5\n\ndef tax(number: int) -> float:\n    return number * RATE\n"
    for name, rate in (("one", "0.5"), ("two", "0.25")):
        (project / "pipelines" / f"{name}.py").write_text(text.replace("0.5", rate))
        (project / "conf" / "pipelines" / f"{name}.yml").write_text(CONFIG)
    manager = PipelineManager(project, quiet=True)
    assert [manager.run(name) for name in ("one", "two", "one")] == [
        {"tax": 1.5}, {"tax": 0.75}, {"tax": 1.5},
    ]  # fmt: skip


def test_a_file_that_a_node_names_counts(project: Path) -> None:
    """A cached node that gives a path does not hide that the file has changed."""
    (project / "data.txt").write_text("1")
    (project / "pipelines" / "steps.py").write_text(
        "from pathlib import Path\n\ndef text() -> str:\n    return 'data.txt'\n\n"
        "def path() -> Path:\n    return Path('data.txt')\n\n"
        "def both(text: str, path: Path) -> str:\n    return Path(text).read_text() + path.read_text()\n"
    )
    (project / "conf" / "pipelines" / "steps.yml").write_text("run: {cache: true}\n")
    assert run(project) == {"both": "11"}
    (project / "data.txt").write_text("22")
    assert forecast(project) == {"text": "cached", "path": "cached", "both": "computed"}
    assert run(project) == {"both": "2222"}
    assert forecast(project) == dict.fromkeys(("text", "path", "both"), "cached")


FILES = """\
from pathlib import Path

class LazyFrame:
    def __init__(self, source: str) -> None:
        self.source = source

def listed(folder: str) -> list:
    return sorted(path.name for path in Path(folder).iterdir())

def scan(folder: str) -> LazyFrame:
    return LazyFrame(folder + "/a.txt")

def rows(scan: LazyFrame) -> str:
    return Path(scan.source).read_text()

def length(rows: str) -> int:
    return len(rows)
"""


def test_data_outside_of_a_value_is_seen(project: Path, cli: Cli) -> None:
    """A folder counts with its files; what is read late is read each time, as --dry-run says."""
    (project / "pipelines" / "steps.py").write_text(FILES)
    (project / "conf" / "pipelines" / "steps.yml").write_text("run: {cache: true}\n")
    (project / "data").mkdir()
    (project / "data" / "a.txt").write_text("1")
    given: dict[str, Any] = {
        "inputs": {"folder": "data"}, "final_vars": ["listed", "rows", "length"],
    }  # fmt: skip
    assert run(project, **given) == {"listed": ["a.txt"], "rows": "1", "length": 1}
    expected = {
        "listed": "cached", "scan": "no_fingerprint", "rows": "no_fingerprint", "length": "depends",
    }  # fmt: skip
    assert forecast(project, **given) == expected
    (project / "data" / "b.txt").write_text("2")
    assert run(project, **given)["listed"] == ["a.txt", "b.txt"]
    (project / "data" / "a.txt").write_text("11")
    assert run(project, **given) == {"listed": ["a.txt", "b.txt"], "rows": "11", "length": 2}
    shown = cli.run("pipeline", "run", "steps", "-i", "folder=data", "--dry-run", code=0)
    assert re.search(r"rows +str +computed, has no fingerprint +scan", shown.stdout)


def test_a_file_that_comes_to_be_is_seen(project: Path) -> None:
    """A cached node that gives a name does not hide that its file is there now."""
    (project / "pipelines" / "steps.py").write_text(
        "from pathlib import Path\n\ndef name() -> str:\n    return 'data.txt'\n\n"
        "def is_there(name: str) -> bool:\n    return Path(name).exists()\n"
    )
    (project / "conf" / "pipelines" / "steps.yml").write_text("run: {cache: true}\n")
    assert run(project) == {"is_there": False}
    assert forecast(project) == {"name": "cached", "is_there": "cached"}
    (project / "data.txt").write_text("")
    assert forecast(project) == {"name": "cached", "is_there": "computed"}
    assert run(project) == {"is_there": True}


@pytest.mark.parametrize(
    ("settings", "computed"),
    [
        ("{recompute: [second]}", ["second"]),
        ("{recompute: true}", ["first", "second", "third"]),
        ("{disable: [second]}", ["second", "third"]),
        ("{ignore: [second]}", ["second"]),
        ("{default_behavior: disable}", ["first", "second", "third"]),
        ("{default_behavior: disable, default: [number, bonus, first, second, third]}", []),
        ("{enabled: false}", ["first", "second", "third"]),
    ],
)
def test_each_node_may_behave_its_own_way(
    project: Path, settings: str, computed: list[str]
) -> None:
    """The settings of Hamilton's cache say node by node what is computed again."""
    config = project / "conf" / "pipelines" / "steps.yml"
    config.write_text(f"run:\n  inputs: {{number: 3}}\n  cache: {settings}\n")
    run(project)
    calls(project)
    assert run(project) == {"third": 7}
    assert calls(project) == computed


def test_an_unknown_node_is_told(project: Path) -> None:
    """--recompute of a node that is not there names the nearest."""
    with pytest.raises(UnknownNode, match="Did you mean 'second'"):
        run(project, recompute=["secnd"])


def test_files_may_be_ignored(project: Path) -> None:
    """Loaders and savers that the cache is to ignore run each time."""
    (project / "data.json").write_text("[1]")
    (project / "pipelines" / "steps.py").write_text(
        "def size(data: list) -> int:\n    return len(data)\n"
    )
    (project / "conf" / "pipelines" / "steps.yml").write_text(
        "run:\n  load: {data: data.json}\n  save: {size: size.json}\n"
        "  cache: {default_loader_behavior: ignore, default_saver_behavior: ignore}\n"
    )
    for _ in range(2):
        assert run(project) == {"size": 1}


def test_what_cannot_be_kept_is_computed(project: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A value that no pickle can hold stops no run, and a warning says so."""
    module = project / "pipelines" / "steps.py"
    module.write_text(
        "from typing import Any\n\ndef function(number: int) -> Any:\n    return lambda: number\n\n"
        "def value(function: Any) -> int:\n    return function()\n"
    )
    for _ in range(2):
        assert run(project) == {"value": 3}
    assert "is not kept in the cache" in caplog.text


def test_a_file_that_changed_is_read_again(project: Path) -> None:
    """Loaded files are read each time, and inputs that name a file count with the file."""
    (project / "data.json").write_text("[1]")
    config = project / "conf" / "pipelines" / "steps.yml"
    config.write_text(
        "run:\n  inputs: {file: data.json, name: data.json, names: [data.json]}\n  load: {loaded: data.json}\n  cache: true\n"
    )
    (project / "pipelines" / "steps.py").write_text(
        MODULE.partition("def first")[0]
        + "import json\n\ndef read(file: Path) -> list:\n    _count('read')\n"
        "    return json.loads(file.read_text())\n\n"
        "def named(name: str) -> list:\n    _count('named')\n    return json.loads(Path(name).read_text())[:1]\n\n"
        "def listed(names: list) -> list:\n    _count('listed')\n    return []\n\n"
        "def both(read: list, loaded: list, named: list, listed: list) -> int:\n"
        "    _count('both')\n    return len(read) + len(loaded)\n"
    )
    assert run(project) == {"both": 2}
    assert sorted(calls(project)) == ["both", "listed", "named", "read"]
    assert run(project) == {"both": 2}
    assert calls(project) == []
    (project / "data.json").write_text("[1, 2]")
    assert run(project) == {"both": 4}
    assert sorted(calls(project)) == ["both", "listed", "named", "read"]
