"""Configuration objects from files and the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowerpower.config.files import find_project_root, load_pipeline, load_project, schedule_faults
from flowerpower.config.merge import merged_run
from flowerpower.config.overrides import RunOverrides
from flowerpower.config.pipeline import PipelineConfig
from flowerpower.errors import ConfigError, ProjectNotFound
from flowerpower.text import mask
from tests.conftest import MakeProject

DESIGN_PROJECT = """\
name: my_project
timezone: Europe/Berlin
job_queue:
  type: apscheduler
  backend:
    url: sqlite:///.flowerpower/jobs.db
    queues: [default]
  num_workers: 2
  namespace: null
  result_ttl: 120
  history_ttl: 7d
adapter: {}
"""
DESIGN_PIPELINE = """\
run:
  modules: [pipelines.daily_report]
  inputs: {source_file: data/sales.csv}
  final_vars: [report_path]
  config: {}
  executor: {type: synchronous}
  cache: false
  adapter: {progressbar: true}
  timeout: null
  retry: {max_retries: 0, delay: 1s, backoff: 2.0, max_delay: 5m, jitter_factor: 0.1, exceptions: [Exception]}
schedule:
  cron: "0 8 * * 1-5"
  timezone: null
  enabled: true
params: {}
"""


def _faults(root: Path, project: str) -> list[str]:
    (root / "conf" / "project.yml").write_text(project)
    with pytest.raises(ConfigError) as caught:
        load_project(root, {})
    return [str(fault) for fault in caught.value.faults]


def test_the_files_of_the_design_are_read(make_project: MakeProject) -> None:
    """A full project.yml and a full pipeline file are taken as they stand."""
    root = make_project(DESIGN_PROJECT, report=(DESIGN_PIPELINE, ""))
    project = load_project(root, {})
    assert (project.name, project.timezone) == ("my_project", "Europe/Berlin")
    assert project.job_queue.history_ttl == 7 * 86_400
    config = load_pipeline(root, "report", {}).config
    assert (config.run.retry.delay, config.run.retry.max_delay) == (1.0, 300.0)
    assert config.schedule[0].cron == "0 8 * * 1-5"


def test_empty_files_mean_the_defaults(make_project: MakeProject) -> None:
    """An empty project.yml names the project after its folder; an empty pipeline runs its module."""
    root = make_project("", a=("", ""))
    project = load_project(root, {})
    assert project.name == root.name
    assert project.job_queue.type == "apscheduler"
    assert load_pipeline(root, "a", {}).config == PipelineConfig()


def test_a_fault_names_file_line_key_and_the_nearest_key(make_project: MakeProject) -> None:
    """All faults of a file come at once, in the order of its lines."""
    root = make_project()
    faults = _faults(
        root,
        "nmae: x\ntimezone: Mars/Base\njob_queue:\n  type: redis\n  backend:\n    queue: [a]\n"
        "  num_workers: 0\n  result_ttl: soon\nadapter: 3\n",
    )
    assert [fault.split(":")[0] for fault in faults] == [
        f"conf/project.yml, line {line}" for line in (1, 2, 4, 6, 7, 8, 9)
    ]
    assert "'nmae' is not a known key. Did you mean 'name'?" in faults[0]
    assert "Mars/Base" in faults[1]
    assert "job_queue.type: expected apscheduler or rq, got the text 'redis'." in faults[2]
    assert (
        "job_queue.backend.queue: 'queue' is not a known key. Did you mean 'queues'?" in faults[3]
    )
    assert "expected at least 1, got 0." in faults[4]
    assert "'soon' is not a duration" in faults[5]
    assert "expected a mapping, got 3." in faults[6]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: 'a b'\n", "A-Z a-z 0-9 _ -"),
        ("job_queue: {backend: {queues: [-a]}}\n", "'-a' cannot be the name"),
        ("name: 3\n", "expected text, got 3"),
        ("job_queue: {num_workers: '2'}\n", "expected a whole number, got the text '2'"),
        ("job_queue: {num_workers: 2.0}\n", "expected a whole number, got 2.0"),
        ("job_queue: {backend: {queues: []}}\n", "at least one entry"),
        ("job_queue: {backend: {queues: default}}\n", "expected a list, got the text 'default'"),
        ("job_queue: {result_ttl: -2}\n", "out of range"),
        ("job_queue: {backend: {url: 'mysql://x'}}\n", "begins with 'mysql://'; apscheduler takes"),
        ("job_queue: {backend: {url: 'postgres://x'}}\n", "Did you mean 'postgresql://…'?"),
        (
            "job_queue: {backend: {url: 'sqlite://jobs.db'}}\n",
            "begins with 'sqlite://'; apscheduler takes sqlite:///… or postgresql://… or memory. "
            "Did you mean 'sqlite:///…'?",
        ),
        ("job_queue: {backend: {url: 'redis://x'}}\n", "It is a url for job_queue.type: rq."),
        ("job_queue: {type: rq, backend: {url: 'sqlite:///x'}}\n", "rq takes redis://"),
        ("adapter: {progressbar: 1}\n", "expected true, false, rich, tqdm or none, got 1"),
        ("adapter: {progressbr: true}\n", "Did you mean 'progressbar'?"),
    ],
)
def test_a_wrong_value_says_what_was_expected(
    text: str, message: str, make_project: MakeProject
) -> None:
    """Values of a wrong kind or range are refused with what may stand there."""
    assert message in " ".join(_faults(make_project(), text))


def test_a_wrong_trigger_is_found_with_its_line(make_project: MakeProject) -> None:
    """Faults of triggers name the entry and the key; a run of the pipeline is not stopped."""
    text = (
        "schedule:\n  - id: a\n    cron: '61 * * * *'\n  - id: b\n    interval: 0.1\n"
        "  - id: c\n    cron: '@daily'\n    interval: 1h\n  - id: d\n    date: 2026-13-01\n"
        "  - id: e\n    cron: '@daily'\n    start: soon\n  - id: f\n    cron: 0 8 * * *\n"
        "  - id: g\n    cron: 61 * * * *\n    timezone: Europe/Berln\n    end: never\n"
    )
    root = make_project(a=(text, ""))
    faults = schedule_faults(load_pipeline(root, "a", {}), "UTC")
    assert [(fault.line, fault.key) for fault in faults] == [
        (3, "schedule[0].cron"),
        (5, "schedule[1].interval"),
        (6, "schedule[2]"),
        (10, "schedule[3].date"),
        (13, "schedule[4].start"),
        (17, "schedule[6].cron"),
        (18, "schedule[6].timezone"),
        (19, "schedule[6].end"),
    ]
    assert "Did you mean 'Europe/Berlin'?" in faults[-2].message


def test_a_listed_schedule_needs_an_id(make_project: MakeProject) -> None:
    """Every entry of a list under schedule has an id of its own; a single mapping needs none."""
    root = make_project(
        single=("schedule: {cron: '@daily'}\n", ""),
        nameless=("schedule: [{cron: '@daily'}]\n", ""),
        twins=("schedule: [{id: a, cron: '@daily'}, {id: a, cron: '@hourly'}]\n", ""),
    )
    assert len(load_pipeline(root, "single", {}).config.schedule) == 1
    for name, words in (
        ("nameless", "line 1: schedule: each entry of a list needs an id"),
        ("twins", "line 1: schedule: two entries have the id 'a'"),
    ):
        with pytest.raises(ConfigError) as caught:
            load_pipeline(root, name, {})
        assert words in str(caught.value)


def test_the_environment_overrides_the_backend(make_project: MakeProject) -> None:
    """FLOWERPOWER_JOB_QUEUE_TYPE and _URL win over the file, and are checked like it."""
    root = make_project(DESIGN_PROJECT)
    queue = load_project(root, {"FLOWERPOWER_JOB_QUEUE_TYPE": "rq"}).job_queue
    assert (queue.type, queue.backend.url) == ("rq", None)
    url = {"FLOWERPOWER_JOB_QUEUE_URL": "postgresql://h/d"}
    assert load_project(root, url).job_queue.backend.url == "postgresql://h/d"
    for wrong in (
        {"FLOWERPOWER_JOB_QUEUE_TYPE": "rqq"},
        {"FLOWERPOWER_JOB_QUEUE_URL": "redis://h"},
    ):
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            load_project(root, wrong)


def test_the_project_is_found_from_below(make_project: MakeProject, tmp_path: Path) -> None:
    """The first folder upwards with a project.yml is the project; FLOWERPOWER_BASE_DIR wins."""
    root = make_project()
    deep = root / "a" / "b"
    deep.mkdir(parents=True)
    assert find_project_root(deep, {}) == root
    assert find_project_root(tmp_path, {"FLOWERPOWER_BASE_DIR": str(root)}) == root
    for start, environ in ((tmp_path, {}), (deep, {"FLOWERPOWER_BASE_DIR": str(tmp_path)})):
        with pytest.raises(ProjectNotFound):
            find_project_root(start, environ)


def test_overrides_go_over_the_file() -> None:
    """Inputs and config are merged key by key, retry setting by setting, the rest is replaced."""
    pipeline = PipelineConfig.model_validate(
        {
            "run": {
                "inputs": {"a": 1, "b": 2},
                "config": {"x": 1},
                "final_vars": ["f"],
                "retry": {"max_retries": 3, "delay": "2s"},
            }
        }
    )
    overrides = RunOverrides.model_validate(
        {
            "inputs": {"b": 3},
            "config": {"y": 2},
            "final_vars": ["g"],
            "cache": True,
            "executor": {"type": "threadpool"},
            "retry": {"delay": 5},
        }
    )
    run = merged_run(pipeline, overrides)
    assert run.inputs == {"a": 1, "b": 3}
    assert run.config == {"x": 1, "y": 2}
    assert (run.final_vars, run.cache.enabled, run.executor.type) == (["g"], True, "threadpool")
    assert (run.retry.max_retries, run.retry.delay) == (3, 5.0)
    assert merged_run(pipeline, RunOverrides()) == pipeline.run


def test_text_from_the_environment_stays_text_where_text_is_expected(
    make_project: MakeProject,
) -> None:
    """A password of digits keeps its first zero; where a number is expected it is a number."""
    yaml = (
        "job_queue:\n  type: rq\n  num_workers: ${WORKERS}\n  namespace: ${NAMESPACE}\n"
        "  backend:\n    password: ${REDIS_PASSWORD}\n    username: ${WHO}\n    queues:\n"
        "      - ${QUEUE}\n"
    )
    environ = {
        "REDIS_PASSWORD": "041496", "WHO": "true", "QUEUE": "0x10", "NAMESPACE": "1e5",
        "WORKERS": "3",
    }  # fmt: skip
    queue = load_project(make_project(yaml), environ).job_queue
    backend = queue.backend
    assert (backend.password, backend.username, backend.queues) == ("041496", "true", ("0x10",))
    assert (queue.namespace, queue.num_workers) == ("1e5", 3)
    assert mask("041496 or 41496") == "*** or ***"
    load = "run:\n  load:\n    a: ${FILE}\n    b:\n      path: ${FILE}\n"
    run = load_pipeline(make_project(a=(load, "")), "a", {"FILE": "20260101"}).config.run
    assert {name: file.path for name, file in run.load.items()} == {
        "a": "20260101",
        "b": "20260101",
    }


def test_a_number_in_place_of_a_password_is_refused_in_a_whole_sentence(
    make_project: MakeProject,
) -> None:
    """Masking hides no word of ours: nothing of what is said of a password is a password."""
    faults = _faults(
        make_project(), "job_queue:\n  type: rq\n  backend:\n    password: 41496\n    password: 7\n"
    )
    assert [mask(fault) for fault in faults] == faults
    faults = _faults(make_project(), "job_queue:\n  type: rq\n  backend:\n    password: 41496\n")
    assert [mask(fault) for fault in faults] == [
        "conf/project.yml, line 4: job_queue.backend.password: expected text, got ***; "
        "put it in quotes."
    ]


@pytest.mark.parametrize(
    ("yaml", "overrides"),
    [
        ("run: {inputs: {x: '${NOPE}'}}", {"inputs": {"x": 1}}),
        ("run: {inputs: {x: {y: ['${NOPE}']}}}", {"inputs": {"x": 1}}),
        ("params: {x: '${NOPE}'}", {"inputs": {"x": 1}}),
        ("run: {inputs: {x: '${NOPE}'}}", {"load": {"x": "x.csv"}}),
        ("run: {overrides: {x: '${NOPE}'}}", {"overrides": {"x": 1}}),
        ("run: {load: {x: {path: '${NOPE}'}}}", {"overrides": {"x": 1}}),
        ("run: {save: {x: '${NOPE}'}}", {"save": {"x": "x.csv"}}),
        ("run: {config: {x: '${NOPE}'}}", {"config": {"x": 1}}),
        ("run: {final_vars: ['${NOPE}']}", {"final_vars": ["x"]}),
        ("run: {timeout: '${NOPE}'}", {"timeout": 1.0}),
        ("run: {retry: {delay: '${NOPE}'}}", {"retry": {"delay": 1.0}}),
        ("run: {executor: {type: ray, address: '${NOPE}'}}", {"executor": {"type": "synchronous"}}),
        ("run: {cache: {path: '${NOPE}'}}", {"cache": False}),
        ("schedule: {cron: '@daily', timezone: '${NOPE}'}", {}),
    ],
)
def test_a_variable_need_not_be_set_for_what_the_caller_replaces(
    yaml: str, overrides: dict[str, object], make_project: MakeProject
) -> None:
    """A run with these overrides reads the file; without them the variable is missing."""
    root = make_project(a=(yaml, ""))
    load_pipeline(root, "a", {}, RunOverrides.model_validate(overrides))
    with pytest.raises(ConfigError, match="NOPE is not set"):
        load_pipeline(root, "a", {})


def test_dates_without_fires_and_steps_in_yaml(make_project: MakeProject) -> None:
    """`except` is one date or a list of them; its own name is known to messages."""
    root = make_project(
        one=("schedule: {cron: '@daily', except: 2026-12-24}\n", ""),
        many=("schedule: {every: 2 weeks, start: 2026-12-07T09:00, except: [2026-12-21]}\n", ""),
        none=("schedule: {cron: '@daily', except: null}\n", ""),
        wrong=("schedule: {cron: '@daily', except: [2026-12-24, x], jitter: 1s}\n", ""),
        slip=("schedule: {cron: '@daily', exept: [2026-12-24]}\n", ""),
        inner=("schedule: {cron: '@daily', except_: [2026-12-24]}\n", ""),
        number=("schedule: {cron: '@daily', except: [5]}\n", ""),
    )
    triggers = {
        name: load_pipeline(root, name, {}).config.schedule[0].trigger("UTC").to_json()
        for name in ("one", "many", "none")
    }
    assert triggers["one"] == {"cron": "@daily", "timezone": "UTC", "except": ["2026-12-24"]}
    assert triggers["many"]["every"] == "2 weeks"
    assert "except" not in triggers["none"]
    (fault,) = schedule_faults(load_pipeline(root, "wrong", {}), "UTC")
    assert str(fault) == (
        "conf/pipelines/wrong.yml, line 1: schedule.except: 'x' is not a date: expected one such "
        "as 2026-12-24."
    )
    for name, words in (
        ("slip", "'exept' is not a known key. Did you mean 'except'?"),
        ("inner", "'except_' is not a known key. Did you mean 'except'?"),
        ("number", ".except[0]: expected text, got 5"),
    ):
        with pytest.raises(ConfigError) as caught:
            load_pipeline(root, name, {})
        assert words in str(caught.value), name
