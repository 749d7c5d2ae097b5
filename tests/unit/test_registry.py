"""Which pipelines a project has, and making and deleting them and projects."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flowerpower.config.files import load_project
from flowerpower.errors import InvalidName, PipelineNotFound, Refused, UsageError
from flowerpower.pipeline import PipelineManager
from flowerpower.pipeline.registry import PipelineRegistry
from flowerpower.pipeline.scaffold import create_project
from tests.conftest import MakeProject


def _registry(root: Path) -> PipelineRegistry:
    return PipelineRegistry(load_project(root, {}))


def test_only_files_with_valid_names_are_pipelines(make_project: MakeProject) -> None:
    """Names are sorted; a file whose name is no name is not a pipeline."""
    root = make_project(b=("", ""), a=("", ""))
    for stray in ("x y.yml", "$(id).yml", "c.yaml", ".yml", "d.txt"):
        (root / "conf" / "pipelines" / stray).write_text("")
    assert _registry(root).names() == ["a", "b"]


@pytest.mark.fault("hostile-names", "forged-path")
@pytest.mark.parametrize(
    "name", ["", "../a", "a/b", "a.b", "a\x00", "a" * 101, "é", "a b", "-/x", ".", "-rf"]
)
def test_what_is_no_name_is_no_pipeline(name: str, make_project: MakeProject) -> None:
    """No text leads out of the folder of pipelines."""
    root = make_project(a=("", ""))
    with pytest.raises(PipelineNotFound):
        _registry(root).get(name)
    with pytest.raises(InvalidName):
        _registry(root).create(name)


def test_a_new_pipeline_runs(make_project: MakeProject) -> None:
    """What `new` writes is a pipeline that works as it is, also with a hyphen or a digit first."""
    root = make_project()
    for name in ("hello", "daily-report", "2nd"):
        _registry(root).create(name)
        assert PipelineManager(root).run(name) == {"greeting": "Hello, world!"}


def test_new_writes_over_nothing(make_project: MakeProject) -> None:
    """A file that is there, a dangling link too, makes it refuse and write nothing."""
    root = make_project()
    (root / "pipelines" / "a.py").write_text("mine")
    os.symlink("/nowhere", root / "conf" / "pipelines" / "b.yml")
    for name in ("a", "b"):
        with pytest.raises(Refused):
            _registry(root).create(name)
    assert (root / "pipelines" / "a.py").read_text() == "mine"
    assert not (root / "conf" / "pipelines" / "a.yml").exists()
    assert not (root / "pipelines" / "b.py").exists()


def test_delete_takes_configuration_and_module(make_project: MakeProject) -> None:
    """A dry run names the same files and leaves them."""
    root = make_project(a=("", ""), b=("", ""))
    registry = _registry(root)
    expected = [Path("conf/pipelines/a.yml"), Path("pipelines/a.py")]
    assert registry.delete("a", dry_run=True) == expected
    assert registry.names() == ["a", "b"]
    assert registry.delete("a") == expected
    assert registry.names() == ["b"]


def test_a_new_project_is_a_project(tmp_path: Path) -> None:
    """`init` writes the zone and the backend, and an ignored folder for the queue."""
    for backend in ("apscheduler", "rq"):
        created = create_project(tmp_path, backend, backend)
        project = load_project(created.root, {})
        assert (project.name, project.job_queue.type) == (backend, backend)
        assert project.config.timezone is not None
        assert ".flowerpower/" in (created.root / ".gitignore").read_text()


def test_init_writes_over_nothing(tmp_path: Path) -> None:
    """A second init refuses; one in a folder with files leaves them alone, its .gitignore too."""
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / ".gitignore").write_text("mine")
    create_project(tmp_path / "p", None)
    assert (tmp_path / "p" / ".gitignore").read_text() == "mine"
    with pytest.raises(Refused):
        create_project(tmp_path, "p")
    with pytest.raises(UsageError, match="weather"):
        create_project(tmp_path, "q", example="wether")
    assert not (tmp_path / "q").exists()
