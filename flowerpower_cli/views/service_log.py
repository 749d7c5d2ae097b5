"""What a worker or scheduler says beside its events: logs and warnings of libraries."""

from __future__ import annotations

import logging
import os
import sys
import threading
from datetime import datetime
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from flowerpower.jobs.log_lines import LOG_FORMAT_VARIABLE, JsonFormatter, record_text
from flowerpower.triggers import clock
from flowerpower_cli.views.output import Output, write_line

if TYPE_CHECKING:
    from flowerpower.config.files import Project

LogFormat = Literal["text", "json"]


def log_as_service(output: Output, project: Project, log_format: LogFormat | None) -> None:
    """From now on say everything as a worker or scheduler does: with time and level, or as JSON."""
    # --json wins: the other may come from the environment.
    output.json = output.has_log_lines = output.json or log_format == "json"
    # The fork server reads it too: what packages say while they are imported comes from there.
    if output.json:
        os.environ[LOG_FORMAT_VARIABLE] = "json"
    else:
        os.environ.pop(LOG_FORMAT_VARIABLE, None)
    logging.root.addHandler(ServiceLog(output, clock.timezone(project.timezone)))
    logging.captureWarnings(True)
    threading.excepthook = _log_exception


def _log_exception(arguments: threading.ExceptHookArgs) -> None:
    if arguments.exc_value is not None:
        name = arguments.thread.name if arguments.thread else "?"
        logging.getLogger("flowerpower").error(
            "An unexpected error in the thread %s", name, exc_info=arguments.exc_value
        )


def line_time(moment: datetime, *, is_terminal: bool) -> str:
    """The time at the begin of a line."""
    # A log is read on another day, and beside those of machines in other zones.
    return f"{moment:%H:%M:%S}" if is_terminal else moment.isoformat(timespec="milliseconds")


class ServiceLog(logging.Handler):
    """Prints records on stderr: as JSON, or as text with the time that events have."""

    def __init__(self, output: Output, zone: ZoneInfo) -> None:
        super().__init__()
        self._output = output
        self._zone = zone
        self._json = JsonFormatter()

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record; what cannot be printed is given up."""
        try:
            if self._output.json:
                write_line(sys.stderr, self._json.format(record))
                return
            text = record_text(record, self._json)
            now = clock.now().astimezone(self._zone)
            time = line_time(now, is_terminal=sys.stderr.isatty())
            self._output.plain_line(f"{time}  {record.levelname} {record.name}: {text}")
        except Exception:  # noqa: BLE001 - logging must not end what logs
            self.handleError(record)
