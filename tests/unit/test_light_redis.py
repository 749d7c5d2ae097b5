"""The half of redis for asyncio is imported once it is used, and then is what it always was."""

from __future__ import annotations

import subprocess
import sys

import pytest

USES = [
    "import redis; print(redis.asyncio.Redis.__module__)",
    "import redis.asyncio as a; print(a.Redis.__module__)",
    "from redis.asyncio import Redis; print(Redis.__module__)",
    "from redis.asyncio import *; print(Redis.__module__)",
    "from redis.asyncio.client import Redis; print(Redis.__module__)",
    "import redis.asyncio.connection, redis; print(redis.asyncio.Redis.__module__)",
]


def _printed(code: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_it_is_not_imported_before() -> None:
    """A connection imports redis, and none of what its other half is made of."""
    code = """
import sys
import flowerpower.job_queue.rq.connection
print(*(name for name in sys.modules if name.startswith("redis.asyncio.")))
"""
    assert {*_printed(code)} <= {
        "redis.asyncio.observability",
        "redis.asyncio.observability.recorder",
    }


@pytest.mark.parametrize("use", USES)
def test_it_is_there_for_who_uses_it(use: str) -> None:
    """However it is imported; also where redis was imported first."""
    ours = "import flowerpower.job_queue.rq.connection\n"
    assert _printed(ours + use) == ["redis.asyncio.client"]
    assert _printed("import redis\n" + ours + use) == ["redis.asyncio.client"]
