"""Schedules by the command line, for several files of tests."""

from __future__ import annotations

from typing import Any

from tests.terminal import Cli

QUICK = ("run: {inputs: {x: 2}}\n", "def double(x: int) -> int:\n    return 2 * x\n")
DECLARED = (
    "run: {inputs: {x: 1}}\n"
    "schedule:\n"
    "  - {id: morning, cron: '0 8 * * 1-5'}\n"
    "  - {id: hourly, interval: 1h, run: {inputs: {x: 3}}}\n"
    "  - {id: never, cron: '@daily', enabled: false}\n",
    QUICK[1],
)
OFF = ("schedule: {cron: '@daily', enabled: false}\n", QUICK[1])
PROJECT = "name: demo\ntimezone: Europe/Berlin\n"


def add(cli: Cli, *arguments: str) -> str:
    """The id of a new schedule."""
    return cli.run("schedule", "add", *arguments, "--quiet", code=0).stdout.strip()


def shown(cli: Cli, schedule: str) -> dict[str, Any]:
    body: dict[str, Any] = cli.run("schedule", "show", schedule, "--json", code=0).json
    return body


def ids(cli: Cli, *arguments: str) -> list[str]:
    return cli.run("schedule", "list", "--quiet", *arguments, code=0).stdout.split()
