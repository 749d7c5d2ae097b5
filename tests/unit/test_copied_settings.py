"""What `conf/project.yml` of a copied project says."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from flowerpower.config.files import load_project
from flowerpower.config.project import ProjectConfig
from flowerpower.errors import ConfigError
from flowerpower.pipeline.copied_settings import CopiedSettings, copied_settings
from flowerpower.pipeline.scaffold import create_project
from tests.conftest import MakeProject

WHOLE = """\
# Who is asked: the data team.
name: old  # as on the wall
timezone: Asia/Tokyo
job_queue:
  type: rq
  backend:
    # The one in the cellar.
    url: ${REDIS_URL}
    queues: [default, slow]
  namespace: shared  # by both
  num_workers: 3
  history_ttl: 30d
limits:
  warehouse: 2  # licences
  api: {per: 60/1m}
adapter:
  progressbar: rich
notify:
  - to: {webhook: "${HOOK}"}
    on: [failed]
"""


def _copied(text: str, timezone: str | None = None, backend: str | None = None) -> CopiedSettings:
    return copied_settings(text.encode(), "new", timezone, backend, lambda: "Europe/Berlin")


def test_every_setting_there_is_comes_over() -> None:
    """With its comments, and placeholders as they are; the example has each key of the schema."""
    assert yaml.safe_load(WHOLE).keys() == ProjectConfig.model_fields.keys()
    copied = _copied(WHOLE)
    expected = WHOLE.replace("name: old", 'name: "new"')
    assert copied.text == expected.replace("  namespace: shared  # by both\n", "")
    [row] = copied.left_out
    assert (row.key, row.line, row.outcome) == ("job_queue.namespace", 10, "left_out")
    assert "each other's jobs" in row.advice


def test_a_zone_and_a_type_replace_the_old_ones() -> None:
    """The address of the other kind of queue is left out, with the section that is empty then."""
    copied = _copied(WHOLE, "UTC", "apscheduler")
    queue = yaml.safe_load(copied.text)["job_queue"]
    assert queue == {
        "type": "apscheduler", "num_workers": 3, "history_ttl": "30d",
        "backend": {"queues": ["default", "slow"]},
    }  # fmt: skip
    assert 'timezone: "UTC"\n' in copied.text
    assert [row.key for row in copied.left_out] == ["job_queue.namespace", "job_queue.backend.url"]
    copied = _copied(
        "job_queue:\n  type: rq\n  backend:\n    host: a\nlimits: {a: 1}\n", None, "rq"
    )
    assert copied.left_out == []
    copied = _copied(
        "job_queue:\n  type: rq\n  backend:\n    host: a\nlimits: {a: 1}\n", None, "apscheduler"
    )
    assert yaml.safe_load(copied.text) == {
        "name": "new", "timezone": "Europe/Berlin", "job_queue": {"type": "apscheduler"},
        "limits": {"a": 1},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("", {}),
        ("# nothing yet\n", {}),
        ("timezone:\n", {}),
        ("{name: old, limits: {a: 1}}\n", {"limits": {"a": 1}}),
        ("job_queue: {namespace: x, num_workers: 4}\n", {"job_queue": {"num_workers": 4}}),
        ("job_queue:\n  namespace: x\n", {}),
        ("job_queue: &a {namespace: x}\nadapter: {print: *a}\n", {"adapter": {"print": {"namespace": "x"}}}),
        ("adapter:\n  hamilton_tracker: {tags: {a: 'on'}}\n", {"adapter": {"hamilton_tracker": {"tags": {"a": "on"}}}}),
        ("name: >\n  old\nlimits: {a: 1}", {"limits": {"a": 1}}),
    ],
)  # fmt: skip
def test_other_ways_to_write_it(text: str, new: dict[str, object]) -> None:
    """They mean the same in the copy, if need be written anew."""
    copied = yaml.safe_load(_copied(text).text)
    assert copied == {"name": "new", "timezone": "Europe/Berlin", **new}


def test_a_copy_is_a_project_of_its_own(make_project: MakeProject, tmp_path: Path) -> None:
    """Its limits, queues and notices are those of the other, its name and namespace are not."""
    root = make_project(
        WHOLE, p=("run: {limits: [warehouse]}\nafter: {pipeline: p2}\n", ""), p2=("", "")
    )
    created = create_project(tmp_path, "new", source=root)
    assert [row.key for row in created.left_out or ()] == ["job_queue.namespace"]
    environ = {"REDIS_URL": "redis://h:1/2", "HOOK": "https://example.org"}
    old, new = (load_project(folder, environ, with_notices=True) for folder in (root, created.root))
    assert (new.name, new.job_queue.namespace) == ("new", None)
    for part in ("timezone", "limits", "adapter", "notify"):
        assert getattr(new.config, part) == getattr(old.config, part), part
    assert new.job_queue.backend == old.job_queue.backend
    (root / "conf" / "project.yml").write_text("a: b: c\n")
    with pytest.raises(ConfigError, match="line 1"):
        create_project(tmp_path, "newer", source=root)
