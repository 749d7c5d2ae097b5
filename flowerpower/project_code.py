"""Whether a file is a project's own code, or belongs to Python or to an installed package.

The path alone decides: that also works for files that are gone, and in a worker of a cluster.
"""

from __future__ import annotations

import os
import sysconfig
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


def module_paths(module: ModuleType | None) -> list[str]:
    """A module's file; without one, the folders of a package that has no __init__.py."""
    file = getattr(module, "__file__", None)
    return [file] if isinstance(file, str) else [str(p) for p in getattr(module, "__path__", ())]
