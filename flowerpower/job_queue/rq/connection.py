"""Connections to Redis, from a URL or its parts; errors of Redis become ours.

`redis://`, `rediss://` (with `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile`, `ssl_cert_reqs` and
`ssl_check_hostname` in the query), `unix://`, and with Sentinels `redis+sentinel://` and
`rediss+sentinel://`.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import redis
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.retry import Retry

from flowerpower.errors import BackendUnreachable, ConfigError, FlowerpowerError
from flowerpower.job_queue.rq import sentinel
from flowerpower.text import did_you_mean, mask, one_line, remember_password, remember_secret

CONNECT_TIMEOUT = 2.0
ANSWER_TIMEOUT = 5.0
"""Seconds; no script of ours takes long, so a Redis that is silent for longer hangs."""
RIGHTS = "~rq:* ~flowerpower:* +@all -@dangerous -@admin"
"""What a user of Redis needs, as its ACL says it."""
SCHEMES = ("redis", "rediss", "unix", *sentinel.SCHEMES)
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
_SAYS_NOT_PERMITTED = re.compile(r"NOPERM|ACL failure|The user executing the script can't")
_UNSERVED = {
    "cluster": (
        "it is a Redis Cluster, and each step of a job changes several keys at once, "
        "which a cluster does not allow",
        "Use a Redis that is no cluster; Sentinel can replace it when it fails: "
        "redis+sentinel://HOST:PORT,HOST:PORT/SERVICE.",
    ),
    "sentinel": (
        "it is a Sentinel, not a Redis",
        "Write redis+sentinel://HOST:PORT,HOST:PORT/SERVICE; SERVICE is its name of the master.",
    ),
}
"""Why a server that is in that mode cannot be used, and what to do."""


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
    reason, address = "", url
    try:
        if sentinel.is_sentinel_url(url):
            # What is behind the service is as in a URL without Sentinels.
            behind = sentinel.SentinelAddress(url)
            remember_secret(behind.login.get("password", ""))
            address = behind.master_url
        parts = urlsplit(address)
        is_valid = parts.scheme in SCHEMES and address[len(parts.scheme) :].startswith("://")
        is_valid = is_valid and (parts.port is None or parts.port > 0)
        is_valid = is_valid and (parts.scheme != "unix" or parts.path != "")
    except ValueError as error:
        reason = f": {error}" if sentinel.is_sentinel_url(url) else ""
        is_valid = False
    if not is_valid:
        raise ConfigError(
            f"{mask(one_line(url[:200]))!r} is not a Redis URL{mask(one_line(reason))}.",
            hint="Expected redis://HOST:PORT/DATABASE, rediss://…, unix:///PATH or "
            "redis+sentinel://HOST:PORT,HOST:PORT/SERVICE/DATABASE.",
        )
    number = parts.path.strip("/")
    if parts.scheme != "unix" and number and not (number.isascii() and number.isdigit()):
        raise ConfigError(f"The Redis URL has the database {number!r}; expected a number.")
    options = ("db", "username", "password") if parts.scheme == "unix" else ("db", *SSL_OPTIONS)
    known = (*options, *sentinel.OPTIONS) if sentinel.is_sentinel_url(url) else options
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name == "password":
            remember_secret(value)
        if name not in options:
            raise ConfigError(
                f"The Redis URL has the option {name!r}.{did_you_mean(name, known)}",
                hint=f"It takes: {', '.join(known)}.",
            )
        if name == "ssl_cert_reqs" and value not in SSL_CERT_REQS:
            raise ConfigError(
                f"The Redis URL has ssl_cert_reqs={value!r}; "
                f"expected {', '.join(SSL_CERT_REQS)}.{did_you_mean(value, SSL_CERT_REQS)}"
            )


class _Unserved(redis.RedisError):
    """The server is in a mode in which it cannot be used, such as `cluster`."""


class Connection:
    """Connections to one Redis, opened as they are needed; or those of a `client` that is open.

    `url` is then what messages call it.
    """

    def __init__(self, url: str, client: Any = None) -> None:
        self.url = mask(url)
        login = url.partition("://")[2].rpartition("@")[0]
        self._user = unquote(login.partition(":")[0]) or "default"
        self._server: dict[str, str] = {}
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
        options |= {
            "socket_connect_timeout": CONNECT_TIMEOUT,
            "socket_timeout": ANSWER_TIMEOUT,
            "health_check_interval": 30,
            # For HELLO, whose answer says what the server is.
            "protocol": 3,
            "redis_connect_func": self._on_connect,
        }
        if sentinel.is_sentinel_url(url):
            # Each try asks all Sentinels.
            options["retry"] = Retry(backoff, min(retries, 1), retried)
            return sentinel.sentinel_client(sentinel.SentinelAddress(url), **options)
        return redis.Redis.from_url(url, retry=Retry(backoff, retries, retried), **options)

    def _on_connect(self, connection: Any) -> None:
        """Log in; refuse a server that is in a mode which cannot be used, before any request."""
        # Not `on_connect`: that checks the health of the connection, which begins with connecting.
        connection.on_connect_check_health(check_health=False)
        answer = getattr(connection, "handshake_metadata", None) or {}
        if not isinstance(answer, Mapping):
            # hiredis hands out what it cannot decode as bytes, where the parser in Python raises.
            raise redis.InvalidResponse("its answer to HELLO is not one of Redis")
        self._server = {_text(name): _text(value) for name, value in answer.items()}
        if (mode := self._server.get("mode", "")) in _UNSERVED:
            raise _Unserved(mode)
        # Not the package's own `client_name`: a user without CLIENT could not connect at all.
        connection.send_command("CLIENT", "SETNAME", "flowerpower", check_health=False)
        with contextlib.suppress(redis.ResponseError):
            connection.read_response()

    def greet(self) -> None:
        """Log in, and get one answer; BackendUnreachable without one, or if it is not Redis's."""
        with self.errors():
            try:
                self.client.ping()
            except redis.exceptions.NoPermissionError:
                raise
            except redis.ResponseError as error:
                # The request cannot be wrong here, so the password or the database is.
                raise redis.ConnectionError(str(error)) from None
            except (ValueError, OverflowError) as error:
                raise redis.InvalidResponse(str(error)) from None

    def info(self) -> Mapping[str, Any] | None:
        """The answer of INFO; None if the user may not ask for it."""
        with self.errors():
            try:
                return dict(self.client.info())
            except redis.exceptions.NoPermissionError:
                return None

    def version(self, info: Mapping[str, Any] | None) -> str:
        """Name and version of the server, from INFO or else from its answer to HELLO."""
        # Valkey gives both its own version and that of the Redis it stands in for.
        hello = self._server
        name = str((info or {}).get("server_name") or hello.get("server") or "redis")
        known = {"redis_version": hello.get("version"), **(info or {})}
        version = known.get(f"{name}_version") or known["redis_version"]
        return f"{name.capitalize()} {version or 'of an unknown version'}"

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """Errors of Redis within the block become ours, with passwords masked."""
        try:
            yield
        except _Unserved as error:
            reason, hint = _UNSERVED[str(error)]
            raise BackendUnreachable(
                f"The job queue's Redis {self.url} cannot be used: {reason}.", hint=hint
            ) from None
        except (redis.ResponseError, redis.ConnectionError, redis.TimeoutError, OSError) as error:
            reason = one_line(mask(str(error))) or type(error).__name__
            match = _SAYS_UNUSABLE.search(reason)
            is_refused = isinstance(error, redis.exceptions.NoPermissionError) or bool(
                _SAYS_NOT_PERMITTED.search(reason)
            )
            is_unusable = match or is_refused or isinstance(error, _UNUSABLE)
            if isinstance(error, redis.ResponseError) and not is_unusable:
                raise FlowerpowerError(
                    f"Redis at {self.url} refused a request: {reason}."
                ) from None
            is_full = "maxmemory" in reason or isinstance(error, redis.exceptions.OutOfMemoryError)
            reason = (match[0] if match else reason).rstrip(".")
            reason = f"it is full ({reason})" if is_full else reason
            if "READONLY" in reason or "NOREPLICAS" in reason:
                # No master any more: with Sentinels the next connection goes to the new one.
                self._disconnect()
            raise BackendUnreachable(
                f"The job queue's Redis {self.url} cannot be used: {reason}.",
                hint=f"In Redis: ACL SETUSER {self._user} {RIGHTS}"
                if is_refused
                else "Check job_queue.backend in conf/project.yml, and that Redis runs there.",
            ) from None
        except (redis.RedisError, UnicodeDecodeError) as error:
            raise BackendUnreachable(
                f"What answers at {self.url} is not Redis: {one_line(mask(str(error)))}."
            ) from None

    def _disconnect(self) -> None:
        for client in (self.client, self.once):
            client.connection_pool.disconnect(inuse_connections=False)

    def close(self) -> None:
        """Close every connection."""
        for client in (self.client, self.once):
            client.close()
            sentinel.close_sentinels(client)


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
