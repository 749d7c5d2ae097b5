"""The kinds of service files, and making and writing the files of one."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from flowerpower.errors import FlowerpowerError, Refused, UsageError, os_errors_as
from flowerpower.files.atomic import write_files
from flowerpower.pipeline.services.deployment import Deployment, ServiceFile
from flowerpower.text import did_you_mean

_OF_IMAGES = ("compose", "kubernetes")
KINDS = ("systemd", "launchd", "compose", "kubernetes", "procfile")


def service_files(kind: str, deployment: Deployment) -> list[ServiceFile]:
    """The files of that kind.

    Raises:
        UsageError: if there is no such kind.
        Refused: if the deployment cannot run so.
    """
    if kind not in KINDS:
        raise UsageError(
            f"There is no kind of service {kind!r}.{did_you_mean(kind, KINDS)}",
            hint=f"The kinds are: {', '.join(KINDS)}.",
        )
    if kind in _OF_IMAGES and deployment.project.remote is not None:
        raise Refused(
            f"The files for {kind} build an image of the project's folder, and this project is at "
            f"{deployment.project.remote.source}.",
            hint="Make them in a checkout, or set FLOWERPOWER_BASE_DIR for an image of your own.",
        )
    module = import_module(f"{__package__}.{kind}")
    return list(module.files(deployment))


def install_steps(kind: str, deployment: Deployment, folder: str) -> list[str]:
    """What to do with the files of that kind once they are in `folder`, a command in each line."""
    return list(import_module(f"{__package__}.{kind}").steps(deployment, shlex.quote(folder)))


def existing_files(files: Sequence[ServiceFile], folder: Path) -> list[Path]:
    """The paths in `folder` with other content, which writing the files would replace."""
    paths = [(folder / file.name, file.content.encode()) for file in files if not file.private]
    return [path for path, content in paths if os.path.lexists(path) and _content(path) != content]


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def write_service_files(files: Sequence[ServiceFile], folder: Path, *, overwrite: bool) -> None:
    """Write the files into `folder`, all or none; it is made if it does not exist.

    A private one that is there stays as it is: it may hold the secrets.

    Raises:
        Refused: if one exists with other content, and not `overwrite`.
    """
    if (existing := existing_files(files, folder)) and not overwrite:
        raise Refused(f"{existing[0]} already exists.")
    with os_errors_as(FlowerpowerError, f"The files cannot be written to {folder}"):
        private = {folder / file.name for file in files if file.private}
        new = {path for path in private if not os.path.lexists(path)}
        contents = {folder / file.name: file.content.encode() for file in files}
        write_files({path: text for path, text in contents.items() if path not in private - new})
        for path in new:
            path.chmod(0o600)
