"""Versions of a node's code: of its function, and of all of the project's own that it uses.

Hamilton's version is that of one function's text. A constant, a helper or a class that it uses, a
value that a decorator was given, or a second pipeline with a function of the same text are none of
it; a cache that goes by it gives back values of code that is gone.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import pathlib
import sysconfig
import types
from collections.abc import Iterable, Iterator
from typing import Any

from hamilton import node
from hamilton.graph_types import hash_source_code

from flowerpower.run.cache.fingerprints import fingerprint

MOST_PARTS = 5_000
"""Parts of a node's code that are looked at."""
_INSTALLED = tuple(
    sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")
)


def code_version(of: node.Node) -> str:
    """A text that changes with the node's code and with what of the project it uses."""
    reader = _Reader()
    reader.read(of.callable)
    for function in of.originating_functions or ():
        reader.read(function)
    return reader.digest.hexdigest()


class _Reader:
    """Reads code as far as it is not installed, each part of it once."""

    def __init__(self) -> None:
        self.digest = hashlib.blake2b(digest_size=24)
        self._seen: dict[int, int] = {}
        self._kept: list[Any] = []

    def read(self, value: Any) -> None:
        """Take in a value that code is or uses."""
        if id(value) in self._seen or len(self._seen) > MOST_PARTS:
            self._mark(f"seen {self._seen.get(id(value))}")
            return
        self._seen[id(value)] = len(self._seen)
        # An id is only a value's own while that is there.
        self._kept.append(value)
        if isinstance(value, types.FunctionType):
            self._read_function(value)
        elif isinstance(value, types.MethodType):
            self._read_all((value.__func__, value.__self__))
        elif isinstance(value, functools.partial):
            self._read_all((value.func, *value.args, *_flat(value.keywords)))
        elif isinstance(value, staticmethod | classmethod):
            self.read(value.__func__)
        elif isinstance(value, property):
            self._read_all((value.fget, value.fset))
        elif isinstance(value, type):
            self._read_class(value)
        elif isinstance(value, types.ModuleType):
            self._mark(value.__name__)
        elif isinstance(value, node.Node):
            self._mark(value.name)
            self.read(value.callable)
        elif isinstance(value, dict):
            self._read_all(_flat(value))
        elif isinstance(value, list | tuple):
            self._read_all(value)
        else:
            self._read_value(value)

    def _mark(self, text: str) -> None:
        content = text.encode("utf-8", "surrogatepass")
        self.digest.update(len(content).to_bytes(8, "little"))
        self.digest.update(content)

    def _read_all(self, values: Iterable[Any]) -> None:
        for value in values:
            self.read(value)
        self._mark("end")

    def _read_function(self, function: types.FunctionType) -> None:
        self._mark(f"{function.__module__}.{function.__qualname__}")
        for cell in function.__closure__ or ():
            try:
                self.read(cell.cell_contents)
            except ValueError:
                self._mark("empty")
        self._read_all(function.__defaults__ or ())
        self._read_all(_flat(function.__kwdefaults__ or {}))
        code = function.__code__
        if _is_installed(code.co_filename):
            return
        self._mark(_text(function))
        names = set(_names(code))
        for name in sorted(names & function.__globals__.keys()):
            used = function.__globals__[name]
            self._mark(name)
            if isinstance(used, types.ModuleType) and not _is_installed(_file(used)):
                for attribute in sorted(names & vars(used).keys()):
                    self.read(vars(used)[attribute])
            else:
                self.read(used)

    def _read_class(self, cls: type) -> None:
        self._mark(f"{cls.__module__}.{cls.__qualname__}")
        try:
            file = inspect.getfile(cls)
        except (TypeError, OSError):
            return
        if _is_installed(file):
            return
        try:
            self._mark(inspect.getsource(cls))
        except (TypeError, OSError):
            self._mark("no source")
        self._read_all(cls.__bases__)
        for name, member in sorted(vars(cls).items()):
            if isinstance(member, types.FunctionType | staticmethod | classmethod | property):
                self._mark(name)
                self.read(member)

    def _read_value(self, value: Any) -> None:
        kind = type(value)
        self._mark(f"{kind.__module__}.{kind.__qualname__}")
        if isinstance(value, pathlib.PurePath):
            # As it is written; what is in the file is no code.
            self._mark(str(value))
            return
        if kind.__module__.partition(".")[0] == "hamilton":
            # A decorator, with what it was given.
            self._read_all(_flat(getattr(value, "__dict__", {})))
            return
        if not _is_installed(_file(inspect.getmodule(kind))):
            self.read(kind)
        try:
            self._mark(fingerprint(value))
        except Exception:  # noqa: BLE001 - the value's own code runs
            self._mark("unknown")


def _flat(mapping: dict[Any, Any]) -> Iterator[Any]:
    for key, value in mapping.items():
        yield key
        yield value


def _file(module: types.ModuleType | None) -> str:
    return getattr(module, "__file__", None) or ""


def _is_installed(file: str) -> bool:
    """Whether a file belongs to Python or to a package that is installed, or is none."""
    return not file or file.startswith(("<frozen", *_INSTALLED)) or "site-packages" in file


def _names(code: types.CodeType) -> Iterator[str]:
    """What code names, the code in it too."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _text(function: types.FunctionType) -> str:
    """A function's source without comments and docstrings, or its code where there is none."""
    try:
        return str(hash_source_code(function, strip=True))
    except Exception:  # noqa: BLE001 - what cannot be read as source is taken as it is
        return _bytecode(function.__code__)


def _bytecode(code: types.CodeType) -> str:
    parts = [code.co_code.hex(), repr(code.co_names)]
    parts += [
        _bytecode(each) if isinstance(each, types.CodeType) else repr(each)
        for each in code.co_consts
    ]
    return " ".join(parts)
