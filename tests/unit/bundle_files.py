"""Bundles of tests, sound and damaged, and what an import leaves."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from flowerpower.errors import FlowerpowerError
from flowerpower.pipeline.bundles.bundle import MANIFEST
from flowerpower.pipeline.bundles.importing import plan_import, read_bundle

CONFIG = "conf/pipelines/p.yml"
MODULE = "pipelines/p.py"
SOUND = {CONFIG: b"run: {}\n", MODULE: b"def a() -> int:\n    return 1\n"}

Members = dict[str, bytes]
Snapshot = dict[str, bytes | str | None]


def manifest_of(*names: str, pipeline: str = "p", v: object = 1) -> bytes:
    """The manifest of a bundle with these files."""
    return json.dumps({"v": v, "pipeline": pipeline, "files": list(names)}).encode()


def with_manifest(members: Members) -> Members:
    """These members with a manifest in front."""
    return {MANIFEST: manifest_of(*members), **members}


def write_zip(
    path: Path, members: list[tuple[str, bytes]], change: Callable[[zipfile.ZipInfo], None] = id
) -> Path:
    """A zip of these members; `change` may damage how each is told."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            info = zipfile.ZipInfo("x")
            info.filename = name
            info.compress_type = zipfile.ZIP_DEFLATED
            change(info)
            archive.writestr(info, content)
    return path


def write_folder(path: Path, members: Members) -> Path:
    """A folder of these members."""
    for name, content in members.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def snapshot_of(folder: Path) -> Snapshot:
    """All that is in a folder; of a link where it leads."""
    return {
        path.relative_to(folder).as_posix(): os.readlink(path)
        if path.is_symlink()
        else path.read_bytes()
        if path.is_file()
        else None
        for path in folder.rglob("*")
    }


def import_bundle(root: Path, path: Path, *, overwrite: bool = False) -> None:
    """Import what is at `path`."""
    plan_import(root, read_bundle(path), overwrite=overwrite).apply()


def assert_refused(root: Path, path: Path, error: type[FlowerpowerError], says: str) -> None:
    """The import raises `error`, and the project and what is around it stay as they were."""
    before = snapshot_of(root.parent)
    with pytest.raises(error, match=says):
        import_bundle(root, path, overwrite=True)
    assert snapshot_of(root.parent) == before


def sound_with(*names: str, content: bytes = b"") -> list[tuple[str, bytes]]:
    """A sound bundle with more members, all of them listed."""
    listed = manifest_of(*SOUND, *dict.fromkeys(names))
    return [(MANIFEST, listed), *SOUND.items(), *((name, content) for name in names)]
