"""The code of a run in a process that serves other runs before and after: a cluster's worker."""

from __future__ import annotations

import importlib
import os
import stat
import sys
import threading
from collections.abc import Callable, Iterator

_lock = threading.Lock()
_usual: list[str] = []
"""What the process itself imports from."""
_path: list[str] = []
"""Where the code of its last run came from."""
_stamps: dict[str, tuple[str, tuple[int, int] | None]] = {}
"""What was imported from there: module name -> its file, or folder, and a file's time and size."""


def own_path() -> list[str]:
    """The folders that this process imports from, but for its Python and what is installed."""
    installed = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
    folders = dict.fromkeys(os.path.abspath(each) for each in sys.path)
    return [
        each
        for each in folders
        if "site-packages" not in each and not any(_is_below(each, top) for top in installed)
    ]


def call_with(path: list[str], function: Callable[[bytes], bytes], argument: bytes) -> bytes:
    """Call `function` where modules come from `path` first, and as their files are now."""
    with _lock:
        _prepare(path)
    try:
        return function(argument)
    finally:
        with _lock:
            _stamps.update({name: (place, _stamp(place)) for name, place in _new()})


def _prepare(path: list[str]) -> None:
    if not _usual:
        _usual.extend(sys.path)
        # Bytecode is told from its source by second and size, too coarse for an edit and a run.
        sys.dont_write_bytecode = True
    if path != _path or any(_stamp(place) != stamp for place, stamp in _stamps.values()):
        # All of them: one that has not changed holds functions of one that has.
        for name in _stamps:
            sys.modules.pop(name, None)
        _stamps.clear()
    _path[:] = path
    sys.path[:] = [*path, *(each for each in _usual if each not in path)]
    importlib.invalidate_caches()


def _new() -> Iterator[tuple[str, str]]:
    for name, module in list(sys.modules.items()):
        # A folder without an __init__.py is a module that has no file.
        places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
        place = next((each for each in places if isinstance(each, str)), None)
        if (
            place is not None
            and name not in _stamps
            and name.partition(".")[0] not in ("flowerpower", "__main__", "__mp_main__")
            and "site-packages" not in place
            and any(_is_below(place, each) for each in _path)
        ):
            yield name, place


def _is_below(file: str, folder: str) -> bool:
    return file == folder or file.startswith(folder.rstrip(os.sep) + os.sep)


def _stamp(place: str) -> tuple[int, int] | None:
    try:
        status = os.stat(place)
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size) if stat.S_ISREG(status.st_mode) else (0, 0)
