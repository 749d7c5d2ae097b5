"""Trackers: services that record runs. If one is down there is a warning, and the run goes on."""

from __future__ import annotations

import contextlib
import http.client
import importlib
import logging
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from hamilton.lifecycle.base import LifecycleAdapterSet

from flowerpower.config.adapters import (
    Adapter,
    AdapterConfig,
    HamiltonTracker,
    Mlflow,
    OpenTelemetry,
)
from flowerpower.config.files import Project
from flowerpower.errors import ConfigError
from flowerpower.run.modules import check_installed, not_installed
from flowerpower.run.patches import SILENT

CONNECT_TIMEOUT = 5
"""Seconds in which a tracker's server must take a connection, and answer."""
FLUSH_TIMEOUT = 5
"""Seconds to wait, at the end of a run, for spans that are not sent yet."""
_PORTS = {"http": 80, "https": 443}
_MLFLOW_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
"""Variables of the environment that MLflow reads; those that are set stay."""
_MODULES = {
    "hamilton_tracker": "hamilton_sdk",
    "mlflow": "mlflow",
    "opentelemetry": "opentelemetry.sdk",
}
_OTLP = "opentelemetry.exporter.otlp.proto.http"
_MARK = "_flowerpower_tracker"
_Opened = tuple[Any, Callable[[], object]]
"""A tracker's adapter, and what closes it."""


def is_tracker(adapter: Any) -> bool:
    """Whether a Hamilton adapter is that of a Tracker."""
    return hasattr(adapter, _MARK)


class Tracker:
    """Wraps a tracker's adapter: its first failure warns and turns it off."""

    def __init__(
        self, name: str, adapter: Any, warn: Callable[[str], None], close: Callable[[], object]
    ) -> None:
        self.name, self.adapter = name, adapter
        self._warn, self._close = warn, close
        self._is_broken = False
        self._handled: BaseException | None = None
        setattr(adapter, _MARK, name)
        for hook in LifecycleAdapterSet(adapter).sync_hooks:
            setattr(adapter, hook, self._guarded(hook, getattr(adapter, hook)))

    def close(self) -> None:
        """Let it send what it has, and close it, also if it has failed."""
        self._try(self._close)

    def _guarded(self, hook: str, function: Callable[..., object]) -> Callable[..., None]:
        def call(**arguments: Any) -> None:
            error = sys.exception()
            if hook == "pre_graph_execute":
                self._handled = error
            elif hook == "post_graph_execute" and error is not self._handled:
                # Hamilton passes success=True for a run that was interrupted.
                arguments.update(success=False, error=error)
            if not self._is_broken:
                self._try(function, **arguments)

        return call

    def _try(self, function: Callable[..., object], **arguments: Any) -> None:
        try:
            function(**arguments)
        except Exception as error:  # noqa: BLE001 - a service's client may raise anything
            if not self._is_broken:
                self._warn(f"{self.name} has failed and records no more: {_error_text(error)}")
            self._is_broken = True


def _enabled(config: AdapterConfig) -> list[tuple[str, Adapter]]:
    """The settings of the trackers that are on, by their names."""
    all_settings = ((name, getattr(config, name)) for name in _MODULES)
    return [(name, settings) for name, settings in all_settings if settings and settings.enabled]


def check_trackers(config: AdapterConfig) -> None:
    """As `check_adapters`, of trackers; none is connected to."""
    for name, settings in _enabled(config):
        required = ("project_id", "username") if isinstance(settings, HamiltonTracker) else ()
        if missing := [setting for setting in required if getattr(settings, setting) is None]:
            raise ConfigError(
                f"adapter.{name} lacks {' and '.join(missing)}.",
                hint="They are those of the project in Hamilton's user interface.",
            )
        check_installed(f"The adapter {name}", _MODULES[name], "trackers")
        if isinstance(settings, OpenTelemetry) and settings.exporter == "otlp":
            check_installed(f"The adapter {name}", _OTLP, "trackers")


def make_trackers(
    project: Project, pipeline: str, config: AdapterConfig, warn: Callable[[str], None]
) -> list[Tracker]:
    """The trackers that are on, which `check_trackers` has accepted, and can be reached.

    Raises:
        ConfigError: if one cannot be imported.
    """
    makers: dict[str, Callable[..., _Opened]] = {
        "hamilton_tracker": _hamilton_tracker,
        "mlflow": _mlflow,
        "opentelemetry": _opentelemetry,
    }
    trackers = []
    for name, settings in _enabled(config):
        try:
            adapter, close = makers[name](project, pipeline, settings)
        except ImportError as error:
            raise not_installed(f"The adapter {name}", error, "trackers") from None
        except Exception as error:  # noqa: BLE001 - a service's client may raise anything
            warn(f"{name} is left out: {_error_text(error)}")
            continue
        trackers.append(Tracker(name, adapter, warn, close))
    return trackers


def _error_text(error: Exception) -> str:
    first_line = next(iter(str(error).strip().splitlines()), "")
    return f"{type(error).__name__}: {first_line}".removesuffix(": ")


def _check_answers(url: str) -> None:
    """Raise OSError if no server answers at an http(s) URL: trackers' clients retry for minutes."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        return
    # Behind a proxy the server cannot be reached directly, and need not be.
    if parts.scheme in getproxies() and not proxy_bypass(parts.hostname):
        return
    address = parts.hostname, parts.port or _PORTS[parts.scheme]
    try:
        if parts.scheme == "https":
            socket.create_connection(address, timeout=CONNECT_TIMEOUT).close()
            return
        connection = http.client.HTTPConnection(*address, timeout=CONNECT_TIMEOUT)
        with contextlib.closing(connection):
            connection.request("HEAD", "/")
            connection.getresponse()
    except (OSError, http.client.HTTPException) as error:
        raise OSError(f"nothing answers at {address[0]}:{address[1]} ({error})") from None


def _hamilton_tracker(project: Project, pipeline: str, settings: HamiltonTracker) -> _Opened:
    constants = importlib.import_module("hamilton_sdk.tracking.constants")
    api_url = settings.api_url or os.environ.get("HAMILTON_API_URL") or constants.HAMILTON_API_URL
    _check_answers(str(api_url))
    tracking = importlib.import_module("flowerpower.run.adapters.hamilton_tracker")
    tracker = tracking.make_tracker(
        project_id=settings.project_id,
        username=settings.username,
        dag_name=settings.dag_name or pipeline,
        tags={"project": project.name, **settings.tags},
        api_key=settings.api_key,
        hamilton_api_url=api_url,
        **({"hamilton_ui_url": settings.ui_url} if settings.ui_url else {}),
    )
    return tracker, tracker.stop


def _mlflow(project: Project, pipeline: str, settings: Mlflow) -> _Opened:
    for name, value in _MLFLOW_SETTINGS.items():
        os.environ.setdefault(name, value)
    configured = settings.tracking_uri or os.environ.get("MLFLOW_TRACKING_URI")
    uri = _from_root(project.work, configured or "sqlite:///mlflow.db")
    _check_answers(uri)
    tracking = importlib.import_module("flowerpower.run.adapters.mlflow_tracker")
    is_local = uri.startswith(("sqlite:", "file:"))
    artifacts = settings.artifact_location or ("mlartifacts" if is_local else None)
    tracker = tracking.make_tracker(
        tracking_uri=uri,
        registry_uri=settings.registry_uri and _from_root(project.work, settings.registry_uri),
        artifact_location=artifacts and _from_root(project.work, artifacts),
        experiment_name=settings.experiment_name or project.name,
        experiment_tags=dict(settings.experiment_tags) or None,
        run_name=settings.run_name or pipeline,
        run_tags=dict(settings.run_tags),
        log_system_metrics=settings.log_system_metrics,
    )
    return tracker, tracker.end


def _from_root(root: Path, uri: str) -> str:
    """A URI for MLflow; a relative path is from the project's folder, not the current one."""
    if uri.startswith("sqlite:///") and not uri.startswith("sqlite:////"):
        return f"sqlite:///{root / uri.removeprefix('sqlite:///')}"
    if ":/" in uri or uri.startswith(("file:", "databricks")):
        return uri
    return (root / uri).as_uri()


def _opentelemetry(project: Project, pipeline: str, settings: OpenTelemetry) -> _Opened:
    trace = importlib.import_module("opentelemetry.trace")
    sdk = importlib.import_module("opentelemetry.sdk.trace")
    tracking = importlib.import_module("flowerpower.run.adapters.opentelemetry_tracer")
    current = trace.get_tracer_provider()
    if isinstance(current, sdk.TracerProvider):
        # The program that calls us has set it up, and will flush and close it.
        return tracking.Tracer(current.get_tracer("flowerpower"), pipeline), lambda: None
    export = importlib.import_module("opentelemetry.sdk.trace.export")
    resources = importlib.import_module("opentelemetry.sdk.resources")
    exporter = export.ConsoleSpanExporter()
    processor = export.SimpleSpanProcessor(exporter)
    if settings.exporter == "otlp":
        exporter = tracking.StopAfterFailureExporter(_otlp_exporter(settings))
        processor = export.BatchSpanProcessor(exporter)
    name = settings.service_name or os.environ.get("OTEL_SERVICE_NAME") or project.name
    provider = sdk.TracerProvider(
        resource=resources.Resource.create({"service.name": name}), shutdown_on_exit=False
    )
    provider.add_span_processor(processor)

    def close() -> None:
        provider.shutdown()
        if lost := getattr(exporter, "lost", 0):
            raise OSError(f"{lost} spans could not be sent")

    return tracking.Tracer(provider.get_tracer("flowerpower"), pipeline), close


def _otlp_exporter(settings: OpenTelemetry) -> Any:
    otlp = importlib.import_module(f"{_OTLP}.trace_exporter")
    variables = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"
    endpoints = [settings.endpoint, *map(os.environ.get, variables), "http://localhost:4318"]
    _check_answers(next(filter(None, endpoints)))
    # It logs each failure, and we warn of the first.
    logging.getLogger("opentelemetry.exporter").setLevel(SILENT)
    return otlp.OTLPSpanExporter(
        endpoint=settings.endpoint, headers=dict(settings.headers) or None, timeout=FLUSH_TIMEOUT
    )
