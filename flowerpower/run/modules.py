"""Importing a pipeline's modules from its project, as they are on disk now."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from flowerpower.errors import ConfigError, RunFailed
from flowerpower.text import did_you_mean

_stamps: dict[str, tuple[str, int, int]] = {}
"""Module name -> file, its time in ns and its size when we imported it."""
_roots: list[str] = []


def import_modules(root: Path, names: Sequence[str]) -> list[ModuleType]:
    """The modules called `names`, found from the folder `root` first.

    A module imported before is imported again if its file has changed since.

    Raises:
        ConfigError: if there is no module of that name.
        RunFailed: if importing it raised; `__cause__` is what it raised.
    """
    _put_first(str(root))
    importlib.invalidate_caches()
    for name in names:
        if name in _stamps and _stamp(sys.modules.get(name)) != _stamps[name]:
            sys.modules.pop(name, None)
    return [_import(root, name) for name in names]


def _put_first(root: str) -> None:
    """`root` as the one project on the path; modules of another project are forgotten."""
    for other in [known for known in _roots if known != root]:
        _roots.remove(other)
        while other in sys.path:
            sys.path.remove(other)
        for name, (file, _, _) in list(_stamps.items()):
            if file.startswith(other + os.sep):
                del _stamps[name]
        for name, module in list(sys.modules.items()):
            if _is_below(module, other):
                del sys.modules[name]
    if root not in _roots:
        _roots.append(root)
    if not sys.path or sys.path[0] != root:
        sys.path.insert(0, root)


def _is_below(module: ModuleType, root: str) -> bool:
    file = getattr(module, "__file__", None)
    places = [file] if file else list(getattr(module, "__path__", []))
    below = root + os.sep
    return any(
        str(place).startswith(below) and "site-packages" not in str(place) for place in places
    )


def _stamp(module: ModuleType | None) -> tuple[str, int, int] | None:
    file = getattr(module, "__file__", None)
    if file is None:
        return None
    try:
        status = os.stat(file)
    except OSError:
        return None
    return file, status.st_mtime_ns, status.st_size


def _import(root: Path, name: str) -> ModuleType:
    # Bytecode is told from its source by second and size, too coarse for an edit and a run.
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        module = importlib.import_module(name)
    except KeyboardInterrupt:
        raise
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise _no_such_module(root, name) from None
        raise RunFailed(f"The module {name} cannot be imported.") from error
    except BaseException as error:
        raise RunFailed(f"The module {name} cannot be imported.") from error
    finally:
        sys.dont_write_bytecode = before
    stamp = _stamp(module)
    if stamp is not None:
        _stamps[name] = stamp
    return module


def _no_such_module(root: Path, name: str) -> ConfigError:
    file = name.replace(".", "/") + ".py"
    known = [
        path.relative_to(root).as_posix()[:-3].replace("/", ".") for path in root.glob("*/*.py")
    ]
    return ConfigError(
        f"There is no module {name!r}: expected the file {file}.{did_you_mean(name, known)}",
        hint=f"Write {file}, or name the modules in run.modules.",
    )
