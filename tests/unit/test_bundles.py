"""Bundles: what is exported and imported, and that hostile ones leave no trace."""

from __future__ import annotations

import json
import os
import resource
import stat
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowerpower.atomic_files import write_files
from flowerpower.config.files import load_project
from flowerpower.errors import ConfigError, FlowerpowerError, InvalidName, PipelineNotFound, Refused
from flowerpower.pipeline.bundles.bundle import (
    MANIFEST,
    MAX_BYTES,
    MAX_MEMBERS,
    bundle_from_members,
    renamed,
)
from flowerpower.pipeline.bundles.importing import plan_import, read_bundle, read_project_folder
from flowerpower.pipeline.bundles.module_files import MAX_MODULE_BYTES
from flowerpower.pipeline.bundles.writing import pack_pipeline, write_bundle
from flowerpower.pipeline.scaffold import create_project
from tests.conftest import MakeProject

CONFIG = "conf/pipelines/p.yml"
MODULE = "pipelines/p.py"
SOUND = {CONFIG: b"run: {}\n", MODULE: b"def a() -> int:\n    return 1\n"}

Members = dict[str, bytes]
Snapshot = dict[str, bytes | str | None]


def _manifest(*names: str, pipeline: str = "p", v: object = 1) -> bytes:
    return json.dumps({"v": v, "pipeline": pipeline, "files": list(names)}).encode()


def _with_manifest(members: Members) -> Members:
    return {MANIFEST: _manifest(*members), **members}


def _write_zip(
    path: Path, members: list[tuple[str, bytes]], change: Callable[[zipfile.ZipInfo], None] = id
) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            info = zipfile.ZipInfo("x")
            info.filename = name
            info.compress_type = zipfile.ZIP_DEFLATED
            change(info)
            archive.writestr(info, content)
    return path


def _write_folder(path: Path, members: Members) -> Path:
    for name, content in members.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def _snapshot(folder: Path) -> Snapshot:
    return {
        path.relative_to(folder).as_posix(): os.readlink(path)
        if path.is_symlink()
        else path.read_bytes()
        if path.is_file()
        else None
        for path in folder.rglob("*")
    }


def _import(root: Path, path: Path, *, overwrite: bool = False) -> None:
    plan_import(root, read_bundle(path), overwrite=overwrite).apply()


def _refused(root: Path, path: Path, error: type[FlowerpowerError], says: str) -> None:
    """The import raises `error`, and the project and what is around it stay as they were."""
    before = _snapshot(root.parent)
    with pytest.raises(error, match=says):
        _import(root, path, overwrite=True)
    assert _snapshot(root.parent) == before


# Export.


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
        _import(to, target)
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
    _write_folder(root, tree)
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
    _import(create_project(tmp_path, "to").root, tmp_path / "p.zip")
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
        _write_folder(root, {f"conf/pipelines/{name}.yml": b"", f"pipelines/{name}.py": b""})
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
    before = _snapshot(tmp_path)
    for name in ("there.zip", "mine", "folder.zip", "empty", "link", "former", "added_to"):
        with pytest.raises(Refused):
            write_bundle(bundle, tmp_path / name)
    for name in ("mine", "folder.zip", "link", "added_to"):
        with pytest.raises(Refused):
            write_bundle(bundle, tmp_path / name, overwrite=True)
    assert _snapshot(tmp_path) == before
    for name in ("there.zip", "former", "empty"):
        write_bundle(bundle, tmp_path / name, overwrite=True)
        assert read_bundle(tmp_path / name) == bundle


# Reading.


def _changed(**changes: bytes | None) -> list[tuple[str, bytes]]:
    """A sound bundle with members put in place of others, or (None) left out."""
    members = {**_with_manifest(SOUND), **changes}
    return [(name, content) for name, content in members.items() if content is not None]


def _also(*names: str, content: bytes = b"") -> list[tuple[str, bytes]]:
    """A sound bundle with more members, all of them listed."""
    listed = _manifest(*SOUND, *dict.fromkeys(names))
    return [(MANIFEST, listed), *SOUND.items(), *((name, content) for name in names)]


BAD_NAMES = {
    "../p.py": "leads out",
    "a/../../p.py": "leads out",
    "..": "leads out",
    "/etc/p.py": "absolute",
    "//p.py": "absolute",
    "C:/p.py": "absolute",
    "c:p.py": "absolute",
    "json.py": "would hide Python's own module json",
    "random/deep.py": "would hide",
    "a\\p.py": "backslash",
    "..\\p.py": "backslash",
    "a\x00.py": "control",
    "a\x1b[2J.py": "control",
    "a\n.py": "control",
    "a\x85.py": "control",
    "a\u202e.py": "path of a module",
    "./a.py": "path of a module",
    "a//b.py": "path of a module",
    "a/./b.py": "path of a module",
    ".py": "path of a module",
    "a b.py": "path of a module",
    "a.b.py": "path of a module",
    "~/a.py": "path of a module",
    "$HOME/a.py": "path of a module",
    ".flowerpower/a.py": "path of a module",
    ".git/hooks/a.py": "path of a module",
    "a/.hidden.py": "path of a module",
    "a" * 250 + ".py": "path of a module",
    "conf/project.yml": "neither",
    "conf/pipelines/q.yml": "neither",
    "conf/pipelines/P.yml": "neither",
    "conf/pipelines/p.YML": "neither",
    "conf/pipelines/p.yaml": "neither",
    ".flowerpower/jobs.db": "neither",
    "data/a.csv": "neither",
    "pipelines/a.so": "neither",
    "pipelines/a.pyc": "neither",
    "pipelines/a.pth": "neither",
    "pipelines/a.PY": "neither",
    "a": "neither",
    "": "neither",
    "pipelines/P.py": "differ only by case",
    "Pipelines/a.py": "differ only by case",
    "pipelines/\uff50.py": "differ only by case",
    "CONF/a.py": "differ only by case",
}


@pytest.mark.parametrize(("name", "says"), BAD_NAMES.items(), ids=map(ascii, BAD_NAMES))
def test_a_member_has_a_proper_name(
    name: str, says: str, make_project: MakeProject, tmp_path: Path
) -> None:
    """A zip with a member anywhere but where modules and its YAML are is refused as a whole."""
    _refused(make_project(), _write_zip(tmp_path / "p.zip", _also(name)), ConfigError, says)


HOSTILE_MEMBERS = {
    "no manifest": (_changed(**{MANIFEST: None}), "has no flowerpower-pipeline.json"),
    "no JSON": (_changed(**{MANIFEST: b"{"}), "is not JSON"),
    "deep JSON": (_changed(**{MANIFEST: b"[" * 1_000_000}), "is not JSON"),
    "binary JSON": (_changed(**{MANIFEST: b"\xff\xfe\x00"}), "is not JSON"),
    "a list": (_changed(**{MANIFEST: b"[]"}), "is not {"),
    "another key": (_changed(**{MANIFEST: b'{"v": 1, "pipeline": "p", "files": [], "x": 1}'}), "is not {"),
    "later": (_changed(**{MANIFEST: b'{"v": 2}'}), "reads version 1"),
    "no version": (_changed(**{MANIFEST: _manifest(*SOUND, v="1")}), "is not {"),
    "bad pipeline": (_changed(**{MANIFEST: _manifest(*SOUND, pipeline="../p")}), "cannot be the name of a pipeline"),
    "no pipeline": (_changed(**{MANIFEST: b'{"v": 1, "pipeline": null, "files": []}'}), "cannot be the name of a pipeline"),
    "files no list": (_changed(**{MANIFEST: b'{"v": 1, "pipeline": "p", "files": "p.py"}'}), "list of paths"),
    "files of numbers": (_changed(**{MANIFEST: b'{"v": 1, "pipeline": "p", "files": [1]}'}), "list of paths"),
    "listed twice": (_changed(**{MANIFEST: _manifest(*SOUND, MODULE)}), "lists a file twice"),
    "listed badly": (_changed(**{MANIFEST: _manifest(*SOUND, "../x.py")}), "leads out"),
    "missing": (_changed(**{MANIFEST: _manifest(*SOUND, "a.py")}), "a.py is listed in .* but missing"),
    "not listed": (_changed(**{"a.py": b""}), "a.py is not listed"),
    "another's": (_changed(**{MANIFEST: _manifest(*SOUND, pipeline="q")}), "neither conf/pipelines/q.yml"),
    "no YAML": ([*_also()[:1], (MODULE, b"")], "is listed in .* but missing"),
    "YAML not listed": ([(MANIFEST, _manifest(MODULE)), (MODULE, b"")], "p.yml is missing"),
    "no module": ([(MANIFEST, _manifest(CONFIG)), (CONFIG, b"")], "pipelines/p.py is missing"),
    "twice": ([*_also(), (MODULE, b"")], "twice"),
    "manifest twice": ([*_also(), (MANIFEST, _manifest(*SOUND))], "twice"),
    "unknown key": (_changed(**{CONFIG: b"runn: {}"}), "p.zip/conf/pipelines/p.yml, line 1: runn"),
    "unknown key of a variable": (_changed(**{CONFIG: b"runn: ${X}"}), "runn"),
    "wrong type": (_changed(**{CONFIG: b"run: {timeout: [1]}"}), "run.timeout"),
    "bad placeholder": (_changed(**{CONFIG: b"params: {a: '${}'}"}), "not a placeholder"),
    "a tag": (_changed(**{CONFIG: b"params: !!python/object:os.system {}"}), "tags are not allowed"),
    "no mapping": (_changed(**{CONFIG: b"[]"}), "a list"),
    "YAML not UTF-8": (_changed(**{CONFIG: b"\xff"}), "UTF-8"),
    "no Python": (_changed(**{MODULE: b"def"}), "p.zip/pipelines/p.py, line 1: is not Python"),
    "a NUL in it": (_changed(**{MODULE: b"a\x00"}), "is not Python|cannot be parsed as Python|is not UTF-8"),
    "nested": (_changed(**{MODULE: b"-" * 100_000 + b"1"}), "Python"),
    "long": (_changed(**{MODULE: b"1" + b"+1" * 200_000}), "Python"),
    "large": (_changed(**{MODULE: b"#" * 500_001}), "500 kB"),
    "not UTF-8": (_changed(**{MODULE: b"'\xe4'"}), "not UTF-8"),
    "latin-1": (_changed(**{MODULE: b"# coding: latin-1\n"}), "not UTF-8"),
    "utf-7": (_changed(**{MODULE: b"# coding: utf-7\n"}), "not UTF-8"),
    "folder": ([*_also(), ("data/", b"")], "folder without files"),
    "too many": (_also(*(f"m{n}.py" for n in range(MAX_MEMBERS - 2))), "more than 1,000 files"),
    "far too many": (_also(*(f"m{n}.py" for n in range(5 * MAX_MEMBERS))), "more than 1,000 files"),
    "too large": (_changed(**{"a.py": b"#" * (MAX_BYTES - 100)}), "20 MB"),
    "large in all": (_also(*(f"m{n}.py" for n in range(50)), content=b"#" * 410_000), "20 MB"),
}  # fmt: skip


@pytest.mark.parametrize(("members", "says"), HOSTILE_MEMBERS.values(), ids=list(HOSTILE_MEMBERS))
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_hostile_zip_is_refused(
    members: list[tuple[str, bytes]], says: str, make_project: MakeProject, tmp_path: Path
) -> None:
    """A bundle that is inconsistent or unreadable is refused and leaves no trace."""
    _refused(make_project(), _write_zip(tmp_path / "p.zip", members), ConfigError, says)


def _type(mode: int) -> Callable[[zipfile.ZipInfo], None]:
    def change(info: zipfile.ZipInfo) -> None:
        info.external_attr = mode << 16

    return change


@pytest.mark.parametrize(
    "mode", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFBLK, stat.S_IFCHR, stat.S_IFSOCK, stat.S_IFDIR]
)
def test_a_zip_holds_files_alone(mode: int, make_project: MakeProject, tmp_path: Path) -> None:
    """A member that says it is a link, a device or the like is refused."""
    path = _write_zip(tmp_path / "p.zip", _also(), _type(mode | 0o644))
    _refused(make_project(), path, ConfigError, "special file")


def _patched(path: Path, offset: int, value: bytes) -> Path:
    """Every entry of the zip's directory, and every header, with bytes put in at an offset."""
    content = bytearray(path.read_bytes())
    for signature, before in ((b"PK\x01\x02", 0), (b"PK\x03\x04", 2)):
        at = content.find(signature)
        while at >= 0:
            content[at + offset - before : at + offset - before + len(value)] = value
            at = content.find(signature, at + 4)
    path.write_bytes(content)
    return path


def test_a_zip_is_plain(make_project: MakeProject, tmp_path: Path) -> None:
    """An encrypted member, an unknown compression, a false size and what is no zip are refused."""
    root = make_project()
    bomb = _changed(**{"a.py": b"\n" * (10 * MAX_BYTES)})
    for name, path, says in (
        ("encrypted", _patched(_write_zip(tmp_path / "1.zip", _also()), 8, b"\x01\x00"), r"is encrypted\.$"),
        ("packing", _patched(_write_zip(tmp_path / "2.zip", _also()), 10, b"\x0e\x00"), "unknown compression method"),
        ("too short", _patched(_write_zip(tmp_path / "3.zip", _also()), 24, struct.pack("<I", 1)), "not a readable zip file"),
        ("bomb", _write_zip(tmp_path / "5.zip", bomb), "20 MB"),
        ("false bomb", _patched(_write_zip(tmp_path / "6.zip", bomb), 24, struct.pack("<I", 9)), "not a readable zip file"),
        ("false name", _patched(_write_zip(tmp_path / "7.zip", _also()), 46, b"X"), "not a readable zip file"),
    ):  # fmt: skip
        assert path.stat().st_size < MAX_BYTES, name
        _refused(root, path, ConfigError, says)
    for content in (b"", b"PK", b"no zip at all", b"PK\x05\x06" + bytes(18)):
        (tmp_path / "8.zip").write_bytes(content)
        _refused(root, tmp_path / "8.zip", ConfigError, "cannot be used")
    os.truncate(tmp_path / "8.zip", 2 * MAX_BYTES)
    _refused(root, tmp_path / "8.zip", ConfigError, "20 MB")
    for path in (tmp_path / "none.zip", tmp_path / "8.zip" / "x", Path("/dev/null")):
        _refused(root, path, FlowerpowerError, "file or folder|neither a folder nor a zip")


def test_a_zip_may_name_its_folders(make_project: MakeProject, tmp_path: Path) -> None:
    """A zip that other programs make of an exported folder is valid: with folders, deflated."""
    root = make_project()
    members = [("conf/", b""), ("conf/pipelines/", b""), ("pipelines/", b""), *_also()]
    _import(root, _write_zip(tmp_path / "p.zip", members))
    assert (root / MODULE).read_bytes() == SOUND[MODULE]


def _link(path: Path) -> None:
    path.symlink_to("/etc/passwd")


BAD_FOLDERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "link for a module": (lambda top: ((top / MODULE).unlink(), _link(top / MODULE)), "special file"),
    "link for the YAML": (lambda top: ((top / CONFIG).unlink(), _link(top / CONFIG)), "special file"),
    "link for the manifest": (lambda top: ((top / MANIFEST).unlink(), _link(top / MANIFEST)), "special file"),
    "link to a module of it": (lambda top: (top / "a.py").symlink_to(top / MODULE), "special file"),
    "link for a folder": (lambda top: (top / "a").symlink_to("/etc"), "special file"),
    "link to itself": (lambda top: (top / "a").symlink_to(top), "special file"),
    "fifo": (lambda top: os.mkfifo(top / "a.py"), "special file"),
    "not listed": (lambda top: (top / "a.py").write_text(""), "not listed"),
    "hidden": (lambda top: (top / ".env").write_text(""), "neither"),
    "not UTF-8": (lambda top: Path(os.fsdecode(b"%s/\xff.py" % os.fsencode(top))).write_text(""), "path of a module"),
    "too large": (lambda top: os.truncate(top / MODULE, MAX_BYTES), "20 MB"),
    "too many": (lambda top: [(top / f"m{n}").mkdir() for n in range(2 * MAX_MEMBERS)], "more than 1,000"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "says"), BAD_FOLDERS.values(), ids=list(BAD_FOLDERS))
def test_a_hostile_folder_is_refused(
    change: Callable[[Path], object], says: str, make_project: MakeProject, tmp_path: Path
) -> None:
    """In a folder no link is followed, no device opened, and nothing more is there than listed."""
    folder = _write_folder(tmp_path / "bundle", _with_manifest(SOUND))
    change(folder)
    _refused(make_project(), folder, ConfigError, says)


@given(
    st.text(min_size=1, max_size=20)
    | st.text("./\\ab:\x00pyPY ~-_é", max_size=12).map(lambda t: t + ".py")
)
@settings(max_examples=300)
def test_any_name_is_refused_or_stays_in_the_project(name: str) -> None:
    """A name that is accepted is that of a module below the root, and nothing else."""
    members = {**_with_manifest(SOUND), name: b""}
    members[MANIFEST] = _manifest(*(member for member in members if member != MANIFEST))
    try:
        bundle = bundle_from_members(members, "p.zip")
    except ConfigError:
        return
    for path in bundle.files.keys() - {Path(CONFIG)}:
        assert path.suffix == ".py"
        assert not path.is_absolute()
        assert os.path.normpath(path) == str(path)
        assert all(part.replace("-", "_").replace(".py", "").isidentifier() or part[0].isdigit()
                   for part in path.parts)  # fmt: skip


@given(data=st.data())
@settings(max_examples=200,
          suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])  # fmt: skip
def test_a_damaged_zip_is_an_error(data: st.DataObject, tmp_path: Path) -> None:
    """Whatever bytes are changed, a zip is read as it was made or is a ConfigError."""
    path = _write_zip(tmp_path / "p.zip", _also("a/b.py"))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        bundle = read_bundle(path)
    except ConfigError:
        return
    assert bundle.files == {Path(name): text for name, text in _also("a/b.py")[1:]}


# Import.


def test_links_of_the_project_lead_nowhere_else(make_project: MakeProject, tmp_path: Path) -> None:
    """A file that would be written outside the project, or twice in one place, is refused."""
    path = _write_zip(tmp_path / "p.zip", _also("a/p.py"))
    outside = tmp_path / "outside"
    outside.mkdir()
    root = make_project()
    for link, to in (
        (root / "a", outside),
        (root / "a", root / "pipelines"),
        (root / CONFIG, outside / "p.yml"),
        (root / MODULE, "../../p.py"),
        (root / MODULE, "p.py"),
    ):
        link.symlink_to(to)
        _refused(root, path, Refused, "through a link|is not a file")
        link.unlink()
    (root / "real").mkdir()
    (root / "a").symlink_to("real")
    _import(root, path)
    assert (root / "real" / "p.py").exists()


def test_all_conflicts_are_named_at_once(make_project: MakeProject, tmp_path: Path) -> None:
    """Files with other content are conflicts, the same content is none, a folder stays one."""
    path = _write_zip(tmp_path / "p.zip", _also("a/b.py", "c.py"))
    root = make_project(p=("params: {}", "x = 1"))
    (root / "c.py").write_bytes(b"")
    before = _snapshot(root)
    with pytest.raises(Refused) as refused:
        _import(root, path)
    assert [detail.split()[0] for detail in refused.value.details] == [CONFIG, MODULE]
    assert _snapshot(root) == before
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
    _refused(root, path, Refused, "a/b.py already exists and is not a file")
    (root / "a" / "b.py").rmdir()
    (root / "a").rmdir()
    (root / "a").write_text("")
    _refused(root, path, Refused, "a already exists and is not a folder")


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
    members = [*_also("a/b.py", "z/z.py", content=b"#" * 5_000)]
    path = _write_zip(tmp_path / "p.zip", members)
    root = make_project(p=("params: {}", "x = 1"))
    before = _snapshot(root)
    plan = plan_import(root, read_bundle(path), overwrite=True)
    with _files_of_at_most(4_000), pytest.raises(FlowerpowerError, match="nothing was changed"):
        plan.apply()
    assert _snapshot(root) == before
    for target in (tmp_path / "out.zip", tmp_path / "out"):
        around = _snapshot(tmp_path)
        with _files_of_at_most(4_000), pytest.raises(FlowerpowerError, match="nothing was written"):
            write_bundle(plan.bundle, target)
        assert _snapshot(tmp_path) == around
    with _files_of_at_most(4_000), pytest.raises(FlowerpowerError):
        create_project(tmp_path, "new", source=path)
    assert not (tmp_path / "new").exists()


def test_what_was_replaced_comes_back(tmp_path: Path) -> None:
    """A failure after some files have been put in place puts the old ones back, with their modes."""
    old, fresh = tmp_path / "old.py", tmp_path / "new" / "new.py"
    old.write_text("mine")
    old.chmod(0o640)
    before = _snapshot(tmp_path)
    blocked = tmp_path / "x"
    with pytest.raises(OSError, match=r"Is a directory"):
        write_files({old: b"yours", fresh: b"", blocked: b"", blocked / "y": b""})
    assert _snapshot(tmp_path) == before
    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    write_files({old: b"yours"})
    assert (old.read_bytes(), stat.S_IMODE(old.stat().st_mode)) == (b"yours", 0o640)
    assert list(tmp_path.iterdir()) == [old]


# Renaming.


def test_a_pipeline_gets_another_name() -> None:
    """YAML and module are called anew, and no content is changed."""
    bundle = renamed(
        bundle_from_members(_with_manifest({**SOUND, "pipelines/pq.py": b""}), ""), "p2-x"
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
    files = renamed(bundle_from_members(_with_manifest(members), ""), "new").files
    assert [path.as_posix() for path in files] == [
        "conf/pipelines/new.yml", "pipelines/new/__init__.py", "pipelines/new/q.py"
    ]  # fmt: skip


def test_modules_that_are_named_keep_their_names() -> None:
    """Where the YAML says `run.modules`, another name changes the name of the YAML alone."""
    members = {**SOUND, CONFIG: b"run: {modules: [pipelines.p]}"}
    files = renamed(bundle_from_members(_with_manifest(members), ""), "new").files
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
    bundle = bundle_from_members(_with_manifest({**SOUND, name: source}), "")
    with pytest.raises(Refused):
        renamed(bundle, "new")
    assert renamed(bundle, "p").files == bundle.files
    with pytest.raises(InvalidName):
        renamed(bundle, "../new")


# A new project from a bundle.


def test_a_project_starts_from_a_bundle_or_a_project(
    make_project: MakeProject, tmp_path: Path
) -> None:
    """Its sources are copied; what is hidden, made by runs or installed is not, nor its project.yml."""
    root = make_project("name: old\njob_queue: {num_workers: 9}\n", p=("", ""))
    _write_folder(root, {"data/a.csv": b"1", "README.md": b"", ".gitignore": b"mine",
                         ".env": b"KEY=1", ".git/config": b"", ".flowerpower/jobs.db": b"",
                         "output/x": b"", "pipelines/__pycache__/p.pyc": b"",
                         "env/pyvenv.cfg": b"", "env/lib/x.py": b""})  # fmt: skip
    created = create_project(tmp_path, "new", source=root)
    assert created.pipelines == ["p"]
    assert {path.as_posix() for path in created.files} == {
        ".gitignore", "README.md", CONFIG, "conf/project.yml", "data/a.csv", MODULE
    }  # fmt: skip
    project = load_project(created.root, {})
    assert (project.name, project.job_queue.num_workers) == ("new", 2)
    path = _write_zip(tmp_path / "p.zip", _also())
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
    path = _write_zip(tmp_path / "p.zip", _also("a/b.py"))
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "a").symlink_to(tmp_path)
    before = _snapshot(tmp_path)
    with pytest.raises(Refused, match="through a link"):
        create_project(tmp_path / "there", None, source=path)
    (tmp_path / "there" / "a").unlink()
    (tmp_path / "there" / "pipelines").write_text("")
    before = _snapshot(tmp_path)
    with pytest.raises(FlowerpowerError):
        create_project(tmp_path / "there", None)
    assert _snapshot(tmp_path) == before
