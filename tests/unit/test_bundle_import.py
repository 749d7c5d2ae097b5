"""Importing a bundle: conflicts, failed writes, other names, and a new project of one."""

from __future__ import annotations

import os
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flowerpower.config.files import load_project
from flowerpower.errors import ConfigError, FlowerpowerError, InvalidName, Refused
from flowerpower.files.atomic import write_files
from flowerpower.pipeline.bundles.bundle import (
    MAX_BYTES,
    bundle_from_members,
    renamed,
)
from flowerpower.pipeline.bundles.importing import plan_import, read_bundle, read_project_folder
from flowerpower.pipeline.bundles.writing import write_bundle
from flowerpower.pipeline.scaffold import create_project
from tests.conftest import MakeProject
from tests.unit.bundle_files import (
    CONFIG,
    MODULE,
    SOUND,
    assert_refused,
    import_bundle,
    snapshot_of,
    sound_with,
    with_manifest,
    write_folder,
    write_zip,
)


def test_all_conflicts_are_named_at_once(make_project: MakeProject, tmp_path: Path) -> None:
    """Files with other content are conflicts, the same content is none, a folder stays one."""
    path = write_zip(tmp_path / "p.zip", sound_with("a/b.py", "c.py"))
    root = make_project(p=("params: {}", "x = 1"))
    (root / "c.py").write_bytes(b"")
    before = snapshot_of(root)
    with pytest.raises(Refused) as refused:
        import_bundle(root, path)
    assert [detail.split()[0] for detail in refused.value.details] == [CONFIG, MODULE]
    assert snapshot_of(root) == before
    plan = plan_import(root, read_bundle(path), overwrite=True)
    assert (plan.new, plan.replaced, plan.unchanged) == (
        [Path("a/b.py")], [Path(CONFIG), Path(MODULE)], [Path("c.py")]
    )  # fmt: skip
    plan.apply()
    assert {name: (root / name).read_bytes() for name in SOUND} == SOUND
    again = plan_import(root, read_bundle(path))
    assert not again.new
    assert not again.replaced
    (root / "a" / "b.py").unlink()
    (root / "a" / "b.py").mkdir()
    (root / "c.py").unlink()
    (root / "c.py").symlink_to("nothing")
    assert_refused(root, path, Refused, "a/b.py already exists and is not a file")
    (root / "a" / "b.py").rmdir()
    (root / "a").rmdir()
    (root / "a").write_text("")
    assert_refused(root, path, Refused, "a already exists and is not a folder")


@contextmanager
def _files_of_at_most(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_failed_write_leaves_everything_as_it_was(
    make_project: MakeProject, tmp_path: Path
) -> None:
    """When the last file cannot be written, the others are neither new nor changed."""
    members = [*sound_with("a/b.py", "z/z.py", content=b"#" * 5_000)]
    path = write_zip(tmp_path / "p.zip", members)
    root = make_project(p=("params: {}", "x = 1"))
    before = snapshot_of(root)
    plan = plan_import(root, read_bundle(path), overwrite=True)
    with _files_of_at_most(4_000), pytest.raises(FlowerpowerError, match="nothing was changed"):
        plan.apply()
    assert snapshot_of(root) == before
    for target in (tmp_path / "out.zip", tmp_path / "out"):
        around = snapshot_of(tmp_path)
        with _files_of_at_most(4_000), pytest.raises(FlowerpowerError, match="nothing was written"):
            write_bundle(plan.bundle, target)
        assert snapshot_of(tmp_path) == around
    with _files_of_at_most(4_000), pytest.raises(FlowerpowerError):
        create_project(tmp_path, "new", source=path)
    assert not (tmp_path / "new").exists()


def test_what_was_replaced_comes_back(tmp_path: Path) -> None:
    """A failure after some files have been put in place puts the old ones back, with their modes."""
    old, fresh = tmp_path / "old.py", tmp_path / "new" / "new.py"
    old.write_text("mine")
    old.chmod(0o640)
    before = snapshot_of(tmp_path)
    blocked = tmp_path / "x"
    with pytest.raises(OSError, match=r"Is a directory"):
        write_files({old: b"yours", fresh: b"", blocked: b"", blocked / "y": b""})
    assert snapshot_of(tmp_path) == before
    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    write_files({old: b"yours"})
    assert (old.read_bytes(), stat.S_IMODE(old.stat().st_mode)) == (b"yours", 0o640)
    assert list(tmp_path.iterdir()) == [old]


# Renaming.


def test_a_pipeline_gets_another_name() -> None:
    """YAML and module are called anew, and no content is changed."""
    bundle = renamed(
        bundle_from_members(with_manifest({**SOUND, "pipelines/pq.py": b""}), ""), "p2-x"
    )
    assert bundle.pipeline == "p2-x"
    assert bundle.files == {
        Path("conf/pipelines/p2-x.yml"): SOUND[CONFIG],
        Path("pipelines/p2-x.py"): SOUND[MODULE],
        Path("pipelines/pq.py"): b"",
    }


def test_a_package_gets_another_name_too() -> None:
    """A pipeline whose module is a package moves with all of it."""
    members = {CONFIG: b"", "pipelines/p/__init__.py": b"import json", "pipelines/p/q.py": b""}
    files = renamed(bundle_from_members(with_manifest(members), ""), "new").files
    assert [path.as_posix() for path in files] == [
        "conf/pipelines/new.yml", "pipelines/new/__init__.py", "pipelines/new/q.py"
    ]  # fmt: skip


def test_modules_that_are_named_keep_their_names() -> None:
    """Where the YAML says `run.modules`, another name changes the name of the YAML alone."""
    members = {**SOUND, CONFIG: b"run: {modules: [pipelines.p]}"}
    files = renamed(bundle_from_members(with_manifest(members), ""), "new").files
    assert [path.as_posix() for path in files] == ["conf/pipelines/new.yml", MODULE]


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("pipelines/a.py", b"import pipelines.p"),
        ("pipelines/a.py", b"from pipelines import p"),
        ("pipelines/a.py", b"from . import p"),
        ("a.py", b"from pipelines.p import a"),
        (MODULE, b"import pipelines.p"),
        ("pipelines/new.py", b""),
    ],
)
def test_a_module_that_others_import_is_not_renamed(name: str, source: bytes) -> None:
    """A new name that would break an import, or meet another module, is refused."""
    bundle = bundle_from_members(with_manifest({**SOUND, name: source}), "")
    with pytest.raises(Refused):
        renamed(bundle, "new")
    assert renamed(bundle, "p").files == bundle.files
    with pytest.raises(InvalidName):
        renamed(bundle, "../new")


# A new project from a bundle.


def test_a_project_starts_from_a_bundle_or_a_project(
    make_project: MakeProject, tmp_path: Path
) -> None:
    """Its sources are copied; what is hidden, made by runs or installed is not."""
    root = make_project("name: old\njob_queue: {num_workers: 9}\n", p=("", ""))
    write_folder(root, {"data/a.csv": b"1", "README.md": b"", ".gitignore": b"mine",
                         ".env": b"KEY=1", ".git/config": b"", ".flowerpower/jobs.db": b"",
                         "output/x": b"", "pipelines/__pycache__/p.pyc": b"",
                         "env/pyvenv.cfg": b"", "env/lib/x.py": b""})  # fmt: skip
    created = create_project(tmp_path, "new", source=root)
    assert created.pipelines == ["p"]
    assert {path.as_posix() for path in created.files} == {
        ".gitignore", "README.md", CONFIG, "conf/project.yml", "data/a.csv", MODULE
    }  # fmt: skip
    project = load_project(created.root, {})
    assert (project.name, project.job_queue.num_workers) == ("new", 9)
    path = write_zip(tmp_path / "p.zip", sound_with())
    assert create_project(tmp_path, "other", source=path).pipelines == ["p"]


def test_a_project_with_links_or_too_much_is_not_copied(
    make_project: MakeProject, tmp_path: Path
) -> None:
    """Neither is a link followed nor a large file read, and no project is made."""
    root = make_project(p=("", ""))
    (root / "data").symlink_to("/etc")
    with pytest.raises(ConfigError, match="'data' is a link"):
        create_project(tmp_path, "new", source=root)
    (root / "data").unlink()
    for name in ("large.csv", "larger.csv"):
        (root / name).touch()
        os.truncate(root / name, MAX_BYTES // 2)
    with pytest.raises(ConfigError, match="20 MB"):
        read_project_folder(root)
    with pytest.raises(ConfigError, match="cannot be used"):
        create_project(tmp_path, "new", source=tmp_path)
    assert not (tmp_path / "new").exists()


def test_a_new_project_is_not_written_through_a_link(tmp_path: Path) -> None:
    """In a folder with links that lead out, `init` refuses; where a file is in the way, it fails."""
    path = write_zip(tmp_path / "p.zip", sound_with("a/b.py"))
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "a").symlink_to(tmp_path)
    before = snapshot_of(tmp_path)
    with pytest.raises(Refused, match="through a link"):
        create_project(tmp_path / "there", None, source=path)
    (tmp_path / "there" / "a").unlink()
    (tmp_path / "there" / "pipelines").write_text("")
    before = snapshot_of(tmp_path)
    with pytest.raises(FlowerpowerError):
        create_project(tmp_path / "there", None)
    assert snapshot_of(tmp_path) == before
