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
        self._loggers, self._new_modules = _loggers(), NewModules()
        self._new_modules.skip()

    def have_changed(self, folder: str) -> bool:
        """Whether a job of the project in `folder` has changed loggers since the last call."""
        loggers, self._loggers = self._loggers, _loggers()
        modules = set(self._new_modules.names())
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
    resort = logging.lastResort
    made_by = id(resort), resort and resort.level, id(logging.getLogRecordFactory())
    states: dict[str, tuple[object, ...]]
    states = {"": (_state(logging.root), manager.disable, *made_by)}
    for item in [*manager.loggerDict.values()]:
        # Most are as Python makes them: said faster than by their state.
        if isinstance(item, logging.Logger) and _settings(item) != _PLAIN:
            state = _state(item)
            if state != _UNCHANGED:
                states[item.name] = state
    return states


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
