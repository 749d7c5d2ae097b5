"""Which of Hamilton's adapters a run is given, and their settings.

Each adapter is written as true or false, or as a mapping of its settings, which turns it on unless
it says `enabled: false`.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import AfterValidator, BeforeValidator, Field

from flowerpower.config.types import Configuration

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
_Model = TypeVar("_Model", bound=Configuration)


def _class_path(value: str) -> str:
    if len(value) > 300 or not _CLASS.fullmatch(value):
        raise ValueError(f"{value!r} names no class: expected package.module:Class.")
    return value


def _switch(value: object) -> object:
    return {"enabled": value} if isinstance(value, bool) else value


def _progressbar(value: object) -> object:
    if isinstance(value, bool):
        return "rich" if value else "none"
    if value not in (None, *get_args(Progressbar)):
        raise ValueError(f"expected true, false, rich, tqdm or none, got {value!r}.")
    return value


def _custom(value: object) -> object:
    return {"type": value} if isinstance(value, str) else value


ClassPath = Annotated[str, AfterValidator(_class_path)]
"""`package.module:Class`."""


class Adapter(Configuration):
    """What every adapter's settings have."""

    enabled: bool = True


class GracefulErrors(Adapter):
    """Nodes that fail give `sentinel`, and so does what depends on them; the rest goes on.

    `errors` are names of exceptions, matched as those of `retry.exceptions` are.
    """

    errors: list[str] = Field(default=["Exception"], min_length=1)
    sentinel: Any = None
    try_all_parallel: bool = True


class TypeCheck(Adapter):
    """Every value is checked against what its node declares."""

    check_input: bool = True
    check_output: bool = True


class Print(Adapter):
    """Each node is told of in the run's log; with `verbosity` 2 its values too."""

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

    Without an `endpoint`, that of OpenTelemetry's own environment variables.
    """

    exporter: Literal["otlp", "console"] = "otlp"
    endpoint: str | None = None
    headers: dict[str, str] = {}
    service_name: str | None = None


class CustomAdapter(Configuration):
    """A class of one's own, made with `options`."""

    type: ClassPath
    options: dict[str, Any] = {}


class AdapterConfig(Configuration):
    """The adapters of a pipeline, or what holds for all of a project; None: not said."""

    progressbar: Annotated[Progressbar | None, BeforeValidator(_progressbar)] = None
    graceful_errors: Annotated[GracefulErrors | None, BeforeValidator(_switch)] = None
    hamilton_tracker: Annotated[HamiltonTracker | None, BeforeValidator(_switch)] = None
    mlflow: Annotated[Mlflow | None, BeforeValidator(_switch)] = None
    opentelemetry: Annotated[OpenTelemetry | None, BeforeValidator(_switch)] = None
    print: Annotated[Print | None, BeforeValidator(_switch)] = None
    type_check: Annotated[TypeCheck | None, BeforeValidator(_switch)] = None
    custom: list[Annotated[CustomAdapter, BeforeValidator(_custom)]] = []

    def with_enabled(self, names: list[AdapterName], custom: list[str]) -> AdapterConfig:
        """The same with these on, and with classes of one's own added."""
        data: dict[str, Any] = {name: getattr(self, name) for name in type(self).model_fields}
        for name in names:
            if name == "progressbar":
                data[name] = "rich" if data[name] in (None, "none") else data[name]
            elif data[name] is None:
                data[name] = _MODELS[name](enabled=True)
            else:
                data[name] = _over(data[name], _MODELS[name](enabled=True))
        known = {each.type for each in self.custom}
        added = [CustomAdapter(type=each) for each in custom if each not in known]
        return self.model_copy(update={**data, "custom": [*self.custom, *added]})

    def over(self, project: AdapterConfig) -> AdapterConfig:
        """These over those of the project, setting by setting; both lists of `custom`."""
        data: dict[str, Any] = {}
        for name in type(self).model_fields:
            own, wide = getattr(self, name), getattr(project, name)
            if name == "custom":
                types = {each.type for each in own}
                data[name] = [*(each for each in wide if each.type not in types), *own]
            elif isinstance(own, Adapter) and isinstance(wide, Adapter):
                data[name] = _over(wide, own)
            else:
                data[name] = wide if own is None else own
        return self.model_copy(update=data)


_MODELS: dict[str, type[Adapter]] = {
    "graceful_errors": GracefulErrors,
    "hamilton_tracker": HamiltonTracker,
    "mlflow": Mlflow,
    "opentelemetry": OpenTelemetry,
    "print": Print,
    "type_check": TypeCheck,
}


def _over(wide: _Model, own: _Model) -> _Model:
    said = {name: getattr(own, name) for name in own.model_fields_set}
    # A mapping of settings turns its adapter on, also where the project has it off.
    return wide.model_copy(update={**said, "enabled": getattr(own, "enabled", True)})
