"""The checks of files and packages: YAML, extras, versions."""

from __future__ import annotations

import platform
from collections.abc import Generator, Iterator
from importlib import metadata
from importlib.util import find_spec

from packaging.requirements import InvalidRequirement, Requirement

from flowerpower import __version__
from flowerpower.config.adapters import AdapterConfig
from flowerpower.config.files import PROJECT_FILE, load_pipeline, schedule_faults
from flowerpower.config.pipeline import PipelineConfig
from flowerpower.errors import ConfigError, FlowerpowerError
from flowerpower.jobs.problem import Level, Problem
from flowerpower.pipeline.doctor.diagnosis import problems_of
from flowerpower.pipeline.doctor.subject import Subject
from flowerpower.pipeline.registry import pipeline_names

DISTRIBUTION = "flowerpower-cli"
SHOWN = ("sf-hamilton", "rq", "redis", "apscheduler")
"""Packages whose versions are worth a line."""
_TRACKERS = {
    "hamilton_tracker": "hamilton_sdk",
    "mlflow": "mlflow",
    "opentelemetry": "opentelemetry",
}
"""The module that each tracker needs, of the extra `trackers`."""
_CLUSTERS = {"ray": "ray", "dask": "distributed"}
"""The module that each of these executors needs, of the extra of that name."""


def check_configuration(subject: Subject) -> Generator[Problem, None, str]:
    """Every YAML file can be read, and says only what it may."""
    timezone = "UTC"
    try:
        timezone = subject.project.timezone
    except ConfigError as error:
        yield from problems_of(error)
    names = pipeline_names(subject.root)
    for name in names:
        try:
            pipeline = load_pipeline(subject.root, name, subject.environ)
        except ConfigError as error:
            yield from problems_of(error)
        else:
            if faults := schedule_faults(pipeline, timezone):
                yield from problems_of(ConfigError(faults=faults))
    return f"{PROJECT_FILE} and {_counted(len(names), 'pipeline')} are right."


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def check_extras(subject: Subject) -> Generator[Problem, None, str]:
    """The packages that the configuration asks for are installed."""
    needed = {"rq" if subject.job_queue.type == "rq" else "apscheduler"}
    url = subject.project.job_queue.backend.url or ""
    if subject.job_queue.type == "apscheduler" and url.startswith("postgresql://"):
        needed.add("postgresql")
        if not (find_spec("psycopg") and find_spec("psycopg_pool")):
            yield _missing("The job queue's PostgreSQL", "postgresql")
    configs: dict[str, PipelineConfig] = {}
    for name in subject.registry.names():
        try:
            configs[name] = subject.registry.get(name).config
        except FlowerpowerError:
            # That is said by the check of the configuration.
            continue
    project_adapters = subject.project.config.adapter
    for name, config in configs.items():
        executor = config.run.executor.type
        if executor in _CLUSTERS:
            needed.add(executor)
            if not find_spec(_CLUSTERS[executor]):
                yield _missing(f"The executor {executor} of {name}", executor)
        for tracker in _trackers_of(config.run.adapter, project_adapters):
            needed.add(tracker)
            if not find_spec(_TRACKERS[tracker]):
                yield _missing(f"The adapter {tracker} of {name}", "trackers")
    return f"Installed is what {', '.join(sorted(needed))} need{'s' if len(needed) == 1 else ''}."


def _trackers_of(pipeline: AdapterConfig, project: AdapterConfig) -> Iterator[str]:
    for name in _TRACKERS:
        settings = getattr(pipeline, name) or getattr(project, name)
        if settings is not None and settings.enabled:
            yield name


def _missing(what: str, extra: str) -> Problem:
    return Problem(
        "extra_missing", Level.ERROR,
        f"{what} needs packages that are not installed.",
        f"pip install '{DISTRIBUTION}[{extra}]'",
    )  # fmt: skip


def check_versions(_: Subject) -> Generator[Problem, None, str]:
    """The installed packages have versions that flowerpower was made for."""
    try:
        requirements = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        # It runs from a folder without having been installed.
        requirements = []
    for text in requirements:
        yield from _out_of_range(text)
    shown = [f"{name} {version}" for name in SHOWN if (version := _version_of(name))]
    parts = [f"flowerpower {__version__}", f"Python {platform.python_version()}", *shown]
    return f"{', '.join(parts)}."


def _out_of_range(text: str) -> Iterator[Problem]:
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return
    # What an extra wants may be missing.
    is_optional = "extra ==" in text
    if requirement.marker and not any(
        requirement.marker.evaluate({"extra": extra}) for extra in ("", "postgresql")
    ):
        return
    version = _version_of(requirement.name)
    if version is None and is_optional:
        return
    if version is None or not requirement.specifier.contains(version, prereleases=True):
        yield Problem(
            "package_version", Level.WARNING,
            f"{requirement.name} {version or 'is not installed'}"
            f"{' is installed' if version else ''}; flowerpower needs {requirement.specifier}.",
            f"pip install '{requirement.name}{requirement.specifier}'",
        )  # fmt: skip


def _version_of(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
