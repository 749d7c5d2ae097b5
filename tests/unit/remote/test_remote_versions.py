"""Versions of a remote project: kept, named by jobs, followed, and fetched by several at once."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from flowerpower.config.project_source import LocalSource
from flowerpower.config.remote.source import RemoteSource
from flowerpower.errors import (
    FlowerpowerError,
)
from tests.conditions import WAIT_LIMIT, eventually
from tests.unit.remote.stores import FILES, Store, at, contents, kept


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
        cwd=Path(__file__).parents[3],
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
