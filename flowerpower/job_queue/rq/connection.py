"""Connections to Redis, from a URL or its parts; errors of Redis become ours.

`redis://`, `rediss://` (with `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile`, `ssl_cert_reqs` and
`ssl_check_hostname` in the query), `unix://`.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import redis
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.retry import Retry

from flowerpower.errors import BackendUnreachable, ConfigError, FlowerpowerError
from flowerpower.text import did_you_mean, mask, one_line, remember_password, remember_secret

CONNECT_TIMEOUT = 2.0
ANSWER_TIMEOUT = 5.0
"""Seconds; no script of ours takes long, so a Redis that is silent for longer hangs."""
SCHEMES = ("redis", "rediss", "unix")
SSL_OPTIONS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname")
SSL_CERT_REQS = ("none", "optional", "required")
_UNUSABLE = (
    redis.exceptions.OutOfMemoryError,
    redis.exceptions.ReadOnlyError,
    redis.exceptions.MasterDownError,
    redis.exceptions.ClusterDownError,
    redis.exceptions.NoPermissionError,
)
"""Answers that say that Redis cannot be used now, not that our request was wrong."""
_SAYS_UNUSABLE = re.compile(
    r"(?:OOM|READONLY|MISCONF|LOADING|MASTERDOWN|CLUSTERDOWN|NOREPLICAS|BUSY|NOAUTH|WRONGPASS|NOPERM"
    r"|DENIED|MAXCLIENTS|Protocol)\b.*"
)
"""The same as text: within a script such an error comes behind the script's own words."""


def make_url(
    url: str | None,
    host: str | None = None,
    port: int | None = None,
    database: int | None = None,
    username: str | None = None,
    password: str | None = None,
) -> str:
    """The URL, or one made from the parts.

    Raises:
        ConfigError: if both are given, or it is not a Redis URL; the message shows no password.
    """
    parts = {"host": host, "port": port, "database": database, "username": username,
             "password": password}  # fmt: skip
    names = [name for name, value in parts.items() if value is not None]
    if password is not None:
        remember_secret(password)
    if url is None:
        user = quote(username or "", safe="")
        secret = f":{quote(password, safe='')}" if password is not None else ""
        login = f"{user}{secret}@" if user or secret else ""
        host = host or "127.0.0.1"
        host = f"[{host}]" if ":" in host else host
        url = f"redis://{login}{host}:{port or 6379}/{database or 0}"
    elif names:
        raise ConfigError(
            f"The backend has a url and {' and '.join(names)}; expected either a url or its parts."
        )
    _check(url)
    return url


def _check(url: str) -> None:
    # Before urlsplit, which can fail: the message of its error must hide the password already.
    remember_password(url)
    try:
        parts = urlsplit(url)
        is_valid = parts.scheme in SCHEMES and url[len(parts.scheme) :].startswith("://")
        is_valid = is_valid and (parts.port is None or parts.port > 0)
        is_valid = is_valid and (parts.scheme != "unix" or parts.path != "")
    except ValueError:
        is_valid = False
    if not is_valid:
        raise ConfigError(
            f"{mask(one_line(url[:200]))!r} is not a Redis URL.",
            hint="Expected redis://HOST:PORT/DATABASE, rediss://… or unix:///PATH.",
        )
    number = parts.path.strip("/")
    if parts.scheme != "unix" and number and not (number.isascii() and number.isdigit()):
        raise ConfigError(f"The Redis URL has the database {number!r}; expected a number.")
    options = ("db", "username", "password") if parts.scheme == "unix" else ("db", *SSL_OPTIONS)
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name == "password":
            remember_secret(value)
        if name not in options:
            raise ConfigError(
                f"The Redis URL has the option {name!r}.{did_you_mean(name, options)}",
                hint=f"It takes: {', '.join(options)}.",
            )
        if name == "ssl_cert_reqs" and value not in SSL_CERT_REQS:
            raise ConfigError(
                f"The Redis URL has ssl_cert_reqs={value!r}; "
                f"expected {', '.join(SSL_CERT_REQS)}.{did_you_mean(value, SSL_CERT_REQS)}"
            )


class Connection:
    """Connections to one Redis, opened as they are needed; or those of a `client` that is open.

    `url` is then what messages call it.
    """

    def __init__(self, url: str, client: Any = None) -> None:
        self.url = mask(url)
        # Any: the package's types of answers are unions over all of its modes.
        self.client: Any = client
        self.once: Any = client
        if client is not None:
            return
        try:
            self.client = self._open(url, 3)
            # Without retries: after a lost answer a command may have run, and some must not run
            # twice.
            self.once = self._open(url, 0)
        except (ValueError, TypeError) as error:
            raise ConfigError(f"The Redis URL cannot be used: {mask(str(error))}.") from None

    def _open(self, url: str, retries: int) -> redis.Redis:
        backoff = ExponentialWithJitterBackoff(base=0.1, cap=0.5) if retries else NoBackoff()
        # Timeouts are not retried: waiting again for a Redis that hangs would take too long.
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
        """Log in, and get one answer; BackendUnreachable without one, or if it is not Redis's."""
        with self.errors():
            try:
                self.client.ping()
            except redis.ResponseError as error:
                # The request cannot be wrong here, so the password or the database is.
                raise redis.ConnectionError(str(error)) from None
            except (ValueError, OverflowError) as error:
                raise redis.InvalidResponse(str(error)) from None

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """Errors of Redis within the block become ours, with passwords masked."""
        try:
            yield
        except (redis.ResponseError, redis.ConnectionError, redis.TimeoutError, OSError) as error:
            reason = one_line(mask(str(error))) or type(error).__name__
            match = _SAYS_UNUSABLE.search(reason)
            is_unusable = match or isinstance(error, _UNUSABLE)
            if isinstance(error, redis.ResponseError) and not is_unusable:
                raise FlowerpowerError(
                    f"Redis at {self.url} refused a request: {reason}."
                ) from None
            is_full = "maxmemory" in reason or isinstance(error, redis.exceptions.OutOfMemoryError)
            reason = (match[0] if match else reason).rstrip(".")
            reason = f"it is full ({reason})" if is_full else reason
            raise BackendUnreachable(
                f"The job queue's Redis {self.url} cannot be used: {reason}.",
                hint="Check job_queue.backend in conf/project.yml, and that Redis runs there.",
            ) from None
        except (redis.RedisError, UnicodeDecodeError) as error:
            raise BackendUnreachable(
                f"What answers at {self.url} is not Redis: {one_line(mask(str(error)))}."
            ) from None

    def close(self) -> None:
        """Close every connection."""
        self.client.close()
        self.once.close()
