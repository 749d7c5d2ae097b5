"""Which files of a project a module is, found by reading the source; nothing is imported."""

from __future__ import annotations

import ast
import io
import os
import sys
import tokenize
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

from flowerpower.errors import ConfigError, ConfigFault, os_errors_as

MAX_MODULE_BYTES = 500_000
"""A syntax tree takes up to a thousand times the space of its source."""


def parse_module(content: bytes, label: str) -> ast.Module:
    """The syntax tree of a module's source; errors call it `label`.

    Raises:
        ConfigError: if it is not Python in UTF-8, or is too large.
    """
    if len(content) > MAX_MODULE_BYTES:
        raise ConfigError(f"{label} is larger than {MAX_MODULE_BYTES // 1000} kB.")
    try:
        # Both: a declared encoding such as UTF-7 may hide code in bytes that are valid UTF-8.
        content.decode("utf-8")
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
    except (UnicodeDecodeError, SyntaxError):
        encoding = "another encoding"
    if encoding not in ("utf-8", "utf-8-sig"):
        raise ConfigError(f"{label} is not UTF-8 text.")
    try:
        with warnings.catch_warnings():
            # An invalid escape in somebody's text is not worth a line on the terminal.
            warnings.simplefilter("ignore")
            return ast.parse(content)
    except SyntaxError as error:
        fault = ConfigFault(label, f"is not Python: {error.msg}.", line=error.lineno)
        raise ConfigError(faults=[fault]) from None
    except (ValueError, RecursionError, MemoryError):
        raise ConfigError(f"{label} cannot be parsed as Python.") from None


def imported_names(tree: ast.Module, path: Path) -> Iterator[str]:
    """The dotted names that the module in the file `path` may import, from the project's root.

    In `from a import b`, b is a module or a name in `a`; only importing `a` would tell. So both `a`
    and `a.b` are yielded.
    """
    package = path.parent.parts
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # One dot is the module's own package, each further dot the package above.
            levels_up = node.level - 1
            if levels_up > len(package):
                continue
            base = list(package[: len(package) - levels_up]) if node.level else []
            base += node.module.split(".") if node.module else []
            if base:
                yield ".".join(base)
            yield from (".".join([*base, alias.name]) for alias in node.names if alias.name != "*")


def module_files(root: Path, name: str) -> list[Path]:
    """The files of the project `root` that run when `name` is imported, relative to it.

    They are the module itself and the `__init__.py` of the packages above it, as far as they
    exist. Files outside the project, or reached through a link that leads out, are left out.
    """
    files: list[Path] = []
    folder = Path()
    for part in name.split("."):
        module = folder / f"{part}.py"
        folder = folder / part
        if _is_in_project(root, folder / "__init__.py"):
            files.append(folder / "__init__.py")
        elif _is_in_project(root, module):
            files.append(module)
            break
        elif not os.path.isdir(root / folder):
            break
    return files


def contains_module(files: Iterable[Path], name: str) -> bool:
    """Whether the module `name` itself is among `files`, as a file or as a package."""
    path = Path(*name.split("."))
    return not {path / "__init__.py", path.with_name(f"{path.name}.py")}.isdisjoint(files)


def modules_with_imports(root: Path, names: Iterable[str]) -> tuple[dict[Path, bytes], list[str]]:
    """The files of the modules `names` and of all that they import, and the names of packages.

    The packages are those that are neither the project's nor in the standard library.

    Raises:
        ConfigError: if a file of the project cannot be read or is not a module.
    """
    files: dict[Path, bytes] = {}
    packages: set[str] = set()
    seen: set[str] = set()
    queue = list(names)
    while queue:
        name = queue.pop()
        if name in seen:
            continue
        seen.add(name)
        paths = module_files(root, name)
        first = name.partition(".")[0]
        if not paths and first not in sys.stdlib_module_names and not os.path.isdir(root / first):
            packages.add(first)
        for path in paths:
            if path not in files:
                files[path] = read_file(root, path, MAX_MODULE_BYTES + 1)
                tree = parse_module(files[path], path.as_posix())
                queue.extend(imported_names(tree, path))
    return files, sorted(packages)


def read_file(root: Path, path: Path, limit: int) -> bytes:
    """At most `limit` bytes of a file of the project.

    Raises:
        ConfigError: if it cannot be read.
    """
    failure = f"{path.as_posix()} cannot be read"
    with os_errors_as(ConfigError, failure), (root / path).open("rb") as stream:
        return stream.read(limit)


def leads_out(root: Path, path: Path) -> bool:
    """Whether `path` below the folder `root` is, through a link, outside of it."""
    real = os.path.realpath(root)
    return os.path.commonpath([real, os.path.realpath(root / path)]) != real


def _is_in_project(root: Path, path: Path) -> bool:
    return os.path.isfile(root / path) and not leads_out(root, path)
