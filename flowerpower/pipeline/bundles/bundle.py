"""A bundle: one pipeline's YAML and modules, to be handed on as a folder or a zip.

It holds a manifest, `conf/pipelines/NAME.yml` and modules, each at its path in a project. What is
in one is checked here as a whole; that it comes from strangers is taken for granted.
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

from flowerpower.config.faults import check_as_written
from flowerpower.config.files import PIPELINES_FOLDER
from flowerpower.config.yaml_reader import YamlNode
from flowerpower.errors import ConfigError, Refused
from flowerpower.pipeline.bundles.module_files import imported_names, is_in_files, parsed
from flowerpower.pipeline.registry import MODULES_FOLDER
from flowerpower.text import check_name, is_name, shortened

MANIFEST = "flowerpower-pipeline.json"
MAX_MEMBERS = 1_000
MAX_BYTES = 20_000_000
"""Of all members together, unpacked."""
MAX_PATH = 200
VERSION = 1

_DRIVE = re.compile(r"[A-Za-z]:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class Bundle:
    """A pipeline with its files, as paths relative to the root of a project; all of them checked.

    `modules` are those that its configuration names; if it names none, it means the one of the
    pipeline's own name.
    """

    pipeline: str
    files: dict[Path, bytes]
    modules: list[str]

    @property
    def manifest(self) -> bytes:
        """The manifest as it is written."""
        files = sorted(path.as_posix() for path in self.files)
        body = {"v": VERSION, "pipeline": self.pipeline, "files": files}
        return (json.dumps(body, indent=2) + "\n").encode()


def not_taken(shown: str, why: str, hint: str | None = None) -> ConfigError:
    """The error for a bundle or a project, called `shown`, that is not as it must be."""
    return ConfigError(f"{shown} cannot be taken: {why}.", hint=hint)


def config_path(pipeline: str) -> Path:
    """Where the configuration of a pipeline is kept, relative to a project's root."""
    return PIPELINES_FOLDER / f"{pipeline}.yml"


def bundle_of(members: Mapping[str, bytes], shown: str) -> Bundle:
    """The bundle out of its members by name, the manifest among them.

    Raises:
        ConfigError: if a member is missing, is too much, has a name that it may not have, or
            holds what it may not hold.
    """
    if len(members) > MAX_MEMBERS or sum(map(len, members.values())) > MAX_BYTES:
        raise not_taken(shown, f"it holds {too_much()}")
    if MANIFEST not in members:
        hint = "Make a bundle with `flowerpower pipeline export PIPELINE`."
        raise not_taken(shown, f"it has no {MANIFEST}", hint)
    pipeline, listed = _manifest(members[MANIFEST], shown)
    names = [name for name in members if name != MANIFEST]
    for name in (*names, *listed):
        if fault := _name_fault(name, pipeline):
            raise not_taken(shown, f"{shortened(name)!r} {fault}")
    _check_apart(names, shown)
    for text, some in (
        (f"is not listed in {MANIFEST}", set(names) - set(listed)),
        ("is listed and missing", set(listed) - set(names)),
    ):
        if some:
            raise not_taken(shown, f"{min(some)} {text}")
    config = config_path(pipeline).as_posix()
    if config not in members:
        raise not_taken(shown, f"{config} is missing")
    file = check_as_written(members[config], f"{shown}/{config}")
    for name in names:
        if name != config:
            parsed(members[name], f"{shown}/{name}")
    files = {Path(name): members[name] for name in sorted(names)}
    modules = entries_as_written(file.root, "run", "modules")
    bundle = Bundle(pipeline, files, modules)
    own = own_module(pipeline)
    if not modules and not is_in_files(files, own):
        raise not_taken(shown, f"{own.replace('.', '/')}.py is missing")
    return bundle


def renamed(bundle: Bundle, name: str) -> Bundle:
    """The same pipeline under another name; no file's content is changed.

    Its own module gets the new name too if no configuration names it: where `run.modules` does,
    modules keep theirs.

    Raises:
        InvalidName: if a pipeline cannot be called that.
        Refused: if the module would need the new name, and a module of the bundle imports it.
    """
    check_name("name of a pipeline", name)
    old, own = bundle.pipeline, own_module(bundle.pipeline)
    moved = {config_path(old): config_path(name)}
    if not bundle.modules:
        for path in bundle.files:
            folder, *rest = path.parts
            if folder == str(MODULES_FOLDER) and rest[0] in (old, f"{old}.py"):
                moved[path] = Path(folder, name + rest[0].removeprefix(old), *rest[1:])
    files = {moved.get(path, path): content for path, content in bundle.files.items()}
    users = [path.as_posix() for path in bundle.files if _imports(bundle, path, own)]
    if len(moved) > 1 and name != old and users:
        raise _not_renamed(old, f"{users[0]} imports {own}")
    if len(files) < len(bundle.files):
        raise _not_renamed(old, f"it has another module called {own_module(name)}")
    return Bundle(name, dict(sorted(files.items())), bundle.modules)


def _not_renamed(pipeline: str, why: str) -> Refused:
    return Refused(f"{pipeline} cannot be renamed so: {why}.", hint="Import it under its own name.")


def own_module(pipeline: str) -> str:
    """The module of a pipeline whose configuration names none."""
    return f"{MODULES_FOLDER}.{pipeline}"


def entries_as_written(node: YamlNode, *path: str) -> list[Any]:
    """The list that stands at `path` below `node`, empty if nothing does; `${…}` stays as it is."""
    for step in path:
        child = node.content.get(step) if isinstance(node.content, dict) else None
        if child is None or child.content is None:
            return []
        node = child
    written = node.plain(as_written=True)
    return written if isinstance(written, list) else [written]


def too_much() -> str:
    """The bounds of a bundle, for a message."""
    return f"more than {MAX_MEMBERS:,} files or {MAX_BYTES // 1_000_000} MB"


def _manifest(content: bytes, shown: str) -> tuple[str, list[str]]:
    try:
        body: Any = json.loads(content)
    except (ValueError, RecursionError):
        raise not_taken(shown, f"{MANIFEST} is not JSON") from None
    if isinstance(body, dict) and isinstance(body.get("v"), int) and body["v"] > VERSION:
        raise not_taken(
            shown,
            f"its form is {body['v']}, this flowerpower reads {VERSION}",
            hint="Install a later flowerpower.",
        )
    if not isinstance(body, dict) or body.keys() != {"v", "pipeline", "files"} or body["v"] != 1:
        raise not_taken(shown, f'{MANIFEST} is not {{"v": 1, "pipeline": …, "files": […]}}')
    pipeline, files = body["pipeline"], body["files"]
    if not is_name(pipeline):
        raise not_taken(shown, f"{shortened(str(pipeline))!r} in {MANIFEST} cannot name a pipeline")
    if not isinstance(files, list) or not all(isinstance(each, str) for each in files):
        raise not_taken(shown, f"files in {MANIFEST} is not a list of paths")
    if len(set(files)) != len(files):
        raise not_taken(shown, f"{MANIFEST} lists a file twice")
    return pipeline, files


def _name_fault(name: str, pipeline: str) -> str | None:
    """What is wrong with a member of this name."""
    parts = name.split("/")
    config = config_path(pipeline).as_posix()
    if name == config:
        return None
    if _CONTROL.search(name):
        return "holds control characters"
    if "\\" in name:
        return "holds a backslash"
    if name.startswith("/") or _DRIVE.match(name):
        return "is an absolute path"
    if ".." in parts:
        return "leads out of the project"
    if not name.endswith(".py"):
        return f"is neither {config} nor a Python module"
    folders, module = parts[:-1], parts[-1].removesuffix(".py")
    if len(name) > MAX_PATH or not all(map(_is_module_name, (*folders, module))):
        return "cannot be the path of a module"
    first = folders[0] if folders else module
    if first in sys.stdlib_module_names:
        return f"would take the place of Python's own module {first}"
    return None


def _is_module_name(part: str) -> bool:
    return is_name(part) or part.isidentifier()


def _check_apart(names: Iterable[str], shown: str) -> None:
    """Raise unless all paths, and the folders in them, stay apart on any file system."""
    known: dict[str, Path] = {}
    for name in names:
        path = Path(name)
        for each in (path, *path.parents):
            folded = unicodedata.normalize("NFKC", str(each)).casefold()
            other = known.setdefault(folded, each)
            if other != each:
                both = f"{other.as_posix()!r} and {each.as_posix()!r}"
                raise not_taken(shown, f"{both} differ by case alone")


def _imports(bundle: Bundle, path: Path, module: str) -> bool:
    if path.suffix != ".py":
        return False
    names = imported_names(parsed(bundle.files[path], path.as_posix()), path)
    return any(f"{name}.".startswith(f"{module}.") for name in names)
