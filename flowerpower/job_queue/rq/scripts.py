"""The Lua scripts of the store: each changes a job in one atomic step, on Redis's own clock."""

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
    return "\n".join((folder / f"{each}.lua").read_text("utf-8") for each in ("common", name))


class Scripts:
    """Runs scripts by name in one namespace."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._known: dict[tuple[str, int], Any] = {}

    def run(self, client: redis.Redis, name: str, given: dict[str, Any], *more: bytes | str) -> Any:
        """What the script `lua/NAME.lua` gives; the values of `given` that are None are left out.

        Raises:
            redis.RedisError: as the client does.
        """
        key = (name, id(client))
        if key not in self._known:
            self._known[key] = client.register_script(_text(name))
        said = {each: value for each, value in given.items() if value is not None}
        # What was read of a damaged record may be no UTF-8.
        text = json.dumps(said, ensure_ascii=False).encode("utf-8", "surrogateescape")
        return self._known[key](
            args=[
                RQ_KEY_PREFIX,
                self._namespace,
                f"{clock.now():%Y-%m-%dT%H:%M:%S.%fZ}",
                text,
                *more,
            ]
        )
