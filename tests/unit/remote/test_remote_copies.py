"""New projects that start from a project at a URL."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowerpower.config.files import load_project
from flowerpower.config.remote import listing
from flowerpower.errors import ConfigError, ProjectNotFound, SourceUnreachable
from flowerpower.pipeline.bundles.bundle import MAX_BYTES
from flowerpower.pipeline.scaffold import create_project
from tests.conftest import MakeProject


@pytest.fixture
def published(make_project: MakeProject) -> Path:
    """A project with data, and with what no copy of it has."""
    root = make_project(
        "name: old\nlimits: {warehouse: 1}\n", p=("", "def one() -> int: return 1\n")
    )
    for name in ("data/sales.csv", "README.md", ".env", ".git/config", "env/pyvenv.cfg"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("1\n")
    return root


def test_a_project_at_a_url_is_copied_whole(published: Path, tmp_path: Path, homes: Path) -> None:
    """With its data, which a run of it does not fetch; nothing is left in between."""
    made = create_project(tmp_path, "new", source=f"file://{published}")
    assert {path.as_posix() for path in made.files} == {
        ".gitignore", "README.md", "conf/pipelines/p.yml", "conf/project.yml", "data/sales.csv",
        "pipelines/p.py",
    }  # fmt: skip
    project = load_project(made.root, {})
    assert (project.name, list(project.config.limits)) == ("new", ["warehouse"])
    assert not (homes / "cache").exists()


def test_a_project_of_upstreams_at_a_url_is_converted(published: Path, tmp_path: Path) -> None:
    """Also one whose file has another suffix there."""
    (published / "conf" / "project.yml").rename(published / "conf" / "project.yaml")
    made = create_project(tmp_path, "new", source=f"file://{published}")
    assert made.conversion is not None
    assert made.conversion.project["limits"] == {"warehouse": 1}
    assert (made.root / "data" / "sales.csv").read_text() == "1\n"


def test_what_cannot_be_copied_from_a_url_is_said(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the address, and nothing is made."""
    url = f"file://{published}"
    with pytest.raises(ProjectNotFound, match=f"{url}/data is not a project"):
        create_project(tmp_path, "new", source=f"{url}/data")
    with pytest.raises(ConfigError, match="fsspec knows no s4"):
        create_project(tmp_path, "new", source="s4://shop/demo")
    monkeypatch.setattr(listing, "MAX_FILES", 4)
    with pytest.raises(ConfigError, match="has 5 files: expected 4") as caught:
        create_project(tmp_path, "new", source=url)
    assert "name the folder" in str(caught.value.hint)
    monkeypatch.setattr(listing, "MAX_FILES", 2000)
    (published / "data" / "large.csv").write_bytes(b"1" * (MAX_BYTES + 1))
    with pytest.raises(ConfigError, match=f"{url}.* 20 MB"):
        create_project(tmp_path, "new", source=url)
    with pytest.raises(SourceUnreachable, match="cannot be read"):
        create_project(tmp_path, "new", source=f"zip://::file://{published}/none.zip")
    assert not (tmp_path / "new").exists()
