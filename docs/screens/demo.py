"""A project with jobs of every kind, for the pictures of the dashboard and for measuring it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

FLOWERPOWER = [sys.executable, "-m", "flowerpower_cli"]
ORDERS = '''"""Orders of a shop: read, checked, summed up."""

import random
import time

import pandas as pd


def orders(day: str, shops: int) -> pd.DataFrame:
    """One row for each order."""
    print(f"Reading the orders of {day} from {shops} shops")
    time.sleep(0.2)
    rows = range(40 * shops)
    return pd.DataFrame(
        {
            "shop": [number % shops for number in rows],
            "amount": [round(random.uniform(5, 200), 2) for _ in rows],
        }
    )


def checked_orders(orders: pd.DataFrame, min_amount: float = 10.0) -> pd.DataFrame:
    """Orders that are worth their postage."""
    kept = orders[orders["amount"] >= min_amount]
    print(f"\\x1b[33mDropped {len(orders) - len(kept)} small orders\\x1b[0m")
    time.sleep(0.15)
    return kept


def by_shop(checked_orders: pd.DataFrame) -> pd.DataFrame:
    """Revenue of each shop."""
    time.sleep(0.25)
    return checked_orders.groupby("shop", as_index=False)["amount"].sum()


def best_shop(by_shop: pd.DataFrame) -> int:
    """The shop with the highest revenue."""
    return int(by_shop.loc[by_shop["amount"].idxmax(), "shop"])


def revenue(by_shop: pd.DataFrame) -> float:
    """All of it."""
    print("\\x1b[32mDone\\x1b[0m")
    return round(float(by_shop["amount"].sum()), 2)
'''
INVOICES = '''"""Invoices from another system, which sometimes does not answer."""

import datetime as dt


def page(system: str, scheduled_for: dt.datetime) -> str:
    """What the other system says."""
    print(f"GET https://{system}/invoices")
    if scheduled_for.hour in (2, 9):
        raise TimeoutError(f"{system} did not answer within 30 s")
    return "[]"


def invoices(page: str) -> int:
    """How many there are."""
    return len(page)
'''
TRAINING = '''"""A model that takes its time."""

import time


def samples(source: str) -> list[int]:
    """What it learns from."""
    time.sleep(0.4)
    return list(range(1000))


def features(samples: list[int]) -> list[float]:
    """Numbers from 0 to 1."""
    time.sleep(0.7)
    return [sample / 1000 for sample in samples]


def model(features: list[float], epochs: int, until: str = "") -> str:
    """The best of all epochs."""
    from pathlib import Path

    for epoch in range(1, epochs + 1):
        print(f"epoch {epoch}/{epochs}: loss \\x1b[36m{1 / epoch:.4f}\\x1b[0m", flush=True)
        time.sleep(0.5)
        while until and epoch == 7 and not Path(until).exists():
            time.sleep(0.2)
    return "a model"


def quality(model: str, features: list[float]) -> float:
    """From 0 to 1."""
    return 0.93
'''
RELEASE = '''"""What a training that has finished leads to."""


def release(parent_job_id: str, channel: str) -> str:
    """The model of that job, for everybody."""
    return f"{parent_job_id} is {channel}"
'''
PIPELINES = {
    "orders": (
        'run:\n  inputs: {day: "2026-03-01", shops: 4}\n'
        'schedule: {id: nightly_orders, cron: "30 2 * * *"}\n',
        ORDERS,
    ),
    "invoices": (
        "run:\n  inputs: {system: billing.example.com}\n"
        'schedule: {id: hourly_invoices, cron: "5 * * * *"}\n',
        INVOICES,
    ),
    "training": ("run:\n  inputs: {source: s3://samples, epochs: 20}\n  limits: [gpu]\n", TRAINING),
    "release": (
        "run:\n  inputs: {channel: stable}\nafter: {pipeline: training, on: success}\n",
        RELEASE,
    ),
}


def make(root: Path, environ: dict[str, str]) -> None:
    """The project at `root`, with schedules and nothing that has run."""

    def run(*words: str, folder: Path = root) -> None:
        subprocess.run(
            [*FLOWERPOWER, *words], cwd=folder, env=environ, check=True, capture_output=True
        )

    root.parent.mkdir(parents=True, exist_ok=True)
    run("init", root.name, "--example", "weather", folder=root.parent)
    project = root / "conf" / "project.yml"
    project.write_text(
        "name: shop\ntimezone: Europe/Berlin\nlimits: {gpu: 1}\n"
        "job_queue:\n  backend:\n    queues: [default, slow]\n"
    )
    for name, (config, module) in PIPELINES.items():
        (root / "conf" / "pipelines" / f"{name}.yml").write_text(config)
        (root / "pipelines" / f"{name}.py").write_text(module)
    run("schedule", "apply")
    run(
        "schedule",
        "add",
        "training",
        "--every",
        "2 weeks",
        "--start",
        "2026-01-05T06:00:00",
        "--queue",
        "slow",
    )


class Worker:
    """A worker of the project, until `close`."""

    def __init__(self, root: Path, environ: dict[str, str]) -> None:
        command = [*FLOWERPOWER, "job-queue", "start-worker", "--num-workers", "3"]
        self._process = subprocess.Popen(
            command, cwd=root, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def close(self) -> None:
        """End it and what it runs."""
        self._process.terminate()
        time.sleep(0.2)
        self._process.terminate()
        self._process.wait(30)


def until(condition: Callable[[], object], seconds: float = 120.0) -> None:
    """Wait until the condition is true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.1)


def fill(root: Path, environ: dict[str, str]) -> Worker:
    """Run jobs of every kind; one of them still runs, and what it waits for never comes.

    Behind it waits the job that follows it, and the next one that needs its place of a limit.
    """
    os.environ |= environ
    from flowerpower.pipeline import PipelineManager

    manager = PipelineManager(root, quiet=True)
    worker = Worker(root, environ)
    manager.schedules.backfill("nightly_orders", start="2026-10-25T00:00:00", max_parallel=2)
    manager.schedules.backfill("hourly_invoices", start=_hours_ago(30), max_parallel=2)
    manager.add_job("weather", job_id="weather-today")
    until(lambda: not manager.jobs.list(status=["scheduled", "queued", "running"]))
    running = manager.add_job("training", inputs={"until": "never"}, job_id="training-27")
    until(lambda: "epoch 7" in running.log())
    manager.add_job("orders", run_in="2h", job_id="orders-later")
    manager.add_job("training", job_id="training-28")
    manager.add_job("orders", queue="slow", job_id="orders-slow")
    manager.job_queue.pause_queue("slow")
    manager.close()
    return worker


def _hours_ago(hours: int) -> str:
    from flowerpower.triggers import clock

    return clock.format_time(clock.after(clock.now(), -3600 * hours))
