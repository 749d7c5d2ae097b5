"""Python's logging in a child: how it is set up, and whether a job has changed that."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Collection, Iterator
from operator import attrgetter
from typing import Any

from flowerpower.files.project_code import NewModules, is_own, module_paths
from flowerpower.jobs.log_lines import LOG_FORMAT_VARIABLE, JsonFormatter, LineFormatter

_UNCHANGED = (logging.NOTSET, (), (), True, False)
"""A logger as Python makes it, in the form of `_loggers`."""
_settings = attrgetter("level", "handlers", "filters", "propagate", "disabled")
_PLAIN: tuple[object, ...] = (logging.NOTSET, [], [], True, False)
"""The same, in the form of `_settings`."""


@contextlib.contextmanager
def logging_to_worker() -> Iterator[None]:
    """Print what is logged and warned of inside to stderr, in the form of the worker's own log."""
    is_json = os.environ.get(LOG_FORMAT_VARIABLE) == "json"
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if is_json else LineFormatter())
    logging.root.addHandler(handler)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        logging.root.removeHandler(handler)


class LoggingState:
    """How loggers are set up, to see whether a job changes it."""

    def __init__(self) -> None:
        self._new_modules = NewModules()
        self._new_modules.skip()
        self._note()

    def _note(self) -> None:
        """Note how loggers are set up, in two forms: what they are, and that in a few steps."""
        self._loggers = _loggers()
        self._items = [*logging.root.manager.loggerDict.values()]
        made = [item for item in self._items if isinstance(item, logging.Logger)]
        self._made = [logging.root, *made]
        self._handlers = [handler for logger in self._made for handler in logger.handlers]
        self._quick = _copied(self._quick_state())

    def _quick_state(self) -> tuple[list[Any], ...]:
        """What `_loggers` is made of, and more that does not change either."""
        root = logging.root.manager.disable, *_made_by()
        return [*map(_settings, self._made)], [one.level for one in self._handlers], [*root]

    def _is_as_noted(self) -> bool:
        # A logger that is new is at the end; and the first test compares objects, one by one.
        items = [*logging.root.manager.loggerDict.values()]
        return items == self._items and self._quick_state() == self._quick

    def have_changed(self, folder: str) -> bool:
        """Whether a job of the project in `folder` has changed loggers since the last call."""
        modules = set(self._new_modules.names())
        if self._is_as_noted():
            return False
        loggers = self._loggers
        self._note()
        return self._loggers != loggers and any(
            loggers.get(name, _UNCHANGED) != self._loggers.get(name, _UNCHANGED)
            # A package may set up its own loggers when it is imported, as SQLAlchemy does. It is
            # not imported again for the next job, so they must stay.
            and not _is_of_package(name, modules, folder)
            for name in loggers.keys() | self._loggers.keys()
        )


def _loggers() -> dict[str, tuple[object, ...]]:
    """By name, the loggers that are not as Python makes them; "" is the root logger."""
    manager = logging.root.manager
    states: dict[str, tuple[object, ...]]
    states = {"": (_state(logging.root), manager.disable, *_made_by())}
    for item in [*manager.loggerDict.values()]:
        # Most are as Python makes them: said faster than by their state.
        if isinstance(item, logging.Logger) and _settings(item) != _PLAIN:
            state = _state(item)
            if state != _UNCHANGED:
                states[item.name] = state
    return states


def _made_by() -> tuple[object, ...]:
    """What prints where no handler does, and makes the records."""
    resort = logging.lastResort
    return id(resort), resort and resort.level, id(logging.getLogRecordFactory())


def _copied(state: tuple[list[Any], ...]) -> tuple[list[Any], ...]:
    """A `_quick_state` that a logger's own lists do not change any more."""
    loggers, *rest = state
    copied = [(one[0], [*one[1]], [*one[2]], *one[3:]) for one in loggers]
    return copied, *rest


def _state(logger: logging.Logger) -> tuple[Any, ...]:
    if not logger.handlers and not logger.filters:
        return logger.level, (), (), logger.propagate, logger.disabled
    # Handlers that do nothing are what packages add to their loggers.
    handlers = [one for one in logger.handlers if not isinstance(one, logging.NullHandler)]
    levels = tuple((id(handler), handler.level) for handler in handlers)
    filters = tuple(map(id, logger.filters))
    return logger.level, levels, filters, logger.propagate, logger.disabled


def _is_of_package(name: str, modules: Collection[str], folder: str) -> bool:
    """Whether a logger is named after one of the modules, one not of the project in `folder`."""
    while name and name not in modules:
        name = name.rpartition(".")[0]
    paths = module_paths(sys.modules.get(name))
    return bool(name) and not any(is_own(path, folder) for path in paths)
