"""A store with a project, and folders of this machine that nothing has used."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowerpower.config.remote import source
from tests.unit.remote.stores import FILES, NOT_FETCHED, Store


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
