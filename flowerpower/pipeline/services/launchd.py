"""Property lists of launchd, the service manager of macOS."""

from __future__ import annotations

import plistlib
import shlex
from collections.abc import Iterator
from typing import Any

from flowerpower.pipeline.services.deployment import Deployment, Service, ServiceFile
from flowerpower.pipeline.services.systemd import environment_file

_WITH_ENVIRONMENT = 'set -a; . "$0"; exec "$@"'
"""A shell's script: read a file of variables, and become the program behind it."""


def files(deployment: Deployment) -> Iterator[ServiceFile]:
    """A property list for each process, and the file of their environment if they need one."""
    environment = environment_file(deployment)
    for service in deployment.services:
        for number in range(1, service.count + 1):
            label = f"flowerpower.{deployment.name}.{service.role}"
            label += f".{number}" if service.count > 1 else ""
            content = plistlib.dumps(_agent(deployment, service, label), sort_keys=False).decode()
            name = f"{label}.plist"
            yield ServiceFile(name, f"/Library/LaunchDaemons/{name}", content)
    if deployment.variables:
        yield environment


def steps(deployment: Deployment, folder: str) -> list[str]:
    """The commands that install what is in `folder` and start it."""
    state = shlex.quote(f"{deployment.root}/.flowerpower")
    steps = [f"sudo install -d -m 700 -o {deployment.user} {state}"]
    if deployment.variables:
        target = environment_file(deployment).target
        filled = f"{folder}/{deployment.name}.env"
        steps.append(f"Write the values into {filled}, then:")
        steps.append("sudo install -d /etc/flowerpower")
        steps.append(f"sudo install -m 600 -o {deployment.user} {filled} {target}")
    for file in files(deployment):
        if file.name.endswith(".plist"):
            steps.append(f"sudo cp {folder}/{file.name} {file.target}")
            steps.append(f"sudo launchctl bootstrap system {file.target}")
    return steps


def _agent(deployment: Deployment, service: Service, label: str) -> dict[str, Any]:
    command = [*deployment.program, *service.arguments]
    if deployment.variables:
        # launchd itself reads no file of variables, and a property list is no place for secrets.
        target = environment_file(deployment).target
        command = ["/bin/sh", "-c", _WITH_ENVIRONMENT, target, *command]
    # Its user must be able to write there.
    log = f"{deployment.root}/.flowerpower/{label}.log"
    return {
        "Label": label,
        "UserName": deployment.user,
        "WorkingDirectory": deployment.root,
        "ProgramArguments": command,
        "RunAtLoad": True,
        "KeepAlive": True,
        "ThrottleInterval": 10,
        # Seconds between SIGTERM and SIGKILL.
        "ExitTimeOut": service.grace,
        "ProcessType": "Background",
        "StandardOutPath": log,
        "StandardErrorPath": log,
    }
