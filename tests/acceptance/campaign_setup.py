"""What the campaigns share: where their queues are, what strikes them, and how the long ones run."""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

from tests.acceptance.fault_records import Record, take_counts
from tests.acceptance.working import Site, WorkerProcess, children_of
from tests.servers import PostgresServer, RedisServer

BACKENDS = ("sqlite", "postgresql", "redis")
LONGEST = 100_000
"""Records and rows of ledgers that are read at most: all of them."""
Restart = Callable[[random.Random], str] | None
"""Ends the server of a queue in its midst, and starts it again; returns the fault that this was, by
its id in `fault_list`. None where there is no server."""


class Tally(Protocol):
    """What a campaign came to."""

    reasons: list[str]
    raised: Counter[str]
    """How often each fault was raised, by its id in `fault_list`."""

    @property
    def counts(self) -> dict[str, int]:
        """What was counted, by the kinds of `fault_list`."""

    @property
    def is_clean(self) -> bool:
        """Whether the law was kept."""

    def row(self) -> str:
        """A line of the table."""


def long_parser(text: str | None, backends: Sequence[str] = BACKENDS) -> argparse.ArgumentParser:
    """The options that all long campaigns have; `text` is the docstring of the module."""
    parser = argparse.ArgumentParser(description=(text or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--on", choices=backends, action="append")
    parser.set_defaults(backends=backends)
    return parser


def run_long(
    parser: argparse.ArgumentParser,
    head: str,
    campaign: Callable[[str, argparse.Namespace, ExitStack], Tally],
) -> int:
    """A campaign on each backend, with its line of the table; the exit code is 1 if one failed."""
    options = parser.parse_args()
    name = Path(sys.argv[0]).stem
    clean = True
    for backend in options.on or options.backends:
        with ExitStack() as stack:
            tally = campaign(backend, options, stack)
        # With its head each time: another campaign may print between two lines.
        print(f"{name}, seed {options.seed}", head, sep="\n", flush=True)
        print(tally.row(), *tally.reasons, sep="\n  ", flush=True)
        clean = clean and tally.is_clean
        counts = tally.counts | take_counts()
        Record(name, backend, not any(counts.values()), dict(tally.raised), counts).write()
    return 0 if clean else 1


def new_site(backend: str, stack: ExitStack) -> tuple[Site, Restart]:
    """A project in a folder of its own, with an empty queue; `stack` ends all of it."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    url, restart = place(backend, stack)
    site = Site(folder / "site", url)
    stack.callback(site.end)
    return site, restart


def place(backend: str, stack: ExitStack) -> tuple[str | None, Restart]:
    """Where the queue is, and what restarts the server there."""
    if backend == "postgresql":
        postgres = stack.enter_context(contextlib.closing(PostgresServer()))
        return postgres.new_database(), lambda dice: _restart(postgres, dice.random() < 0.5)
    if backend == "redis":
        redis = stack.enter_context(contextlib.closing(RedisServer("--appendfsync", "always")))
        return redis.url(), lambda _: _restart(redis, True)
    return None, None


def _restart(server: PostgresServer | RedisServer, kill: bool) -> str:
    name = "redis" if isinstance(server, RedisServer) else "postgresql"
    if kill:
        server.kill()
    else:
        server.stop()
    server.start()
    return f"{name}-killed" if kill else f"{name}-restarted"


def strike(
    dice: random.Random, fleet: Sequence[WorkerProcess], position: int, restart: Restart = None
) -> str:
    """End something at once: a worker of the fleet, all of it, or what they work with.

    Returns:
        The fault that this was, by its id in `fault_list`; empty if there was nothing to end.
    """
    worker = fleet[position]
    kinds = ["worker", "server", "child", "tree", "all", "stop", "restart"]
    kind = dice.choices(kinds, [4, 2, 3, 2, 1, 1, 1 if restart else 0])[0]
    if kind == "restart" and restart is not None:
        return restart(dice)
    if kind == "server":
        return "fork-server-killed" if _kill(worker.server()) else ""
    if kind == "child":
        jobs = worker.jobs()
        return "child-killed" if _kill(dice.choice(jobs) if jobs else None) else ""
    if kind == "all":
        for each in fleet:
            each.signal(signal.SIGKILL)
        for each in fleet:
            each.process.wait()
        return "all-workers-killed"
    if kind == "tree":
        # As the end of a container does it, so also what a job has started in a session of its own.
        for pid in _tree_of(worker.process.pid):
            _kill(pid)
        worker.process.wait()
        return "tree-killed"
    if kind == "stop":
        worker.signal(signal.SIGTERM)
        with contextlib.suppress(Exception):
            worker.process.wait(5)
    worker.kill()
    return "worker-killed"


def _tree_of(pid: int) -> list[int]:
    return [pid, *(below for child in children_of(pid) for below in _tree_of(child))]


def _kill(pid: int | None) -> bool:
    if pid is None:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        return True
    return False
