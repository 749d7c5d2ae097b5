"""A fork server is replaced by one that imports more, and lives until its last child has ended."""

from __future__ import annotations

import os
import selectors
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flowerpower.job_queue.worker import fork_servers
from flowerpower.job_queue.worker.child_pipes import Child
from flowerpower.job_queue.worker.fork_server_client import ForkServer
from flowerpower.job_queue.worker.fork_servers import ForkServers
from tests.conditions import eventually

PRELOADED: list[str] = []
READ: list[str] = []


def preload(modules: list[str]) -> None:
    """Called in a server before its first fork."""
    if "fails" in modules:
        os._exit(1)
    PRELOADED.extend(modules)


def read_ahead(file: str) -> None:
    """Called in a server before its next fork."""
    if file == "fails":
        raise ValueError(file)
    READ.append(file)


def entry(request: dict[str, Any], send: Callable[..., None]) -> dict[str, Any]:
    """Called in a child."""
    return {"status": "finished", "modules": PRELOADED, "read": READ, "server": os.getppid()}


def make(modules: list[str]) -> ForkServer:
    here = __name__
    arguments = {"modules": modules}
    return ForkServer(
        f"{here}:entry",
        (f"{here}:preload",),
        preload_arguments=arguments,
        read_ahead=f"{here}:read_ahead",
    )


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[ForkServers]:
    """Some that have been started; no process is left of them."""
    monkeypatch.setattr(fork_servers, "REPLACE_EVERY", 0.0)
    monkeypatch.setattr(sys, "path", [os.getcwd(), *sys.path])
    with selectors.DefaultSelector() as selector:
        servers = ForkServers(make, selector)
        servers.start()
        pids: set[int | None] = set()
        seen = servers.pids

        def noted() -> list[int | None]:
            pids.update(seen())
            return seen()

        children: list[Child] = []
        new_child = servers.new_child

        def noted_child() -> Child:
            children.append(new_child())
            return children[-1]

        monkeypatch.setattr(servers, "pids", noted)
        monkeypatch.setattr(servers, "new_child", noted_child)
        noted()
        yield servers
        noted()
        servers.close()
        for child in children:
            child.close()
        for pid in pids - {None}:
            with pytest.raises(ProcessLookupError):
                os.kill(pid or 0, 0)


def outcome(child: Child) -> dict[str, Any]:
    child.send({"base_dir": ".", "keep": False})

    def received() -> Any:
        child.flush()
        return [one["outcome"] for one in child.messages() if one["type"] == "outcome"]

    return dict(eventually(received)[0])


def replaced(servers: ForkServers, before: int | None) -> int | None:
    """The process of the server that forks, once it is another."""

    def other() -> int | None:
        servers.replace()
        pid = servers.pids()[0]
        return pid if pid != before else None

    return eventually(other)


def ends(servers: ForkServers, *children: Child) -> dict[Child, int]:
    """How these children have ended, once they have; a negative number for one that was lost."""
    ended: dict[Child, int] = {}

    def all_ended() -> bool:
        ended.update(
            (child, -1 if end.lost else end.returncode) for child, end in servers.reports()
        )
        return {*children} <= ended.keys()

    eventually(all_ended)
    return ended


def test_the_next_server_imports_what_jobs_have_imported(servers: ForkServers) -> None:
    """Children of both can run at a time, and the first server ends with its last child."""
    first = servers.pids()[0]
    old = servers.new_child()
    assert servers.learn(["json", "decimal"])
    assert not servers.learn(["json"])
    second = replaced(servers, first)
    new = servers.new_child()
    assert servers.pids() == [second, first]
    finished = {"status": "finished", "read": []}
    assert outcome(new) == {**finished, "modules": ["decimal", "json"], "server": second}
    servers.replace()
    assert servers.pids() == [second, first]
    assert outcome(old) == {**finished, "modules": [], "server": first}
    assert ends(servers, old, new) == {old: 0, new: 0}
    servers.replace()
    assert servers.pids() == [second]


def test_what_is_no_news_starts_no_server(servers: ForkServers) -> None:
    """A server that imports all that jobs do stays."""
    servers.learn(["json"])
    first = replaced(servers, servers.pids()[0])
    servers.replace()
    assert servers.learn(["json"]) is False
    servers.replace()
    assert servers.pids() == [first]


def test_a_server_that_cannot_begin_replaces_none(
    servers: ForkServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that runs goes on; another is not tried at once."""
    monkeypatch.setattr(fork_servers, "REPLACE_EVERY", 1000.0)
    first = servers.pids()[0]
    servers.learn(["fails"])
    servers.replace()
    assert len(servers.pids()) == 2

    def is_given_up() -> bool:
        servers.replace()
        return servers.pids() == [first]

    eventually(is_given_up)
    servers.replace()
    assert servers.pids() == [first]
    assert outcome(servers.new_child())["server"] == first


def test_a_child_is_killed_by_its_own_server(servers: ForkServers) -> None:
    """Whichever of them that is."""
    old = servers.new_child()
    servers.learn(["json"])
    replaced(servers, servers.pids()[0])
    new = servers.new_child()
    servers.kill(old, signal.SIGKILL)
    assert ends(servers, old) == {old: -signal.SIGKILL}
    servers.kill(new, signal.SIGKILL)
    assert ends(servers, new) == {new: -signal.SIGKILL}


def test_children_are_lost_with_a_server_that_was_replaced(servers: ForkServers) -> None:
    """Its death is no trouble for the one that forks."""
    first = servers.pids()[0]
    old = servers.new_child()
    servers.learn(["json"])
    second = replaced(servers, first)
    os.kill(first or 0, signal.SIGKILL)
    assert ends(servers, old) == {old: -1}
    assert not servers.has_died()

    def is_alone() -> bool:
        servers.replace()
        return servers.pids() == [second]

    eventually(is_alone)
    assert outcome(servers.new_child())["server"] == second


def test_a_server_that_dies_can_be_replaced_at_once(servers: ForkServers) -> None:
    """The one that is being started for it takes over; the children that were lost are told."""
    first = servers.pids()[0]
    old = servers.new_child()
    servers.learn(["json"])
    servers.replace()
    os.kill(first or 0, signal.SIGKILL)
    eventually(servers.has_died)
    assert not servers.is_running
    second = replaced(servers, first)
    assert servers.is_running
    assert ends(servers, old) == {old: -1}
    assert outcome(servers.new_child())["server"] == second


def test_a_server_is_pinged_while_it_starts(servers: ForkServers) -> None:
    """No order of pings and replacing does harm."""
    servers.learn(["json"])
    until = time.monotonic() + 0.2
    while time.monotonic() < until:
        servers.ping()
        servers.replace()
    assert outcome(servers.new_child())["status"] == "finished"


def test_what_a_server_has_read_is_there_in_its_next_children(
    servers: ForkServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be read stops nothing; nothing is read again and again, or without end."""
    monkeypatch.setattr(fork_servers, "MAX_READ", 3)
    assert outcome(servers.new_child())["read"] == []
    for file in ("fails", "a", "a", "b", "one too many"):
        servers.read_ahead({"file": file})
    assert outcome(servers.new_child())["read"] == ["a", "b"]
    monkeypatch.setattr(fork_servers, "READ_EVERY", 0.0)
    servers.read_ahead({"file": "a"})
    assert outcome(servers.new_child())["read"] == ["a", "b", "a"]


def test_a_new_server_reads_anew(servers: ForkServers) -> None:
    """It has nothing of what the one before had read."""
    servers.read_ahead({"file": "a"})
    servers.learn(["json"])
    replaced(servers, servers.pids()[0])
    servers.read_ahead({"file": "a"})
    assert outcome(servers.new_child())["read"] == ["a"]
