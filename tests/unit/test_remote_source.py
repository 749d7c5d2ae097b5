"""A project at a URL: fetched once per version, whole or not at all, read-only, and kept."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from flowerpower.config.files import load_project
from flowerpower.config.project_source import LocalSource, find_source
from flowerpower.config.remote import address, listing, source
from flowerpower.config.remote.source import RemoteSource
from flowerpower.config.remote.version import MARK, version_in
from flowerpower.errors import (
    ConfigError,
    FlowerpowerError,
    SourceUnreachable,
    UsageError,
)
from flowerpower.pipeline import PipelineManager
from flowerpower.text import MASK, mask
from tests.conditions import WAIT_LIMIT, eventually

FILES = {
    "conf/project.yml": b"name: demo\n",
    "conf/pipelines/hello.yml": b"run: {inputs: {name: you}}\n",
    "pipelines/hello.py": b"from words import HI\n\ndef text(name: str) -> str:\n"
    b"    return f'{HI} {name}'\n",
    "words.py": b"HI = 'Hello'\n",
}
NOT_FETCHED = {
    "data/sales.csv": b"1,2\n",
    ".git/config": b"",
    "pipelines/__pycache__/hello.cpython-311.pyc": b"",
    "env/pyvenv.cfg": b"",
    "env/lib/module.py": b"",
    "README.md": b"# Demo\n",
}


class Store(MemoryFileSystem):
    """A file system in memory of one test; it counts reads, and fails as it is told to."""

    cachable = False
    protocol = "store"

    def __init__(self) -> None:
        super().__init__()
        self.store: dict[str, Any] = {}
        self.pseudo_dirs = [""]
        self.reads: list[str] = []
        self.fault: Exception | None = None
        self.before_read: Callable[[str], None] = lambda _: None

    def fill(self, files: dict[str, bytes]) -> None:
        for path, content in files.items():
            self.pipe_file(f"/shop/demo/{path}", content)

    def ls(self, path: str, detail: bool = True, **options: Any) -> Any:
        if self.fault is not None:
            raise self.fault
        return super().ls(path, detail, **options)

    def cat_file(self, path: str, *arguments: Any, **options: Any) -> bytes:
        self.before_read(path)
        self.reads.append(path)
        return bytes(super().cat_file(path, *arguments, **options))


@pytest.fixture(autouse=True)
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Caches and work folders of this test alone; the folder that they are in."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(source.time, "sleep", lambda _: None)
    return tmp_path


@pytest.fixture
def store() -> Store:
    """A store with a project."""
    made = Store()
    made.fill({**FILES, **NOT_FETCHED})
    return made


def at(store: Store) -> RemoteSource:
    """What a new process makes of the project in the store."""
    return RemoteSource("/shop/demo", fs=store, environ={})


def contents(root: Path) -> dict[str, bytes]:
    paths = [path for path in root.rglob("*") if path.is_file() and path.name != MARK]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}


def kept(homes: Path) -> list[Path]:
    """The versions in the cache, and whatever else is there but notes."""
    return [path for path in homes.glob("cache/flowerpower/projects/*/*") if path.is_dir()]


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


def test_secrets_of_options_and_addresses_are_nowhere(homes: Path) -> None:
    """Neither in messages nor in a name or a file that is written."""
    options = {"key": "AKIA-hidden", "secret": "hidden-too", "s3": {"sas_token": "also-hidden"}}
    url = "memory://user:pa55word@host/demo"
    opened = RemoteSource(url, options, environ={})
    with pytest.raises(FlowerpowerError) as raised:
        opened.root()
    said = f"{raised.value} {opened.shown} {address.key_of(url, options)} {vars(raised.value)}"
    for secret in ("AKIA-hidden", "hidden-too", "also-hidden", "pa55word"):
        assert secret not in said
        assert mask(f"it is {secret}") == f"it is {MASK}"
    assert address.key_of(url, {"endpoint": "a"}) != address.key_of(url, {"endpoint": "b"})
    for shown in (address.shown, mask):
        assert shown("github://org:repo@main/x") == "github://org:repo@main/x"
        assert shown("ftp://me:wordpass@main/x") == f"ftp://me:{MASK}@main/x"


@pytest.mark.parametrize(
    ("url", "whole"),
    [
        ("zip://::demo.zip", "zip://::file://{}/demo.zip"),
        ("zip::demo.zip", "zip::file://{}/demo.zip"),
        ("zip://::file://demo.zip", "zip://::file://{}/demo.zip"),
        ("file://demo", "file://{}/demo"),
        ("file:///srv/demo", "file:///srv/demo"),
        ("zip://::s3://bucket/demo.zip", "zip://::s3://bucket/demo.zip"),
        ("zip::memory", "zip::memory"),
    ],
)
def test_a_path_on_this_machine_is_absolute(
    url: str, whole: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same text in another folder is another project."""
    monkeypatch.chdir(tmp_path)
    assert address.absolute(url) == whole.format(tmp_path)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("s3://bucket/team/demo/", "demo"),
        ("github://org:repo@v1", "repo"),
        ("github://org:repo@v1/sub", "sub"),
        ("zip://::s3://bucket/demo.zip", "demo"),
        ("ftp://user:word@host", "host"),
        ("memory://", "project"),
    ],
)
def test_a_project_without_a_name_has_that_of_its_address(url: str, name: str) -> None:
    """Never a part that may be a password."""
    assert address.name_of(url) == name


@pytest.mark.parametrize(
    ("url", "environ", "message"),
    [
        ("memry://demo", {}, r"fsspec knows no memry://\. Did you mean 'memory'"),
        ("s3://bucket/demo", {}, "s3:// needs another package: Install s3fs"),
        ("memory://x", {"FLOWERPOWER_STORAGE_OPTIONS": "[1]"}, "is no JSON object"),
        ("memory://x", {"FLOWERPOWER_STORAGE_OPTIONS": "{secret"}, "is no JSON object"),
        ("memory://x", {"FLOWERPOWER_LOOK_EVERY": "often"}, "FLOWERPOWER_LOOK_EVERY"),
        ("memory://no-such-project", {}, "is not a project"),
    ],
)
def test_what_cannot_be_opened_is_said(url: str, environ: dict[str, str], message: str) -> None:
    """With what is wrong, and never with the text of the options."""
    with pytest.raises(ConfigError, match=message) as raised:
        RemoteSource(url, environ=environ).root()
    assert "{secret" not in str(raised.value)


def test_without_fsspec_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for every package that is optional."""
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(ConfigError) as raised:
        RemoteSource("memory://x", environ={}).root()
    assert "flowerpower-cli[remote]" in str(raised.value.hint)


def test_options_for_a_folder_are_an_error(tmp_path: Path) -> None:
    """They would do nothing there."""
    with pytest.raises(UsageError, match="storage_options="):
        find_source(tmp_path, {}, {"key": "x"})


def test_a_version_that_lost_a_file_is_fetched_again(store: Store) -> None:
    """Something that cleans up caches may take a part of one."""
    root = at(store).root()
    os.chmod(root, 0o700)
    (root / "words.py").unlink()
    assert contents(at(store).root()) == FILES


def test_a_version_that_nobody_used_for_long_goes(
    store: Store, homes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When another one is fetched."""
    old = at(store).root().parent
    os.utime(old, (0, 0))
    store.fill({"words.py": b"HI = 'Salut'\n"})
    new = at(store).root().parent
    assert new in kept(homes)
    store.fill({"words.py": b"HI = 'Ciao'\n"})
    at(store).root()
    assert old not in kept(homes)
    assert new in kept(homes)


def test_a_job_gets_the_version_that_it_names(store: Store) -> None:
    """From the cache, or from the source while it has it; else it is said that it is gone."""
    asked = at(store)
    first = asked.root().parent.name
    store.fill({"words.py": b"HI = 'Salut'\n"})
    second = at(store).root().parent.name
    assert asked.root_of(first).parent.name == first
    assert asked.root_of(second).parent.name == second
    assert asked.root_of(None).parent.name in (first, second)
    for damaged in ("../../x", "", "f" * 39):
        with pytest.raises(FlowerpowerError, match="damaged"):
            asked.root_of(damaged)
    with pytest.raises(FlowerpowerError, match="ffffffffffff of store://shop/demo, which is gone"):
        asked.root_of("f" * 40)


def test_a_machine_without_the_version_fetches_it(
    store: Store, homes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as the source has it."""
    version = at(store).root().parent.name
    monkeypatch.setenv("XDG_CACHE_HOME", str(homes / "another-machine"))
    assert at(store).root_of(version).parent.name == version
    store.fault = OSError("away")
    monkeypatch.setenv("XDG_CACHE_HOME", str(homes / "a-third"))
    with pytest.raises(FlowerpowerError, match=r"cannot be fetched: .*away"):
        at(store).root_of(version)


def test_a_folder_serves_no_other_version(tmp_path: Path, store: Store) -> None:
    """A worker that runs a checkout says so, instead of running something else."""
    with pytest.raises(FlowerpowerError, match="this worker runs the folder"):
        LocalSource(tmp_path).root_of("f" * 40)
    root = at(store).root()
    assert LocalSource(root).root_of(root.parent.name) == root


def test_a_watched_source_is_followed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a worker runs it learns of new versions; what fails is told once, and it goes on."""
    opened = RemoteSource("/shop/demo", fs=store, environ={"FLOWERPOWER_LOOK_EVERY": "0.1s"})
    first = opened.root()
    troubles: list[str] = []
    with opened.watched(troubles.append):
        store.fill({"words.py": b"HI = 'Salut'\n"})
        eventually(lambda: opened.root() != first)
        second = opened.root()
        store.fault = OSError("away")
        eventually(lambda: troubles)
        store.fault = None
        store.fill({"words.py": b"HI = 'Ciao'\n"})
        eventually(lambda: opened.root() != second)
    assert len(troubles) == 1
    assert "away" in troubles[0]


FETCHING = """
import sys, time
from pathlib import Path
from flowerpower.config.remote import cache
from flowerpower.config.remote.source import RemoteSource

write = cache._write
def slow(target, content):
    write(target, content)
    Path(sys.argv[2]).touch()
    time.sleep(float(sys.argv[3]))
cache._write = slow
print(RemoteSource(sys.argv[1]).root(), flush=True)
"""


def _fetching(url: str, began: Path, pause: float) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", FETCHING, url, str(began), str(pause)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def test_a_fetch_that_is_killed_leaves_nothing_that_counts(tmp_path: Path) -> None:
    """By kill -9 in the midst of writing: the next process fetches a whole version, and tidies up."""
    archive = tmp_path / "demo.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        for name, content in FILES.items():
            zipped.writestr(name, content)
    url = f"zip://::file://{archive}"
    with _fetching(url, tmp_path / "began", 600) as killed:
        eventually((tmp_path / "began").exists)
        killed.kill()
    (left,) = kept(tmp_path)
    assert left.name.startswith(".fetch-")
    root = RemoteSource(url).root()
    assert contents(root) == FILES
    assert kept(tmp_path) == [root.parent]


def test_two_processes_that_fetch_at_once_have_one_version(tmp_path: Path) -> None:
    """The second waits for the first, and both go on with the same folder."""
    archive = tmp_path / "demo.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        for name, content in FILES.items():
            zipped.writestr(name, content)
    url = f"zip://::file://{archive}"
    with (
        _fetching(url, tmp_path / "first", 0.05) as one,
        _fetching(url, tmp_path / "second", 0.05) as other,
    ):
        roots = {process.communicate(timeout=WAIT_LIMIT)[0].strip() for process in (one, other)}
    (root,) = roots
    assert contents(Path(root)) == FILES
    # Only who has the lock writes: the other one has written nothing.
    assert (tmp_path / "first").exists() != (tmp_path / "second").exists()
    assert kept(tmp_path) == [Path(root).parent]
