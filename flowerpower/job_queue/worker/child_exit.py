"""How a child, or an interrupted run, ends: as a program does at its end, but within a limit.

Both end by `os._exit`, which does nothing of this. Written for Python 3.11 to 3.14: its own
functions for this are not public, and tests/unit/test_child_exit.py pins them.
"""

from __future__ import annotations

import _thread
import atexit
import contextlib
import gc
import io
import logging
import os
import sys
import threading
import traceback
import weakref
from collections.abc import Callable, Iterable
from functools import partial
from time import sleep
from types import ModuleType
from typing import Any, cast

EXIT_LIMIT = 10.0
"""Seconds that threads and exit handlers may take after a run."""
INTERRUPTED_LIMIT = 3.0
"""The same after an interrupt, when somebody waits for the end."""
_FILE: Any = io.IOBase.__base__
"""The base class of all files; IOBase itself is abstract, and far slower to compare with."""


def forget_inherited_handlers() -> None:
    """Leave the exit handlers of the process that forked this one to that process."""
    # They would run at the end of every child: what a library made at its import, such as a
    # temporary folder, would be gone for all children after the first one. Only what Python itself
    # does at its end is needed here too.
    cast(Any, atexit)._clear()
    finalize = cast(Any, weakref.finalize)
    finalize._registry.clear()
    # The last to be registered is the first to be called.
    atexit.register(_end_logging)
    atexit.register(finalize._exitfunc)
    multiprocessing_util = sys.modules.get("multiprocessing.util")
    if multiprocessing_util is not None:
        atexit.register(_end_multiprocessing)


# What these two would touch in a program that has nothing of the kind is memory that a child must
# copy.


def _end_logging() -> None:
    handlers = cast(Any, logging)._handlerList
    # The last resort writes to stderr at once.
    if any(one() is not logging.lastResort for one in handlers):
        logging.shutdown()


def _end_multiprocessing() -> None:
    util, process = sys.modules["multiprocessing.util"], sys.modules["multiprocessing.process"]
    if vars(util)["_finalizer_registry"] or vars(process)["_children"]:
        vars(util)["_exit_function"]()


def end_program(modules: Iterable[str], give_up: Callable[[], None]) -> None:
    """Do what Python does at the end of a program: everything but ending the process.

    Threads are joined, exit handlers called, logging shut down, and what the project's `modules`
    hold is closed. If this takes longer than EXIT_LIMIT, the log says so, and `give_up`, which must
    end the process, is called in another thread; then this function does not return.
    """
    end_threads = cast(Any, threading)._shutdown
    close = partial(_close_files, modules)
    _take_steps([end_threads, _call_exit_handlers, close], EXIT_LIMIT, give_up)


def end_interrupted_program(give_up: Callable[[], None]) -> None:
    """Do the same within INTERRUPTED_LIMIT, without waiting for threads, which may be at work."""
    _take_steps([_call_exit_handlers, partial(_close_files, ())], INTERRUPTED_LIMIT, give_up)


def _take_steps(
    steps: Iterable[Callable[[], None]], limit: float, give_up: Callable[[], None]
) -> None:
    is_decided = threading.Lock()

    def watch() -> None:
        sleep(limit)
        if is_decided.acquire(blocking=False):
            _report_limit(limit)
            give_up()

    try:
        # Not a threading.Timer: its start is waited for, and its end need not come.
        _thread.start_new_thread(watch, ())
    except RuntimeError:
        # The system has no room for a thread, and without it nothing would end a wait.
        return
    for step in steps:
        try:
            step()
        except BaseException:  # noqa: BLE001 - whatever one raises, the others are done too
            with contextlib.suppress(BaseException):
                traceback.print_exc()
    if not is_decided.acquire(blocking=False):
        while True:
            sleep(limit)


def _call_exit_handlers() -> None:
    cast(Any, atexit)._run_exitfuncs()


def flush_files(modules: Iterable[str]) -> None:
    """Write out what is buffered in files that these modules hold."""
    for file in _files_of(modules):
        _flush(file)


def _files_of(modules: Iterable[str]) -> list[Any]:
    loaded = [sys.modules.get(name) for name in modules]
    values = [v for m in loaded if isinstance(m, ModuleType) for v in vars(m).values()]
    files = [v for v in values if issubclass(type(v), _FILE)]
    # Not one that is only called so there, such as `from sys import stdout`.
    standard = (sys.stdout, sys.stderr, sys.stdin, sys.__stdout__, sys.__stderr__, sys.__stdin__)
    return [v for v in files if v not in standard]


def _close_files(modules: Iterable[str]) -> None:
    # First: a collection (of Python 3.14 it does) may close what is below a file before the file.
    _flush_all()
    for file in _files_of(modules):
        with contextlib.suppress(BaseException):
            file.close()
    # Python closes what nobody refers to any more; files, archives and the like write their last
    # bytes then.
    for name in modules:
        sys.modules.pop(name, None)
    gc.collect()
    # Something else, such as a thread, may still refer to a file.
    _flush_all()


def _flush_all() -> None:
    # What was there before the fork is frozen, and so not in this list: its buffers belong to the
    # fork server.
    for thing in gc.get_objects():
        if issubclass(type(thing), _FILE):
            _flush(thing)


def _flush(file: Any) -> None:
    # A file may be closed, or open for reading only; and a class of the user may raise anything.
    with contextlib.suppress(BaseException):
        file.flush()


def _report_limit(limit: float) -> None:
    main = threading.main_thread()
    names = [one.name for one in threading.enumerate() if not one.daemon and one is not main]
    what = f"these threads ran on: {', '.join(names[:9])}" if names else "exit handlers ran on"
    text = f"\nThe process is ended {limit:g} s after the run; {what}.\n"
    # Not through sys.stderr: what is waited for may hold its lock.
    with contextlib.suppress(OSError):
        os.write(2, text.encode("utf-8", "backslashreplace"))
