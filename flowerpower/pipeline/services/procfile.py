"""A Procfile, for honcho, foreman and platforms that read one."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from flowerpower.pipeline.services.deployment import Deployment, ServiceFile


def files(deployment: Deployment) -> Iterator[ServiceFile]:
    """A line for each process; a shell runs it, and is replaced by it."""
    lines = []
    for service in deployment.services:
        command = shlex.join(("flowerpower", *service.arguments))
        for number in range(1, service.count + 1):
            role = service.role if service.count == 1 else f"{service.role}{number}"
            # exec, so that a signal reaches the worker and not a shell before it.
            lines.append(f"{role}: exec {command}\n")
    yield ServiceFile("Procfile", "Procfile", "".join(lines))


def steps(_: Deployment, folder: str) -> list[str]:
    """The command that runs it here."""
    return [f"honcho -f {folder}/Procfile start"]
