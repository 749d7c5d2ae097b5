"""Python's logging in a process that runs a job, and in those that it sends nodes to."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from flowerpower.jobs import log_context
from flowerpower.jobs.log_lines import LineFormatter


def log_without_handlers() -> None:
    """Have everything from INFO up printed to stderr where a program sets up no logging.

    Records have the fields of `log_context`, wherever they go.
    """
    log_context.add_fields_to_records()
    # Not a handler of the root logger: with one, a module's own `logging.basicConfig` would do
    # nothing, and what it gives a handler of its own would be printed twice.
    if logging.lastResort is not None and not logging.root.handlers:
        logging.lastResort.setFormatter(LineFormatter())
        logging.lastResort.setLevel(logging.NOTSET)
        logging.root.setLevel(logging.INFO)


@dataclass(frozen=True)
class JobLogging:
    """What another process needs to log as this one does; it can be pickled."""

    run: dict[str, Any]
    zone: str | None
    is_of_job: bool

    @classmethod
    def of_this_process(cls) -> JobLogging:
        """As it is now."""
        resort = logging.lastResort
        is_of_job = resort is not None and isinstance(resort.formatter, LineFormatter)
        return cls(log_context.run_fields(), log_context.zone_name(), is_of_job)

    def take_over(self) -> None:
        """Log like that in this process from now on."""
        if self.zone is not None:
            log_context.set_zone(self.zone)
        log_context.set_run(**self.run)
        if self.is_of_job:
            log_without_handlers()
        else:
            log_context.add_fields_to_records()
