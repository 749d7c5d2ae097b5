"""Versions of a node's code: of its function, and of all code of the project that it uses.

Hamilton's version covers the text of one function. It does not change with a constant, a helper or
a class that the function uses or with a decorator's arguments, and two pipelines with functions of
the same text share it: a cache that relies on it returns values of code that is gone.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import pathlib
import types
from collections.abc import Iterable, Iterator
from typing import Any

from hamilton.graph_types import hash_source_code
from hamilton.node import Node

from flowerpower.files.project_code import is_installed
from flowerpower.run.cache.fingerprints import Digest, fingerprint

MAX_PARTS = 5_000
"""Parts of a node's code that are read; what comes after is ignored."""


def code_version(node: Node) -> str:
    """A text that changes with the node's code and with the code of the project that it uses."""
    hasher = _CodeHasher()
    for function in (node.callable, *(node.originating_functions or ())):
        hasher.read(function)
    return hasher.digest.hexdigest()


class _CodeHasher(Digest):
    """Hashes functions and all that they use, each once, down to code that is installed."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[int, int] = {}
        self._references: list[Any] = []

    def read(self, value: Any) -> None:
        """Add a function, or a value that one uses, to the digest."""
        if id(value) in self._seen or len(self._seen) > MAX_PARTS:
            self.mark(f"seen {self._seen.get(id(value))}")
            return
        self._seen[id(value)] = len(self._seen)
        # Python reuses the id of an object that is gone, so each is kept.
        self._references.append(value)
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
            self.mark(value.__name__)
        elif isinstance(value, Node):
            self.mark(value.name)
            self.read(value.callable)
        elif isinstance(value, dict):
            self._read_all(_flat(value))
        elif isinstance(value, list | tuple):
            self._read_all(value)
        else:
            self._read_value(value)

    def _read_all(self, values: Iterable[Any]) -> None:
        for value in values:
            self.read(value)
        self.mark("end")

    def _read_function(self, function: types.FunctionType) -> None:
        self.mark(f"{function.__module__}.{function.__qualname__}")
        for cell in function.__closure__ or ():
            try:
                self.read(cell.cell_contents)
            except ValueError:
                self.mark("empty")
        self._read_all(function.__defaults__ or ())
        self._read_all(_flat(function.__kwdefaults__ or {}))
        code = function.__code__
        if is_installed(code.co_filename):
            return
        self.mark(_text(function))
        names = set(_names(code))
        for name in sorted(names & function.__globals__.keys()):
            used = function.__globals__[name]
            self.mark(name)
            if isinstance(used, types.ModuleType) and not is_installed(_file(used)):
                for attribute in sorted(names & vars(used).keys()):
                    self.read(vars(used)[attribute])
            else:
                self.read(used)

    def _read_class(self, cls: type) -> None:
        self.mark(f"{cls.__module__}.{cls.__qualname__}")
        try:
            if is_installed(inspect.getfile(cls)):
                return
        except (TypeError, OSError):
            return
        try:
            self.mark(inspect.getsource(cls))
        except (TypeError, OSError):
            self.mark("no source")
        self._read_all(cls.__bases__)
        for name, member in sorted(vars(cls).items()):
            if isinstance(member, types.FunctionType | staticmethod | classmethod | property):
                self.mark(name)
                self.read(member)

    def _read_value(self, value: Any) -> None:
        kind = type(value)
        self.mark(f"{kind.__module__}.{kind.__qualname__}")
        if isinstance(value, pathlib.PurePath):
            # Only the path: the content of the file is not code.
            self.mark(str(value))
        elif kind.__module__.partition(".")[0] == "hamilton":
            # A decorator with its arguments.
            self._read_all(_flat(getattr(value, "__dict__", {})))
        else:
            if not is_installed(_file(inspect.getmodule(kind))):
                self.read(kind)
            try:
                self.mark(fingerprint(value))
            except Exception:  # noqa: BLE001 - the value's own code runs
                self.mark("unknown")


def _flat(mapping: dict[Any, Any]) -> Iterator[Any]:
    return itertools.chain.from_iterable(mapping.items())


def _file(module: types.ModuleType | None) -> str:
    return getattr(module, "__file__", None) or ""


def _names(code: types.CodeType) -> Iterator[str]:
    """The names that code uses, in nested functions too."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _text(function: types.FunctionType) -> str:
    """A function's source without comments and docstrings, or its code where there is none."""
    try:
        return str(hash_source_code(function, strip=True))
    except Exception:  # noqa: BLE001 - without a readable source its bytecode is hashed
        return _bytecode(function.__code__)


def _bytecode(code: types.CodeType) -> str:
    constants = (
        _bytecode(constant) if isinstance(constant, types.CodeType) else repr(constant)
        for constant in code.co_consts
    )
    return " ".join((code.co_code.hex(), repr(code.co_names), *constants))
