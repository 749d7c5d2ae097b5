"""The table of benchmarks: what flowerpower costs, beside other programs in the same run.

    make bench [ROUNDS=1] [JSON=FILE]
    python benchmarks/table.py [--wide INTERPRETER] [--only NAME] [--json FILE]

Other programs (Celery, RQ, APScheduler, Hamilton, Typer) take turns with ours, so that whatever
else the machine does meets both. Figures are medians. Progress goes to stderr, the table to stdout.
The exit code is 1 if a program has failed, and 0 also where a bound is not kept.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lines import Line, figure, print_table

QUIET_PERCENT = 10.0
"""Up to so much of the processors, other programs hardly matter."""
LOOK_SECONDS = 5.0
"""How long other programs are looked at before the run."""
PACKAGES = (
    "flowerpower-cli",
    "sf-hamilton",
    "pandas",
    "rq",
    "redis",
    "celery",
    "apscheduler",
    "typer",
)


# Imported one by one: each needs packages that the others do not.
def _help(_: str | None) -> Iterable[Line]:
    import startup

    yield startup.program_help()


def _command_help(_: str | None) -> Iterable[Line]:
    import startup

    yield startup.slowest_command_help()


def _runs(wide: str | None) -> Iterable[Line]:
    import start_of_run

    return start_of_run.lines(wide)


def _jobs_on_sqlite(_: str | None) -> Iterable[Line]:
    import jobs

    return jobs.lines()


def _jobs_on_redis(_: str | None) -> Iterable[Line]:
    import jobs_on_redis

    return jobs_on_redis.lines()


def _schedules(_: str | None) -> Iterable[Line]:
    import schedules

    return schedules.lines(("SQLite", "Redis"), seconds=10)


def _limits(_: str | None) -> Iterable[Line]:
    import limits

    return limits.claims_lines(limits.PLACES)


MEASUREMENTS: dict[str, Callable[[str | None], Iterable[Line]]] = {
    "help": _help,
    "command-help": _command_help,
    "runs": _runs,
    "sqlite": _jobs_on_sqlite,
    "redis": _jobs_on_redis,
    "schedules": _schedules,
    "limits": _limits,
}


def say(text: str) -> None:
    """Tell people, not programs."""
    print(text, file=sys.stderr, flush=True)


def measure(names: Iterable[str], wide: str | None) -> tuple[list[Line], list[str]]:
    """The lines, and which measurements have failed; progress is told."""
    lines: list[Line] = []
    failed = []
    began = time.monotonic()
    for name in names:
        say(f"{_minutes(began)} {name} ...")
        try:
            for line in MEASUREMENTS[name](wide):
                lines.append(line)
                say(f"{_minutes(began)}   {line.what} {line.place}: {figure(line.ours, line.unit)}")
        except KeyboardInterrupt:
            # Who stops a run of a quarter of an hour sees what was measured until then.
            failed.append(f"{name} and what follows (interrupted)")
            break
        except Exception as error:  # noqa: BLE001 - one that fails must not lose the others' minutes
            failed.append(name)
            say(f"{_minutes(began)} {name} has failed: {type(error).__name__}: {error}")
    say(f"{_minutes(began)} done")
    return lines, failed


def _minutes(began: float) -> str:
    minutes, seconds = divmod(int(time.monotonic() - began), 60)
    return f"[{minutes:2}:{seconds:02}]"


def busy_percent() -> float:
    """How much of the processors other programs use now.

    The load average would count pip, which has ended when it has made the environments, for a
    minute more.
    """
    import psutil

    return float(psutil.cpu_percent(LOOK_SECONDS))


def load_warning(percent: float, processors: int) -> str:
    """What to say of other programs that were busy when the run began; empty if few were."""
    if percent <= QUIET_PERCENT:
        return ""
    return (
        f"warning: other programs used {percent:.0f} % of {processors} processors when the run "
        "began: figures and ratios may be wrong."
    )


def machine(percent: float) -> dict[str, Any]:
    """Where and with what a run was made."""
    return {
        "taken_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "processors": os.cpu_count(),
        "busy_percent": percent,
        "rounds": os.environ.get("ROUNDS") or None,
        "python": platform.python_version(),
        "system": platform.platform(),
        "packages": _versions(),
    }


def _versions() -> dict[str, str]:
    installed = {
        one.metadata["Name"].lower(): one.version for one in importlib.metadata.distributions()
    }
    return {name: installed[name] for name in PACKAGES if name in installed}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the table; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    # Programs are run in other folders. A link to an interpreter is kept: it is the environment.
    parser.add_argument(
        "--wide", metavar="INTERPRETER", type=os.path.abspath, help="that of .venv-wide"
    )
    parser.add_argument("--only", action="append", choices=MEASUREMENTS, help="repeatable")
    parser.add_argument("--json", type=Path, metavar="FILE")
    wanted = parser.parse_args(arguments)
    percent, processors = busy_percent(), os.cpu_count() or 1
    warning = load_warning(percent, processors)
    if warning:
        say(warning)
    facts = machine(percent)
    lines, failed = measure(wanted.only or MEASUREMENTS, wanted.wide)
    print_table(lines)
    versions = ", ".join(f"{name} {version}" for name, version in facts["packages"].items())
    print(f"{facts['system']}, {processors} processors, Python {facts['python']}, {versions}")
    if warning:
        print(warning)
    if failed:
        print(f"failed: {', '.join(failed)}")
    if wanted.json:
        data = {**facts, "failed": failed, "lines": [line.as_data() for line in lines]}
        wanted.json.write_text(json.dumps(data, indent=2) + "\n")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
