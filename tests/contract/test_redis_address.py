"""Where a Redis is: its URL and its parts, TLS, sockets, and what is told of a wrong one."""

import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flowerpower.errors import BackendUnreachable, ConfigError, FlowerpowerError
from flowerpower.job_queue import JobQueueManager
from flowerpower.job_queue.rq.connection import Connection, make_url
from flowerpower.jobs.job import JobStatus
from tests.conditions import WAIT_LIMIT, slowed
from tests.contract.fake_worker import FakeWorker, spec
from tests.lossy_proxy import LossyProxy
from tests.servers import PASSWORD, RedisServer, free_port

SECRETS = (PASSWORD, "topZZsecret", "wrong-secret", "sec%ret", "all/of", "ZZsecret")


def told_in_a_line(error: FlowerpowerError) -> str:
    message = str(error)
    assert "\n" not in message
    for secret in SECRETS:
        assert secret not in f"{message} {error.hint}"
    return message


@pytest.mark.parametrize(
    ("parts", "url"),
    [
        ({}, "redis://127.0.0.1:6379/0"),
        ({"host": "redis.example"}, "redis://redis.example:6379/0"),
        ({"host": "::1", "port": 7000}, "redis://[::1]:7000/0"),
        ({"database": 3}, "redis://127.0.0.1:6379/3"),
        ({"password": "x"}, "redis://:x@127.0.0.1:6379/0"),
        ({"username": "ann"}, "redis://ann@127.0.0.1:6379/0"),
        ({"username": "a:b", "password": "p@/?#%:é"},
         "redis://a%3Ab:p%40%2F%3F%23%25%3A%C3%A9@127.0.0.1:6379/0"),
        ({"url": "redis://h:1/2"}, "redis://h:1/2"),
        ({"url": "redis://h"}, "redis://h"),
        ({"url": "redis://h?db=4"}, "redis://h?db=4"),
        ({"url": "unix:///run/redis.sock?db=1"}, "unix:///run/redis.sock?db=1"),
        ({"url": "rediss://h:1/2?ssl_cert_reqs=none&ssl_ca_certs=/x.pem"},
         "rediss://h:1/2?ssl_cert_reqs=none&ssl_ca_certs=/x.pem"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_parts_make_a_url(parts: dict[str, Any], url: str) -> None:
    """Every part has its place in the URL; a whole URL stays as it is."""
    options = {"url": None, **parts}
    assert make_url(**options) == url


@pytest.mark.parametrize("password", ["p@/?#%:é", "a b", "%41%zz", "[::1]", "ü" * 50, "?db=9"])
def test_an_odd_password_reaches_redis_as_it_is(password: str) -> None:
    """What stands in the URL is unquoted to just what was given."""
    connection = Connection(make_url(None, username="ann", password=password, database=2))
    options = connection.client.connection_pool.connection_kwargs
    assert (options["username"], options["password"], options["db"]) == ("ann", password, 2)
    assert options["host"] == "127.0.0.1"
    assert password not in connection.url


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"url": "redis://h", "host": "h"}, "has a url and host; expected either"),
        ({"url": "redis://h", "port": 1, "database": 0}, "a url and port and database"),
        ({"url": "redis://h?colour=red"}, "has the option 'colour'"),
        ({"url": "rediss://h?ssl_ca_cert=/x"}, "Did you mean 'ssl_ca_certs'"),
        ({"url": "rediss://h?ssl_cert_reqs=require"}, "Did you mean 'required'"),
        ({"url": "unix:///x?ssl_ca_certs=/x"}, "has the option 'ssl_ca_certs'"),
        ({"url": "redis://h/jobs"}, "has the database 'jobs'; expected a number"),
        ({"url": "redis://h/-1"}, "has the database '-1'; expected a number"),
        ({"url": "redis://h/٥"}, "expected a number"),
        ({"url": "redis://h?db=jobs"}, "cannot be used: Invalid value for 'db'"),
        ({"url": "redis://:topZZsecret@h:70000"}, "is not a Redis URL"),
        ({"url": "redis://:topZZsecret@h:0"}, "is not a Redis URL"),
        ({"url": "redis://:topZZsecret@h:port"}, "is not a Redis URL"),
        ({"url": "redis://:topZZsecret@[::1"}, "is not a Redis URL"),
        ({"url": "http://:topZZsecret@h"}, "is not a Redis URL"),
        ({"url": "redis:h"}, "is not a Redis URL"),
        ({"url": "unix://"}, "is not a Redis URL"),
        ({"url": ""}, "is not a Redis URL"),
        ({"url": "redis://h?password=topZZsecret"}, "has the option 'password'"),
        ({"port": 70000}, "is not a Redis URL"),
        ({"database": -1}, "has the database '-1'"),
        ({"host": "a/b"}, "has the database"),
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_is_refused(options: dict[str, Any], expected: str) -> None:
    """Before anything is opened: what is wrong, the nearest option, and no secret."""
    with pytest.raises(ConfigError) as refused:
        Connection(make_url(**{"url": None, **options}))
    assert expected in told_in_a_line(refused.value)


class Impostor:
    """Something that listens and is no Redis: it answers every request with `answer`."""

    def __init__(self, answer: bytes | None) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._answer = answer
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.ExitStack() as stack:
            while True:
                try:
                    client, _ = self._listener.accept()
                except OSError:
                    return
                stack.enter_context(client)
                with contextlib.suppress(OSError):
                    if self._answer is not None:
                        client.settimeout(5)
                        client.recv(65536)
                        client.sendall(self._answer)
                        client.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(WAIT_LIMIT)


@pytest.mark.fault("redis-none")
@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        b"\x00\xff\xfe garbage \x1b[31m\r\n\r\n",
        b"$99999999999999999999\r\n",
        b"*-5\r\n$x\r\n",
        b"-NOPERM topZZsecret\r\n",
        b"+\xff\xfe\r\n" * 9,
        b"",
        None,
    ],
    ids=["http", "garbage", "huge", "nonsense", "error", "not text", "silent end", "silence"],
)
def test_what_is_no_redis_is_told_in_a_line(answer: bytes | None) -> None:
    """Whatever answers there, or does not, the error comes soon and is one of ours."""
    impostor = Impostor(answer)
    began = time.monotonic()
    try:
        with pytest.raises((BackendUnreachable, ConfigError)) as refused:
            JobQueueManager(type="rq", url=f"redis://:topZZsecret@127.0.0.1:{impostor.port}/0")
    finally:
        impostor.close()
    assert time.monotonic() - began < slowed(10)
    told_in_a_line(refused.value)


def test_a_host_that_takes_no_connection_is_told_in_time() -> None:
    """A port whose queue of connections is full looks like a host that drops all packets."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(8):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        began = time.monotonic()
        with pytest.raises(BackendUnreachable):
            JobQueueManager(type="rq", port=listener.getsockname()[1])
        assert time.monotonic() - began < slowed(10)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param(
            {"password": "wrong-secret"},
            "invalid username-password pair",
            marks=pytest.mark.fault("redis-password"),
        ),
        ({"password": "sec%ret@with:all/of?it"}, "invalid username-password pair"),
        ({"password": ""}, "already authenticated|Authentication required"),
        pytest.param(
            {"database": 99},
            "DB index is out of range",
            marks=pytest.mark.fault("redis-database"),
        ),
        ({"database": 10**15}, "DB index|out of range"),
        ({"port": 0}, "refused"),
    ],
)
def test_a_wrong_address_is_told_in_a_line(
    redis_server: RedisServer, options: dict[str, Any], expected: str
) -> None:
    """A wrong password, database or port: one line, soon, without the secret."""
    if "port" in options:
        options = {"port": free_port()}
    url = redis_server.url(**options)
    began = time.monotonic()
    with pytest.raises(BackendUnreachable, match=expected) as unreachable:
        JobQueueManager(type="rq", url=url)
    assert time.monotonic() - began < slowed(10)
    told_in_a_line(unreachable.value)


@pytest.mark.parametrize(
    "host", ["no-such-host.invalid", "a" * 70, "a..b", "é.invalid", "x\u202ey.invalid"]
)
def test_a_host_that_cannot_be_is_told_in_a_line(host: str) -> None:
    """A name that nobody has, or that no name server takes."""
    with pytest.raises((BackendUnreachable, ConfigError)) as refused:
        JobQueueManager(type="rq", host=host, password="topZZsecret")
    told_in_a_line(refused.value)


def test_a_redis_is_reached_by_a_unix_socket(tmp_path: Path) -> None:
    """`unix://` with the password in the query or before the path; a wrong path is told."""
    server = RedisServer("--unixsocket", "redis.sock")
    try:
        path = server.folder / "redis.sock"
        for url in (f"unix://{path}?db=1&password={PASSWORD}", f"unix://:{PASSWORD}@{path}?db=1"):
            with JobQueueManager(type="rq", url=url) as backend:
                backend.add_job(spec("subject"))
                assert PASSWORD not in str(backend.check())
        with JobQueueManager(type="rq", url=server.url(database=1)) as backend:
            assert FakeWorker(backend).take().job_id == "subject"
        with pytest.raises(BackendUnreachable) as unreachable:
            JobQueueManager(type="rq", url=f"unix://:{PASSWORD}@{tmp_path}/nothing.sock")
        assert "nothing.sock" in told_in_a_line(unreachable.value)
    finally:
        server.close()


def test_options_of_tls_reach_the_connection() -> None:
    """Each of them, as the type that the client takes."""
    query = (
        "ssl_ca_certs=/ca.pem&ssl_certfile=/c.pem&ssl_keyfile=/k.pem"
        "&ssl_cert_reqs=optional&ssl_check_hostname=false"
    )
    connection = Connection(make_url(f"rediss://h:1/2?{query}"))
    options = connection.client.connection_pool.connection_kwargs
    assert options["ssl_ca_certs"] == "/ca.pem"
    assert options["ssl_certfile"] == "/c.pem"
    assert options["ssl_keyfile"] == "/k.pem"
    assert options["ssl_cert_reqs"] == "optional"
    assert options["ssl_check_hostname"] is False


@pytest.fixture
def tls(redis_server: RedisServer, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Gives URLs of the server behind TLS, with a certificate that is signed by itself."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with LossyProxy(redis_server.port, tls=context) as proxy:
        yield (
            lambda query="", scheme="rediss": (
                redis_server.url(port=proxy.port).replace("redis", scheme, 1) + query
            )
        )


def test_a_redis_is_reached_by_tls(tls: Callable[..., str], tmp_path: Path) -> None:
    """With its certificate as authority, or unchecked when that is said."""
    for query in (f"?ssl_ca_certs={tmp_path}/cert.pem", "?ssl_cert_reqs=none"):
        url = tls(query)
        with JobQueueManager(type="rq", url=url, namespace="tls") as backend:
            backend.add_job(spec("subject"))
            assert backend.get_job("subject").status is JobStatus.QUEUED
            backend.delete_job("subject")


@pytest.mark.parametrize(
    ("query", "scheme"),
    [
        ("", "rediss"),
        ("", "redis"),
        ("?ssl_ca_certs=/nothing.pem", "rediss"),
        ("?ssl_certfile=/nothing.pem&ssl_cert_reqs=none", "rediss"),
    ],
)
def test_tls_that_cannot_be_is_told_in_a_line(
    tls: Callable[..., str], query: str, scheme: str
) -> None:
    """A certificate of nobody's, no TLS where it is spoken, files that are not there."""
    began = time.monotonic()
    with pytest.raises((BackendUnreachable, ConfigError)) as refused:
        JobQueueManager(type="rq", url=tls(query, scheme))
    assert time.monotonic() - began < slowed(10)
    print(told_in_a_line(refused.value))
