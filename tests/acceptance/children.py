"""Children of a fork server, asked and followed as a worker does it."""

import os
import selectors
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from flowerpower.job_queue.worker.child_pipes import Child
from flowerpower.job_queue.worker.fork_server_client import ChildEnded, ForkServer
from flowerpower.jobs.run import RunOutcome
from tests.conditions import eventually, processes_marked

ENTRY = "flowerpower.pipeline.execute:run_in_child"


PRELOAD = ("flowerpower.pipeline.execute:warm_up",)


LIMIT = 30.0


on_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs prctl")


@dataclass
class Done:
    """What a child sent and how it ended; of a long log only the end."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    log: bytes = b""
    printed: int = 0
    returncode: int | None = None
    lost: bool = False

    @property
    def outcomes(self) -> list[dict[str, Any]]:
        return [each["outcome"] for each in self.messages if each["type"] == "outcome"]

    @property
    def outcome(self) -> RunOutcome:
        (outcome,) = self.outcomes
        return RunOutcome.from_json(outcome)

    @property
    def value(self) -> Any:
        """The one output."""
        assert self.outcome.status == "finished", self
        (value,) = self.outcome.outputs.values()
        return value

    def read(self, child: Child) -> None:
        child.flush()
        # First the messages: what was printed before an outcome is in the pipe once that has come.
        self.messages += child.messages()
        log = child.read_log()
        self.printed += len(log)
        self.log = (self.log + log)[-100_000:]


class Jobs:
    """A fork server and the jobs it is given."""

    def __init__(self, entry: str = ENTRY, silence_limit: float | None = None) -> None:
        self.mark = f"mark-{uuid.uuid4()}"
        environ = {**os.environ, "MARK": self.mark, "PYTHONDONTWRITEBYTECODE": "1"}
        # An entry of a test needs no Hamilton.
        preload = PRELOAD if entry == ENTRY else ()
        self.server = ForkServer(entry, preload, silence_limit, environ)
        self.server.start()
        self.ends: dict[int, ChildEnded] = {}

    def begin(self, root: Path, name: str = "job", **request: Any) -> Child:
        child = self.server.new_child()
        self.ask(child, root, name, **request)
        return child

    def ask(self, child: Child, root: Path, name: str = "job", **request: Any) -> None:
        overrides = {"inputs": request.pop("inputs", {})}
        run = {"v": 1, "base_dir": str(root), "pipeline": name, "overrides": overrides}
        child.send({"run": run, "base_dir": str(root), **request})

    def follow(self, child: Child, until: Callable[[Done], object]) -> Done:
        """Follow a child until something holds, or until its end."""
        done, deadline = Done(), time.monotonic() + LIMIT
        with selectors.DefaultSelector() as selector:
            selector.register(self.server, selectors.EVENT_READ)
            selector.register(child.control, selectors.EVENT_READ)
            selector.register(child.log, selectors.EVENT_READ)
            while done.returncode is None and not until(done):
                assert time.monotonic() < deadline, done
                for key, _ in selector.select(0.05 if child.is_flushed else 0.0):
                    if key.fileobj == child.log and not child.log_is_open:
                        selector.unregister(child.log)
                    if key.fileobj == child.control and not child.control_is_open:
                        selector.unregister(child.control)
                # Kept: the end may be reported while the outcome is still waited for.
                self.ends.update({report.pid: report for report in self.server.reports()})
                end = self.ends.get(child.pid)
                done.read(child)
                if end is not None:
                    done.returncode, done.lost = end.returncode, end.lost
        return done

    def finish(self, child: Child) -> Done:
        done = self.follow(child, lambda _: False)
        child.close()
        return done

    def answer(self, child: Child) -> Done:
        """A kept child's outcome, or its end."""
        return self.follow(child, lambda done: done.outcomes)

    def run(self, root: Path, name: str = "job", **request: Any) -> Done:
        return self.finish(self.begin(root, name, **request))

    def leftover(self) -> list[int]:
        """The processes besides the server."""
        return [pid for pid in processes_marked(self.mark) if pid != self.server.pid]

    def end(self) -> None:
        self.server.close()
        eventually(lambda: not processes_marked(self.mark))


def events(done: Done) -> list[tuple[str, str]]:
    return [(each["node"], each["state"]) for each in done.messages if each["type"] == "node"]


def let_age(root: Path) -> None:
    """Wait until the modules are as old as they are when nobody edits them."""
    files = list((root / "pipelines").glob("*.py"))
    eventually(lambda: all(time.time() - each.stat().st_ctime > 0.05 for each in files))


Project = Callable[..., Path]


MakeJobs = Callable[..., Jobs]
