"""Signatures of pipelines: kept checks of a request, so that the next one needs no import.

A request that was checked without an error is kept in `.flowerpower/signatures/NAME.json` (of a
remote project beside its fetched version), with the time and size of every file that the check
depends on. Requests that differ only in the values
of their inputs are one *call*: for these, the types that the DAG declares are enough.
"""

from __future__ import annotations

import collections.abc
import contextlib
import datetime as dt
import decimal
import hashlib
import json
import pathlib
import re
import sys
import types
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import flowerpower
from flowerpower.config.file_stamps import file_stamp
from flowerpower.config.files import PROJECT_FILE, pipeline_path
from flowerpower.config.overrides import RunOverrides
from flowerpower.config.remote.version import kept_beside
from flowerpower.files.atomic import write_file
from flowerpower.text import is_secret_name

FOLDER = Path("signatures")
"""In the folder of `kept_beside`."""
VERSION = 1
MAX_CALLS = 100
UNUSED = "unused"
"""In place of a type: the run does not need this input."""
_NOT_CHECKED = {"inputs", "overrides", "written", "load", "save", "timeout", "retry", "progressbar"}
_VARIABLE = re.compile(rb"\$\{([A-Za-z_][A-Za-z0-9_]*)(:-)?")
_NAMED_TYPES: dict[str, Any] = {
    kind.__name__: kind
    for kind in (
        str, int, float, bool, bytes, types.NoneType, object, list, dict, set, frozenset, tuple,
        dt.date, dt.datetime, dt.time, dt.timedelta, decimal.Decimal, uuid.UUID, pathlib.Path,
        collections.abc.Sequence, collections.abc.Mapping,
    )
} | {"Any": Any, "...": Ellipsis}  # fmt: skip
_NAMES = {kind: name for name, kind in _NAMED_TYPES.items()}


@dataclass(frozen=True)
class Call:
    """What is known of a call that was checked.

    `types` are of the inputs and node values in the request, as `type_to_json` gives them; `files`
    are the local files that the run loads, by node.
    """

    types: dict[str, Any]
    files: dict[str, str]


def call_key(overrides: RunOverrides, *, is_fire: bool, parents: int = 0) -> str:
    """The same text for requests that differ in nothing but values and the names of files.

    `is_fire` says that the run is given the time of a fire; `parents` is how many its job has.
    """
    body = {k: value for k, value in overrides.settings.items() if k not in _NOT_CHECKED}
    for part in ("inputs", "overrides"):
        body[part] = sorted(getattr(overrides, part))
    for part in ("load", "save"):
        paths: dict[str, str] = getattr(overrides, part)
        # What a file is named decides its format.
        body[part] = {node: ["://" in p, Path(p).suffix.lower()] for node, p in paths.items()}
    # Of one parent a run is given the id, of several a list: how many does not matter.
    text = json.dumps([body, is_fire, min(parents, 2)], sort_keys=True, default=repr)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def stamps_of_configuration(root: Path, name: str) -> dict[str, tuple[int, int] | None]:
    """The time (ns) and size of the files that configure a pipeline."""
    files = [str(root / PROJECT_FILE), str(root / pipeline_path(name))]
    return {file: file_stamp(file) for file in files}


def variables_in(*files: Path, with_default: bool = False) -> set[str]:
    """The variables of the environment that files name without a default, or with one."""
    names: set[str] = set()
    for file in files:
        with contextlib.suppress(OSError):
            found = _VARIABLE.findall(file.read_bytes())
            names |= {name.decode() for name, default in found if bool(default) is with_default}
    return names


def read_call(root: Path, name: str, environ: Mapping[str, str], key: str) -> Call | None:
    """The call that was kept under that key; None without one, or if anything has changed."""
    kept = _read(root, name)
    if kept is None or not _is_fresh(kept, environ):
        return None
    try:
        return Call(**kept["calls"][key])
    except (LookupError, TypeError):
        return None


def keep_call(
    root: Path,
    name: str,
    environ: Mapping[str, str],
    key: str,
    call: Call,
    stamps: Mapping[str, tuple[int, int] | None],
    modules: Iterable[str] = (),
) -> None:
    """Keep a call that was checked with files of these stamps; if it cannot be, nothing happens.

    `modules` are those that a fork server might import for the pipeline.
    """
    calls = {key: asdict(call)}
    kept = _read(root, name)
    if kept is not None and _is_fresh(kept, environ):
        with contextlib.suppress(LookupError, TypeError, AttributeError):
            # The newest first, and not without end.
            calls |= {k: c for k, c in list(kept["calls"].items())[: MAX_CALLS - 1] if k != key}
            stamps = {**kept["files"], **stamps}
            modules = {*modules, *kept["modules"]}
    files = (root / PROJECT_FILE, root / pipeline_path(name))
    variables = sorted({*variables_in(*files), *variables_in(*files, with_default=True)})
    body = {
        "v": VERSION,
        "software": _software(),
        "files": stamps,
        "variables": variables,
        "environ": _digest(variables, environ),
        "modules": sorted(modules),
        "calls": calls,
    }
    folder = kept_beside(root) / FOLDER
    with contextlib.suppress(OSError):
        for place in (folder.parent, folder):
            place.mkdir(mode=0o700, exist_ok=True)
        write_file(folder / f"{name}.json", json.dumps(body).encode())


def modules_of_project(root: Path) -> set[str]:
    """The modules that were kept with the signatures of the project's pipelines.

    Also of those whose code has changed since: that they import the same is likely.
    """
    modules: set[str] = set()
    for file in (kept_beside(root) / FOLDER).glob("*.json"):
        kept = _read(root, file.stem) if (root / pipeline_path(file.stem)).is_file() else None
        names = kept.get("modules") if kept is not None else None
        modules |= {name for name in names or () if isinstance(name, str)}
    return modules


def _read(root: Path, name: str) -> dict[str, Any] | None:
    try:
        kept = json.loads((kept_beside(root) / FOLDER / f"{name}.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return kept if isinstance(kept, dict) and kept.get("v") == VERSION else None


def _is_fresh(kept: dict[str, Any], environ: Mapping[str, str]) -> bool:
    try:
        return (
            kept["software"] == _software()
            and kept["environ"] == _digest(kept["variables"], environ)
            and all(
                stamp is not None and file_stamp(file) == tuple(stamp)
                for file, stamp in kept["files"].items()
            )
        )
    except (LookupError, TypeError, ValueError, AttributeError):
        return False


def _software() -> list[str]:
    return [flowerpower.__version__, sys.version, sys.prefix]


def _digest(variables: Iterable[str], environ: Mapping[str, str]) -> str:
    # Of a secret only whether there is one: nothing that it could be guessed from is stored.
    values = [
        [name, name in environ if is_secret_name(name) else environ.get(name)] for name in variables
    ]
    text = json.dumps(values)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def type_to_json(annotation: Any) -> Any:
    """A type as JSON, which `type_from_json` reads; None if it is made of other than plain types.

    Types of the user's own are among these: only importing their modules would give them back.
    """
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        is_plain = all(isinstance(value, str | int | bool | None) for value in arguments)
        return ["Literal", *arguments] if is_plain else None
    if origin is None:
        return _name(annotation)
    name = "Union" if origin in (Union, types.UnionType) else _name(origin)
    parts = [type_to_json(argument) for argument in arguments]
    return None if name is None or not parts or None in parts else [name, *parts]


def _name(kind: Any) -> str | None:
    return _NAMES.get(kind) if isinstance(kind, collections.abc.Hashable) else None


def type_from_json(data: Any) -> Any:
    """The type that `type_to_json` wrote.

    Raises:
        LookupError, TypeError: if it wrote no such thing.
    """
    if isinstance(data, str):
        return _NAMED_TYPES[data]
    name, *parts = data
    if name == "Literal":
        return Literal[tuple(parts)]
    arguments = tuple(map(type_from_json, parts))
    return Union[arguments] if name == "Union" else _NAMED_TYPES[name][arguments]  # noqa: UP007
