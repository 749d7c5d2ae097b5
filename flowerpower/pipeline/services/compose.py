"""A compose file, and the Dockerfile of its image."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from flowerpower import __version__
from flowerpower.config.queue_settings import TYPE_VARIABLE, URL_VARIABLE
from flowerpower.pipeline.services.deployment import Deployment, Service, ServiceFile
from flowerpower.pipeline.services.yaml_text import yaml_text

USER_ID = 10001
"""Of the user in the image; a number, because Kubernetes must see that it is not root's."""
FOLDER = "/project"
_PASSWORD = "${REDIS_PASSWORD:?set REDIS_PASSWORD in .env}"  # noqa: S105 - a placeholder
_IGNORED = (".env", "*.env", ".git", ".venv", ".flowerpower", "**/__pycache__")
_HEADER = """\
# compose.yaml: the workers of {name} in containers.
# Secrets come from the environment, or from the file .env beside this one, mode 0600.
"""


def files(deployment: Deployment) -> Iterator[ServiceFile]:
    """The compose file, the Dockerfile, and what the image must not contain."""
    content = _HEADER.format(name=deployment.name) + yaml_text([_compose(deployment)])
    yield ServiceFile("compose.yaml", "compose.yaml", content)
    yield dockerfile(deployment)
    ignored = "".join(f"{pattern}\n" for pattern in _IGNORED)
    yield ServiceFile(".dockerignore", ".dockerignore", ignored)


def steps(_: Deployment, folder: str) -> list[str]:
    """The command that starts it."""
    here = f"With the files of {folder} in the project's folder: "
    return [f"{here}docker compose up --build --detach"]


def _compose(deployment: Deployment) -> dict[str, Any]:
    services: dict[str, Any] = {}
    volumes: dict[str, Any] = {}
    if deployment.backend == "rq":
        services["redis"] = _redis()
        volumes["redis-data"] = {}
    if deployment.uses_sqlite:
        volumes["jobs"] = {}
    for service in deployment.services:
        services[service.role] = _service(deployment, service)
    return {
        "name": deployment.dns_name,
        "services": services,
        **({"volumes": volumes} if volumes else {}),
    }


def _service(deployment: Deployment, service: Service) -> dict[str, Any]:
    body: dict[str, Any] = {
        "image": deployment.image,
        "build": ".",
        "command": ["flowerpower", *service.arguments],
        # A small process 1 passes signals on, and reaps what jobs leave behind.
        "init": True,
        "stop_signal": "SIGTERM",
        "stop_grace_period": f"{service.grace}s",
        "restart": "unless-stopped",
        "environment": _environment(deployment),
        "healthcheck": {
            "test": ["CMD", "flowerpower", *service.check],
            "interval": "30s",
            "timeout": "25s",
            "retries": 3,
            "start_period": "30s",
        },
    }
    if not body["environment"]:
        del body["environment"]
    if service.count > 1:
        body["deploy"] = {"replicas": service.count}
    if deployment.backend == "rq":
        body["depends_on"] = {"redis": {"condition": "service_healthy"}}
    if deployment.uses_sqlite:
        body["volumes"] = [f"jobs:{FOLDER}/.flowerpower"]
    return body


def _environment(deployment: Deployment) -> dict[str, str]:
    variables = {
        name: f"${{{name}:-}}" if has_default else f"${{{name}:?set {name} in .env}}"
        for name, has_default in deployment.variables.items()
    }
    if deployment.backend == "rq":
        variables[deployment.url_variable or URL_VARIABLE] = f"redis://:{_PASSWORD}@redis:6379/0"
    if TYPE_VARIABLE in variables:
        variables[TYPE_VARIABLE] = deployment.backend
    return variables


def _redis() -> dict[str, Any]:
    return {
        "image": "redis:7",
        "command": [
            *("redis-server", "--appendonly", "yes", "--maxmemory-policy", "noeviction"),
            *("--requirepass", _PASSWORD),
        ],
        "environment": {"REDISCLI_AUTH": _PASSWORD},
        "volumes": ["redis-data:/data"],
        "restart": "unless-stopped",
        "healthcheck": {
            "test": ["CMD-SHELL", "redis-cli ping | grep -q PONG"],
            "interval": "10s",
            "timeout": "5s",
            "retries": 5,
        },
    }


def dockerfile(deployment: Deployment) -> ServiceFile:
    """The image of the project, which runs as a user that is not root."""
    is_sql_server = deployment.backend == "apscheduler" and not deployment.uses_sqlite
    extra = "[postgresql]" if is_sql_server else ""
    has_requirements = (deployment.project.root / "requirements.txt").is_file()
    packages = f"'flowerpower-cli{extra}=={__version__}'"
    copied = "COPY requirements.txt .\n" if has_requirements else ""
    packages += " -r requirements.txt" if has_requirements else ""
    command = ", ".join(f'"{word}"' for word in ("flowerpower", "job-queue", "start-worker"))
    content = f"""\
# Dockerfile: the project {deployment.name}
FROM python:{sys.version_info.major}.{sys.version_info.minor}-slim
RUN useradd --uid {USER_ID} --create-home flowerpower \\
    && install -d -o flowerpower -g flowerpower {FOLDER} {FOLDER}/.flowerpower
WORKDIR {FOLDER}
{copied}RUN pip install --no-cache-dir {packages}
COPY --chown=flowerpower:flowerpower . .
USER {USER_ID}
STOPSIGNAL SIGTERM
CMD [{command}]
"""
    return ServiceFile("Dockerfile", "Dockerfile", content)
