"""The names of Python itself that the end of a child needs, and loggers that are set up."""

from __future__ import annotations

import atexit
import inspect
import logging
import multiprocessing.process
import multiprocessing.util
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from flowerpower.job_queue.worker.log_setup import LoggingState


@pytest.mark.parametrize(
    "function",
    [
        "atexit._clear",
        "atexit._run_exitfuncs",
        "threading._shutdown",
        "weakref.finalize._exitfunc",
        "multiprocessing.util._exit_function",
    ],
)
def test_python_still_has_what_ends_a_program(function: str) -> None:
    """Functions of Python without a public counterpart, each callable without arguments."""
    modules = {"atexit": atexit, "threading": threading, "weakref": weakref}
    found: Any = modules.get(function.partition(".")[0], multiprocessing)
    for name in function.split(".")[1:]:
        found = getattr(found, name)
    if not inspect.isbuiltin(found):
        inspect.signature(found).bind()


def test_python_still_keeps_finalizers_in_a_dict() -> None:
    """Every finalizer is in the registry that a child empties."""
    finalizer = weakref.finalize(logging.Handler, print)
    registry: Any = vars(weakref.finalize)["_registry"]
    assert isinstance(registry, dict)
    assert finalizer in registry
    finalizer.detach()


def test_python_still_says_what_there_is_to_end() -> None:
    """Handlers, finalizers and processes are where the end of a child looks for them."""
    assert any(one() is logging.lastResort for one in vars(logging)["_handlerList"])
    assert isinstance(vars(multiprocessing.util)["_finalizer_registry"], dict)
    assert isinstance(vars(multiprocessing.process)["_children"], set)


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """A logger that is put back into its first state."""
    logger = logging.getLogger("flowerpower_test.logger")
    yield logger
    logger.__init__(logger.name)  # type: ignore[misc]
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize(
    "change",
    [
        lambda logger: logger.setLevel("DEBUG"),
        lambda logger: logger.addHandler(logging.StreamHandler()),
        lambda logger: logger.addFilter(lambda _: True),
        lambda logger: setattr(logger, "propagate", False),
        lambda logger: setattr(logger, "disabled", True),
        lambda _: logging.disable(logging.INFO),
    ],
)
def test_a_change_of_logging_is_seen_once(
    logger: logging.Logger, change: Callable[[logging.Logger], object]
) -> None:
    """A change counts for the job that has made it, and not for the next one."""
    state = LoggingState()
    logger.warning("said")
    logger.addHandler(logging.NullHandler())
    assert not state.have_changed("/project")
    change(logger)
    assert state.have_changed("/project")
    assert not state.have_changed("/project")


@pytest.mark.parametrize(
    ("file", "expected"), [("/usr/package/it.py", False), ("/project/flowerpower_test.py", True)]
)
def test_a_package_may_set_up_its_own_logger(
    logger: logging.Logger, monkeypatch: pytest.MonkeyPatch, file: str, expected: bool
) -> None:
    """What a package sets when it is imported is no change, but what the project's code sets is."""
    state = LoggingState()
    module = ModuleType("flowerpower_test")
    module.__file__ = file
    monkeypatch.setitem(sys.modules, "flowerpower_test", module)
    logger.setLevel("WARNING")
    assert state.have_changed("/project") is expected
    logger.setLevel("DEBUG")
    assert state.have_changed("/project")


def test_the_level_of_a_handler_counts(logger: logging.Logger) -> None:
    """Also of one that was there before."""
    handler = logging.StreamHandler()
    logger.addHandler(handler)
    state = LoggingState()
    handler.setLevel("ERROR")
    assert state.have_changed("/project")
    assert not state.have_changed("/project")


def test_a_logger_that_is_new_counts() -> None:
    """If it is not as Python makes it."""
    state, name = LoggingState(), "flowerpower_new"
    try:
        logging.getLogger(name)
        assert not state.have_changed("/project")
        logging.getLogger(name).setLevel("DEBUG")
        assert state.have_changed("/project")
        logging.getLogger(f"{name}.more").propagate = False
        assert state.have_changed("/project")
    finally:
        for one in (name, f"{name}.more"):
            logging.root.manager.loggerDict.pop(one)


SIGNALS = """\
import signal
from flowerpower.job_queue.worker.isolation import ProcessState

state = ProcessState(0o022)
for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGRTMIN):
    state.restore()
    signal.signal(number, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_BLOCK, [number])
    state.restore()
    assert signal.getsignal(number) is signal.SIG_DFL, number
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, [])
    state.restore()
    signal.pthread_sigmask(signal.SIG_BLOCK, [number])
    state.restore()
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, [])
"""


def test_signals_are_restored_after_any_job() -> None:
    """Not only after the first one: handlers, and which of them are blocked."""
    subprocess.run([sys.executable, "-c", SIGNALS], check=True, timeout=60)
