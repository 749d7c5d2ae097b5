"""Workers and schedulers started and stopped as systemd does it, by what their units say."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import re
import shlex
import signal
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from flowerpower.jobs.job import JobStatus
from flowerpower.pipeline import PipelineManager
from tests.conditions import WAIT_LIMIT, eventually, processes_marked
from tests.servers import RedisServer
from tests.terminal import COMMAND

SLOW = """import os, pathlib, time


def slow(seconds: float) -> str:
    with open(f"began-{seconds:g}", "a") as file:
        file.write(f"{os.getpid()}\\n")
    if len(pathlib.Path(f"began-{seconds:g}").read_text().split()) < 2 or seconds < 10:
        time.sleep(seconds)
    return "done"
"""


class Unit:
    """A unit file, and what systemd makes of it: one service, in a "cgroup" of its own."""

    def __init__(self, text: str, environment: str) -> None:
        self._settings = dict(
            line.split("=", 1) for line in text.splitlines() if re.match(r"[A-Za-z]+=", line)
        )
        self._environment = dict(
            line.split("=", 1) for line in environment.splitlines() if re.match(r"\w+=", line)
        )
        self.mark = f"mark-{uuid.uuid4()}"
        self.processes: list[subprocess.Popen[bytes]] = []

    def setting(self, name: str) -> str:
        return self._settings[name].replace("%%", "%")

    def start(self) -> subprocess.Popen[bytes]:
        """ExecStart, in WorkingDirectory, as User, with no environment but EnvironmentFile."""
        assert self.setting("User") == pwd.getpwuid(os.geteuid()).pw_name
        command = shlex.split(self.setting("ExecStart"))
        assert Path(command[0]).is_absolute()
        user = pwd.getpwuid(os.geteuid())
        environ = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                   "HOME": user.pw_dir, "USER": user.pw_name, "LANG": "C.UTF-8"}  # fmt: skip
        process = subprocess.Popen(
            command,
            cwd=self.setting("WorkingDirectory"),
            env={**environ, **self._environment, "MARK": self.mark},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self.processes.append(process)
        assert process.stderr is not None
        first = process.stderr.readline()
        assert re.search(rb"takes jobs from|fires the schedules", first), first
        return process

    def left(self) -> list[int]:
        """The processes in its cgroup."""
        return processes_marked(self.mark)

    def kill_all(self) -> None:
        """What systemd does after TimeoutStopSec with KillMode=mixed."""
        for pid in self.left():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for process in self.processes:
            process.wait(WAIT_LIMIT)
            assert process.stderr is not None
            process.stderr.close()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a blank, a percent sign and a quote in its name."""
    root = tmp_path / 'my project 100% "quoted"'
    (root / "conf" / "pipelines").mkdir(parents=True)
    (root / "pipelines").mkdir()
    (root / "conf" / "project.yml").write_text("name: nights\n")
    (root / "conf" / "pipelines" / "slow.yml").write_text("run: {inputs: {seconds: 1.5}}\n")
    (root / "pipelines" / "slow.py").write_text(SLOW)
    return root


def began(root: Path, name: str) -> bool:
    """Whether an attempt has written its line into that file."""
    return (root / name).exists() and (root / name).read_text() != ""


@contextlib.contextmanager
def units(root: Path, **environ: str) -> Iterator[dict[str, Unit]]:
    """The printed units by role, with the values written into their environment file."""
    done = subprocess.run(
        [*COMMAND, "service", "print", "systemd", "--grace", "20s", "--json"],
        cwd=root, env={**os.environ, **environ}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    files = {file["name"]: file["content"] for file in json.loads(done.stdout)}
    environment = files.pop("nights.env")
    for name, value in environ.items():
        environment = environment.replace(f"{name}=\n", f"{name}={value}\n")
    made = {
        name.split("-")[2].partition(".")[0]: Unit(text, environment)
        for name, text in files.items()
    }
    try:
        yield made
    finally:
        for unit in made.values():
            unit.kill_all()


def test_a_stop_lets_jobs_finish_and_a_kill_puts_them_back(project: Path) -> None:
    """SIGTERM to the main process, then SIGKILL to all: done, or run again; nothing is left."""
    manager = PipelineManager(project, quiet=True)
    with units(project) as made:
        assert list(made) == ["worker"]
        unit = made["worker"]
        assert unit.setting("KillMode") == "mixed"
        assert unit.setting("TimeoutStopSec") == "20"
        # systemctl stop, while a job runs that ends in time.
        worker = unit.start()
        probe = [*COMMAND, "doctor", "--check", "worker", "--quiet"]
        assert eventually(lambda: subprocess.run(probe, cwd=project).returncode == 0)
        job = manager.add_job("slow", inputs={"seconds": 1.5})
        eventually(lambda: began(project, "began-1.5"))
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(WAIT_LIMIT) == 0
        assert job.refresh().status is JobStatus.FINISHED
        assert unit.left() == []
        # One that takes longer than TimeoutStopSec.
        worker = unit.start()
        job = manager.add_job("slow", inputs={"seconds": 1000.0})
        # Not only that the file is there: what is not written yet is lost with the process.
        eventually(lambda: began(project, "began-1000"))
        worker.send_signal(signal.SIGTERM)
        unit.kill_all()
        # The main process was waited for; the others end by themselves, a moment later.
        eventually(lambda: unit.left() == [])
        assert job.refresh().status is JobStatus.RUNNING
        # Restart: the next worker finds the dead one.
        unit.processes.clear()
        worker = unit.start()
        eventually(lambda: job.refresh().status is JobStatus.FINISHED)
        assert job.to_json()["worker_losses"] == 1
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(WAIT_LIMIT) == 0
    manager.close()


def test_a_scheduler_of_its_own_fires_on_redis(project: Path, redis_server: RedisServer) -> None:
    """Two units, whose secret comes from the environment file alone."""
    (project / "conf" / "project.yml").write_text(
        "name: nights\njob_queue: {type: rq, backend: {url: '${REDIS_URL}'}}\n"
    )
    environ = {"REDIS_URL": redis_server.url(6)}
    manager = PipelineManager(project, quiet=True, environ={**os.environ, **environ})
    with units(project, **environ) as made:
        assert set(made) == {"worker", "scheduler"}
        worker, scheduler = made["worker"].start(), made["scheduler"].start()
        manager.schedule("slow", interval="1s", schedule_id="often", inputs={"seconds": 0.0})
        finished = {JobStatus.FINISHED}
        eventually(lambda: [row for row in manager.jobs.list() if row.status in finished])
        assert manager.doctor("backend", "status", "scheduler").problems == []
        for process in (worker, scheduler):
            process.send_signal(signal.SIGTERM)
            assert process.wait(WAIT_LIMIT) == 0
        assert made["worker"].left() + made["scheduler"].left() == []
    manager.close()
