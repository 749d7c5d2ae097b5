"""The package redis without its half for asyncio, which is imported once something of it is used.

`import redis` imports both halves, and asyncio with them. That takes longer than all else that
adds a job to a Redis, and nothing here uses it.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import sys
import threading
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_NAME = "redis.asyncio"
_loading = threading.RLock()


class _LaterModule(ModuleType):
    """A package that is executed once something is looked up, or one of its modules imported."""

    def __init__(self, spec: ModuleSpec) -> None:
        super().__init__(spec.name)
        vars(self).update(
            __spec__=spec, __loader__=spec.loader, __file__=spec.origin, __package__=spec.name
        )

    def __getattr__(self, name: str) -> Any:
        # Python itself looks for many such names. For these only at imports.
        if name.startswith("__") and name not in ("__all__", "__path__"):
            raise AttributeError(name)
        with _loading:
            if type(self) is _LaterModule:
                # First: while it is executed, it is looked up in its own modules.
                self.__class__ = ModuleType  # type: ignore[assignment] # as LazyLoader does
                spec: ModuleSpec = vars(self)["__spec__"]
                assert spec.loader is not None
                vars(self)["__path__"] = spec.submodule_search_locations
                spec.loader.exec_module(self)
        return getattr(self, name)


def install() -> None:
    """Import redis and leave redis.asyncio until it is used, unless redis is imported already."""
    if "redis" in sys.modules or (package := importlib.util.find_spec("redis")) is None:
        return
    folders = package.submodule_search_locations
    spec = importlib.machinery.PathFinder.find_spec(_NAME, folders)
    if spec is None or spec.loader is None:
        return
    later = sys.modules[_NAME] = _LaterModule(spec)
    # The other half imports a module of this one, which needs no more than that this is a package.
    vars(later)["__path__"] = spec.submodule_search_locations
    try:
        importlib.import_module("redis")
    finally:
        if type(later) is _LaterModule:
            del vars(later)["__path__"]
