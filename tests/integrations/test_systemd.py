"""A real systemd starts, watches and stops the worker of a printed unit.

It is a manager for one user, as `systemctl --user` talks to. As root it runs in namespaces of its own,
with a /run of its own, so that a machine that was not booted with systemd has one too. Any other user
needs the one of the session.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.integrations.programs import of_debian

SLOW = """import subprocess, time


def slow(seconds: float) -> float:
    subprocess.Popen(["sleep", "5000.25"])
    time.sleep(seconds)
    return seconds
"""
CGROUPS = Path("/sys/fs/cgroup")
MANAGER = """
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system /run/user/0 /run/units
export XDG_RUNTIME_DIR=/run/user/0 SYSTEMD_UNIT_PATH=/run/units:
UNITS=/run/units
manager() { "$SYSTEMD" --user --log-target=console --unit=basic.target 2>manager.log & MANAGER=$!; }
reload() { systemctl --user is-system-running --wait >/dev/null || true; }
end() { kill $MANAGER; }
"""
SESSION = """
UNITS=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/systemd/user
mkdir -p "$UNITS"
manager() { :; }
# The manager of a session is its user already.
reload() { sed -i /^User=/d "$UNITS"/flowerpower-$PROJECT-*.service; systemctl --user daemon-reload; }
end() { rm -f "$UNITS"/flowerpower-$PROJECT-*.service "$UNITS/$PROJECT.env"; systemctl --user daemon-reload; }
"""
SCRIPT = """
set -eu
U=flowerpower-$PROJECT-worker.service
say() { echo "$1 $2"; }
until_() { for _ in $(seq 60); do if eval "$1"; then return; fi; sleep 0.2; done; echo "not: $1"; exit 1; }
status() { flowerpower job-queue show-job "$1" --json | sed -n "s/^ *\\"$2\\": \\"*\\([a-z0-9]*\\).*/\\1/p" | head -1; }
# A claimed job says "running" before its pipeline runs; a stop that comes in between gives it back.
began() { pgrep -f "^sleep 5000.25" >/dev/null; }
property() { systemctl --user show "$U" -p "$1" --value; }
flowerpower service print systemd --output "$UNITS" --grace 12s 2>/dev/null >/dev/null
manager
until_ 'systemctl --user list-units >/dev/null 2>&1'
reload
systemctl --user start "$U"
until_ 'flowerpower doctor --check worker >/dev/null'
say active "$(property ActiveState)"
# A job that ends within the grace.
flowerpower job-queue add-job slow -i seconds=6 --job-id short 2>/dev/null >/dev/null
until_ 'began && test "$(status short status)" = running'
systemctl --user stop "$U"
say short "$(status short status)"
say stopped "$(property Result)"
# One that does not.
systemctl --user start "$U"
flowerpower job-queue add-job slow -i seconds=1000 --job-id long 2>/dev/null >/dev/null
until_ 'began && test "$(status long status)" = running'
systemctl --user stop "$U"
say long "$(status long status)"
say killed "$(property Result)"
say left "$(pgrep -c -f "^sleep 5000.25" || true)"
# It is put back by the next worker, which then is killed, and started again by systemd.
systemctl --user reset-failed "$U" || true
systemctl --user start "$U"
until_ 'test "$(status long attempt)" = 2'
say losses "$(status long worker_losses)"
kill -9 "$(property MainPID)"
until_ 'test "$(property NRestarts)" = 1 && test "$(property ActiveState)" = active'
until_ 'test "$(status long worker_losses)" = 2'
say restarts "$(property NRestarts)"
flowerpower job-queue cancel-job long >/dev/null
until_ 'test "$(status long status)" = cancelled'
systemctl --user stop "$U"
say end "$(property Result)"
end
"""


def _cgroups() -> set[Path]:
    return {Path(folder) for folder, _, _ in os.walk(CGROUPS)}


@contextlib.contextmanager
def _cgroups_as_before() -> Iterator[None]:
    """Without those that the manager has made, and has left empty."""
    before = _cgroups()
    try:
        yield
    finally:
        for folder in sorted(_cgroups() - before, reverse=True):
            if folder.name.endswith((".scope", ".slice", ".service")):
                with contextlib.suppress(OSError):
                    folder.rmdir()


def test_systemd_supervises_a_worker(tmp_path: Path) -> None:
    """Jobs finish at a stop, or go back after the grace; a killed worker is started again."""
    name = f"nights{os.getpid()}"
    root = tmp_path / "my project 100%"
    for file, text in (
        ("conf/project.yml", f"name: {name}\n"),
        ("conf/pipelines/slow.yml", "run: {inputs: {seconds: 1}}\n"),
        ("pipelines/slow.py", SLOW),
    ):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(text)
    analyze, libraries = of_debian("systemd-analyze", "systemd", "libsystemd-shared")
    is_root = os.geteuid() == 0
    environ = {
        **os.environ, **libraries, "PROJECT": name,
        "SYSTEMD": str(Path(analyze).parents[1] / "lib" / "systemd" / "systemd"),
        "PATH": f"{Path(sys.executable).parent}:{Path(analyze).parent}:{os.environ['PATH']}",
    }  # fmt: skip
    namespaces = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
    script = (MANAGER if is_root else SESSION) + SCRIPT
    with _cgroups_as_before():
        done = subprocess.run(
            [*(namespaces if is_root else ()), "bash", "-c", script],
            cwd=root, env=environ, capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
    said = dict(re.findall(r"^(\w+) (\w+)$", done.stdout, re.MULTILINE))
    assert said == {
        "active": "active", "short": "finished", "stopped": "success", "long": "running",
        "killed": "timeout", "left": "0", "losses": "1", "restarts": "1", "end": "success",
    }, f"{done.stdout}\n{done.stderr}"  # fmt: skip
