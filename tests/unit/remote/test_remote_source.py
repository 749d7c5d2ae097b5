"""A project at a URL: fetched once per version, whole or not at all, read-only, and kept."""

from __future__ import annotations

import json
import stat
import zipfile
from pathlib import Path

import pytest

from flowerpower.config.files import load_project
from flowerpower.config.remote import listing, source
from flowerpower.config.remote.source import RemoteSource
from flowerpower.config.remote.version import version_in
from flowerpower.errors import (
    ConfigError,
    FlowerpowerError,
    SourceUnreachable,
)
from flowerpower.pipeline import PipelineManager
from tests.conditions import WAIT_LIMIT
from tests.unit.remote.stores import FILES, Store, at, contents, kept


def test_configuration_and_modules_are_fetched_once_per_version(store: Store, homes: Path) -> None:
    """conf/, pipelines/ and Python files come, once; a version that has changed comes beside it."""
    first = at(store).root()
    assert contents(first) == FILES
    reads = len(store.reads)
    assert at(store).root() == first
    assert len(store.reads) == reads
    store.fill({"data/sales.csv": b"3,4\n"})
    assert at(store).root() == first
    store.fill({"words.py": b"HI = 'Salut'\n"})
    second = at(store).root()
    assert contents(second)["words.py"] == b"HI = 'Salut'\n"
    assert contents(first) == FILES
    assert len(kept(homes)) == 2


def test_a_version_is_read_only_and_the_users_own(store: Store, homes: Path) -> None:
    """Nobody writes into a fetched version, and nobody else reads it."""
    root = at(store).root()
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (root, *root.rglob("*"))}
    assert modes == {0o400, 0o500}
    folder = homes / "cache" / "flowerpower"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    work = homes / "state" / "flowerpower" / "projects" / root.parents[1].name
    assert stat.S_IMODE(work.stat().st_mode) == 0o700


def test_a_fetched_version_is_a_project_whose_work_folder_all_versions_share(
    store: Store, homes: Path
) -> None:
    """What is written lands in the work folder, for any process that is given the root alone."""
    first = load_project(at(store).root())
    store.fill({"words.py": b"HI = 'Salut'\n"})
    second = load_project(at(store).root())
    assert first.version != second.version
    assert first.work == second.work
    assert first.work.is_relative_to(homes / "state")
    assert (first.name, first.remote and first.remote.source) == ("demo", "store://shop/demo")


def test_runs_and_outputs_are_in_the_work_folder(store: Store) -> None:
    """A pipeline runs from the read-only files, and relative paths mean the work folder."""
    store.fill({"conf/pipelines/hello.yml": b"run: {inputs: {name: you}, save: {text: t.json}}\n"})
    manager = PipelineManager("/shop/demo", fs=store, environ={}, quiet=True)
    before = contents(manager.project.root)
    assert manager.run_outcome("hello").values == {"text": "Hello you"}
    assert json.loads((manager.project.work / "t.json").read_bytes()) == "Hello you"
    after = contents(manager.project.root)
    assert {path: after[path] for path in before} == before


def test_a_source_that_changes_while_it_is_fetched_is_fetched_again(store: Store) -> None:
    """What is served is what the source held at one moment."""

    def change_once(path: str) -> None:
        if path.endswith("words.py"):
            store.before_read = lambda _: None
            # Read already, and of the same size.
            store.fill({"conf/project.yml": b"name: omed\n"})

    store.before_read = change_once
    root = at(store).root()
    assert contents(root) == {**FILES, "conf/project.yml": b"name: omed\n"}


def test_a_source_that_never_rests_is_an_error_that_says_so(store: Store, homes: Path) -> None:
    """After a few times it is given up, and nothing half-read is kept."""
    sizes = iter(range(1, 100))

    def change(path: str) -> None:
        if path.endswith("words.py"):
            store.fill({"conf/pipelines/hello.yml": b"#" * next(sizes)})

    store.before_read = change
    with pytest.raises(SourceUnreachable, match="has changed each of the 4 times") as raised:
        at(store).root()
    assert raised.value.exit_code == 5
    assert kept(homes) == []


def test_a_file_that_is_shorter_than_listed_is_never_served(
    store: Store, homes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half an upload, or half a download, is no version."""
    whole = Store.cat_file
    monkeypatch.setattr(Store, "cat_file", lambda *arguments: whole(*arguments)[:-1])
    with pytest.raises(SourceUnreachable, match=r"bytes, and not \d+ as it said"):
        at(store).root()
    assert kept(homes) == []


def test_offline_the_last_version_serves_with_a_warning(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """A source that does not answer stops nobody who has a version; who has none is told."""
    store.fault = OSError("no route to host")
    with pytest.raises(SourceUnreachable, match="no route to host") as raised:
        at(store).root()
    assert raised.value.exit_code == 5
    store.fault = None
    root = at(store).root()
    store.fault = OSError("no route to host")
    assert at(store).root() == root
    assert f"Going on with its version {root.parent.name[:12]}" in caplog.text


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (PermissionError("forbidden"), "forbidden"),
        (FileNotFoundError("gone"), "is not a project: there is no such folder"),
    ],
)
def test_what_the_source_refuses_is_not_served_from_the_cache(
    store: Store, fault: Exception, message: str
) -> None:
    """Neither to who may not read it any more, nor once it is gone."""
    at(store).root()
    store.fault = fault
    with pytest.raises(FlowerpowerError, match=message):
        at(store).root()


def test_a_source_that_hangs_is_given_up(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """No command waits for it for ever."""
    import threading

    monkeypatch.setattr(source, "LOOK_SECONDS", 0.05)
    released = threading.Event()
    monkeypatch.setattr(store, "ls", lambda *_, **__: released.wait(WAIT_LIMIT))
    with pytest.raises(SourceUnreachable, match=r"did not answer in 0\.05 seconds"):
        at(store).root()
    released.set()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"conf/project.yml": b""}, None),
        ({"pipelines/../../evil.py": b""}, "cannot be the name of a file"),
        ({"pipelines/a\nb.py": b""}, "cannot be the name of a file"),
        ({"pipelines/a\\b.py": b""}, "cannot be the name of a file"),
        ({f"pipelines/{'x' * 300}.py": b""}, "cannot be the name of a file"),
        ({"pipelines/big.bin": b"x" * 2000}, "larger than"),
        ({f"pipelines/{number}.py": b"" for number in range(20)}, "has 21 files: expected 9"),
        ({f"data/{number}.csv": b"" for number in range(60)}, "more than 50 files and folders"),
    ],
)
def test_names_and_sizes_are_checked_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes], message: str | None
) -> None:
    """No name leads out of the folder, and no project fills the disk."""
    monkeypatch.setattr(listing, "MAX_FILES", 9)
    monkeypatch.setattr(listing, "MAX_LISTED", 50)
    monkeypatch.setattr(listing, "MAX_BYTES", 1000)
    archive = tmp_path / "demo.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        for name, content in {"conf/project.yml": b"", **files}.items():
            zipped.writestr(name, content)
    opened = RemoteSource(f"zip://::file://{archive}", environ={})
    if message is None:
        assert version_in(opened.root()) is not None
        return
    with pytest.raises(ConfigError, match=message):
        opened.root()
    assert kept(tmp_path) == []


def test_symbolic_links_are_refused(tmp_path: Path) -> None:
    """Where they would be fetched; a folder of data may be one."""
    for path, content in FILES.items():
        file = tmp_path / "demo" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    (tmp_path / "demo" / "data").symlink_to(tmp_path)
    opened = RemoteSource(f"file://{tmp_path}/demo", environ={})
    assert contents(opened.root()) == FILES
    (tmp_path / "demo" / "pipelines" / "secret.py").symlink_to("/etc/passwd")
    with pytest.raises(ConfigError, match=r"pipelines/secret\.py is a symbolic link"):
        opened.newest()
