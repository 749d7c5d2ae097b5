"""The settings of a project are kept, and read again once anything about its file is different."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from flowerpower.config import kept_settings
from flowerpower.config.file_stamps import is_settled, stamp_of
from flowerpower.config.files import Project, load_project
from flowerpower.errors import ConfigError
from flowerpower.pipeline.scaffold import create_project
from tests.conditions import eventually

PLAIN = """\
name: kept
timezone: Europe/Berlin
job_queue:
  type: rq
  backend: {url: redis://redis.example:6380/2, queues: [high, low]}
  num_workers: 5
  namespace: mine
  result_ttl: -1
  history_ttl: 2d
limits: {api: 3}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project that has been used: there is a place for what is kept."""
    (tmp_path / "conf").mkdir()
    (tmp_path / ".flowerpower").mkdir()
    return tmp_path


def write(root: Path, text: str) -> None:
    file = root / "conf" / "project.yml"
    file.write_text(text)
    # What was written just now might be written again without a trace.
    eventually(lambda: is_settled(stamp_of(file) or (0, 0, 0, 0)))


def is_read(project: Project) -> bool:
    """Whether the file was read for this project."""
    # Only a project of kept settings notices that its file is wrong now.
    file = project.root / "conf" / "project.yml"
    text = file.read_text()
    file.write_text("name: [wrong")
    try:
        _ = project.config
    except ConfigError:
        return False
    finally:
        write(project.root, text)
    return True


def test_a_file_is_read_once(root: Path) -> None:
    """The second time all settings are there without a look at the file, and the same."""
    write(root, PLAIN)
    first = load_project(root, {})
    second = load_project(root, {})
    assert (root / kept_settings.KEPT).is_file()
    assert (second.name, second.timezone) == (first.name, first.timezone)
    assert second.job_queue == first.job_queue
    assert second.job_queue.backend.queues == ("high", "low")
    assert (second.job_queue.result_ttl, second.job_queue.history_ttl) == (-1, 172_800)
    assert second.config == first.config
    assert not is_read(load_project(root, {}))
    assert is_read(load_project(root, {}, with_notices=True))


def test_defaults_are_kept_too(root: Path) -> None:
    """Of an empty file the folder's name and the defaults are kept."""
    write(root, "")
    first, second = load_project(root, {}), load_project(root, {})
    assert not is_read(second)
    assert (second.name, second.job_queue) == (first.name, first.job_queue)
    assert second.timezone == first.timezone


def test_an_edit_is_seen(root: Path) -> None:
    """An edit of the same length counts, and so does one that makes the file wrong."""
    write(root, PLAIN)
    load_project(root, {})
    write(root, PLAIN.replace("mine", "ours"))
    assert load_project(root, {}).job_queue.namespace == "ours"
    write(root, PLAIN.replace("num_workers", "num_worker"))
    with pytest.raises(ConfigError, match="num_workers"):
        load_project(root, {})
    os.unlink(root / "conf" / "project.yml")
    with pytest.raises(ConfigError):
        load_project(root, {})


@pytest.mark.parametrize(
    "text",
    [
        "name: ${NAME:-kept}\n",
        "job_queue: {type: rq, backend: {host: h, password: abc}}\n",
        "job_queue: {type: rq, backend: {url: 'redis://:abc@h'}}\n",
        "job_queue: {type: rq, backend: {url: 'redis://h?password=abc'}}\n",
        "notify: {on: failed, to: {webhook: 'https://example.com/abc'}}\n",
        "notify: {on: failed, to: {webhook: '${HOOK}'}}\n",
        "adapter: {hamilton_tracker: {project_id: 1, username: a, api_key: abc}}\n",
    ],
)
def test_nothing_is_kept_of_variables_and_secrets(root: Path, text: str) -> None:
    """What depends on the environment, or may be secret, is read each time."""
    write(root, text)
    load_project(root, {})
    assert not (root / kept_settings.KEPT).exists()
    assert is_read(load_project(root, {}))


def test_the_file_of_a_new_project_is_read_once(tmp_path: Path) -> None:
    """It names a variable in a comment alone."""
    root = create_project(tmp_path, "new").root
    (root / ".flowerpower").mkdir(exist_ok=True)
    write(root, (root / "conf" / "project.yml").read_text())
    assert "${" in (root / "conf" / "project.yml").read_text()
    load_project(root, {})
    assert not is_read(load_project(root, {}))


def test_a_look_at_a_project_makes_no_folder(root: Path) -> None:
    """Where nothing was kept yet, reading the file writes nothing."""
    (root / ".flowerpower").rmdir()
    write(root, PLAIN)
    load_project(root, {})
    assert not (root / ".flowerpower").exists()


def test_the_environment_counts_for_kept_settings(root: Path) -> None:
    """Variables replace type and URL as they do those of a file that is read."""
    write(root, PLAIN)
    load_project(root, {})
    queue = load_project(root, {"FLOWERPOWER_JOB_QUEUE_TYPE": "apscheduler"}).job_queue
    assert (queue.type, queue.backend.url) == ("apscheduler", None)
    assert queue.backend.queues == ("high", "low")
    url = {"FLOWERPOWER_JOB_QUEUE_URL": "redis://other"}
    assert load_project(root, url).job_queue.backend.url == "redis://other"
    with pytest.raises(ConfigError, match="FLOWERPOWER_JOB_QUEUE_TYPE"):
        load_project(root, {"FLOWERPOWER_JOB_QUEUE_TYPE": "celery"})


DAMAGE: list[tuple[tuple[str, ...], object]] = [
    ((), []),
    (("v",), 0),
    (("stamp",), None),
    (("settings",), 5),
    (("settings", "name"), 5),
    (("settings", "job_queue"), None),
    (("settings", "job_queue", "type"), "celery"),
    (("settings", "job_queue", "result_ttl"), "long"),
    (("settings", "job_queue", "more"), 1),
    (("settings", "job_queue", "backend", "url"), "http://h"),
    (("settings", "job_queue", "backend", "queues"), "low"),
    (("settings", "job_queue", "backend", "queues"), [5]),
    (("settings", "job_queue", "backend", "queues"), []),
    (("settings", "job_queue", "backend", "port"), "1"),
]


@pytest.mark.parametrize(("path", "value"), DAMAGE)
def test_what_is_damaged_is_read_and_written_anew(
    root: Path, path: tuple[str, ...], value: object
) -> None:
    """Whatever stands in the place of what was kept, the file itself counts."""
    write(root, PLAIN)
    expected = load_project(root, {}).job_queue
    kept = root / kept_settings.KEPT
    whole = content = json.loads(kept.read_text())
    for step in path[:-1]:
        content = content[step]
    if path:
        content[path[-1]] = value
    kept.write_text(json.dumps(whole if path else value))
    assert load_project(root, {}).job_queue == expected
    assert not is_read(load_project(root, {}))
    kept.write_bytes(b"\xff{")
    assert load_project(root, {}).job_queue == expected
