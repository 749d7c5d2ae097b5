"""`pipeline export`, `pipeline import` and `init --from`, as a person uses them."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import MakeProject
from tests.terminal import Cli

CONFIG = """\
# What it is for.
run:
  inputs: {number: 20, who: "${WHO:-you}"}  # and this
  final_vars: [answer]
"""
MODULE = """\
import pandas as pd

from lib.doubling import twice


def answer(number: int, who: str) -> dict:
    return {"who": who, "number": int(pd.Series([twice(number)]).sum()) + 2}
"""
DOUBLING = "def twice(number: int) -> int:\n    return 2 * number\n"
FILES = ["conf/pipelines/report.yml", "lib/doubling.py", "pipelines/report.py"]
SNAPSHOT = dict[str, bytes]


@pytest.fixture
def source(make_project: MakeProject, cli: Cli) -> Cli:
    """The command line in a project with a pipeline that imports a module beside it."""
    root = make_project(report=(CONFIG, MODULE))
    (root / "lib").mkdir()
    (root / "lib" / "doubling.py").write_text(DOUBLING)
    return cli


@pytest.fixture
def target(tmp_path: Path, source: Cli) -> Cli:
    """The command line in a new project."""
    elsewhere = replace(source, folder=tmp_path)
    elsewhere.run("init", "target", code=0)
    return replace(source, folder=tmp_path / "target")


def _files(folder: Path) -> SNAPSHOT:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("name", ["report.zip", "report"])
def test_an_imported_pipeline_gives_the_same(name: str, source: Cli, target: Cli) -> None:
    """From project to project, as a zip or a folder, a pipeline runs to the same result."""
    exported = source.run("pipeline", "export", "report", "-o", name, code=0)
    assert exported.stdout.splitlines() == FILES
    assert "Not included, because not of this project: pandas." in exported.stderr
    imported = target.run("pipeline", "import", str(source.folder / name), code=0)
    assert "Run it: flowerpower pipeline run report" in imported.stderr
    results = [
        cli.run("pipeline", "run", "report", "--json", code=0, WHO="me").json["outputs"]
        for cli in (source, target)
    ]
    assert results[0] == results[1] == {"answer": {"who": "me", "number": 42}}
    for path in FILES:
        assert (target.folder / path).read_bytes() == (source.folder / path).read_bytes()


def test_export_goes_to_a_zip_here_by_default(source: Cli, tmp_path: Path) -> None:
    """Without --output it is PIPELINE.zip in the current folder, wherever the project is."""
    elsewhere = replace(source, folder=tmp_path)
    exported = elsewhere.run(
        "pipeline", "export", "report", "--base-dir", "work", "--json", code=0
    ).json
    assert exported == {
        "pipeline": "report",
        "path": str(tmp_path / "report.zip"),
        "files": FILES,
        "not_packed": ["pandas"],
    }
    assert zipfile.is_zipfile(tmp_path / "report.zip")
    assert source.run("pipeline", "export", "report", "--quiet", code=0).stdout == "report\n"


def test_no_secret_is_packed_unsaid(source: Cli) -> None:
    """A variable is not expanded, not even read; what is written out as a secret is warned of."""
    path = source.folder / FILES[0]
    path.write_text(CONFIG + "params: {api_key: '${API_KEY}', token: s3cr3t}\n")
    exported = source.run("pipeline", "export", "report", "-o", "out", code=0, API_KEY="hidden!")
    assert "Warning: params.token in conf/pipelines/report.yml is plain text" in exported.stderr
    assert "s3cr3t" not in exported.stderr + exported.stdout
    assert (source.folder / "out" / FILES[0]).read_bytes() == path.read_bytes()
    assert b"hidden!" not in b"".join(_files(source.folder).values())
    path.write_text(CONFIG + "params: {api_key: '${API_KEY}'}\n")
    assert "Warning" not in source.run("pipeline", "export", "report", "-o", "x", code=0).stderr


def test_export_refuses_and_replaces(source: Cli) -> None:
    """What is there stops it with 8; --overwrite replaces its own, never a folder of others."""
    for name in ("out", "out.zip"):
        source.run("pipeline", "export", "report", "-o", name, code=0)
        again = source.run("pipeline", "export", "report", "-o", name, code=8)
        assert f"{name} already exists" in again.stderr
        source.run("pipeline", "export", "report", "-o", name, "--overwrite", code=0)
    before = _files(source.folder)
    for name in ("pipelines", ".", "conf"):
        source.run("pipeline", "export", "report", "-o", name, "--overwrite", code=8)
    source.run("pipeline", "export", "report", "-o", "none/out.zip", code=1)
    unknown = source.run("pipeline", "export", "reprot", "--json", code=3)
    assert "'report'" in unknown.error["message"]
    assert _files(source.folder) == before


def test_import_names_conflicts_and_replaces(source: Cli, target: Cli) -> None:
    """Other content is a conflict, all named at once; --overwrite asks, or takes --yes for it."""
    source.run("pipeline", "export", "report", code=0)
    path = str(source.folder / "report.zip")
    target.run("pipeline", "import", path, code=0)
    same = target.run("pipeline", "import", path, "--json", code=0).json
    assert (same["replaced"], same["unchanged"]) == ([], FILES)
    for name in FILES[:2]:
        (target.folder / name).write_text("# mine\n")
    before = _files(target.folder)
    refused = target.run("pipeline", "import", path, "--json", code=8).error
    assert [line.split()[0] for line in refused["details"]] == FILES[:2]
    assert "--overwrite" in refused["hint"]
    unasked = target.run("pipeline", "import", path, "--overwrite", code=8)
    assert "--yes" in unasked.stderr
    planned = target.run("pipeline", "import", path, "--overwrite", "--dry-run", "--json", code=0)
    assert planned.json == {
        "pipeline": "report",
        "files": FILES,
        "replaced": FILES[:2],
        "unchanged": FILES[2:],
        "imported": False,
    }
    no = target.run_in_terminal("pipeline", "import", path, "--overwrite", typed="n\n")
    assert no.code == 8
    assert "This replaces conf/pipelines/report.yml and lib/doubling.py" in no.stderr
    assert _files(target.folder) == before
    target.run("pipeline", "import", path, "--overwrite", "--yes", code=0)
    assert (target.folder / FILES[1]).read_text() == DOUBLING


def test_import_under_another_name(source: Cli, target: Cli) -> None:
    """--name renames YAML and module; modules that the YAML names keep their names, and it says so."""
    source.run("pipeline", "export", "report", code=0)
    path = str(source.folder / "report.zip")
    dry = target.run("pipeline", "import", path, "--name", "weekly", "--dry-run", code=0)
    assert "pipelines/weekly.py        new" in dry.stdout
    assert target.run("pipeline", "list", "--quiet", code=0).stdout == ""
    target.run("pipeline", "import", path, "--name", "weekly", code=0)
    assert target.run("pipeline", "list", "--quiet", code=0).stdout == "weekly\n"
    target.run("pipeline", "run", "weekly", code=0)
    (source.folder / FILES[0]).write_text(CONFIG + "  modules: [pipelines.report]\n")
    source.run("pipeline", "export", "report", "--overwrite", code=0)
    kept = target.run("pipeline", "import", path, "--name", "monthly", code=0)
    assert "The YAML lists modules, which keep their names: pipelines.report." in kept.stderr
    target.run("pipeline", "run", "monthly", code=0)
    target.run("pipeline", "import", path, "--name", "../x", code=2)


def test_hostile_bundles_are_told_of_safely(target: Cli) -> None:
    """A hostile name is an error with code 4, shows no control character and writes nothing."""
    path = target.folder.parent / "evil.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("../\x1b[2Jevil.py", "flowerpower-pipeline.json"):
            info = zipfile.ZipInfo("x")
            info.filename = name
            listed = {"v": 1, "pipeline": "p", "files": ["../\x1b[2Jevil.py"]}
            archive.writestr(info, json.dumps(listed))
    before = _files(target.folder.parent)
    for arguments in (("pipeline", "import"), ("init", "new", "--from")):
        ended = target.run(*arguments, str(path), code=4)
        assert "Error: " in ended.stderr
        assert "Traceback" not in ended.stderr
        assert "\x1b" not in ended.stderr
    missing = target.run("pipeline", "import", str(path.with_name("evli.zip")), "--json", code=2)
    assert "'evil.zip'" in missing.error["message"]
    assert _files(target.folder.parent) == before


def test_a_project_from_a_zip_a_folder_a_project_and_a_url(source: Cli, tmp_path: Path) -> None:
    """`init --from` makes a project in which the pipeline gives the same; never from two sources."""
    elsewhere = replace(source, folder=tmp_path)
    for name in ("report.zip", "report"):
        source.run("pipeline", "export", "report", "-o", f"../{name}", code=0)
    names = ("report.zip", "report", "work", f"file://{source.folder}")
    for number, name in enumerate(names):
        made = elsewhere.run("init", f"p{number}", "--from", name, code=0)
        assert f"Next: cd p{number} && flowerpower pipeline run report" in made.stderr
        new = replace(source, folder=tmp_path / f"p{number}")
        result = new.run("pipeline", "run", "report", "--json", code=0).json["outputs"]
        assert result == {"answer": {"who": "you", "number": 42}}
        assert f'name: "p{number}"' in (new.folder / "conf" / "project.yml").read_text()
    both = elsewhere.run("init", "no", "--from", "report", "--example", "weather", code=2)
    assert "not from both" in both.stderr
    elsewhere.run("init", "no", "--from", "nothing.zip", code=2)
    elsewhere.run("init", "no", "--from", "home", code=4)
    elsewhere.run("init", "p0", "--from", "report", code=8)
    assert not (tmp_path / "no").exists()
