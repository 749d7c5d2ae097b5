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

from flowerpower.config.project import ProjectConfig
from flowerpower.config.validation import check_as_written, validated
from flowerpower.config.yaml_reader import parse_yaml
from flowerpower.errors import ConfigError
from flowerpower.pipeline.upstream.conversion import Conversion, convert_project
from flowerpower.pipeline.upstream.modules import convert_module
from flowerpower.pipeline.upstream.new_file import yaml_text
from flowerpower.pipeline.upstream.old_project import OldProject, is_upstream, read_old_project

PROJECT = "name: shop\nhooks_dir: hooks\n"
WITH_QUEUE = "name: shop\njob_queue:\n  type: rq\n  backend: {type: redis}\n"


def _converted(pipeline: str = "", project: str = PROJECT, **more: str) -> Conversion:
    files = {"conf/project.yml": project, "conf/pipelines/a.yml": pipeline, "pipelines/a.py": ""}
    texts = {**files, **more}
    return convert_project(OldProject({Path(p): t.encode() for p, t in texts.items()}), "shop")


def _pipeline(text: str, **more: Any) -> dict[str, Any]:
    """What our file says; it is one that this tool takes."""
    content = _converted(text, **more).files[Path("conf/pipelines/a.yml")]
    check_as_written(content, "a.yml")
    data: dict[str, Any] = yaml.safe_load(content)
    return data


def _queue(text: str) -> dict[str, Any]:
    project = _converted(project=f"name: shop\njob_queue: {text}\n").project
    validated(ProjectConfig, parse_yaml(yaml_text(project).encode(), "project.yml", None))
    queue: dict[str, Any] = project["job_queue"]
    return queue


def _said(conversion: Conversion, key: str) -> tuple[str, str, str]:
    [row] = [row for row in conversion.rows if row.key == key]
    return row.outcome, row.to, row.advice


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
    assert _queue(old) == new


def test_what_a_job_queue_loses_is_said() -> None:
    """An unknown type, a database that is none here, and a scheduler's queue."""
    huey = _converted(project="job_queue: {type: huey}")
    assert _said(huey, "job_queue.type")[0] == "left_out"
    mongo = _converted(
        project="job_queue: {type: apscheduler, backend: {data_store: {type: mongodb}}}"
    )
    outcome, _, advice = _said(mongo, "job_queue.backend.data_store.type")
    assert (outcome, "postgresql://" in advice) == ("left_out", True)
    queues = _converted(project="job_queue: {backend: {queues: [default, scheduler, a.b]}}")
    assert queues.project["job_queue"]["backend"] == {"queues": ["default"]}
    assert "cannot hold a.b" in _said(queues, "job_queue.backend.queues")[2]


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
    assert _pipeline(f"run:\n  {old}\n").get("run", {}) == new


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
    assert _pipeline(text, **{"pipelines/a.py": blocks}).get("run", {}).get("executor") == new
    assert "run" not in _pipeline(text)
    said = [row for row in _converted(text).rows if "executor" in row.key]
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
    rows = _converted(f"run:\n  {setting}\n").rows
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
    made = _converted(pipeline, project)
    assert made.project["adapter"] == {
        "hamilton_tracker": {"enabled": False, "username": "me"},
        "mlflow": {"enabled": False, "tracking_uri": "http://m"},
    }
    assert _pipeline(pipeline, project=project)["run"]["adapter"] == {
        "hamilton_tracker": {"project_id": 7},
        "mlflow": {"enabled": False, "run_name": "r"},
    }
    for key in ("verify", "capture_data_statistics"):
        assert _said(made, f"adapter.hamilton_tracker.{key}")[0] == "left_out"


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
    assert _pipeline(f"schedule: {old}\n").get("schedule") == new


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
    made = _converted(f"schedule: {{{trigger}}}\n")
    assert b"schedule" not in made.files[Path("conf/pipelines/a.yml")]
    outcome, _, advice = _said(made, f"schedule.{trigger.partition(':')[0]}")
    assert (outcome, "under schedule as cron" in advice) == ("left_out", True)


def test_settings_of_ours_come_over() -> None:
    """What upstream does not know, and we do, stays where it is; what is not valid is said."""
    made = _converted(
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
    assert _said(made, "limits") == ("converted", "limits", "")


def test_two_triggers_of_one_schedule() -> None:
    """The first counts; for the other there is a way."""
    made = _converted("schedule: {cron: '@daily', interval: 60}\n")
    assert "with an id" in _said(made, "schedule.interval")[2]


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
    assert _pipeline(text)["params"] == {"k": new}
    assert _pipeline(text, project=WITH_QUEUE)["params"] == {"k": old.replace("${", "$${")}


def test_the_scalars_of_both_yamls_are_the_same() -> None:
    """What upstream reads as text, a truth value or a date is one here."""
    text = "params: {a: yes, b: '1e5', c: 1e5, d: 2024-02-29, e: 0o17, f: 'no'}\n"
    content = _converted(text).files[Path("conf/pipelines/a.yml")]
    ours = parse_yaml(content, "a.yml", {}).root.plain()["params"]
    assert ours == {"a": True, "b": "1e5", "c": "1e5", "d": "2024-02-29", "e": "0o17", "f": "no"}


def test_pipelines_in_folders_get_a_name_of_their_own() -> None:
    """`group/report.yml` is the pipeline group_report, with its module where it was."""
    made = _converted(
        **{
            "conf/pipelines/group/report.yml": "params: {}\n",
            "pipelines/group/report.py": "",
            "conf/pipelines/my-own.yaml": "run: {additional_modules: a}\n",
            "pipelines/my_own.py": "",
        }
    )
    texts = {path.as_posix(): content.decode() for path, content in made.files.items()}
    assert "- pipelines.group.report" in texts["conf/pipelines/group_report.yml"]
    assert "- pipelines.a\n  - pipelines.my_own" in texts["conf/pipelines/my-own.yml"]
    assert "conf/pipelines/my-own.yaml" not in texts


def test_modules_beside_a_pipeline_are_imported_from_its_package() -> None:
    """Only those statements change; comments and all else stay byte for byte."""
    text = (
        "import helper  # ü\nimport helper as h, os\nfrom helper import (\n    x,  # why\n)\n"
        "from . import y\nimport json\n\n\ndef f():\n    import helper as h\n"
    )
    new, rows = convert_module(Path("pipelines/a.py"), text.encode(), {"helper"})
    assert new.decode() == text.replace(
        "import helper  #", "from pipelines import helper  #"
    ).replace("from helper", "from pipelines.helper").replace(
        "    import helper as h", "    from pipelines import helper as h"
    )
    assert [(row.line, row.outcome) for row in rows] == [
        (1, "converted"), (2, "left_out"), (3, "converted"), (11, "converted"),
    ]  # fmt: skip
    assert convert_module(Path("other/a.py"), text.encode(), {"helper"})[0] == text.encode()


def test_names_of_upstreams_library_are_answered() -> None:
    """Those that are not here; what modules of pipelines need is."""
    text = (
        "from flowerpower.cfg import Config\nfrom flowerpower.pipeline import PipelineManager\n"
        "from flowerpower import FlowerPowerProject\nimport flowerpower.fs\n"
        "from flowerpower.cfg.pipeline.run import RunConfig\n"
    )
    new, rows = convert_module(Path("run.py"), text.encode(), ())
    assert new == text.encode()
    assert [row.line for row in rows] == [3, 4, 5]
    assert "PipelineManager(folder)" in rows[0].advice
    assert "inputs=…" in rows[2].advice


@pytest.mark.parametrize(
    ("project", "pipeline", "answer"),
    [
        (PROJECT, "", True),
        (WITH_QUEUE, "", True),
        ("name: shop\n", "run: {with_adapter: {}}\n", True),
        ("name: shop\n", "name: a\n", True),
        ("name: shop\ntimezone: UTC\n", "run: {inputs: {}}\nparams: {name: x}\n", False),
        ("name: shop\njob_queue: {type: rq, backend: {url: 'redis://h'}}\n", "", False),
        ("name: shop\n", "run: {inptus: {}}\n", False),
        ("a: [\n", "b: [\n", False),
    ],
)
def test_a_project_of_upstreams_is_known_by_its_keys(
    project: str, pipeline: str, answer: bool
) -> None:
    """One of this tool is not taken for it, whatever its faults."""
    files = {"conf/project.yml": project, "conf/pipelines/a.yml": pipeline, "pipelines/a.py": ""}
    assert is_upstream({Path(p): text.encode() for p, text in files.items()}) is answer


def test_what_is_not_copied_is_said(tmp_path: Path) -> None:
    """Large files, links, and the variables in .env; nothing of the source is changed."""
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "project.yaml").write_text(PROJECT)
    (tmp_path / "data.csv").write_bytes(b"1" * 1_000_001)
    (tmp_path / "small.csv").write_text("1")
    (tmp_path / "link").symlink_to("/etc")
    (tmp_path / ".env").write_text("FP_RQ_BACKEND_PASSWORD=tulip\n")
    project = read_old_project(tmp_path)
    assert project is not None
    made = convert_project(project, "shop")
    assert sorted(made.files) == [Path("small.csv")]
    left = {row.file: row.advice for row in made.rows if row.outcome == "left_out"}
    assert left.keys() == {"data.csv", "link", ".env"}
    assert "tulip" not in str(made)


def test_many_files_of_data_are_one_row(tmp_path: Path) -> None:
    """Code is copied whole; data as far as a copy may be large."""
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "project.yml").write_text(PROJECT)
    (tmp_path / "data").mkdir()
    for number in range(510):
        (tmp_path / "data" / f"{number}.csv").write_text("1")
    project = read_old_project(tmp_path)
    assert project is not None
    assert len(project.files) == 501
    assert list(project.left_out) == [Path("data")]


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
        made = _converted("" if name.endswith("project.yml") else text, project)
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
        _converted("run:\n  a: b: c\n")
    assert "conf/pipelines/a.yml" in str(caught.value)
