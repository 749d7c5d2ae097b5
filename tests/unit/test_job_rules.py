"""What YAML says of limits and chains, and how it is read for each job and each claim."""

import contextlib
import json
import threading
from collections import UserDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from flowerpower.config import rules_reader
from flowerpower.config.files import load_pipeline, load_project
from flowerpower.config.job_rules import Rate, parse_rate
from flowerpower.config.project_source import LocalSource
from flowerpower.config.rules_reader import JobRules, RulesReader
from flowerpower.errors import ConfigError
from flowerpower.job_queue.project_rules import MAX_FOLLOWERS, ProjectRules, follower_id
from flowerpower.jobs.chain import AfterCondition
from flowerpower.jobs.job_spec import JobSpec
from flowerpower.jobs.limits import Limit
from flowerpower.text import is_job_id
from tests.conditions import WAIT_LIMIT, eventually

PIPELINES = Path("conf", "pipelines")
NOTHING = JobRules(is_whole=False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project without pipelines."""
    (tmp_path / PIPELINES).mkdir(parents=True)
    (tmp_path / "conf" / "project.yml").write_text("name: rules\n")
    return tmp_path


def pipeline(root: Path, name: str, text: str = "") -> Path:
    file = root / PIPELINES / f"{name}.yml"
    file.write_text(text)
    return file


def project(root: Path, text: str) -> None:
    (root / "conf" / "project.yml").write_text(f"name: rules\n{text}")


def rules_of(root: Path, environ: dict[str, str] | None = None) -> ProjectRules:
    return ProjectRules(load_project(root, {}), LocalSource(root), environ or {})


def faults(read: object) -> str:
    with pytest.raises(ConfigError) as caught:
        read()  # type: ignore[operator]
    return "\n".join(map(str, caught.value.faults))


def ids(spec: JobSpec) -> dict[str, object]:
    return {follower.id: ids(follower) for follower in spec.followers}


@pytest.mark.parametrize(
    ("text", "rate"),
    [("60/1m", Rate(60, 60.0)), (" 5 / 1h30m ", Rate(5, 5400.0)), ("1/0.5s", Rate(1, 0.5))],
)
def test_a_rate_is_a_count_and_a_duration(text: str, rate: Rate) -> None:
    """As durations are written everywhere."""
    assert parse_rate(text) == rate


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("60", "expected COUNT/DURATION such as 60/1m, got '60'"),
        (60, "expected COUNT/DURATION"),
        ("60/m", "Did you mean 60/1m?"),
        ("0/1m", "expected 1 to 10000 starts, got 0"),
        ("10001/1m", "expected 1 to 10000 starts, got 10001"),
        ("5/0s", "more than 0 seconds"),
        ("5/soon", "expected COUNT/DURATION"),
        ("-5/1m", "expected COUNT/DURATION"),
    ],
)
def test_what_is_no_rate_is_told(text: object, message: str) -> None:
    """With what was expected, and what came."""
    with pytest.raises(ValueError, match=r"expected|Did") as caught:
        parse_rate(text)
    assert message in str(caught.value)


def test_limits_are_counts_rates_or_both(root: Path) -> None:
    """A number alone is at_once; the limits of a pipeline are the project's, and its max_running."""
    project(root, "limits: {warehouse: 2, api: {at_once: 4, per: 60/1m}, mail: {per: 5/1s}}\n")
    pipeline(root, "load", "run: {limits: [warehouse, api, warehouse], max_running: 1}\n")
    pipeline(root, "free")
    limits = rules_of(root).limits()
    assert limits.by_name == {
        "warehouse": Limit(at_once=2),
        "api": Limit(4, 60, 60.0),
        "mail": Limit(None, 5, 1.0),
        "pipeline:load": Limit(at_once=1),
    }
    assert limits.of_pipeline == {"load": ("warehouse", "api", "pipeline:load")}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("limits: {a: 0}", "line 2: limits.a.at_once: expected at least 1, got 0."),
        ("limits: {a: {}}", "limits.a: a limit needs at_once, or per, or both."),
        ("limits: {a: true}", "expected"),
        ("limits: {a: many}", "limits.a: expected a whole number or a mapping, got the text"),
        ("limits: {a: 2.0}", "limits.a: expected a whole number or a mapping, got 2.0."),
        ("limits: {a: }", "limits.a: expected a whole number or a mapping, got nothing."),
        ("limits: {a: {per: 60}}", "limits.a.per: expected COUNT/DURATION such as 60/1m"),
        ("limits: {a: {at_onse: 1}}", "Did you mean 'at_once'?"),
        ("limits: {'pipeline:a': 1}", "pipeline:a"),
        ("limits: [a]", "limits: expected a mapping, got a list."),
    ],
)
def test_a_wrong_limit_names_its_line_and_key(root: Path, text: str, message: str) -> None:
    """And what was expected."""
    project(root, f"{text}\n")
    assert message in faults(lambda: load_project(root, {}))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("run: {max_running: 0}", "run.max_running: expected at least 1, got 0."),
        ("run: {limits: warehouse}", "run.limits: expected a list, got the text 'warehouse'."),
        ("after: {pipline: a}", "Did you mean 'pipeline'?"),
        ("after: {pipeline: a, on: succes}", "Did you mean 'success'?"),
        (
            "after: [{pipeline: a}, {pipeline: a, on: end}]",
            "after: two entries name the pipeline 'a'.",
        ),
        ("after: a", "after: expected a mapping or a list; one pipeline is {pipeline: a}."),
    ],
)
def test_a_wrong_rule_names_its_line_and_key(root: Path, text: str, message: str) -> None:
    """In the file of its pipeline."""
    pipeline(root, "b", f"{text}\n")
    assert message in faults(lambda: load_pipeline(root, "b", {}))


def test_what_only_code_gives_is_not_offered(root: Path) -> None:
    """Neither among the known keys nor as what was meant."""
    for key in ("limits", "writen"):
        pipeline(root, "b", f"schedule: {{run: {{{key}: 1}}}}\n")
        told = faults(lambda: load_pipeline(root, "b", {}))
        assert "is not a known key." in told
        assert "written" not in told
        assert "declared" not in told


def test_a_rule_that_is_wrong_stops_no_other(root: Path) -> None:
    """Neither an unreadable file nor a wrong entry; what stands beside it counts."""
    pipeline(root, "good", "after: {pipeline: a}\nrun: {inputs: {x: '${NOT_SET}'}}\n")
    pipeline(root, "broken", "after: [\n")
    pipeline(root, "half", "after: [{pipeline: a}, {pipeline: ..}]\nrun: {limits: 5}\n")
    (root / PIPELINES / "folder.yml").mkdir()
    rules = rules_of(root).by_pipeline()
    follows_a = JobRules(after=(("a", "success"),))
    assert dict(rules) == {
        "good": follows_a, "broken": NOTHING, "folder": NOTHING,
        "half": replace(follows_a, is_whole=False),
    }  # fmt: skip


def test_a_variable_that_is_not_set_leaves_out_its_rule_alone(root: Path) -> None:
    """Workers go on with the rest, and are told whose rules are not whole; nothing of it is kept."""
    project(root, "limits: {warehouse: 1}\n")
    text = "params: {x: '${NOT_SET}'}\nrun: {limits: ['${P}'], max_running: 2}\nafter: {pipeline: '${Q}'}\n"
    pipeline(root, "b", text)
    rules = rules_of(root, {"Q": "a"})
    assert rules.by_pipeline()["b"] == JobRules((("a", "success"),), (), 2, is_whole=False)
    limits = rules.limits()
    assert limits.of_pipeline == {"b": ("pipeline:b",)}
    (told,) = limits.left_out
    assert "conf/pipelines/b.yml" in told
    set_too = rules_of(root, {"Q": "a", "P": "warehouse"})
    assert set_too.limits().of_pipeline == {"b": ("warehouse", "pipeline:b")}
    assert set_too.limits().left_out == ()


def test_rules_are_read_again_when_a_file_changes(root: Path) -> None:
    """In this process, and by the next one, which reads no file that has not changed."""
    file = pipeline(root, "b", "after: {pipeline: a}\n")
    reader = RulesReader(root, PIPELINES, {})
    index = root / rules_reader.INDEX
    eventually(lambda: reader.read() and index.exists())
    assert "b" in json.loads(index.read_text())["files"]
    first = reader.read()
    assert reader.read() is first
    kept = json.loads(index.read_text())
    kept["files"]["b"][1]["max_running"] = 7
    index.write_text(json.dumps(kept))
    assert RulesReader(root, PIPELINES, {}).read()["b"].max_running == 7
    file.write_text("after: {pipeline: c}\n")
    assert reader.read()["b"].after == (("c", "success"),)
    file.unlink()
    assert reader.read() == {}


@pytest.mark.parametrize(
    "content", ["", "[]", '{"v": 1}', '{"v": 1, "files": {"b": 5}}', "[" * 9999]
)
def test_a_damaged_index_is_written_anew(root: Path, content: str) -> None:
    """Nothing of it counts."""
    pipeline(root, "b", "after: {pipeline: a}\n")
    index = root / rules_reader.INDEX
    index.parent.mkdir()
    index.write_text(content)
    assert RulesReader(root, PIPELINES, {}).read()["b"].after == (("a", "success"),)


def test_a_rule_of_the_environment_is_not_kept(root: Path) -> None:
    """The next process may have another value; one that is not set gives no rule."""
    pipeline(root, "b", "after: {pipeline: '${PARENT}'}\n")
    for value in ("one", "two"):
        reader = RulesReader(root, PIPELINES, {"PARENT": value})
        assert reader.read()["b"].after == ((value, "success"),)
    assert RulesReader(root, PIPELINES, {}).read()["b"] == NOTHING


def test_limits_follow_the_files(root: Path) -> None:
    """Within a moment; a project.yml that is wrong changes nothing, and an unknown name is left out."""
    project(root, "limits: {warehouse: 2}\n")
    pipeline(root, "load", "run: {limits: [warehouse, wharehouse]}\n")
    rules = rules_of(root)
    assert rules.limits().of_pipeline == {"load": ("warehouse",)}
    project(root, "limits: {warehouse: 1}\n")
    eventually(lambda: rules.limits().by_name["warehouse"] == Limit(at_once=1))
    project(root, "limits: {warehouse: none}\n")
    pipeline(root, "more", "run: {limits: [warehouse]}\n")
    eventually(lambda: "more" in rules.limits().of_pipeline)
    assert rules.limits().by_name["warehouse"] == Limit(at_once=1)
    project(root, "")
    eventually(lambda: not rules.limits())


class SlowEnvironment(UserDict[str, str]):
    """An environment that gives no value until it may."""

    def __init__(self, values: dict[str, str]) -> None:
        super().__init__(values)
        self.asked, self.may_answer = threading.Event(), threading.Event()

    def __getitem__(self, name: str) -> str:
        self.asked.set()
        assert self.may_answer.wait(WAIT_LIMIT)
        return super().__getitem__(name)


def test_whoever_asks_during_the_first_look_waits_for_it(root: Path) -> None:
    """A worker's second thread never claims as if there were no limits."""
    project(root, "limits: {warehouse: 2}\n")
    pipeline(root, "load", "run: {limits: ['${NAME}']}\n")
    environ = SlowEnvironment({"NAME": "warehouse"})
    rules = ProjectRules(load_project(root, {}), LocalSource(root), environ)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(rules.limits)
        assert environ.asked.wait(WAIT_LIMIT)
        second = pool.submit(rules.limits)
        with contextlib.suppress(TimeoutError):
            second.result(0.2)
        environ.may_answer.set()
        assert first.result() == second.result()
        assert first.result().of_pipeline == {"load": ("warehouse",)}


def test_a_request_gets_its_followers_and_theirs(root: Path) -> None:
    """With ids that tell of the parent, its time, and the project's own queue."""
    project(root, "job_queue: {backend: {queues: [night, day]}}\n")
    pipeline(root, "a")
    pipeline(root, "b", "after: {pipeline: a}\n")
    pipeline(root, "c", "after: [{pipeline: b, on: failure}, {pipeline: x}]\n")
    pipeline(root, "d", "after: [{pipeline: a, on: end}]\n")
    rules = rules_of(root)
    spec = rules.with_followers(JobSpec("a", id="one"))
    assert ids(spec) == {"b-after-one": {"c-after-b-after-one": {}}, "d-after-one": {}}
    b, d = spec.followers
    assert (b.pipeline, b.after, b.after_on, b.queue) == ("b", ("one",), "success", "night")
    assert d.after_on is AfterCondition.END
    assert b.followers[0].after_on is AfterCondition.FAILURE
    alone = JobSpec("d")
    assert rules.with_followers(alone) is alone


def test_a_follower_is_of_the_same_time_as_its_parent(root: Path) -> None:
    """So that a chain of a fire works on one day."""
    from flowerpower.triggers import clock

    pipeline(root, "b", "after: {pipeline: a}\n")
    spec = JobSpec("a", scheduled_for=clock.now(), schedule_id="a-1")
    (follower,) = rules_of(root).with_followers(spec).followers
    assert (follower.scheduled_for, follower.schedule_id) == (spec.scheduled_for, None)


def test_a_chain_that_comes_back_ends(root: Path) -> None:
    """Nobody adds jobs for ever: validate names the cycle."""
    pipeline(root, "a", "after: {pipeline: c}\n")
    pipeline(root, "b", "after: {pipeline: a}\n")
    pipeline(root, "c", "after: [{pipeline: b}, {pipeline: c}]\n")
    spec = rules_of(root).with_followers(JobSpec("a", id="1"))
    assert ids(spec) == {"b-after-1": {"c-after-b-after-1": {}}}


def test_one_job_has_not_endless_followers(root: Path) -> None:
    """Layers that fan out multiply."""
    for layer in range(1, 9):
        for name in "xy":
            above = [f"{{pipeline: {other}{layer - 1}}}" for other in "xy"]
            pipeline(root, f"{name}{layer}", f"after: [{', '.join(above)}]\n")

    def count(spec: JobSpec) -> int:
        return sum(1 + count(follower) for follower in spec.followers)

    assert count(rules_of(root).with_followers(JobSpec("x0"))) == MAX_FOLLOWERS


def test_a_long_id_of_a_parent_gives_a_valid_id() -> None:
    """Another for each parent, the same each time."""
    first, second = (follower_id("b", "p" * 195 + end) for end in ("11111", "22222"))
    assert is_job_id(first)
    assert first != second
    assert first == follower_id("b", "p" * 195 + "11111")
    assert len({first[:150], second[:150]}) == 1
    assert replace(JobSpec("b"), id=first).id == first
