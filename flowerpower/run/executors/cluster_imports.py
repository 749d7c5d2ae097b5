"""Import of a run's code in a worker of a cluster, which serves other runs before and after."""

from __future__ import annotations

import importlib
import os
import sys
import threading
from collections.abc import Callable, Iterator

from flowerpower.project_code import is_inside, is_own, module_paths
from flowerpower.run.modules import file_stamp

_lock = threading.Lock()
_base_path: list[str] = []
"""`sys.path` of the worker before its first run."""
_path: list[str] = []
"""The import path of its last run."""
_stamps: dict[str, tuple[str, tuple[int, int] | None]] = {}
"""By module imported from there: its file or folder, and the time and size of a file."""


def project_import_path() -> list[str]:
    """The folders that this process imports from, without Python's own and installed packages."""
    prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
    folders = dict.fromkeys(os.path.abspath(folder) for folder in sys.path)
    return [
        folder
        for folder in folders
        if "site-packages" not in folder
        and not any(is_inside(folder, prefix) for prefix in prefixes)
    ]


def call_with_path(path: list[str], function: Callable[[bytes], bytes], argument: bytes) -> bytes:
    """Call `function` here, with modules from `path` first and as they are on disk now."""
    with _lock:
        _prepare(path)
    try:
        return function(argument)
    finally:
        with _lock:
            _stamps.update({name: (file, file_stamp(file)) for name, file in _imported()})


def _prepare(path: list[str]) -> None:
    if not _base_path:
        _base_path.extend(sys.path)
        # As in run/modules.py: an edit right after a run would be missed.
        sys.dont_write_bytecode = True
    if path != _path or any(file_stamp(file) != stamp for file, stamp in _stamps.values()):
        # All modules: one that has not changed refers to functions of one that has.
        for name in _stamps:
            sys.modules.pop(name, None)
        _stamps.clear()
    _path[:] = path
    sys.path[:] = [*path, *(folder for folder in _base_path if folder not in path)]
    importlib.invalidate_caches()


def _imported() -> Iterator[tuple[str, str]]:
    """Modules from the run's path that are not in `_stamps` yet, each with its file or folder."""
    for name, module in list(sys.modules.items()):
        file = next(iter(module_paths(module)), None)
        if (
            file is not None
            and name not in _stamps
            and name.partition(".")[0] not in ("flowerpower", "__main__", "__mp_main__")
            and any(is_own(file, folder) for folder in _path)
        ):
            yield name, file
