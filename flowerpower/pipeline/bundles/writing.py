"""A project's pipeline as a bundle, and a bundle as a folder or a zip."""

from __future__ import annotations

import io
import os
import shutil
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flowerpower.config.files import Project
from flowerpower.config.validation import check_as_written
from flowerpower.config.yaml_reader import MAX_BYTES, YamlFile, YamlNode, dotted
from flowerpower.errors import ConfigError, FlowerpowerError, Refused, os_errors_as
from flowerpower.files.atomic import beside, write_files
from flowerpower.pipeline.bundles.bundle import (
    Bundle,
    bundle_from_members,
    default_module,
    entries_as_written,
)
from flowerpower.pipeline.bundles.importing import read_bundle
from flowerpower.pipeline.bundles.module_files import (
    contains_module,
    leads_out,
    modules_with_imports,
    read_file,
)
from flowerpower.pipeline.registry import PipelineRegistry
from flowerpower.text import is_secret_name

_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time of a zip; every member has it, so that the bytes depend on content alone."""


@dataclass(frozen=True)
class Packed:
    """A pipeline as a bundle, and what its author should know.

    `not_packed` names packages that its modules import and that are not in the project. `secrets`
    are keys of its configuration that are named like secrets and hold a value, not `${…}`.
    """

    bundle: Bundle
    not_packed: list[str]
    secrets: list[str]


def pack_pipeline(project: Project, name: str) -> Packed:
    """The pipeline `name` as a bundle: its YAML as written, its modules, and what they import.

    Imports are found by reading the source; nothing is imported or expanded.

    Raises:
        PipelineNotFound, ConfigError: as `PipelineManager.export`.
    """
    root, config = project.root, PipelineRegistry(project).files(name).config
    if leads_out(root, config):
        raise ConfigError(f"{config.as_posix()} leads out of {root}, through a link.")
    content = read_file(root, config, MAX_BYTES + 1)
    file = check_as_written(content, config.as_posix())
    named = entries_as_written(file.root, "run", "modules") or [default_module(name)]
    named += [class_path.partition(":")[0] for class_path in _adapter_classes(file)]
    modules = [module for module in named if "${" not in module]
    files, packages = modules_with_imports(root, modules)
    for module in modules:
        first = module.partition(".")[0]
        if not contains_module(files, module) and os.path.isdir(root / first):
            path = module.replace(".", "/") + ".py"
            message = f"There is no module {module!r} in the project: expected the file {path}."
            raise ConfigError(message, hint=f"Write {path}, or name the modules in run.modules.")
    members = Bundle(name, {config: content, **files}, []).members
    # Checked as an import checks it, so that no bundle is written that cannot be imported.
    checked = bundle_from_members(members, name)
    not_packed = sorted({*packages, *(module for module in named if "${" in module)})
    return Packed(checked, not_packed, [dotted(path) for path in _secrets(file.root, ())])


def _adapter_classes(file: YamlFile) -> Iterator[str]:
    """The classes of custom adapters that the file names, as `package.module:Class`."""
    for entry in entries_as_written(file.root, "run", "adapter", "custom"):
        yield entry["type"] if isinstance(entry, dict) else entry
    schedules = file.root.content.get("schedule", YamlNode([], 1, 1))
    for node in schedules.content if isinstance(schedules.content, list) else [schedules]:
        yield from entries_as_written(node, "run", "custom_adapters")


def write_bundle(bundle: Bundle, target: Path, *, overwrite: bool = False) -> None:
    """Write the bundle as a zip if `target` ends in `.zip`, else as a folder; whole or not at all.

    The same bundle makes the same bytes. `overwrite` replaces a file, or a folder that is empty or
    a bundle.

    Raises:
        Refused: if `target` exists and must not be replaced.
        FlowerpowerError: if it cannot be written.
    """
    is_zip = target.suffix.lower() == ".zip"
    if os.path.lexists(target):
        _check_replaceable(target, is_zip=is_zip, overwrite=overwrite)
    real = Path(os.path.realpath(target))
    with os_errors_as(FlowerpowerError, f"{target} cannot be written", "; nothing was written"):
        # Writing would make the folders of a mistyped path.
        if not real.parent.is_dir():
            raise FileNotFoundError(None, "No such file or directory")
        if is_zip:
            write_files({real: _zip_bytes(bundle)})
        else:
            _write_folder(bundle, real)


def _check_replaceable(target: Path, *, is_zip: bool, overwrite: bool) -> None:
    if not overwrite:
        raise Refused(f"{target} already exists.", hint="--overwrite replaces it.")
    if is_zip and not target.is_file():
        raise Refused(f"{target} already exists and is not a file.", hint="Choose another name.")
    if not is_zip and not (target.is_dir() and _is_empty_or_bundle(target)):
        raise Refused(
            f"{target} already exists, and is neither an empty folder nor just a bundle.",
            hint="Choose another name, or delete it yourself.",
        )


def _is_empty_or_bundle(folder: Path) -> bool:
    try:
        return not any(folder.iterdir()) or bool(read_bundle(folder))
    except (OSError, FlowerpowerError):
        return False


def _zip_bytes(bundle: Bundle) -> bytes:
    stream = io.BytesIO()
    # Stored, not deflated, because versions of zlib deflate the same bytes differently.
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, content in bundle.members.items():
            info = zipfile.ZipInfo(name, _ZIP_EPOCH)
            info.create_system = 3  # Unix on every system, for equal bytes and the mode below
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(info, content)
    return stream.getvalue()


def _write_folder(bundle: Bundle, target: Path) -> None:
    fresh, old = beside(target), beside(target)
    # No rename replaces a folder that holds files, so the old one is moved aside first.
    try:
        write_files({fresh / name: content for name, content in bundle.members.items()})
        if target.exists():
            os.rename(target, old)
        try:
            os.rename(fresh, target)
        except BaseException:
            if old.exists():
                os.rename(old, target)
            raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _secrets(node: YamlNode, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    """The paths of texts that stand in the file as they are, below a key named like a secret."""
    if isinstance(node.content, dict):
        for key, value in node.content.items():
            yield from _secrets(value, (*path, key))
    elif isinstance(node.content, list):
        for position, value in enumerate(node.content):
            yield from _secrets(value, (*path, position))
    elif (
        isinstance(node.content, str)
        and node.raw is None
        and any(isinstance(step, str) and is_secret_name(step) for step in path)
    ):
        yield path
