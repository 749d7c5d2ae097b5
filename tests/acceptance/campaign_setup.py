"""What the campaigns share: where their queues are, what strikes them, and how the long ones run."""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

from tests.acceptance.working import Site, WorkerProcess, children_of
from tests.servers import PostgresServer, RedisServer

BACKENDS = ("sqlite", "postgresql", "redis")
Restart = Callable[[], None] | None
"""Ends the server of a queue in its midst, and starts it again; None where there is no server."""
Span = tuple[float, float, bool]
"""From when to when a run lived, by the monotonic clock, and whether it came to its end."""


class Tally(Protocol):
    """What a campaign came to."""

    reasons: list[str]

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
    print(f"seed {options.seed}", head, sep="\n", flush=True)
    clean = True
    for backend in options.on or options.backends:
        with ExitStack() as stack:
            tally = campaign(backend, options, stack)
        print(tally.row(), *tally.reasons, sep="\n  ", flush=True)
        clean = clean and tally.is_clean
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
        return postgres.new_database(), lambda: _restart(postgres, postgres.stop)
    if backend == "redis":
        redis = stack.enter_context(contextlib.closing(RedisServer("--appendfsync", "always")))
        return redis.url(), lambda: _restart(redis, redis.kill)
    return None, None


def _restart(server: PostgresServer | RedisServer, end: Callable[[], None]) -> None:
    end()
    server.start()


def strike(dice: random.Random, worker: WorkerProcess, restart: Restart = None) -> bool:
    """End something at once: of a worker, or of what it works with; whether there was such."""
    kinds = ["worker", "server", "child", "tree", "stop", "restart"]
    kind = dice.choices(kinds, [4, 2, 3, 2, 1, 1 if restart else 0])[0]
    if kind == "restart" and restart is not None:
        restart()
    elif kind == "worker":
        worker.kill()
    elif kind == "stop":
        worker.signal(signal.SIGTERM)
        with contextlib.suppress(Exception):
            worker.process.wait(5)
        worker.kill()
    elif kind == "server":
        return _kill(worker.server())
    elif kind == "child":
        jobs = worker.jobs()
        return _kill(dice.choice(jobs) if jobs else None)
    else:
        server = worker.server()
        for pid in (server, worker.process.pid, *(children_of(server) if server else ())):
            _kill(pid)
        worker.process.wait()
    return True


def _kill(pid: int | None) -> bool:
    if pid is None:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        return True
    return False


def spans_of(site: Site) -> dict[str, list[Span]]:
    """The runs of each job. Of a process that was killed, its last sign of life counts."""
    open_spans: dict[tuple[str, int], tuple[float, float]] = {}
    spans: dict[str, list[Span]] = defaultdict(list)
    for name, what, pid, moment in site.trace():
        if what == "begin":
            if (name, pid) in open_spans:
                spans[name].append((*open_spans[name, pid], False))
            open_spans[name, pid] = (moment, moment)
        elif what == "on":
            open_spans[name, pid] = (open_spans[name, pid][0], moment)
        else:
            begin, _ = open_spans.pop((name, pid))
            spans[name].append((begin, moment, True))
    for (name, _), (begin, last) in open_spans.items():
        spans[name].append((begin, last, False))
    return spans
