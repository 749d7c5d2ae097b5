"""Bundles: what is exported, and that it comes back as it was."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import pytest

from flowerpower.config.files import load_project
from flowerpower.errors import ConfigError, PipelineNotFound, Refused
from flowerpower.pipeline.bundles.bundle import (
    MANIFEST,
)
from flowerpower.pipeline.bundles.importing import read_bundle
from flowerpower.pipeline.bundles.module_files import MAX_MODULE_BYTES
from flowerpower.pipeline.bundles.writing import pack_pipeline, write_bundle
from flowerpower.pipeline.scaffold import create_project
from tests.conftest import MakeProject
from tests.unit.bundle_files import (
    CONFIG,
    MODULE,
    import_bundle,
    snapshot_of,
    write_folder,
)


def test_a_round_trip_is_byte_for_byte(make_project: MakeProject, tmp_path: Path) -> None:
    """YAML and modules come out of a folder and a zip as they went in, placeholders unread."""
    config = "# mine\r\nrun:\r\n  inputs: {key: '${NOT_SET}', n: 1}  # ä\r\n  timeout: ${T}\r\n"
    root = make_project()
    files = {
        Path(CONFIG): config.encode(),
        Path(MODULE): b"\xef\xbb\xbffrom pipelines import q\r\ndef a():\r\n    pass",
        Path("pipelines/q.py"): b"",
    }
    for path, content in files.items():
        (root / path).write_bytes(content)
    packed = pack_pipeline(load_project(root, {}), "p")
    for target in (tmp_path / "p.zip", tmp_path / "folder"):
        write_bundle(packed.bundle, target)
        assert read_bundle(target).files == files
        to = create_project(tmp_path, f"to_{target.stem}").root
        import_bundle(to, target)
        assert {path: (to / path).read_bytes() for path in files} == files


def test_the_same_content_makes_the_same_bytes(make_project: MakeProject, tmp_path: Path) -> None:
    """A zip depends on what is in it, not on times and modes."""
    root = make_project(p=("", "import pipelines.b, pipelines.a"), a=("", ""), b=("", ""))
    project = load_project(root, {})
    write_bundle(pack_pipeline(project, "p").bundle, tmp_path / "1.zip")
    os.utime(root / MODULE, (1e9, 1e9))
    (root / MODULE).chmod(0o700)
    write_bundle(pack_pipeline(project, "p").bundle, tmp_path / "2.zip")
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "1.zip") as archive:
        names = archive.namelist()
        assert names == sorted(names)
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert json.loads(archive.read(MANIFEST)) == {
            "v": 1,
            "pipeline": "p",
            "files": [CONFIG, "pipelines/a.py", "pipelines/b.py", MODULE],
        }


IMPORTS = {
    "import tools.one": {"tools/__init__.py", "tools/one.py"},
    "from tools import one": {"tools/__init__.py", "tools/one.py"},
    "from tools.one import f": {"tools/__init__.py", "tools/one.py"},
    "from tools import two": {"tools/__init__.py", "tools/two.py", "tools/one.py"},
    "from tools import *": {"tools/__init__.py"},
    "def a():\n    import plain.deep.x": {"plain/deep/x.py"},
    "if 1:\n  from plain.deep import x as y": {"plain/deep/x.py"},
    "from . import other": {"pipelines/other.py"},
    "from .other import f": {"pipelines/other.py"},
    "from .. import top": {"top.py"},
    "from ..tools.one import f": {"tools/__init__.py", "tools/one.py"},
    "from .... import top": set(),
    "import top, json": {"top.py"},
    "import pandas.core": set(),
    "import pipelines.p": set(),
    "import tools.none": {"tools/__init__.py"},
    "import linked": set(),
    "'import top'  # import top": set(),
}


@pytest.mark.parametrize(("source", "expected"), IMPORTS.items(), ids=list(IMPORTS))
def test_what_modules_import_is_packed(
    source: str, expected: set[str], make_project: MakeProject, tmp_path: Path
) -> None:
    """Files of the project that are run by an import are packed, and no other file is."""
    root = make_project(p=("", source), other=("", ""))
    tree = {"tools/__init__.py": b"", "tools/one.py": b"", "tools/two.py": b"from .one import f",
            "plain/deep/x.py": b"", "top.py": b"", "unused.py": b""}  # fmt: skip
    write_folder(root, tree)
    (tmp_path / "outside.py").write_text("secret = 1")
    (root / "linked.py").symlink_to(tmp_path / "outside.py")
    files = pack_pipeline(load_project(root, {}), "p").bundle.files
    assert {path.as_posix() for path in files} == {CONFIG, MODULE, *expected}


def test_packages_from_elsewhere_are_named(make_project: MakeProject) -> None:
    """Packages from outside the project are named, the standard library is not."""
    source = (
        "import json, pandas.core\nfrom hamilton.x import y\nfrom __future__ import annotations"
    )
    config = "run:\n  modules: [pipelines.p, installed.module, '${M}', 'pipelines.${N}']\n"
    packed = pack_pipeline(load_project(make_project(p=(config, source)), {}), "p")
    assert packed.not_packed == ["${M}", "hamilton", "installed", "pandas", "pipelines.${N}"]


def test_named_modules_and_adapters_are_packed(make_project: MakeProject) -> None:
    """`run.modules` and classes of one's own among the adapters say which modules belong to it."""
    config = (
        "run:\n  modules: [pipelines.a]\n"
        "  adapter: {custom: ['pipelines.b:B', {type: 'pipelines.c:C'}]}\n"
        "schedule: {cron: '@daily', run: {custom_adapters: ['pipelines.d:D']}}\n"
    )
    empty = dict.fromkeys("abcde", ("", ""))
    root = make_project(p=(config, ""), **empty)
    files = pack_pipeline(load_project(root, {}), "p").bundle.files
    assert {path.stem for path in files} == {"p", "a", "b", "c", "d"}
    assert Path(MODULE) not in files


def test_nothing_is_imported(make_project: MakeProject, tmp_path: Path) -> None:
    """Neither packing nor importing runs a line of a module."""
    root = make_project(p=("", f"open({str(tmp_path / 'ran')!r}, 'w')"))
    write_bundle(pack_pipeline(load_project(root, {}), "p").bundle, tmp_path / "p.zip")
    import_bundle(create_project(tmp_path, "to").root, tmp_path / "p.zip")
    assert not (tmp_path / "ran").exists()


def test_what_cannot_be_imported_is_not_exported(make_project: MakeProject, tmp_path: Path) -> None:
    """A missing module, wrong YAML, a broken or linked file are errors before anything is written."""
    (tmp_path / "outside").write_text("")
    root = make_project(
        broken=("", "def"),
        latin=("", "# -*- coding: latin-1 -*-"),
        wrong=("runn: {}", ""),
        missing=("run: {modules: [pipelines.mising]}", ""),
        large=("", "#" * (MAX_MODULE_BYTES + 1)),
    )
    for name, folder in (("module", "pipelines/{}.py"), ("config", "conf/pipelines/{}.yml")):
        write_folder(root, {f"conf/pipelines/{name}.yml": b"", f"pipelines/{name}.py": b""})
        (root / folder.format(name)).unlink()
        (root / folder.format(name)).symlink_to(tmp_path / "outside")
    project = load_project(root, {})
    for name, says in (
        ("broken", "pipelines/broken.py, line 1"),
        ("latin", "UTF-8"),
        ("wrong", "'run'"),
        ("missing", "pipelines/mising.py"),
        ("large", "500 kB"),
        ("module", "There is no module 'pipelines.module'"),
        ("config", "leads out"),
    ):
        with pytest.raises(ConfigError, match=says):
            pack_pipeline(project, name)
    with pytest.raises(PipelineNotFound, match="'wrong'"):
        pack_pipeline(project, "wrng")


def test_secrets_that_are_written_out_are_named(make_project: MakeProject) -> None:
    """A key named after a secret is named if its value stands in the file itself."""
    config = "params: {token: abc, api_key: '${KEY}', password_length: 8, tokens: [a, '${B}']}"
    packed = pack_pipeline(load_project(make_project(p=(config, "")), {}), "p")
    assert packed.secrets == ["params.token", "params.tokens[0]"]


def test_export_writes_over_nothing(make_project: MakeProject, tmp_path: Path) -> None:
    """What is there stays; with `overwrite` a file or a bundle's folder goes, and no other folder."""
    bundle = pack_pipeline(load_project(make_project(p=("", "")), {}), "p").bundle
    (tmp_path / "there.zip").write_text("mine")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    (tmp_path / "folder.zip").mkdir()
    (tmp_path / "empty").mkdir()
    os.symlink("nowhere", tmp_path / "link")
    write_bundle(bundle, tmp_path / "former")
    write_bundle(bundle, tmp_path / "added_to")
    (tmp_path / "added_to" / "notes.txt").write_text("mine")
    before = snapshot_of(tmp_path)
    for name in ("there.zip", "mine", "folder.zip", "empty", "link", "former", "added_to"):
        with pytest.raises(Refused):
            write_bundle(bundle, tmp_path / name)
    for name in ("mine", "folder.zip", "link", "added_to"):
        with pytest.raises(Refused):
            write_bundle(bundle, tmp_path / name, overwrite=True)
    assert snapshot_of(tmp_path) == before
    for name in ("there.zip", "former", "empty"):
        write_bundle(bundle, tmp_path / name, overwrite=True)
        assert read_bundle(tmp_path / name) == bundle
