"""The Lua scripts of the store: each is one atomic step, on Redis's own clock."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib import resources
from typing import Any

import redis

from flowerpower.job_queue.rq.fields import RQ_KEY_PREFIX
from flowerpower.triggers import clock


@lru_cache(maxsize=32)
def _text(name: str) -> str:
    folder = resources.files(__package__) / "lua"
    return "\n".join((folder / f"{part}.lua").read_text("utf-8") for part in ("common", name))


class Scripts:
    """Runs scripts by name in one namespace."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._registered: dict[tuple[str, int], Any] = {}

    def run(self, client: redis.Redis, name: str, args: dict[str, Any]) -> Any:
        """Run `lua/NAME.lua`; values of `args` that are None are left out.

        Raises:
            redis.RedisError: as the client does.
        """
        key = (name, id(client))
        if key not in self._registered:
            self._registered[key] = client.register_script(_text(name))
        # cjson's null is not false.
        present = {name: value for name, value in args.items() if value is not None}
        # What was read from a damaged record may not be UTF-8; it goes back as the same bytes.
        text = json.dumps(present, ensure_ascii=False).encode("utf-8", "surrogateescape")
        stamp = f"{clock.now():%Y-%m-%dT%H:%M:%S.%fZ}"
        return self._registered[key](args=[RQ_KEY_PREFIX, self._namespace, stamp, text])
