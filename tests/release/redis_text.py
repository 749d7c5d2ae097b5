"""A Redis database as JSON, and back: independent of the server's version, as DUMP is not."""

from __future__ import annotations

import base64
from typing import Any

import redis

Text = str | dict[str, str]


def text_of_redis(client: redis.Redis) -> dict[str, Any]:
    """Each key with its type, its content, and when it expires (milliseconds since 1970)."""
    content = {}
    for key in sorted(client.keys()):
        kind = client.type(key).decode()
        expires = client.pexpiretime(key) if _has_pexpiretime(client) else _expiry(client, key)
        content[key.decode()] = {
            "type": kind, "expires": expires if expires > 0 else None,
            "value": _READERS[kind](client, key),
        }  # fmt: skip
    return content


def fill_redis(client: redis.Redis, content: dict[str, Any]) -> None:
    """Write what `text_of_redis` returned."""
    for key, entry in content.items():
        _WRITERS[entry["type"]](client, key, entry["value"])
        if entry["expires"] is not None:
            client.pexpireat(key, entry["expires"])


def _has_pexpiretime(client: redis.Redis) -> bool:
    return int(str(client.info("server")["redis_version"]).partition(".")[0]) >= 7


def _expiry(client: redis.Redis, key: bytes) -> int:
    left = client.pttl(key)
    seconds, microseconds = client.time()
    return left + seconds * 1000 + microseconds // 1000 if left > 0 else -1


def _text(value: bytes) -> Text:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def _bytes(text: Text) -> bytes:
    return text.encode() if isinstance(text, str) else base64.b64decode(text["base64"])


def _pairs(values: dict[bytes, bytes]) -> list[list[Text]]:
    return [[_text(name), _text(value)] for name, value in sorted(values.items())]


def _dictionary(pairs: list[list[Text]]) -> dict[bytes, bytes]:
    return {_bytes(name): _bytes(value) for name, value in pairs}


_READERS: dict[str, Any] = {
    "string": lambda client, key: _text(client.get(key)),
    "hash": lambda client, key: _pairs(client.hgetall(key)),
    "list": lambda client, key: [_text(value) for value in client.lrange(key, 0, -1)],
    "set": lambda client, key: [_text(value) for value in sorted(client.smembers(key))],
    # Scores as Redis writes them: JSON has no infinity.
    "zset": lambda client, key: [
        [_text(member), repr(score)] for member, score in client.zrange(key, 0, -1, withscores=True)
    ],
    "stream": lambda client, key: [
        [name.decode(), _pairs(values)] for name, values in client.xrange(key)
    ],
}
_WRITERS: dict[str, Any] = {
    "string": lambda client, key, value: client.set(key, _bytes(value)),
    "hash": lambda client, key, value: client.hset(key, mapping=_dictionary(value)),
    "list": lambda client, key, value: client.rpush(key, *map(_bytes, value)),
    "set": lambda client, key, value: client.sadd(key, *map(_bytes, value)),
    "zset": lambda client, key, value: client.zadd(
        key, {_bytes(member): float(score) for member, score in value}
    ),
    "stream": lambda client, key, value: [
        client.xadd(key, _dictionary(pairs), id=name) for name, pairs in value
    ],
}
