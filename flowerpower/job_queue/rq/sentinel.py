"""A Redis that Sentinels look after: `redis+sentinel://[USER:PASSWORD@]HOST:PORT,HOST:PORT/SERVICE/DATABASE`.

Every new connection asks the Sentinels for the master. So after a failover the next connection goes
to the new master by itself.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import (
    MasterNotFoundError,
    Sentinel,
    SentinelConnectionPool,
    SentinelManagedConnection,
    SentinelManagedSSLConnection,
)

SCHEMES = ("redis+sentinel", "rediss+sentinel")
OPTIONS = ("sentinel_username", "sentinel_password")
DEFAULT_PORT = 26379
TIMEOUT = 1.0
"""Seconds for a Sentinel to take a connection, and to answer: the next one may be asked instead."""
_HOST = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[^\s:/?#@\[\],]+)(?::(?P<port>[0-9]{1,5}))?")


def is_sentinel_url(url: str) -> bool:
    """Whether the scheme of the URL is one of SCHEMES."""
    return url.startswith(tuple(f"{scheme}://" for scheme in SCHEMES))


class SentinelAddress:
    """A URL of a Redis behind Sentinels, in its parts.

    Raises:
        ValueError: if it is not such a URL; the message says what is missing.

    Attributes:
        hosts: host and port of each Sentinel.
        service: what the Sentinels call the master.
        master_url: the URL as it would be without Sentinels, with `HOST` for its host.
        login: `username` and `password` of the Sentinels themselves.
    """

    def __init__(self, url: str) -> None:
        # Not urlsplit on the whole: it refuses several hosts if one of them is in brackets.
        scheme, _, rest = url.partition("://")
        netloc = re.split("[/?#]", rest, maxsplit=1)[0]
        parts = urlsplit(rest[len(netloc) :])
        user, at, hosts = netloc.rpartition("@")
        matches = [_HOST.fullmatch(host) for host in hosts.split(",")]
        self.hosts = [(match["host"].strip("[]"), int(match["port"] or DEFAULT_PORT))
                      for match in matches if match]  # fmt: skip
        if len(self.hosts) < len(matches) or not all(0 < port < 65536 for _, port in self.hosts):
            raise ValueError("expected HOST:PORT of each Sentinel, separated by commas")
        service, _, database = parts.path.removeprefix("/").partition("/")
        self.service = unquote(service)
        if not self.service:
            raise ValueError(
                "it does not name the service, which is the Sentinels' name of the master"
            )
        query = parse_qsl(parts.query, keep_blank_values=True)
        self.login = {name.removeprefix("sentinel_"): value for name, value in query
                      if name in OPTIONS}  # fmt: skip
        others = urlencode([(name, value) for name, value in query if name not in OPTIONS])
        scheme = scheme.removesuffix("+sentinel")
        self.master_url = f"{scheme}://{user}{at}HOST/{database}{others and '?'}{others}"


class _SentinelClient(redis.Redis):
    """A client of one Sentinel, and what it answered last."""

    def __init__(self, host: str, port: int, **options: Any) -> None:
        self._name = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self.masters: dict[str, Any] = {}
        self.failure = ""
        super().__init__(host, port, **options)

    def sentinel_masters(self) -> dict[str, Any]:
        self.failure = ""
        try:
            answer: Any = super().sentinel_masters()
        except redis.RedisError as error:
            self.failure = f"{self._name}: {str(error).rstrip('.')}"
            # Only after such an error is the next Sentinel asked.
            raise redis.ConnectionError(str(error)) from None
        self.masters = dict(answer)
        return self.masters


class _Sentinels(Sentinel):
    """Sentinels whose error says what each of them answered."""

    sentinels: list[Any]

    def discover_master(self, service_name: str) -> tuple[str, int]:
        try:
            host, port = super().discover_master(service_name)  # type: ignore[no-untyped-call]
        except MasterNotFoundError:
            raise MasterNotFoundError(self._reason(service_name)) from None
        return str(host), int(port)

    def _reason(self, service: str) -> str:
        known = sorted({name for client in self.sentinels for name in client.masters})
        failures = "; ".join(client.failure for client in self.sentinels if client.failure)
        if service in known:
            return f"the Sentinels say that the master of {service!r} is down"
        if known:
            return f"the Sentinels know no service {service!r}, only {', '.join(known)}"
        if "uthentica" in failures or "password" in failures:
            failures += " (their own password is sentinel_password=… in the URL)"
        return f"no Sentinel knows the master of {service!r}: {failures or 'they have none'}"


def sentinel_client(address: SentinelAddress, **options: Any) -> redis.Redis:
    """A client of the master; `options` are those of its connections.

    Raises:
        ValueError: if an option of the URL has no valid value.
    """
    # The package reads the rest of the URL as any other.
    read = redis.ConnectionPool.from_url(address.master_url).connection_kwargs
    is_tls = address.master_url.startswith("rediss:")
    tls = {name: value for name, value in read.items() if name.startswith("ssl_")}
    sentinel_options: dict[str, Any] = {
        **address.login,
        **tls,
        "ssl": is_tls,
        "socket_connect_timeout": TIMEOUT,
        "socket_timeout": TIMEOUT,
        "retry": Retry(NoBackoff(), 0),
    }
    sentinels = _Sentinels([])  # type: ignore[no-untyped-call] # redis-py's own
    sentinels.sentinels = [_SentinelClient(*host, **sentinel_options) for host in address.hosts]
    master_options = {name: value for name, value in read.items() if name not in ("host", "port")}
    pool = SentinelConnectionPool(  # type: ignore[no-untyped-call]
        address.service,
        sentinels,
        connection_class=SentinelManagedSSLConnection if is_tls else SentinelManagedConnection,
        **{**master_options, **options},
    )
    return redis.Redis.from_pool(pool)


def close_sentinels(client: redis.Redis) -> None:
    """Close the connections to the Sentinels of a client, if it has any."""
    if isinstance(pool := client.connection_pool, SentinelConnectionPool):
        for asked in pool.sentinel_manager.sentinels:
            asked.close()
