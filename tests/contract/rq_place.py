"""A project's folder with its queue on Redis, for RQ's own worker."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from flowerpower.job_queue.base import JobQueueBackend
from tests.conditions import WAIT_LIMIT
from tests.contract.on_redis import OnRedis
from tests.contract.stock import Stock
from tests.servers import RedisServer

SECRET = "tulips-at-midnight"
PIPELINES = {
    "report": "def total(factor: int = 1) -> int:\n    print('words')\n    return 42 * factor\n",
    "broken": "import os\n\ndef total() -> int:\n    raise ValueError('no region ' + os.environ['TOKEN'])\n",
    "killed": "import os\n\ndef total() -> int:\n    os.kill(os.getpid(), 9)\n    return 1\n",
    "touching": "from pathlib import Path\n\ndef total() -> int:\n    Path('touched').touch()\n    return 1\n",
    "unflushed": "log = open('lines.txt', 'w')\n\ndef total() -> int:\n    log.write('one line')\n    return 1\n",
    "counted": "import os\n\nfrom pathlib import Path\n\ndef total(number: int) -> int:\n    with Path(f'ran-{number}').open('a') as file:\n        file.write('x')\n    return os.getpid()\n",
    "endless": "import time\nfrom pathlib import Path\n\ndef total() -> int:\n    Path('begun').touch()\n    time.sleep(600)\n    return 1\n",
}


@dataclass
class Place:
    """A project, its queue, and RQ's view of it."""

    root: Path
    setup: OnRedis
    backend: JobQueueBackend
    stock: Stock

    def command(self, *options: str) -> list[str]:
        return [
            str(Path(sys.executable).parent / "rq"), "worker", *options,
            "--url", self.setup.options["url"], self.stock.queue.name,
        ]  # fmt: skip

    def burst(self, *options: str, folder: Path | None = None) -> str:
        """What RQ's worker says while it takes all that waits."""
        worker = subprocess.run(
            self.command("--burst", *options), cwd=folder or self.root, env=self.environ,
            capture_output=True, text=True, timeout=WAIT_LIMIT, check=True,
        )  # fmt: skip
        return worker.stdout + worker.stderr

    @property
    def environ(self) -> dict[str, str]:
        return {**os.environ, "TOKEN": SECRET}

    def push_again(self, job_id: str) -> None:
        self.stock.client.rpush(self.stock.queue.key, self.stock.id(job_id))

    def exc_string(self, job_id: str) -> str:
        latest = self.stock.fetch(job_id).latest_result()
        return "" if latest is None else str(latest.exc_string)


def new_place(root: Path, server: RedisServer) -> Place:
    setup = OnRedis(root, server.url())
    (root / "conf" / "pipelines").mkdir(parents=True)
    (root / "pipelines").mkdir()
    (root / "conf" / "project.yml").write_text(
        "job_queue:\n  type: rq\n  result_ttl: 60\n  history_ttl: 1h\n"
        f"  namespace: {setup.options['namespace']}\n  backend:\n    url: {server.url()}\n"
    )
    configs = {
        "broken": "params: {token: '${TOKEN}'}\n",
        "report": "notify: {on: finished, to: {command: 'true'}}\n",
    }
    for name, module in PIPELINES.items():
        config = configs.get(name, "run: {}\n")
        (root / "conf" / "pipelines" / f"{name}.yml").write_text(config)
        (root / "pipelines" / f"{name}.py").write_text(module)
    return Place(root, setup, setup.open(result_ttl=60.0, history_ttl=3600.0), Stock(setup))
