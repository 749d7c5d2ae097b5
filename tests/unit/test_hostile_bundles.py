"""Hostile and damaged bundles are refused, and leave no trace."""

from __future__ import annotations

import os
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowerpower.errors import ConfigError, FlowerpowerError, Refused
from flowerpower.pipeline.bundles.bundle import (
    MANIFEST,
    MAX_BYTES,
    MAX_MEMBERS,
    bundle_from_members,
)
from flowerpower.pipeline.bundles.importing import read_bundle
from tests.conftest import MakeProject
from tests.unit.bundle_files import (
    CONFIG,
    MODULE,
    SOUND,
    assert_refused,
    import_bundle,
    manifest_of,
    sound_with,
    with_manifest,
    write_folder,
    write_zip,
)


def _changed(**changes: bytes | None) -> list[tuple[str, bytes]]:
    """A sound bundle with members put in place of others, or (None) left out."""
    members = {**with_manifest(SOUND), **changes}
    return [(name, content) for name, content in members.items() if content is not None]


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


@pytest.mark.fault("forged-path")
@pytest.mark.parametrize(("name", "says"), BAD_NAMES.items(), ids=map(ascii, BAD_NAMES))
def test_a_member_has_a_proper_name(
    name: str, says: str, make_project: MakeProject, tmp_path: Path
) -> None:
    """A zip with a member anywhere but where modules and its YAML are is refused as a whole."""
    assert_refused(
        make_project(), write_zip(tmp_path / "p.zip", sound_with(name)), ConfigError, says
    )


HOSTILE_MEMBERS = {
    "no manifest": (_changed(**{MANIFEST: None}), "has no flowerpower-pipeline.json"),
    "no JSON": (_changed(**{MANIFEST: b"{"}), "is not JSON"),
    "deep JSON": (_changed(**{MANIFEST: b"[" * 1_000_000}), "is not JSON"),
    "binary JSON": (_changed(**{MANIFEST: b"\xff\xfe\x00"}), "is not JSON"),
    "a list": (_changed(**{MANIFEST: b"[]"}), "is not {"),
    "another key": (_changed(**{MANIFEST: b'{"v": 1, "pipeline": "p", "files": [], "x": 1}'}), "is not {"),
    "later": (_changed(**{MANIFEST: b'{"v": 2}'}), "reads version 1"),
    "no version": (_changed(**{MANIFEST: manifest_of(*SOUND, v="1")}), "is not {"),
    "bad pipeline": (_changed(**{MANIFEST: manifest_of(*SOUND, pipeline="../p")}), "cannot be the name of a pipeline"),
    "no pipeline": (_changed(**{MANIFEST: b'{"v": 1, "pipeline": null, "files": []}'}), "cannot be the name of a pipeline"),
    "files no list": (_changed(**{MANIFEST: b'{"v": 1, "pipeline": "p", "files": "p.py"}'}), "list of paths"),
    "files of numbers": (_changed(**{MANIFEST: b'{"v": 1, "pipeline": "p", "files": [1]}'}), "list of paths"),
    "listed twice": (_changed(**{MANIFEST: manifest_of(*SOUND, MODULE)}), "lists a file twice"),
    "listed badly": (_changed(**{MANIFEST: manifest_of(*SOUND, "../x.py")}), "leads out"),
    "missing": (_changed(**{MANIFEST: manifest_of(*SOUND, "a.py")}), "a.py is listed in .* but missing"),
    "not listed": (_changed(**{"a.py": b""}), "a.py is not listed"),
    "another's": (_changed(**{MANIFEST: manifest_of(*SOUND, pipeline="q")}), "neither conf/pipelines/q.yml"),
    "no YAML": ([*sound_with()[:1], (MODULE, b"")], "is listed in .* but missing"),
    "YAML not listed": ([(MANIFEST, manifest_of(MODULE)), (MODULE, b"")], "p.yml is missing"),
    "no module": ([(MANIFEST, manifest_of(CONFIG)), (CONFIG, b"")], "pipelines/p.py is missing"),
    "twice": ([*sound_with(), (MODULE, b"")], "twice"),
    "manifest twice": ([*sound_with(), (MANIFEST, manifest_of(*SOUND))], "twice"),
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
    "folder": ([*sound_with(), ("data/", b"")], "folder without files"),
    "too many": (sound_with(*(f"m{n}.py" for n in range(MAX_MEMBERS - 2))), "more than 1,000 files"),
    "far too many": (sound_with(*(f"m{n}.py" for n in range(5 * MAX_MEMBERS))), "more than 1,000 files"),
    "too large": (_changed(**{"a.py": b"#" * (MAX_BYTES - 100)}), "20 MB"),
    "large in all": (sound_with(*(f"m{n}.py" for n in range(50)), content=b"#" * 410_000), "20 MB"),
}  # fmt: skip


@pytest.mark.parametrize(("members", "says"), HOSTILE_MEMBERS.values(), ids=list(HOSTILE_MEMBERS))
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_hostile_zip_is_refused(
    members: list[tuple[str, bytes]], says: str, make_project: MakeProject, tmp_path: Path
) -> None:
    """A bundle that is inconsistent or unreadable is refused and leaves no trace."""
    assert_refused(make_project(), write_zip(tmp_path / "p.zip", members), ConfigError, says)


def _type(mode: int) -> Callable[[zipfile.ZipInfo], None]:
    def change(info: zipfile.ZipInfo) -> None:
        info.external_attr = mode << 16

    return change


@pytest.mark.parametrize(
    "mode", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFBLK, stat.S_IFCHR, stat.S_IFSOCK, stat.S_IFDIR]
)
def test_a_zip_holds_files_alone(mode: int, make_project: MakeProject, tmp_path: Path) -> None:
    """A member that says it is a link, a device or the like is refused."""
    path = write_zip(tmp_path / "p.zip", sound_with(), _type(mode | 0o644))
    assert_refused(make_project(), path, ConfigError, "special file")


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
        ("encrypted", _patched(write_zip(tmp_path / "1.zip", sound_with()), 8, b"\x01\x00"), r"is encrypted\.$"),
        ("packing", _patched(write_zip(tmp_path / "2.zip", sound_with()), 10, b"\x0e\x00"), "unknown compression method"),
        ("too short", _patched(write_zip(tmp_path / "3.zip", sound_with()), 24, struct.pack("<I", 1)), "not a readable zip file"),
        ("bomb", write_zip(tmp_path / "5.zip", bomb), "20 MB"),
        ("false bomb", _patched(write_zip(tmp_path / "6.zip", bomb), 24, struct.pack("<I", 9)), "not a readable zip file"),
        ("false name", _patched(write_zip(tmp_path / "7.zip", sound_with()), 46, b"X"), "not a readable zip file"),
    ):  # fmt: skip
        assert path.stat().st_size < MAX_BYTES, name
        assert_refused(root, path, ConfigError, says)
    for content in (b"", b"PK", b"no zip at all", b"PK\x05\x06" + bytes(18)):
        (tmp_path / "8.zip").write_bytes(content)
        assert_refused(root, tmp_path / "8.zip", ConfigError, "cannot be used")
    os.truncate(tmp_path / "8.zip", 2 * MAX_BYTES)
    assert_refused(root, tmp_path / "8.zip", ConfigError, "20 MB")
    for path in (tmp_path / "none.zip", tmp_path / "8.zip" / "x", Path("/dev/null")):
        assert_refused(root, path, FlowerpowerError, "file or folder|neither a folder nor a zip")


def test_a_zip_may_name_its_folders(make_project: MakeProject, tmp_path: Path) -> None:
    """A zip that other programs make of an exported folder is valid: with folders, deflated."""
    root = make_project()
    members = [("conf/", b""), ("conf/pipelines/", b""), ("pipelines/", b""), *sound_with()]
    import_bundle(root, write_zip(tmp_path / "p.zip", members))
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


@pytest.mark.fault("forged-path")
@pytest.mark.parametrize(("change", "says"), BAD_FOLDERS.values(), ids=list(BAD_FOLDERS))
def test_a_hostile_folder_is_refused(
    change: Callable[[Path], object], says: str, make_project: MakeProject, tmp_path: Path
) -> None:
    """In a folder no link is followed, no device opened, and nothing more is there than listed."""
    folder = write_folder(tmp_path / "bundle", with_manifest(SOUND))
    change(folder)
    assert_refused(make_project(), folder, ConfigError, says)


@given(
    st.text(min_size=1, max_size=20)
    | st.text("./\\ab:\x00pyPY ~-_é", max_size=12).map(lambda t: t + ".py")
)
@settings(max_examples=300)
def test_any_name_is_refused_or_stays_in_the_project(name: str) -> None:
    """A name that is accepted is that of a module below the root, and nothing else."""
    members = {**with_manifest(SOUND), name: b""}
    members[MANIFEST] = manifest_of(*(member for member in members if member != MANIFEST))
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
    path = write_zip(tmp_path / "p.zip", sound_with("a/b.py"))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        bundle = read_bundle(path)
    except ConfigError:
        return
    assert bundle.files == {Path(name): text for name, text in sound_with("a/b.py")[1:]}


def test_links_of_the_project_lead_nowhere_else(make_project: MakeProject, tmp_path: Path) -> None:
    """A file that would be written outside the project, or twice in one place, is refused."""
    path = write_zip(tmp_path / "p.zip", sound_with("a/p.py"))
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
        assert_refused(root, path, Refused, "through a link|is not a file")
        link.unlink()
    (root / "real").mkdir()
    (root / "a").symlink_to("real")
    import_bundle(root, path)
    assert (root / "real" / "p.py").exists()
