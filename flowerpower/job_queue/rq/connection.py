"""From a URL, or host and port, to connections with Redis; its errors as ours.

`redis://`, `rediss://` (with `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile`, `ssl_cert_reqs` and
`ssl_check_hostname` in the query), `unix://`.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import redis
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.retry import Retry

from flowerpower.errors import BackendUnreachable, ConfigError, FlowerpowerError
from flowerpower.text import did_you_mean, mask, one_line, remember_secret

DEFAULT_URL = "redis://127.0.0.1:6379/0"
CONNECT_TIMEOUT = 2.0
ANSWER_TIMEOUT = 5.0
"""Seconds; no script of ours takes long, so a Redis that is silent for longer hangs."""
SCHEMES = ("redis", "rediss", "unix")
SSL_OPTIONS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname")
SSL_CERT_REQS = ("none", "optional", "required")
_AWAY = (
    redis.exceptions.OutOfMemoryError,
    redis.exceptions.ReadOnlyError,
    redis.exceptions.MasterDownError,
    redis.exceptions.ClusterDownError,
    redis.exceptions.NoPermissionError,
)
"""Answers that say that Redis cannot be used now, not that we asked for nonsense."""
_SAYS_AWAY = re.compile(
    r"(?:OOM|READONLY|MISCONF|LOADING|MASTERDOWN|CLUSTERDOWN|NOREPLICAS|BUSY|NOAUTH|WRONGPASS|NOPERM"
    r"|DENIED|MAXCLIENTS|Protocol)\b.*"
)
"""The same in words, also where a script tells them behind its own place."""


def make_url(
    url: str | None,
    host: str | None = None,
    port: int | None = None,
    database: int | None = None,
    username: str | None = None,
    password: str | None = None,
) -> str:
    """The URL, or one made of its parts, which are not given both ways.

    Raises:
        ConfigError: if they are, or the URL is none that Redis has; it shows no password.
    """
    parts = {"host": host, "port": port, "database": database, "username": username,
             "password": password}  # fmt: skip
    given = [name for name, value in parts.items() if value is not None]
    if password is not None:
        remember_secret(password)
    if url is None:
        user = quote(username or "", safe="")
        secret = f":{quote(password, safe='')}" if password is not None else ""
        at = f"{user}{secret}@" if user or secret else ""
        where = host or "127.0.0.1"
        where = f"[{where}]" if ":" in where else where
        url = f"redis://{at}{where}:{port or 6379}/{database or 0}"
    elif given:
        raise ConfigError(
            f"The backend has a url and {' and '.join(given)}; expected one way to say where it is."
        )
    _check(url)
    return url


def _check(url: str) -> None:
    # Read by hand: a password with odd characters must be hidden before anything can fail.
    secret = url.partition("://")[2].rpartition("@")[0].partition(":")[2]
    for each in {secret, unquote(secret)} - {""}:
        remember_secret(each)
    try:
        parts = urlsplit(url)
        known = parts.scheme in SCHEMES and url[len(parts.scheme) :].startswith("://")
        known = known and (parts.port is None or parts.port > 0)
        known = known and (parts.scheme != "unix" or parts.path != "")
    except ValueError:
        known = False
    if not known:
        raise ConfigError(
            f"{mask(one_line(url[:200]))!r} is no URL of a Redis.",
            hint="Expected redis://HOST:PORT/DATABASE, rediss://… or unix:///PATH.",
        )
    number = parts.path.strip("/")
    if parts.scheme != "unix" and number and not (number.isascii() and number.isdigit()):
        raise ConfigError(f"The URL names the database {number!r}; expected a number.")
    options = ("db", "username", "password") if parts.scheme == "unix" else ("db", *SSL_OPTIONS)
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name == "password":
            remember_secret(value)
        if name not in options:
            raise ConfigError(
                f"The URL of Redis has the option {name!r}.{did_you_mean(name, options)}",
                hint=f"It takes: {', '.join(options)}.",
            )
        if name == "ssl_cert_reqs" and value not in SSL_CERT_REQS:
            raise ConfigError(
                f"The URL of Redis has ssl_cert_reqs={value!r}; "
                f"expected {', '.join(SSL_CERT_REQS)}.{did_you_mean(value, SSL_CERT_REQS)}"
            )


class Connection:
    """Connections with one Redis, opened as they are needed."""

    def __init__(self, url: str) -> None:
        self.url = mask(url)
        try:
            # Any: the package's types of answers are unions over all of its modes.
            self.client: Any = self._open(url, 3)
            # What must not happen twice is not sent twice.
            self.once: Any = self._open(url, 0)
        except (ValueError, TypeError) as error:
            raise ConfigError(f"The URL of Redis cannot be used: {mask(str(error))}.") from None

    def _open(self, url: str, retries: int) -> redis.Redis:
        backoff = ExponentialWithJitterBackoff(base=0.1, cap=0.5) if retries else NoBackoff()
        # A Redis that hangs is not waited for again and again.
        retried = (redis.ConnectionError,)
        options: dict[str, Any] = {} if url.startswith("unix") else {"socket_keepalive": True}
        return redis.Redis.from_url(
            url,
            retry=Retry(backoff, retries, retried),
            socket_connect_timeout=CONNECT_TIMEOUT,
            socket_timeout=ANSWER_TIMEOUT,
            health_check_interval=30,
            client_name="flowerpower",
            **options,
        )

    def greet(self) -> None:
        """Log in, and have an answer.

        Raises:
            BackendUnreachable: if there is none, or none of a Redis.
        """
        with self.errors():
            try:
                self.client.ping()
            except redis.ResponseError as error:
                # It is not our request that can be wrong here, but the password or the database.
                raise redis.ConnectionError(str(error)) from None
            except (ValueError, OverflowError) as error:
                raise redis.InvalidResponse(str(error)) from None

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """Errors of Redis within the block become ours, without any secret."""
        try:
            yield
        except (redis.ResponseError, redis.ConnectionError, redis.TimeoutError, OSError) as error:
            reason = one_line(mask(str(error))) or type(error).__name__
            away = _SAYS_AWAY.search(reason)
            if isinstance(error, redis.ResponseError) and not (away or isinstance(error, _AWAY)):
                raise FlowerpowerError(
                    f"Redis at {self.url} did not do what was asked: {reason}."
                ) from None
            told = away[0] if away else reason
            if "maxmemory" in reason or isinstance(error, redis.exceptions.OutOfMemoryError):
                told = f"it is full ({told.rstrip('.')})"
            raise BackendUnreachable(
                f"The job queue's Redis {self.url} cannot be used: {told.rstrip('.')}.",
                hint="Look at job_queue.backend in conf/project.yml, and at Redis there.",
            ) from None
        except (redis.RedisError, UnicodeDecodeError) as error:
            raise BackendUnreachable(
                f"What answers at {self.url} is no Redis: {one_line(mask(str(error)))}."
            ) from None

    def close(self) -> None:
        """Close every connection."""
        self.client.close()
        self.once.close()
