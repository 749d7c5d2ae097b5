"""The scripts of Redis have the functions that they call, and no more: see rq/scripts.py."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
import redis

from flowerpower.job_queue.rq import scripts
from tests.servers import RedisServer

NAMES = sorted(
    path.stem
    for path in (Path(scripts.__file__).parent / "lua").glob("*.lua")
    if path.stem not in scripts.FRAME
)
KNOWN = frozenset({
    "ARGV", "cjson", "ipairs", "math", "pairs", "pcall", "redis", "string", "table", "tonumber",
    "tostring", "type", "unpack",
})  # fmt: skip
"""What Lua and Redis give a script; `KEYS` no script of ours has."""
GETGLOBAL, SETGLOBAL = 5, 7
"""Codes of Lua 5.1 for a name that is no local one."""


class Bytecode:
    """A script as Lua has compiled it: what `string.dump` gives of it."""

    def __init__(self, dumped: bytes) -> None:
        assert dumped[:5] == b"\x1bLua\x51"
        self._dumped = dumped
        self._at = 12
        self.global_names: set[bytes] = set()
        self._read_function()
        assert self._at == len(dumped)

    def _numbers(self, form: str) -> tuple[int, ...]:
        numbers = struct.unpack_from(f"<{form}", self._dumped, self._at)
        self._at += struct.calcsize(f"<{form}")
        return numbers

    def _text(self) -> bytes:
        (size,) = self._numbers("Q")
        self._at += size
        return self._dumped[self._at - size : self._at - 1]

    def _constant(self) -> bytes:
        (kind,) = self._numbers("B")
        if kind == 4:
            return self._text()
        # Nothing, true or false, a number.
        self._at += {0: 0, 1: 1, 3: 8}[kind]
        return b""

    def _read_function(self) -> None:
        self._text()
        self._numbers("IIBBBB")
        codes = self._numbers(f"{self._numbers('I')[0]}I")
        constants = [self._constant() for _ in range(self._numbers("I")[0])]
        self.global_names |= {
            constants[code >> 14] for code in codes if code & 0x3F in (GETGLOBAL, SETGLOBAL)
        }
        for _ in range(self._numbers("I")[0]):
            self._read_function()
        self._numbers(f"{self._numbers('I')[0]}I")
        for _ in range(self._numbers("I")[0]):
            self._text()
            self._numbers("II")
        for _ in range(self._numbers("I")[0]):
            self._text()


def global_names(client: redis.Redis, script: str) -> set[str]:
    """The names in a script that are no local ones where they stand."""
    dumped = client.eval("return string.dump(loadstring(ARGV[1]))", 0, script)
    assert isinstance(dumped, bytes)
    return {name.decode() for name in Bytecode(dumped).global_names}


@pytest.mark.parametrize("name", NAMES)
def test_a_script_has_all_that_it_names(redis_server: RedisServer, name: str) -> None:
    """It compiles, and every function is there, and stands before those that call it."""
    with redis.Redis.from_url(redis_server.url()) as client:
        text = scripts.script_text(name)
        client.script_load(text)
        assert global_names(client, text) <= KNOWN


def test_a_function_that_is_missing_would_be_found(redis_server: RedisServer) -> None:
    """Also one that is called within a function which is made at its first call."""
    with redis.Redis.from_url(redis_server.url()) as client:
        text = scripts.script_text("add_jobs").replace("function key_of(", "function other(")
        assert global_names(client, text) - KNOWN == {"key_of"}


def test_a_script_has_no_more_than_it_names() -> None:
    """A script without jobs has nothing of them."""
    text = scripts.script_text("read_log")
    assert "end_job" not in text
    assert "function each_log" not in text
    assert "make_rare" not in text


def test_rare_functions_are_made_once(redis_server: RedisServer) -> None:
    """A call of one makes all of them, and the next call is the function itself."""
    script = """
local before = delete_job
delete_job('none')
local made, other = delete_job, unpark
delete_job('none')
return {before ~= made and 1 or 0, made == delete_job and 1 or 0, other == unpark and 1 or 0}
"""
    with redis.Redis.from_url(redis_server.url()) as client:
        args = ["rq", "scripts", "", "{}"]
        assert client.eval(scripts.with_functions(script), 0, *args) == [1, 1, 1]
