"""Of which job and node a line of a log is, for whatever writes it.

In a process of a worker every record of Python's logging has these as attributes, so that a format
of the user's can name them, and a handler that writes JSON finds them.
"""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import Any
from zoneinfo import ZoneInfo

from flowerpower.triggers import clock

_run: dict[str, Any] = {"pipeline": None, "job": None, "attempt": None}
_zone: list[str] = []
_own_node: ContextVar[str | None] = ContextVar("flowerpower_node", default=None)
_running_nodes: list[str] = []


def log_fields() -> dict[str, Any]:
    """What runs now: `flowerpower_pipeline`, `_job`, `_attempt` and `_node`; None if not known.

    The node is the one that this thread computes, or else the only one that is being computed: a
    node may have started threads of its own.
    """
    node, running = _own_node.get(), tuple(_running_nodes)
    if node is None and len(running) == 1:
        node = running[0]
    return {f"flowerpower_{name}": value for name, value in {**_run, "node": node}.items()}


def run_fields() -> dict[str, Any]:
    """The arguments of the last `set_run`."""
    return dict(_run)


def set_run(pipeline: str | None, job: object = None, attempt: object = None) -> None:
    """This process runs that pipeline from now on, for a job or for none."""
    _run.update(
        pipeline=pipeline,
        job=job if isinstance(job, str) else None,
        attempt=attempt if isinstance(attempt, int) else None,
    )
    _running_nodes.clear()
    _own_node.set(None)


def set_zone(name: str) -> None:
    """Logs of this process have the times of that zone, the project's."""
    _zone[:] = [name]


def zone_name() -> str | None:
    """That zone's name, if it was set."""
    return _zone[0] if _zone else None


def log_zone() -> ZoneInfo | None:
    """The zone of the times in logs; None for the machine's own."""
    return clock.timezone(_zone[0]) if _zone else None


def node_begins(name: str) -> None:
    """This thread begins to compute a node."""
    _own_node.set(name)
    _running_nodes.append(name)


def node_ends(name: str) -> None:
    """And ends it."""
    _own_node.set(None)
    if name in _running_nodes:
        _running_nodes.remove(name)


class LogFields:
    """Makes records with the `log_fields`, by the factory that was there before."""

    def __init__(self, factory: Any) -> None:
        self._factory = factory

    def __call__(self, *arguments: Any, **named: Any) -> logging.LogRecord:
        """A record of `logging.LogRecord`'s arguments."""
        record: logging.LogRecord = self._factory(*arguments, **named)
        vars(record).update(log_fields())
        return record


def add_fields_to_records() -> None:
    """Give all records of this process the `log_fields`; once is enough."""
    factory = logging.getLogRecordFactory()
    if not isinstance(factory, LogFields):
        logging.setLogRecordFactory(LogFields(factory))
