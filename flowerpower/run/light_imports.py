"""Imports of modules with hooks: what they import and hardly use comes when it is used.

A module that imports NumPy or pandas for a few functions and for annotations gets stand-ins for
them while it is executed. What needs more than that gets the real packages, at once.
"""

from __future__ import annotations

import builtins
import contextlib
import importlib
import inspect
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from importlib.machinery import ModuleSpec
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any, ForwardRef

StandInNames = Mapping[str, str | None]
"""What a module imports: what it calls it, or None for what it is to find missing."""


class StandIn(ModuleType):
    """A module that `owner` has imported, and that is imported once something of it is used.

    While the owner is executed, only its annotations may name something of it: they get what they
    would have as texts.
    """

    def __init__(self, name: str, alias: str, owner: ModuleType) -> None:
        super().__init__(name)
        self.__dict__.update(alias=alias, owner=owner)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        owner: ModuleType = vars(self)["owner"]
        alias: str = vars(self)["alias"]
        if owner.__name__ in _imports.stand_ins:
            return ForwardRef(f"{alias}.{name}")
        module = importlib.import_module(self.__name__)
        if vars(owner).get(alias) is self:
            setattr(owner, alias, module)
        return getattr(module, name)


class _Imports:
    """Python's `__import__`, which gives stand-ins to the modules that are executed now."""

    def __init__(self) -> None:
        self.stand_ins: dict[str, StandInNames] = {}
        self._lock = threading.Lock()
        self._original: Callable[..., Any] = builtins.__import__

    @contextlib.contextmanager
    def with_stand_ins(self, module: ModuleType, names: StandInNames) -> Iterator[None]:
        """Give them to a module in this block."""
        with self._lock:
            if not self.stand_ins:
                self._original = builtins.__import__
                builtins.__import__ = self._import
            self.stand_ins[module.__name__] = names
        try:
            yield
        finally:
            with self._lock:
                del self.stand_ins[module.__name__]
                # If somebody else has replaced it since, that calls this one, which does no harm.
                if not self.stand_ins and builtins.__import__ == self._import:
                    builtins.__import__ = self._original

    def _import(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> Any:
        importer = (globals or {}).get("__name__")
        names = self.stand_ins.get(importer) if isinstance(importer, str) else None
        if names is not None and level == 0 and name.partition(".")[0] not in sys.modules:
            whole = ".".join([name, *(fromlist or ())])
            if whole in names:
                return self._stand_in(whole, names[whole], sys.modules[str(importer)], fromlist)
        return self._original(name, globals, locals, fromlist, level)

    def _stand_in(
        self, name: str, alias: str | None, owner: ModuleType, fromlist: Sequence[str] | None
    ) -> Any:
        if alias is None:
            raise ModuleNotFoundError(f"{name} is not imported yet", name=name)
        stand_in = StandIn(name, alias, owner)
        return SimpleNamespace(**{fromlist[0]: stand_in}) if fromlist else stand_in


_imports = _Imports()


class HookedImports:
    """A finder of modules that executes some with stand-ins, and some by hooks.

    Both are by the full name of a module. It finds only these, by the other finders. A hook gets
    the module and what executes it.
    """

    def __init__(
        self,
        stand_ins: Mapping[str, StandInNames],
        hooks: Mapping[str, Callable[[ModuleType, Callable[[], None]], None]],
    ) -> None:
        self._stand_ins, self._hooks = stand_ins, hooks
        self._asking = threading.local()

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The specification of a module, with a loader that does as this says."""
        if name not in self._stand_ins and name not in self._hooks:
            return None
        # Finders of other packages ask all finders as this one does, and so this one again.
        if name == getattr(self._asking, "name", None):
            return None
        self._asking.name = name
        try:
            spec = self._found_by_others(name, path, target)
        finally:
            self._asking.name = None
        if spec is not None and spec.loader is not None:
            # The loader stays what it is, for who asks it for source or data.
            execute = partial(self._execute, spec.loader.exec_module)
            vars(spec.loader)["exec_module"] = execute
        return spec

    def _found_by_others(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None
    ) -> ModuleSpec | None:
        for finder in sys.meta_path:
            find = None if finder is self else getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = find(name, path, target) if find is not None else None
            if spec is not None and spec.loader is not None:
                return spec
        return None

    def _execute(self, execute: Callable[[ModuleType], None], module: ModuleType) -> None:
        def execute_module() -> None:
            if module.__name__ in self._stand_ins and self._is_executed_lightly(module, execute):
                return
            execute(module)

        hook = self._hooks.get(module.__name__)
        if hook is None:
            execute_module()
        else:
            hook(module, execute_module)

    def _is_executed_lightly(
        self, module: ModuleType, execute: Callable[[ModuleType], None]
    ) -> bool:
        """Execute a module with stand-ins; False if that does not do."""
        try:
            with _imports.with_stand_ins(module, self._stand_ins[module.__name__]):
                execute(module)
        except (AttributeError, TypeError, NameError):
            # It needs something of such a package now. If not, the error comes again.
            return False
        return not any(isinstance(value, ForwardRef) for value in _values(module))


def _values(module: ModuleType) -> Iterable[Any]:
    """The values of a module and its classes, defaults of functions and parts of containers."""
    classes = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and value.__module__ == module.__name__
    ]
    for owner in (module, *classes):
        for name, value in vars(owner).items():
            if name in ("__annotations__", "__builtins__"):
                continue
            function = getattr(value, "__func__", value)
            if isinstance(function, FunctionType):
                yield from function.__defaults__ or ()
                yield from (function.__kwdefaults__ or {}).values()
            elif isinstance(value, dict):
                yield from value.values()
            elif isinstance(value, list | tuple | set | frozenset):
                yield from value
            yield value
