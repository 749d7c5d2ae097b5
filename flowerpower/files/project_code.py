"""Whether a file is a project's own code, or belongs to Python or to an installed package.

The path alone decides: that also works for files that are gone, and in a worker of a cluster.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import threading
import weakref
from collections.abc import Callable, Mapping
from types import ModuleType

_INSTALLED = tuple(
    sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")
)


def is_inside(path: str, folder: str) -> bool:
    """Whether a path is a folder or in it."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def is_own(path: str, folder: str) -> bool:
    """Whether a path is code of the project in `folder`."""
    # A virtual environment may be in the project's folder: its packages are not the project's.
    return is_inside(path, folder) and "site-packages" not in path


def is_installed(file: str) -> bool:
    """Whether a file belongs to Python or to an installed package, or is none (empty)."""
    return not file or file.startswith(("<frozen", *_INSTALLED)) or "site-packages" in file


class NewModules:
    """Says which modules were imported since it last said so; at first that is all of them."""

    # By their order in sys.modules. A set of the known names would refer to each of a thousand
    # names, and in a forked process each reference copies the memory in which the name is.

    def __init__(self) -> None:
        self._last = ""
        self._last_module: Callable[[], object] = _nothing

    def skip(self) -> None:
        """Count all modules as known."""
        self._remember(next(reversed(sys.modules)), sys.modules)

    def names(self) -> list[str]:
        """The names of new modules; of all, if the last one that was known has been removed."""
        if self._is_newest():
            return []
        # Of a copy where another thread may import: that would end the loop with an error.
        modules = sys.modules if threading.active_count() == 1 else sys.modules.copy()
        names: list[str] = []
        for name in reversed(modules):
            if name == self._last and modules[name] is self._last_module():
                break
            names.append(name)
        if names:
            self._remember(names[0], modules)
        return names

    def _is_newest(self) -> bool:
        """Whether the last one that was known still is the last one; if so, it is certain."""
        try:
            name = next(reversed(sys.modules))
            return name == self._last and sys.modules[name] is self._last_module()
        except (RuntimeError, KeyError):
            # Another thread imports just now.
            return False

    def _remember(self, name: str, modules: Mapping[str, ModuleType]) -> None:
        self._last = name
        # Not the module itself, which would live on after it was removed.
        try:
            self._last_module = weakref.ref(modules[name])
        except TypeError:
            # Some programs put other objects there.
            self._last_module = _nothing


def _nothing() -> None:
    """In place of a reference to what cannot have one."""


def module_paths(module: ModuleType | None) -> list[str]:
    """A module's file; without one, the folders of a package that has no __init__.py."""
    file = getattr(module, "__file__", None)
    return [file] if isinstance(file, str) else [str(p) for p in getattr(module, "__path__", ())]
