"""Pipelines for jobs in the background, and short words for what is done with jobs."""

from __future__ import annotations

import contextlib
import json
import signal
from collections.abc import Iterator
from typing import Any

from tests.conditions import eventually
from tests.terminal import Cli, Ended, StartedCommand

QUICK = (
    "run: {inputs: {x: 2}}\n",
    "def double(x: int) -> int:\n    print('doubling', x)\n    return 2 * x\n",
)
# Runs until somebody makes the file `open`.
GATE = (
    "",
    "import pathlib, time\n\n\n"
    "def passed() -> str:\n"
    "    print('begun', flush=True)\n"
    "    pathlib.Path('begun').touch()\n"
    "    while not pathlib.Path('open').exists():\n"
    "        time.sleep(0.01)\n"
    "    return 'through'\n\n\n"
    "def after(passed: str) -> str:\n    print('ended')\n    return passed\n",
)
BROKEN = (
    "",
    "def broken() -> int:\n    raise ValueError('no such luck\\nand more')\n",
)
# Fails until the file `open` is there, and makes it.
SECOND = (
    "run: {retry: {max_retries: 1, delay: 100ms}}\n",
    "import pathlib\n\n\n"
    "def second() -> int:\n"
    "    if pathlib.Path('open').exists():\n"
    "        print('well done')\n"
    "        return 2\n"
    "    pathlib.Path('open').touch()\n"
    "    print('a try')\n"
    "    raise OSError('not yet')\n",
)
HOSTILE = (
    "",
    "def hostile() -> str:\n    print('[/] \\x1b[31m \\u202e \\r')\n    return '[/] \\x1b[31m'\n",
)
PIPELINES = {
    "quick": QUICK,
    "gate": GATE,
    "broken": BROKEN,
    "second": SECOND,
    "hostile": HOSTILE,
}
PROJECT = "name: demo\ntimezone: Europe/Berlin\n"


@contextlib.contextmanager
def working(cli: Cli, *arguments: str) -> Iterator[StartedCommand]:
    """A worker that has begun, ended at the latest when this ends."""
    with cli.start("job-queue", "start-worker", *arguments) as worker:
        try:
            assert worker.stderr is not None
            assert "Worker" in worker.stderr.readline()
            yield worker
        finally:
            eventually(lambda: _is_told_to_stop(worker))


def _is_told_to_stop(worker: StartedCommand) -> bool:
    # Again and again: two signals that come at once may be one.
    worker.send_signal(signal.SIGTERM)
    return worker.poll() is not None


def add(cli: Cli, *arguments: str) -> str:
    """The id of a new job."""
    return cli.run("job-queue", "add-job", *arguments, "--quiet", code=0).stdout.strip()


def burst(cli: Cli, *arguments: str) -> Ended:
    """All that is due is done."""
    return cli.run("job-queue", "start-worker", "--burst", *arguments, code=0)


def show(cli: Cli, job: str) -> dict[str, Any]:
    """The job as JSON."""
    body: dict[str, Any] = cli.run("job-queue", "show-job", job, "--json", code=0).json
    return body


def json_lines(text: str) -> list[dict[str, Any]]:
    """Each line of JSON."""
    return [json.loads(line) for line in text.splitlines()]
