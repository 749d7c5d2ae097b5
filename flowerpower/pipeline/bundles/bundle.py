"""A bundle: one pipeline's YAML and modules, to be passed on as a folder or a zip.

It contains a manifest, `conf/pipelines/NAME.yml` and modules, each at its path in a project. All
of its content is checked here; it may come from anybody, so nothing in it is trusted.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowerpower.config.files import pipeline_path
from flowerpower.config.validation import check_as_written
from flowerpower.config.yaml_reader import YamlNode
from flowerpower.errors import ConfigError, Refused
from flowerpower.pipeline.bundles.module_files import contains_module, imported_names, parse_module
from flowerpower.pipeline.registry import MODULES_FOLDER
from flowerpower.text import check_name, is_name, shortened

MANIFEST = "flowerpower-pipeline.json"
MAX_MEMBERS = 1_000
MAX_BYTES = 20_000_000
"""Of all members together, unpacked."""
OVER_LIMIT = f"it contains more than {MAX_MEMBERS:,} files or {MAX_BYTES // 1_000_000} MB"
MAX_PATH = 200
VERSION = 1

_DRIVE = re.compile(r"[A-Za-z]:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class Bundle:
    """A pipeline with its files, as paths relative to the root of a project; all of them checked.

    `modules` are those that its configuration names. If it names none, the pipeline's module is
    the one of its own name.
    """

    pipeline: str
    files: dict[Path, bytes]
    modules: list[str]

    @property
    def members(self) -> dict[str, bytes]:
        """The files as they are written, with the manifest among them, sorted by name."""
        files = {path.as_posix(): content for path, content in self.files.items()}
        body = {"v": VERSION, "pipeline": self.pipeline, "files": sorted(files)}
        manifest = (json.dumps(body, indent=2) + "\n").encode()
        return dict(sorted({MANIFEST: manifest, **files}.items()))


def bundle_error(label: str, reason: str, hint: str | None = None) -> ConfigError:
    """The error for a bundle or a project, called `label`, that is not valid."""
    return ConfigError(f"{label} cannot be used: {reason}.", hint=hint)


def bundle_from_members(members: Mapping[str, bytes], label: str) -> Bundle:
    """The bundle with these members by name, the manifest among them; errors call it `label`.

    Raises:
        ConfigError: if a member is missing, is not listed, or its name or content is not allowed.
    """
    if len(members) > MAX_MEMBERS or sum(map(len, members.values())) > MAX_BYTES:
        raise bundle_error(label, OVER_LIMIT)
    if MANIFEST not in members:
        hint = "Make a bundle with `flowerpower pipeline export PIPELINE`."
        raise bundle_error(label, f"it has no {MANIFEST}", hint)
    pipeline, listed = _read_manifest(members[MANIFEST], label)
    names = [name for name in members if name != MANIFEST]
    for name in (*names, *listed):
        if fault := _name_fault(name, pipeline):
            raise bundle_error(label, f"{shortened(name)!r} {fault}")
    _check_distinct(names, label)
    if unlisted := set(names) - set(listed):
        raise bundle_error(label, f"{min(unlisted)} is not listed in {MANIFEST}")
    if missing := set(listed) - set(names):
        raise bundle_error(label, f"{min(missing)} is listed in {MANIFEST} but missing")
    config = pipeline_path(pipeline).as_posix()
    if config not in members:
        raise bundle_error(label, f"{config} is missing")
    yaml = check_as_written(members[config], f"{label}/{config}")
    for name in names:
        if name != config:
            parse_module(members[name], f"{label}/{name}")
    files = {Path(name): members[name] for name in sorted(names)}
    modules = entries_as_written(yaml.root, "run", "modules")
    default = default_module(pipeline)
    if not modules and not contains_module(files, default):
        raise bundle_error(label, f"{default.replace('.', '/')}.py is missing")
    return Bundle(pipeline, files, modules)


def renamed(bundle: Bundle, name: str) -> Bundle:
    """The same pipeline under another name; no file's content is changed.

    Its default module gets the new name too. Modules that its configuration names keep theirs.

    Raises:
        InvalidName: if a pipeline cannot have that name.
        Refused: if a module that must be renamed is imported by a module of the bundle.
    """
    check_name("name of a pipeline", name)
    old, old_module = bundle.pipeline, default_module(bundle.pipeline)
    new_paths = {pipeline_path(old): pipeline_path(name)}
    if not bundle.modules:
        for path in bundle.files:
            folder, *rest = path.parts
            if folder == str(MODULES_FOLDER) and rest[0] in (old, f"{old}.py"):
                new_paths[path] = Path(folder, name + rest[0].removeprefix(old), *rest[1:])
    files = {new_paths.get(path, path): content for path, content in bundle.files.items()}
    reason = None
    importers = [path.as_posix() for path in bundle.files if _imports(bundle, path, old_module)]
    if len(new_paths) > 1 and name != old and importers:
        reason = f"{importers[0]} imports {old_module}"
    elif len(files) < len(bundle.files):
        reason = f"it has another module called {default_module(name)}"
    if reason:
        message = f"{old} cannot be renamed to {name}: {reason}."
        raise Refused(message, hint="Import it under its own name.")
    return Bundle(name, dict(sorted(files.items())), bundle.modules)


def default_module(pipeline: str) -> str:
    """The module of a pipeline whose configuration names none."""
    return f"{MODULES_FOLDER}.{pipeline}"


def entries_as_written(node: YamlNode, *path: str) -> list[Any]:
    """The list at `path` below `node`, empty if there is none; `${…}` is not expanded."""
    for key in path:
        child = node.content.get(key) if isinstance(node.content, dict) else None
        if child is None or child.content is None:
            return []
        node = child
    entries = node.plain(as_written=True)
    return entries if isinstance(entries, list) else [entries]


def _read_manifest(content: bytes, label: str) -> tuple[str, list[str]]:
    """The name of the pipeline, and the names of the files."""
    try:
        body: Any = json.loads(content)
    except (ValueError, RecursionError):
        raise bundle_error(label, f"{MANIFEST} is not JSON") from None
    if isinstance(body, dict) and isinstance(body.get("v"), int) and body["v"] > VERSION:
        reason = f"its format has version {body['v']}, and this flowerpower reads version {VERSION}"
        raise bundle_error(label, reason, hint="Install a later flowerpower.")
    if not isinstance(body, dict) or body.keys() != {"v", "pipeline", "files"} or body["v"] != 1:
        raise bundle_error(label, f'{MANIFEST} is not {{"v": 1, "pipeline": …, "files": […]}}')
    pipeline, files = body["pipeline"], body["files"]
    if not is_name(pipeline):
        name = shortened(str(pipeline))
        raise bundle_error(label, f"{name!r} in {MANIFEST} cannot be the name of a pipeline")
    if not isinstance(files, list) or not all(isinstance(name, str) for name in files):
        raise bundle_error(label, f"files in {MANIFEST} is not a list of paths")
    if len(set(files)) != len(files):
        raise bundle_error(label, f"{MANIFEST} lists a file twice")
    return pipeline, files


def _name_fault(name: str, pipeline: str) -> str | None:
    """Why a member must not have this name; None if it may."""
    parts = name.split("/")
    config = pipeline_path(pipeline).as_posix()
    if name == config:
        return None
    # Control characters and backslashes are checked first: a terminal obeys the former, and a
    # backslash separates folders on Windows alone, so that the checks below would not see a path.
    if _CONTROL.search(name):
        return "contains control characters"
    if "\\" in name:
        return "contains a backslash"
    if name.startswith("/") or _DRIVE.match(name):
        return "is an absolute path"
    if ".." in parts:
        return "leads out of the project"
    if not name.endswith(".py"):
        return f"is neither {config} nor a Python module"
    folders, module = parts[:-1], parts[-1].removesuffix(".py")
    if len(name) > MAX_PATH or not all(is_name(p) or p.isidentifier() for p in (*folders, module)):
        return "cannot be the path of a module"
    # The project's folder comes first in sys.path, so a json.py there would be imported by all
    # of Python's own code.
    first = folders[0] if folders else module
    if first in sys.stdlib_module_names:
        return f"would hide Python's own module {first}"
    return None


def _check_distinct(names: Iterable[str], label: str) -> None:
    """Raise if two paths, or folders in them, are the same on some file system.

    The file systems of macOS and Windows ignore case, and macOS Unicode's normal forms too: there
    one of two such files would silently overwrite the other.
    """
    paths: dict[str, Path] = {}
    for name in names:
        for path in (Path(name), *Path(name).parents):
            folded = unicodedata.normalize("NFKC", str(path)).casefold()
            other = paths.setdefault(folded, path)
            if other != path:
                both = f"{other.as_posix()!r} and {path.as_posix()!r}"
                raise bundle_error(label, f"{both} differ only by case")


def _imports(bundle: Bundle, path: Path, module: str) -> bool:
    if path.suffix != ".py":
        return False
    names = imported_names(parse_module(bundle.files[path], path.as_posix()), path)
    return any(f"{name}.".startswith(f"{module}.") for name in names)
