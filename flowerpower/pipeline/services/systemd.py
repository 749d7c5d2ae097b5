"""Units of systemd, and the file of their environment.

A comment stands on a line of its own: behind a value it would be part of the value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from flowerpower.pipeline.services.deployment import Deployment, Service, ServiceFile

_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]+", re.ASCII)


def files(deployment: Deployment) -> Iterator[ServiceFile]:
    """A unit for each service, and the environment file."""
    for service in deployment.services:
        name = unit_name(deployment, service)
        yield ServiceFile(name, f"/etc/systemd/system/{name}", _unit(deployment, service))
    yield environment_file(deployment)


def unit_name(deployment: Deployment, service: Service) -> str:
    """The name of a service's unit: a template if there are several of it."""
    mark = "@" if service.count > 1 else ""
    return f"flowerpower-{deployment.name}-{service.role}{mark}.service"


def started(deployment: Deployment) -> list[str]:
    """The names under which the units are started."""
    names = []
    for service in deployment.services:
        name = unit_name(deployment, service)
        numbers = range(1, service.count + 1)
        is_one = service.count == 1
        names += [name] if is_one else [name.replace("@", f"@{number}") for number in numbers]
    return names


def steps(deployment: Deployment, folder: str) -> list[str]:
    """The commands that install what is in `folder` and start it."""
    environment = environment_file(deployment)
    steps = []
    if deployment.variables:
        steps.append(f"Write the values into {folder}/{environment.name}, then:")
        steps.append(f"sudo install -D -m 600 {folder}/{environment.name} {environment.target}")
    steps.append(f"sudo cp {folder}/flowerpower-{deployment.name}-*.service /etc/systemd/system/")
    names = " ".join(started(deployment))
    steps.append(f"sudo systemctl daemon-reload && sudo systemctl enable --now {names}")
    return steps


def environment_file(deployment: Deployment) -> ServiceFile:
    """The file of the variables that the project's YAML names, with no values in it."""
    name = f"{deployment.name}.env"
    lines = [
        "# What the YAML of the project takes from the environment, NAME=VALUE in each line.",
        "# It holds secrets: mode 0600, owned by root. A value with blanks, quotes or $ stands in",
        "# single quotes. A comment needs a line of its own.",
    ]
    for variable, has_default in deployment.variables.items():
        lines.append(f"# {variable}=" if has_default else f"{variable}=")
    return ServiceFile(name, f"/etc/flowerpower/{name}", "\n".join(lines) + "\n", private=True)


def _unit(deployment: Deployment, service: Service) -> str:
    number = " %i" if service.count > 1 else ""
    # Without one that is needed it must not start; else a file may be there or not.
    optional = "" if deployment.needs_variables else "-"
    environment = escaped(environment_file(deployment).target)
    return f"""\
# /etc/systemd/system/{unit_name(deployment, service)}
[Unit]
Description=flowerpower {service.role}{number} of {deployment.name}
After=network-online.target
Wants=network-online.target
# It may be started again as often as it ends: its database may be away for long.
StartLimitIntervalSec=0

[Service]
Type=exec
User={deployment.user}
WorkingDirectory={escaped(deployment.root)}
EnvironmentFile={optional}{environment}
ExecStart={command_line((*deployment.program, *service.arguments))}
# SIGTERM goes to this process alone: it lets its jobs finish. What is left then is killed.
KillMode=mixed
TimeoutStopSec={service.grace}
Restart=always
RestartSec=5
# A job that takes too much memory ends alone, not its worker and all other jobs.
OOMPolicy=continue

[Install]
WantedBy=multi-user.target
"""


def escaped(text: str) -> str:
    """A path in a setting that is not split into words: only % means something there."""
    return text.replace("%", "%%")


def command_line(words: tuple[str, ...]) -> str:
    """Words as ExecStart reads them; each stays what it is, with blanks, quotes and `$`."""
    if re.search(r"[\"'\\]", words[0]):
        # systemd takes no program with such a path, however it is quoted; a shell does.
        words = ("/bin/sh", "-c", 'exec "$0" "$@"', *words)
    line = " ".join(map(_quoted, words))
    # With a colon in front no variable is replaced.
    return f":{line}" if "$" in line else line


def _quoted(word: str) -> str:
    word = escaped(word)
    if _PLAIN.fullmatch(word):
        return word
    inner = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{inner}"'
