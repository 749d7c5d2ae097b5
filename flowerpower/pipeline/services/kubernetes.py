"""Deployments for Kubernetes, and the Dockerfile of their image."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

from flowerpower.config.queue_settings import URL_VARIABLE
from flowerpower.errors import Refused
from flowerpower.pipeline.services import compose
from flowerpower.pipeline.services.compose import FOLDER, USER_ID
from flowerpower.pipeline.services.deployment import Deployment, Service, ServiceFile
from flowerpower.pipeline.services.yaml_text import yaml_text

PROBE_SECONDS = 25
"""How long a probe may take: the doctor gives up a silent job queue before that."""
_HEADER = """\
# kubernetes.yaml: the workers of {name}. The job queue's server is not part of it.
# {secret}
# The liveness probe is content when the job queue cannot be reached (exit code 5): running jobs go
# on then, and to start the worker again would end them.
"""


def files(deployment: Deployment) -> Iterator[ServiceFile]:
    """A Deployment for each service, and the Dockerfile of their image.

    Raises:
        Refused: if the jobs are in a file, which other machines do not reach.
    """
    if deployment.uses_sqlite:
        raise Refused(
            "The job queue is a SQLite file of this machine, which containers elsewhere do not "
            "reach.",
            hint="Use PostgreSQL or Redis: set job_queue in conf/project.yml, and move what waits "
            "with `flowerpower job-queue migrate`.",
        )
    secret = (
        f"Its secrets ({', '.join(_secrets(deployment))}): "
        f"kubectl create secret generic {deployment.dns_name} --from-env-file=FILE"
    )
    documents = [_deployment(deployment, service) for service in deployment.services]
    content = _HEADER.format(name=deployment.name, secret=secret) + yaml_text(documents)
    yield ServiceFile("kubernetes.yaml", "kubernetes.yaml", content)
    yield from (file for file in compose.files(deployment) if file.name != "compose.yaml")


def steps(deployment: Deployment, folder: str) -> list[str]:
    """The commands that build the image and start it."""
    return [
        f"With the files of {folder} in the project's folder: docker build -t {deployment.image} .",
        f"kubectl apply -f {folder}/kubernetes.yaml",
    ]


def _secrets(deployment: Deployment) -> list[str]:
    names = list(deployment.variables)
    backend = deployment.project.job_queue.backend
    has_address = backend.url is not None or backend.host is not None
    return names if names or has_address else [URL_VARIABLE]


def _deployment(deployment: Deployment, service: Service) -> dict[str, Any]:
    name = f"{deployment.dns_name}-{service.role}"
    labels = {"app.kubernetes.io/name": deployment.dns_name,
              "app.kubernetes.io/component": service.role}  # fmt: skip
    pod = {
        # More than the jobs' own time, so that Kubernetes kills nothing that is about to end.
        "terminationGracePeriodSeconds": service.grace + 30,
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER_ID,
            "runAsGroup": USER_ID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(deployment, service)],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": service.count,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def _container(deployment: Deployment, service: Service) -> dict[str, Any]:
    check = ["flowerpower", *service.check]
    # 1 is no worker that sends heartbeats. 5 is a job queue that is away, and no reason to end it.
    alive = ["sh", "-c", f"{shlex.join(check)}; test $? -ne 1"]
    container: dict[str, Any] = {
        "name": service.role,
        "image": deployment.image,
        "workingDir": FOLDER,
        "command": ["flowerpower", *service.arguments],
        "readinessProbe": _probe(check, 1),
        "livenessProbe": _probe(alive, 3),
        "resources": {
            "requests": {"cpu": "250m", "memory": "512Mi"},
            "limits": {"memory": "2Gi" if service.role == "worker" else "512Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    if _secrets(deployment):
        container["envFrom"] = [{"secretRef": {"name": deployment.dns_name}}]
    return container


def _probe(command: list[str], failures: int) -> dict[str, Any]:
    return {
        "exec": {"command": command},
        "initialDelaySeconds": 30,
        "periodSeconds": 30,
        "timeoutSeconds": PROBE_SECONDS,
        "failureThreshold": failures,
    }
