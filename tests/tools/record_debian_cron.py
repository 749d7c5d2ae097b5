"""Record when Debian's own cron fires around clock changes.

    apt-get download cron
    python tests/tools/record_debian_cron.py cron_*_amd64.deb tests/unit/debian_cron_fires.json

Runs the packaged daemon, as root, in a folder of its own (chroot) under a clock that only its
own sleep() moves (`virtual_clock.c`), from four hours before each change to four hours after. Each
expression has a daemon to itself: cron waits ten seconds after each command it catches up on,
so several would push one another into the next minute. Needs root, a C compiler, dpkg-deb and the
system's zone files.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

MARGIN = 4 * 3600
CHANGES = {
    # zone: instants at which its clocks change, ISO in UTC
    "Europe/Berlin": ["2025-03-30T01:00", "2025-10-26T01:00"],
    "America/New_York": ["2025-03-09T07:00", "2025-11-02T06:00"],
    "America/St_Johns": ["2011-03-13T03:31", "2010-11-07T02:31"],
    "America/Sao_Paulo": ["2018-02-18T02:00", "2018-11-04T03:00"],
    "America/Havana": ["2024-03-10T05:00", "2024-11-03T05:00"],
    "America/Caracas": ["2016-05-01T07:00"],
    "Africa/Casablanca": ["2024-03-10T02:00", "2024-04-14T02:00"],
    "Africa/Cairo": ["2024-04-25T22:00", "2024-10-31T21:00"],
    "Antarctica/Troll": ["2025-03-30T01:00", "2025-10-26T01:00"],
    "Antarctica/Casey": ["2011-10-27T18:00", "2010-03-04T15:00"],
    "Asia/Gaza": ["2019-03-28T22:00", "2019-10-25T22:00"],
    "Asia/Pyongyang": ["2015-08-14T15:00", "2018-05-04T15:00"],
    "Australia/Lord_Howe": ["2025-04-05T15:00", "2025-10-04T15:30"],
    "Europe/Dublin": ["2025-03-30T01:00", "2025-10-26T01:00"],
    "Pacific/Apia": ["2011-12-30T10:00", "2012-04-01T00:00"],
}
EXPRESSIONS = [
    "30 2 * * *",
    "0 2 * * *",
    "15,45 1-3 * * *",
    "0,30 0-3 * * *",
    "0 3 * * *",
    "10 23,0,1 * * *",
    "*/10 2 * * *",
    "*/30 * * * *",
    "17 * * * *",
    "10,40 0-23 * * *",
    "5 */2 * * *",
    "0-59/30 */3 * * *",
    "30 0-23 * * SUN",
    "30 0-23 1-31/2 * SUN",
    "30 0-23 */2 * SUN",
    "@hourly",
    "@daily",
    "45 0-23 28-31,1 * 5-7",
]


def main(package: Path, target: Path) -> None:
    """Write to `target` what the daemon in `package` fires."""
    version = _output("dpkg-deb", "-f", str(package), "Version")
    with tempfile.TemporaryDirectory() as folder:
        root = _root(Path(folder), package)
        cases = [
            _record(root, zone, datetime.fromisoformat(change).replace(tzinfo=UTC))
            for zone, changes in CHANGES.items()
            for change in changes
        ]
    body = {
        "source": f"Debian package cron {version}: its daemon, run under a virtual clock",
        "recorded_by": "tests/tools/record_debian_cron.py",
        "meaning": "Minutes in UTC at which a command started, after `from` and before `until`.",
        "cases": cases,
    }
    text = json.dumps(body, indent=1)
    # A list of times on one line each keeps the file readable.
    text = re.sub(r"\[\s+(\"[^]{}]*?)\s+\]", lambda m: f"[{' '.join(m[1].split())}]", text)
    target.write_text(text + "\n")


def _root(folder: Path, package: Path) -> Path:
    root = folder / "root"
    subprocess.run(["dpkg-deb", "-x", str(package), str(root)], check=True)
    daemon = root / "usr/sbin/cron"
    for path in re.findall(r"(/\S+) \(0x", _output("ldd", str(daemon))):
        copy = root / path[1:]
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    (root / "usr/bin").mkdir(parents=True, exist_ok=True)
    shutil.copy("/usr/bin/env", root / "usr/bin/env")
    for name in ("dev", "run", "tmp", "var/run", "var/spool/cron/crontabs", "etc/cron.d"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "dev/null").touch()
    (root / "etc/passwd").write_text("root:x:0:0:root:/:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\ncrontab:x:101:\n")
    shutil.copytree("/usr/share/zoneinfo", root / "usr/share/zoneinfo", symlinks=True)
    source = Path(__file__).with_name("virtual_clock.c")
    command = ["cc", "-shared", "-fPIC", "-w", "-o", str(root / "clock.so"), str(source)]
    subprocess.run(command, check=True)
    return root


def _record(root: Path, zone: str, change: datetime) -> dict[str, object]:
    begin, end = (int(change.timestamp()) + margin for margin in (-MARGIN, MARGIN))
    return {
        "zone": zone,
        "change": f"{change:%Y-%m-%dT%H:%MZ}",
        "from": _minute(begin),
        "until": _minute(end),
        "fires": {text: _fires(root, text, zone, begin, end) for text in EXPRESSIONS},
    }


def _fires(root: Path, expression: str, zone: str, begin: int, end: int) -> list[str]:
    crontab = root / "etc/crontab"
    crontab.write_text(f"{expression} root fire\n")
    crontab.chmod(0o644)
    fires = root / "fires"
    fires.write_text("")
    environment = {
        "TZ": zone,
        "FIRES": "/fires",
        "VIRTUAL_START": str(begin),
        "VIRTUAL_END": str(end),
    }
    preload = "/usr/bin/env", "LD_PRELOAD=/clock.so", "/usr/sbin/cron", "-f"
    subprocess.run(["/usr/sbin/chroot", str(root), *preload], env=environment, check=True)
    return sorted({_minute(int(line.split()[0])) for line in fires.read_text().splitlines()})


def _minute(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%MZ}"


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
