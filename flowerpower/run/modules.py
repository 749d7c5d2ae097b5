"""Import of a pipeline's modules as they are on disk now, here and in a worker of a cluster.

And the check for optional packages.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import stat
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

from flowerpower.errors import ConfigError, RunFailed
from flowerpower.project_code import is_inside, is_installed, is_own, module_paths
from flowerpower.text import did_you_mean

_stamps: dict[str, tuple[str, int, int]] = {}
"""By module name: its file, and the time (ns) and size of that when it was imported."""
_roots: list[str] = []
"""The project on the path, at most one."""
_importing = threading.RLock()
_NOT_PIPELINES = ("flowerpower", "flowerpower_cli", "__main__", "__mp_main__")
_began = time.time_ns()
"""Before this process imported a pipeline's module."""
# Of a worker of a cluster, which serves other runs before and after:
_worker_base_path: list[str] = []
"""`sys.path` before its first run."""
_worker_path: list[str] = []
"""The import path of its last run."""
_worker_stamps: dict[str, tuple[str, tuple[int, int] | None]] = {}
"""By module imported from there: its file or folder, and the time and size of a file."""


def import_modules(root: Path, names: Sequence[str]) -> list[ModuleType]:
    """The modules called `names`, looked for in the folder `root` first.

    A module is imported again if its file has changed since.

    Raises:
        ConfigError: if there is no module of that name.
        RunFailed: if importing it raised; `__cause__` is what it raised.
    """
    # One at a time: a module that is forgotten while another thread imports it is a KeyError there.
    with _importing:
        _put_first(str(root))
        importlib.invalidate_caches()
        for name in names:
            if name in _stamps and _stamp(sys.modules.get(name)) != _stamps[name]:
                sys.modules.pop(name, None)
        return [_import(root, name) for name in names]


def _put_first(root: str) -> None:
    """Make `root` the first entry of the path, and forget modules of other projects.

    Two projects may well have modules of the same name.
    """
    for other in [known for known in _roots if known != root]:
        _roots.remove(other)
        while other in sys.path:
            sys.path.remove(other)
        for name, (file, _, _) in list(_stamps.items()):
            if is_inside(file, other):
                del _stamps[name]
        for name, module in list(sys.modules.items()):
            if any(is_own(path, other) for path in module_paths(module)):
                del sys.modules[name]
    if root not in _roots:
        _roots.append(root)
    if not sys.path or sys.path[0] != root:
        sys.path.insert(0, root)


def _stamp(module: ModuleType | None) -> tuple[str, int, int] | None:
    file = getattr(module, "__file__", None)
    stamp = file_stamp(file) if file is not None else None
    return (file, *stamp) if file is not None and stamp is not None else None


def file_stamp(file: str) -> tuple[int, int] | None:
    """The time (ns) and size of a file; (0, 0) for a folder, None if there is nothing."""
    try:
        status = os.stat(file)
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size) if stat.S_ISREG(status.st_mode) else (0, 0)


def _import(root: Path, name: str) -> ModuleType:
    # Python takes bytecode as current if the source has the same second and size: an edit right
    # after a run would be missed.
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        module = importlib.import_module(name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing is not None and f"{name}.".startswith(f"{missing}."):
            raise _no_such_module(root, name) from None
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


def imported_code() -> dict[str, tuple[int, int]] | None:
    """The files of all imported code that is not installed, each with its time (ns) and size.

    None if one of them may have changed since it was imported.
    """
    stamps: dict[str, tuple[int, int]] = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        package = name.partition(".")[0]
        if not isinstance(file, str) or is_installed(file) or package in _NOT_PIPELINES:
            continue
        stamp = file_stamp(file)
        # Only modules that a pipeline names are stamped when they are imported, and imported again
        # after an edit. Any other was imported after this process began.
        if stamp is None or (_stamps.get(name) != (file, *stamp) and stamp[0] > _began):
            return None
        stamps[file] = stamp
    return stamps


def project_import_path() -> list[str]:
    """The folders that this process imports from, without Python's own and installed packages."""
    prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
    folders = dict.fromkeys(os.path.abspath(folder) for folder in sys.path)
    own = (folder for folder in folders if "site-packages" not in folder)
    return [folder for folder in own if not any(is_inside(folder, prefix) for prefix in prefixes)]


def call_with_path(path: list[str], function: Callable[[bytes], bytes], argument: bytes) -> bytes:
    """Call `function` here, with modules from `path` first and as they are on disk now."""
    with _importing:
        _prepare_worker(path)
    try:
        return function(argument)
    finally:
        with _importing:
            _stamp_worker_imports()


def _prepare_worker(path: list[str]) -> None:
    if not _worker_base_path:
        _worker_base_path.extend(sys.path)
        # As in _import: an edit right after a run would be missed.
        sys.dont_write_bytecode = True
    has_changed = any(file_stamp(file) != stamp for file, stamp in _worker_stamps.values())
    if has_changed or path != _worker_path:
        # All modules: one that has not changed refers to functions of one that has.
        for name in _worker_stamps:
            sys.modules.pop(name, None)
        _worker_stamps.clear()
    _worker_path[:] = path
    sys.path[:] = [*path, *(folder for folder in _worker_base_path if folder not in path)]
    importlib.invalidate_caches()


def _stamp_worker_imports() -> None:
    """Note in `_worker_stamps` what has been imported from the run's path."""
    for name, module in list(sys.modules.items()):
        file = next(iter(module_paths(module)), None)
        if (
            file is not None
            and name not in _worker_stamps
            and name.partition(".")[0] not in _NOT_PIPELINES
            and any(is_own(file, folder) for folder in _worker_path)
        ):
            _worker_stamps[name] = file, file_stamp(file)


def check_installed(what: str, module: str, extra: str) -> None:
    """Check that a module is installed, which `what` needs and our extra of that name brings.

    Raises:
        ConfigError: if not, with what to install.
    """
    try:
        is_installed = importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        # The package that the module belongs to is missing too.
        is_installed = False
    if not is_installed:
        raise not_installed(what, f"there is no module {module!r}", extra)


def not_installed(what: str, reason: object, extra: str) -> ConfigError:
    """The error for a package that is missing, or cannot be imported."""
    return ConfigError(
        f"{what} is not installed: {reason}.",
        hint=f"Install it with `pip install 'flowerpower-cli[{extra}]'`.",
    )
