"""How settings of a project of the upstream tool become ours; nothing is run."""

from __future__ import annotations

import contextlib
import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from flowerpower.config.yaml_reader import parse_yaml
from flowerpower.errors import ConfigError
from flowerpower.pipeline.upstream.conversion import convert_project
from flowerpower.pipeline.upstream.new_file import yaml_text
from flowerpower.pipeline.upstream.old_project import OldProject
from tests.unit.converted import PROJECT, WITH_QUEUE, converted, pipeline_of, queue_of, row_of


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{type: rq}", {"type": "rq"}),
        ("{type: RQ, num_workers: 4}", {"type": "rq", "num_workers": 4}),
        (
            "{type: rq, backend: {host: redis, port: 6380, database: 2, queues: 'a, b'}}",
            {
                "type": "rq",
                "backend": {"host": "redis", "port": 6380, "database": 2, "queues": ["a", "b"]},
            },
        ),
        (
            "{type: rq, backend: {uri: 'redis://h:1/2', host: localhost}}",
            {"type": "rq", "backend": {"url": "redis://h:1/2"}},
        ),
        (
            "{type: rq, backend: {host: h, ssl: true, username: me, password: 'a/b', "
            "ca_file: /ca.pem, verify_ssl: true}}",
            {
                "type": "rq",
                "backend": {"url": "rediss://me:a%2Fb@h:6379/0?ssl_ca_certs=/ca.pem"},
            },
        ),
        (
            "{type: rq, backend: {uri: 'redis://h', ssl: true}}",
            {"type": "rq", "backend": {"url": "redis://h"}},
        ),
        (
            "{type: rq, backend: {host: h, ssl: true}}",
            {"type": "rq", "backend": {"url": "rediss://h:6379/0?ssl_cert_reqs=none"}},
        ),
        ("{type: huey}", {"type": "apscheduler"}),
        ("{type: apscheduler}", {"type": "apscheduler"}),
        (
            "{type: apscheduler, backend: {data_store: {type: memory}, "
            "event_broker: {type: memory}}}",
            {"type": "apscheduler"},
        ),
        (
            "{type: apscheduler, backend: {data_store: {type: postgresql, host: db, "
            "username: me, password: p, database: jobs}}}",
            {"type": "apscheduler", "backend": {"url": "postgresql://me:p@db:5432/jobs"}},
        ),
        (
            "{type: apscheduler, backend: {type: postgresql, host: db, port: 5433, user: me, "
            "database: jobs}, event_broker: {type: redis}}",
            {"type": "apscheduler", "backend": {"url": "postgresql://me@db:5433/jobs"}},
        ),
        (
            "{type: apscheduler, backend: {data_store: {type: postgresql, "
            "uri: 'postgresql+asyncpg://me@db/jobs'}}}",
            {"type": "apscheduler", "backend": {"url": "postgresql://me@db/jobs"}},
        ),
        (
            "{type: apscheduler, backend: {data_store: {type: sqlite, database: jobs.db}}}",
            {"type": "apscheduler", "backend": {"url": "sqlite:///jobs.db"}},
        ),
        ("{type: apscheduler, backend: {data_store: {type: mongodb}}}", {"type": "apscheduler"}),
    ],
)
def test_a_job_queue_is_where_it_was(old: str, new: dict[str, Any]) -> None:
    """Its type, address, queues and workers; what is not there becomes a SQLite file."""
    assert queue_of(old) == new


def test_what_a_job_queue_loses_is_said() -> None:
    """An unknown type, a database that is none here, and a scheduler's queue."""
    huey = converted(project="job_queue: {type: huey}")
    assert row_of(huey, "job_queue.type")[0] == "left_out"
    mongo = converted(
        project="job_queue: {type: apscheduler, backend: {data_store: {type: mongodb}}}"
    )
    outcome, _, advice = row_of(mongo, "job_queue.backend.data_store.type")
    assert (outcome, "postgresql://" in advice) == ("left_out", True)
    queues = converted(project="job_queue: {backend: {queues: [default, scheduler, a.b]}}")
    assert queues.project["job_queue"]["backend"] == {"queues": ["default"]}
    assert "cannot hold a.b" in row_of(queues, "job_queue.backend.queues")[2]


def test_another_type_of_job_queue_leaves_the_address_behind() -> None:
    """`--type` wins over the old project's."""
    project = OldProject({Path("conf/project.yml"): WITH_QUEUE.encode()})
    queue = convert_project(project, "shop", "apscheduler").project["job_queue"]
    assert queue == {"type": "apscheduler"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("inputs: {x: 1}", {"inputs": {"x": 1}}),
        ("inputs: {}\n  config: {}\n  final_vars: []", {}),
        ("final_vars: [a]\n  config: {k: yes}", {"final_vars": ["a"], "config": {"k": True}}),
        ("executor: {type: null, max_workers: 3}", {}),
        ("executor: {type: local}", {}),
        ("executor: {type: threadpool, max_workers: 3}", {}),
        ("with_adapter: {future: true}", {"executor": {"type": "future"}}),
        ("with_adapter: {progressbar: true}", {"adapter": {"progressbar": True}}),
        ("cache: true", {"cache": True}),
        (
            "cache: {recompute: [a], path: c, result_store: x}",
            {"cache": {"path": "c", "recompute": ["a"]}},
        ),
        (
            "max_retries: 2\n  retry_delay: 5\n  retry_exceptions: [OSError]",
            {"retry": {"max_retries": 2, "delay": 5, "exceptions": ["OSError"]}},
        ),
        (
            "retry: {max_retries: 1, retry_exceptions: [\"<class 'OSError'>\"]}\n  max_retries: 3",
            {"retry": {"max_retries": 1, "exceptions": ["OSError"]}},
        ),
    ],
)
def test_the_run_section(old: str, new: dict[str, Any]) -> None:
    """Every setting that means something here, under our name; defaults are left away."""
    assert pipeline_of(f"run:\n  {old}\n").get("run", {}) == new


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("threadpool", {"type": "threadpool"}),
        (
            "{type: processpool, max_workers: 3, num_cpus: 2}",
            {"type": "processpool", "max_workers": 3},
        ),
        ("{type: ray, max_workers: 3}", {"type": "ray"}),
        ("{type: local}", None),
    ],
)
def test_an_executor_is_one_of_parallelizable_blocks(old: str, new: dict[str, Any] | None) -> None:
    """Upstream runs nothing else on it, so a pipeline without blocks gets none."""
    blocks = "def a() -> Parallelizable[int]:\n    yield 1\n"
    text = f"run: {{executor: {old}}}\n"
    assert pipeline_of(text, **{"pipelines/a.py": blocks}).get("run", {}).get("executor") == new
    assert "run" not in pipeline_of(text)
    said = [row for row in converted(text).rows if "executor" in row.key]
    assert any(row.outcome == "left_out" for row in said) is ("processpool" in old or "ray" in old)


@pytest.mark.parametrize(
    "setting",
    [
        "log_level: DEBUG",
        "on_success: f",
        "executor: {type: celery}",
        "cache: {metadata_store: x}",
        "pipeline_adapter_cfg: {mlflow: {}}",
        "nonsense: 1",
    ],
)
def test_what_has_no_meaning_here_is_said(setting: str) -> None:
    """With file, line and what to do."""
    rows = converted(f"run:\n  {setting}\n").rows
    [row] = [row for row in rows if row.outcome == "left_out"]
    assert (row.file, row.line) == ("conf/pipelines/a.yml", 2)
    assert row.advice


def test_adapters_are_on_where_they_were_on() -> None:
    """The project's file has their settings, each pipeline turns them on."""
    project = (
        "name: shop\nadapter:\n  hamilton_tracker: {username: me, api_url: 'http://localhost:8241', "
        "verify: true}\n  mlflow: {tracking_uri: 'http://m'}\n"
    )
    pipeline = (
        "adapter:\n  hamilton_tracker: {project_id: 7, capture_data_statistics: false}\n"
        "  mlflow: {run_name: r, run_id: x}\nrun:\n  with_adapter: {hamilton_tracker: true}\n"
    )
    made = converted(pipeline, project)
    assert made.project["adapter"] == {
        "hamilton_tracker": {"enabled": False, "username": "me"},
        "mlflow": {"enabled": False, "tracking_uri": "http://m"},
    }
    assert pipeline_of(pipeline, project=project)["run"]["adapter"] == {
        "hamilton_tracker": {"project_id": 7},
        "mlflow": {"enabled": False, "run_name": "r"},
    }
    for key in ("verify", "capture_data_statistics"):
        assert row_of(made, f"adapter.hamilton_tracker.{key}")[0] == "left_out"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{cron: '0 6 * * 1-5'}", {"cron": "0 6 * * 1-5"}),
        ("{cron: null, interval: null, date: null}", None),
        ("{cron: {crontab: '0 6 * * *', timezone: Asia/Tokyo}}",
         {"cron": "0 6 * * *", "timezone": "Asia/Tokyo"}),
        ("{cron: {hour: 6}}", {"cron": "0 6 * * *"}),
        ("{cron: {minute: '*/5'}}", {"cron": "*/5 * * * *"}),
        ("{cron: {day: last}}", {"cron": "0 0 L * *"}),
        ("{cron: {month: 3}}", {"cron": "0 0 1 3 *"}),
        ("{cron: {day_of_week: '0-4', hour: 8, minute: 30}}", {"cron": "30 8 * * mon-fri"}),
        ("{cron: {hour: 1, start_time: 2030-01-01}}",
         {"cron": "0 1 * * *", "start": "2030-01-01T00:00:00"}),
        ("{interval: 90}", {"interval": "1m30s"}),
        ("{interval: {hours: 1, minutes: 30}}", {"interval": "1h30m"}),
        ("{date: 2030-12-31 23:59:59}", {"date": "2030-12-31T23:59:59"}),
        ("{date: '2030-12-31T23:59:59'}", {"date": "2030-12-31T23:59:59"}),
    ],
)  # fmt: skip
def test_a_schedule_fires_as_it_did(old: str, new: dict[str, Any] | None) -> None:
    """Numbers of weekdays begin with Monday in a mapping of APScheduler's."""
    assert pipeline_of(f"schedule: {old}\n").get("schedule") == new


@pytest.mark.parametrize(
    "trigger",
    [
        "cron: {second: 5}",
        "cron: {year: 2030}",
        "cron: {week: 3}",
        "cron: {hour: 1, jitter: 5}",
        "cron: '0 0 * * * *'",
        "cron: {day_of_week: '*/2'}",
        "interval: {microseconds: 5}",
        "interval: soon",
        "date: never",
        "cron: [1]",
    ],
)
def test_a_trigger_that_there_is_not_is_left_out(trigger: str) -> None:
    """The pipeline has no schedule then, and the reason is said."""
    made = converted(f"schedule: {{{trigger}}}\n")
    assert b"schedule" not in made.files[Path("conf/pipelines/a.yml")]
    outcome, _, advice = row_of(made, f"schedule.{trigger.partition(':')[0]}")
    assert (outcome, "under schedule as cron" in advice) == ("left_out", True)


def test_settings_of_ours_come_over() -> None:
    """What upstream does not know, and we do, stays where it is; what is not valid is said."""
    made = converted(
        "name: a\nrun:\n  timeout: 5m\n  limits: [warehouse]\n  retry: {max_retries: 2, backoff: 3}\n"
        "  lod: 1\n  max_running: many\nafter: {pipeline: b}\nnotify: [{to: {command: [mail]}, on: [failed]}]\n"
        "schedule:\n  - {id: x, every: 2 days, queue: slow}\n",
        f"{PROJECT}timezone: Asia/Tokyo\nlimits: {{warehouse: 1}}\nnotify: []\nlimts: 1\n"
        "job_queue: {type: rq, namespace: all, history_ttl: '${TTL}', result_ttl: soon}\n",
    )  # fmt: skip
    new = yaml.safe_load(made.files[Path("conf/pipelines/a.yml")])
    assert new == {
        "run": {"timeout": "5m", "limits": ["warehouse"], "retry": {"max_retries": 2, "backoff": 3}},
        "after": {"pipeline": "b"}, "notify": [{"to": {"command": ["mail"]}, "on": ["failed"]}],
        "schedule": [{"id": "x", "every": "2 days", "queue": "slow"}],
    }  # fmt: skip
    assert made.project == {
        "timezone": "Asia/Tokyo", "limits": {"warehouse": 1},
        "job_queue": {"type": "rq", "namespace": "all", "history_ttl": "$${TTL}"},
    }  # fmt: skip
    left_out = {row.key: row.advice for row in made.rows if row.outcome == "left_out"}
    assert left_out.keys() == {"run.lod", "run.max_running", "limts", "job_queue.result_ttl"}
    assert "upstream has no such setting" in left_out["run.lod"]
    assert "expected" in left_out["run.max_running"]
    assert row_of(made, "limits") == ("converted", "limits", "")


def test_two_triggers_of_one_schedule() -> None:
    """The first counts; for the other there is a way."""
    made = converted("schedule: {cron: '@daily', interval: 60}\n")
    assert "with an id" in row_of(made, "schedule.interval")[2]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("${A}", "${A}"),
        ("$A", "${A}"),
        ("${A:-x}", "${A:-x}"),
        ("${A-x}", "${A:-x}"),
        ("${A:?needed}", "${A}"),
        ("$$5", "$5"),
        ("$${A}", "$${A}"),
        ("${a b}", "$${a b}"),
    ],
)
def test_variables_are_written_our_way(old: str, new: str) -> None:
    """In the versions that read them; in those with a job queue they are text."""
    text = f"params: {{k: '{old}'}}\n"
    assert pipeline_of(text)["params"] == {"k": new}
    assert pipeline_of(text, project=WITH_QUEUE)["params"] == {"k": old.replace("${", "$${")}


def test_the_scalars_of_both_yamls_are_the_same() -> None:
    """What upstream reads as text, a truth value or a date is one here."""
    text = "params: {a: yes, b: '1e5', c: 1e5, d: 2024-02-29, e: 0o17, f: 'no'}\n"
    content = converted(text).files[Path("conf/pipelines/a.yml")]
    ours = parse_yaml(content, "a.yml", {}).root.plain()["params"]
    assert ours == {"a": True, "b": "1e5", "c": "1e5", "d": "2024-02-29", "e": "0o17", "f": "no"}


_FIXTURES = Path(__file__).parents[1] / "upstream_projects"
_OLD = {
    path.relative_to(_FIXTURES).as_posix(): yaml.safe_load(path.read_text())
    for path in sorted(_FIXTURES.rglob("*.yml"))
}
_ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just("${X}"),
    st.lists(st.integers() | st.text(max_size=3), max_size=2), st.dates(),
    st.dictionaries(st.sampled_from(["type", "x", "cron", "hour"]), st.text(max_size=3)),
)  # fmt: skip


def _places(data: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(data, dict):
        return []
    return [place for key in data for place in [(*path, key), *_places(data[key], (*path, key))]]


@given(data=st.data())
@settings(max_examples=150)
def test_whatever_a_setting_holds_the_project_is_converted(data: st.DataObject) -> None:
    """Or it is an expected error; each setting has one row, and the new YAML can be read."""
    name = data.draw(st.sampled_from(sorted(_OLD)))
    content = copy.deepcopy(_OLD[name])
    *above, key = data.draw(st.sampled_from(_places(content)))
    place = content
    for step in above:
        place = place[step]
    place[key] = data.draw(_ODD)
    text = yaml.safe_dump(content)
    project = text if name.endswith("project.yml") else WITH_QUEUE
    made = None
    with contextlib.suppress(ConfigError):
        made = converted("" if name.endswith("project.yml") else text, project)
    if made is None:
        return
    listed = [(row.file, row.key) for row in made.rows if row.outcome != "left_out"]
    assert len(listed) == len(set(listed))
    for path, file in made.files.items():
        if path.suffix == ".yml":
            parse_yaml(file, "made.yml", None)
    parse_yaml(yaml_text(made.project).encode(), "made.yml", None)


def test_what_is_no_yaml_is_an_error_with_its_line() -> None:
    """Nothing is guessed then."""
    with pytest.raises(ConfigError, match="line 2") as caught:
        converted("run:\n  a: b: c\n")
    assert "conf/pipelines/a.yml" in str(caught.value)
