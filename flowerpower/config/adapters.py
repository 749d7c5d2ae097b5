"""The configuration of Hamilton's adapters.

An adapter is written as true or false, or as a mapping of its settings. A mapping turns it on,
unless it holds `enabled: false`.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field

from flowerpower.config.types import Configuration, Switch, shorthand

AdapterName = Literal[
    "graceful_errors",
    "hamilton_tracker",
    "mlflow",
    "opentelemetry",
    "print",
    "progressbar",
    "type_check",
]
Progressbar = Literal["rich", "tqdm", "none"]
_CLASS = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)


def _class_path(value: str) -> str:
    if len(value) > 300 or not _CLASS.fullmatch(value):
        raise ValueError(f"{value!r} is not a class: expected package.module:Class.")
    return value


def _progressbar(value: object) -> object:
    if isinstance(value, bool):
        return "rich" if value else "none"
    if value not in (None, *get_args(Progressbar)):
        raise ValueError(f"expected true, false, rich, tqdm or none, got {value!r}.")
    return value


ClassPath = Annotated[str, AfterValidator(_class_path)]
"""`package.module:Class`."""


class Adapter(Configuration):
    """The setting that every adapter has."""

    enabled: bool = True


class GracefulErrors(Adapter):
    """A node that fails has the value `sentinel`, and so have those that need it; others go on.

    `errors` are names of exceptions, matched like those of `retry.exceptions`.
    """

    errors: list[str] = Field(default=["Exception"], min_length=1)
    sentinel: Any = None
    try_all_parallel: bool = True


class TypeCheck(Adapter):
    """Each value is checked against the type that its node declares."""

    check_input: bool = True
    check_output: bool = True


class Print(Adapter):
    """Each node is printed to the run's log; with `verbosity` 2 its values too."""

    verbosity: int = Field(default=1, ge=1, le=2)
    nodes: list[str] | None = None


class HamiltonTracker(Adapter):
    """Hamilton's own user interface; `dag_name` is the pipeline's name by default."""

    project_id: int | None = None
    username: str | None = None
    dag_name: str | None = None
    tags: dict[str, str] = {}
    api_url: str | None = None
    ui_url: str | None = None
    api_key: str | None = None


class Mlflow(Adapter):
    """MLflow; the experiment is the project by default, the run the pipeline."""

    tracking_uri: str | None = None
    registry_uri: str | None = None
    artifact_location: str | None = None
    experiment_name: str | None = None
    experiment_tags: dict[str, str] = {}
    run_name: str | None = None
    run_tags: dict[str, str] = {}
    log_system_metrics: bool = False


class OpenTelemetry(Adapter):
    """Spans of the run and its nodes, over OTLP/HTTP or on the console.

    Without an `endpoint`, OpenTelemetry's own environment variables name it.
    """

    exporter: Literal["otlp", "console"] = "otlp"
    endpoint: str | None = None
    headers: dict[str, str] = {}
    service_name: str | None = None


class CustomAdapter(Configuration):
    """An adapter class of the user's own; `options` are its arguments."""

    type: ClassPath
    options: dict[str, Any] = {}


class AdapterConfig(Configuration):
    """The adapters of a pipeline or of a whole project; None where nothing is set."""

    progressbar: Annotated[Progressbar | None, BeforeValidator(_progressbar)] = None
    graceful_errors: Annotated[GracefulErrors | None, Switch] = None
    hamilton_tracker: Annotated[HamiltonTracker | None, Switch] = None
    mlflow: Annotated[Mlflow | None, Switch] = None
    opentelemetry: Annotated[OpenTelemetry | None, Switch] = None
    print: Annotated[Print | None, Switch] = None
    type_check: Annotated[TypeCheck | None, Switch] = None
    custom: list[Annotated[CustomAdapter, shorthand(str, "type")]] = []
