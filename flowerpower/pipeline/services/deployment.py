"""What is to run as a service, and where: what the files of every kind are made of."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from flowerpower.config.files import BASE_DIR_VARIABLE, Project, pipeline_path
from flowerpower.config.queue_settings import TYPE_VARIABLE, URL_VARIABLE
from flowerpower.config.remote.address import OPTIONS_VARIABLE
from flowerpower.config.validation import check_as_written
from flowerpower.config.yaml_reader import YamlNode
from flowerpower.errors import ConfigError, UsageError
from flowerpower.pipeline.job_queue import PipelineJobQueue
from flowerpower.pipeline.queue_workers import MAX_WORKERS, queue_or_default
from flowerpower.pipeline.registry import PipelineRegistry
from flowerpower.text import visible

GRACE = 600.0
"""Seconds that running jobs may take when their worker is told to stop."""
SCHEDULER_GRACE = 30
"""Seconds that a scheduler may take; it runs no job."""
_VARIABLE = re.compile(r"(?<!\$)\$\{([A-Za-z_][A-Za-z0-9_]*)(:-)?", re.ASCII)
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}|\d{1,10}", re.ASCII)
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,254}", re.ASCII)


@dataclass(frozen=True)
class ServiceOptions:
    """What a caller may say.

    Attributes:
        workers: how many worker processes.
        num_workers: jobs at once in each; None for the project's number.
        queues: the queues they take jobs from; empty for all.
        scheduler: whether schedulers run beside them; None for where the backend needs one.
        user: the user they run as; None for the owner of the project's folder.
        grace: seconds that running jobs may take when they are told to stop.
        image: the container image; None for one of the project's name.
    """

    workers: int = 1
    num_workers: int | None = None
    queues: tuple[str, ...] = ()
    scheduler: bool | None = None
    user: str | None = None
    grace: float = GRACE
    image: str | None = None


@dataclass(frozen=True)
class ServiceFile:
    """A file: `name` in a folder, `target` where it belongs, and its content.

    One that is `private` has places for secrets: nobody else may read it, and it is never replaced.
    """

    name: str
    target: str
    content: str
    private: bool = False


@dataclass(frozen=True)
class Service:
    """A process that runs on: its role, the arguments behind `flowerpower`, and how many."""

    role: str
    arguments: tuple[str, ...]
    count: int
    grace: int

    @property
    def check(self) -> tuple[str, ...]:
        """The arguments of the command that says whether it is alive."""
        return ("doctor", "--check", self.role, "--quiet")


@dataclass(frozen=True)
class Deployment:
    """A project as its services need it.

    Attributes:
        program: how flowerpower is called here, with absolute paths.
        services: the workers, and the scheduler if there is one.
        variables: what its YAML takes from the environment; True if it has a default there.
        url_variable: the one that is the job queue's whole URL, if one is.
        image_name: the project's name as the names of images and of Kubernetes may be.
    """

    project: Project
    backend: str
    program: tuple[str, ...]
    services: tuple[Service, ...]
    variables: Mapping[str, bool]
    url_variable: str | None
    user: str
    image: str

    @property
    def name(self) -> str:
        """The project's name."""
        return self.project.name

    @property
    def root(self) -> str:
        """The project's folder; of a remote project its work folder."""
        return str(self.project.work)

    @property
    def dns_name(self) -> str:
        """The project's name as a label of DNS."""
        return _dns_name(self.name)

    @property
    def uses_sqlite(self) -> bool:
        """Whether its jobs are in a file of this machine."""
        url = self.project.job_queue.backend.url or "sqlite:"
        return self.backend == "apscheduler" and url.startswith("sqlite:")

    @property
    def needs_variables(self) -> bool:
        """Whether it cannot run without something in its environment."""
        return not all(self.variables.values())


def make_deployment(
    project: Project,
    registry: PipelineRegistry,
    job_queue: PipelineJobQueue,
    options: ServiceOptions,
) -> Deployment:
    """The deployment of a project.

    Raises:
        UsageError: naming the option that is out of range, or the folder whose name cannot stand
            in such a file.
    """
    _check(project, options)
    uses_redis = job_queue.type == "rq"
    services = [
        Service("worker", _worker_arguments(options), options.workers, round(options.grace))
    ]
    if uses_redis if options.scheduler is None else options.scheduler:
        arguments = ("job-queue", "start-scheduler")
        services.append(Service("scheduler", arguments, 1, SCHEDULER_GRACE))
    return Deployment(
        project,
        job_queue.type,
        _program(),
        tuple(services),
        _variables(project, registry),
        _url_variable(project, registry.environ),
        options.user or _owner(project.work),
        options.image or f"{_dns_name(project.name)}:latest",
    )


def _check(project: Project, options: ServiceOptions) -> None:
    for name, number in (("workers", options.workers), ("num-workers", options.num_workers)):
        if number is not None and not 1 <= number <= MAX_WORKERS:
            raise UsageError(f"--{name} is {number}: expected 1 to {MAX_WORKERS}.")
    for queue in options.queues:
        queue_or_default(project, queue)
    if options.user is not None and not _USER.fullmatch(options.user):
        raise UsageError(f"{options.user[:60]!r} cannot be the name of a user of this machine.")
    if options.image is not None and not _IMAGE.fullmatch(options.image):
        raise UsageError(f"{options.image[:60]!r} is not the name of a container image.")
    root = str(project.work)
    if visible(root) != root or "\n" in root or root != root.strip():
        raise UsageError(
            f"The project's folder {root!r} cannot be named in such a file: its path holds control "
            "characters, or begins or ends with a blank.",
            hint="Move the project to another folder.",
        )


def _worker_arguments(options: ServiceOptions) -> tuple[str, ...]:
    arguments = ["job-queue", "start-worker"]
    if options.num_workers is not None:
        arguments += ["--num-workers", str(options.num_workers)]
    if options.queues:
        arguments += ["--queues", ",".join(options.queues)]
    return tuple(arguments)


def _program() -> tuple[str, ...]:
    python = Path(sys.executable)
    script = python.with_name("flowerpower")
    if os.access(script, os.X_OK):
        return (str(script),)
    # -P, because the modules of the project must not replace those of Python.
    return (str(python), "-P", "-m", "flowerpower_cli")


def _owner(folder: Path) -> str:
    import pwd

    number = folder.stat().st_uid
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _dns_name(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-") or "project"


def _variables(project: Project, registry: PipelineRegistry) -> dict[str, bool]:
    """The variables that YAML and environment bring in, by name: whether they have a default."""
    texts = list(_raw_texts(project.file.root))
    for name in registry.names():
        path = project.root / pipeline_path(name)
        # A file that is wrong is not for now: `doctor` says so.
        with contextlib.suppress(ConfigError, OSError):
            texts += _raw_texts(check_as_written(path.read_bytes(), path.name).root)
    variables: dict[str, bool] = {}
    for text in texts:
        for name, default in _VARIABLE.findall(text):
            variables[name] = bool(default) and variables.get(name, True)
    for name in (TYPE_VARIABLE, URL_VARIABLE, OPTIONS_VARIABLE):
        if registry.environ.get(name):
            variables[name] = False
    if project.remote is not None:
        variables[BASE_DIR_VARIABLE] = False
    return dict(sorted(variables.items()))


def _raw_texts(node: YamlNode) -> Iterator[str]:
    """The texts with placeholders in a YAML file, as they are written."""
    if isinstance(node.content, dict):
        for child in node.content.values():
            yield from _raw_texts(child)
    elif isinstance(node.content, list):
        for child in node.content:
            yield from _raw_texts(child)
    elif node.raw is not None:
        yield node.raw


def _url_variable(project: Project, environ: Mapping[str, str]) -> str | None:
    if environ.get(URL_VARIABLE):
        return URL_VARIABLE
    _, url = project.file.root.nearest(("job_queue", "backend", "url"))
    match = _VARIABLE.match(url.raw or "")
    is_whole = match is not None and match.group() and str(url.raw).count("${") == 1
    return match[1] if match and is_whole and str(url.raw).endswith("}") else None
