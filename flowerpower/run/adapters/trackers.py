"""Trackers: services that are told of a run. One that is down warns, and the run goes on."""

from __future__ import annotations

import http.client
import importlib
import importlib.util
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

from flowerpower.config.adapters import AdapterConfig, HamiltonTracker, Mlflow, OpenTelemetry
from flowerpower.config.files import Project
from flowerpower.errors import ConfigError

ANSWER = 5
"""Seconds in which a tracker's server must take a connection, and answer."""
FLUSH = 5
"""Seconds that spans which are not sent yet are waited for at the end of a run."""
_PORTS = {"http": 80, "https": 443}
_MLFLOW_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
"""What MLflow is told by variables of the environment, unless they are set."""
_MODULES = {
    "hamilton_tracker": "hamilton_sdk",
    "mlflow": "mlflow",
    "opentelemetry": "opentelemetry.sdk",
}
_OTLP = "opentelemetry.exporter.otlp.proto.http"


_MARK = "_flowerpower_tracker"


def is_tracker(adapter: Any) -> bool:
    """Whether an adapter of Hamilton's belongs to a Tracker."""
    return hasattr(adapter, _MARK)


class Tracker:
    """A tracker whose failures warn, once, and end it."""

    def __init__(
        self,
        name: str,
        adapter: Any,
        warn: Callable[[str], None],
        close: Callable[[], object] = lambda: None,
    ) -> None:
        self.name = name
        self.adapter = adapter
        self._warn = warn
        self._close = close
        self._is_broken = False
        self._handled: BaseException | None = None
        setattr(adapter, _MARK, name)
        hooks = LifecycleAdapterSet(adapter)
        for hook in hooks.sync_hooks:
            setattr(adapter, hook, self._guarded(hook, getattr(adapter, hook)))

    def close(self) -> None:
        """Let it send what it has, and let go of it, also if it has failed."""
        self._try(self._close)

    def _guarded(self, hook: str, function: Callable[..., object]) -> Callable[..., None]:
        def call(**told: Any) -> None:
            error = sys.exception()
            if hook == "pre_graph_execute":
                self._handled = error
            elif hook == "post_graph_execute" and error is not self._handled:
                # Hamilton calls a run that was interrupted a success.
                told.update(success=False, error=error)
            if not self._is_broken:
                self._try(function, **told)

        return call

    def _try(self, function: Callable[..., object], **told: Any) -> None:
        try:
            function(**told)
        except Exception as error:  # noqa: BLE001 - a service's client may raise anything
            if not self._is_broken:
                self._warn(f"{self.name} has failed and is told no more: {_told(error)}")
            self._is_broken = True


def check_trackers(config: AdapterConfig) -> None:
    """The trackers that are on have their settings and packages; none is reached for.

    Raises:
        ConfigError: saying which lacks what.
    """
    for name, module in _MODULES.items():
        settings = getattr(config, name)
        if settings is None or not settings.enabled:
            continue
        if isinstance(settings, HamiltonTracker):
            _check_settings(settings)
        needed = [module]
        if isinstance(settings, OpenTelemetry) and settings.exporter == "otlp":
            needed.append(_OTLP)
        for each in needed:
            if not _is_there(each):
                raise _not_installed(name, f"there is no module {each!r}")


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        # It is one of a package's that is not there either.
        return False


def _not_installed(name: str, reason: str) -> ConfigError:
    return ConfigError(
        f"The adapter {name} is not installed: {reason}.",
        hint="Install it with `pip install 'flowerpower-cli[trackers]'`.",
    )


def make_trackers(
    project: Project, pipeline: str, config: AdapterConfig, warn: Callable[[str], None]
) -> list[Tracker]:
    """The trackers that are on and can be reached.

    Raises:
        ConfigError: if one lacks a setting or is not installed.
    """
    makers: dict[str, Callable[..., tuple[Any, Callable[[], object]]]] = {
        "hamilton_tracker": _hamilton_tracker,
        "mlflow": _mlflow,
        "opentelemetry": _opentelemetry,
    }
    made = []
    for name, make in makers.items():
        settings = getattr(config, name)
        if settings is None or not settings.enabled:
            continue
        try:
            adapter, close = make(project, pipeline, settings)
        except ConfigError:
            raise
        except ImportError as error:
            raise _not_installed(name, str(error)) from None
        except Exception as error:  # noqa: BLE001 - a service's client may raise anything
            warn(f"{name} is left out: {_told(error)}")
            continue
        made.append(Tracker(name, adapter, warn, close))
    return made


def _told(error: Exception) -> str:
    first = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _check_answers(url: str | None) -> None:
    """Raise OSError if nothing answers at an http(s) URL: clients try for minutes."""
    parts = urlsplit(url or "")
    if parts.scheme not in _PORTS or not parts.hostname:
        return
    if parts.scheme in getproxies() and not proxy_bypass(parts.hostname):
        return
    address = parts.hostname, parts.port or _PORTS[parts.scheme]
    try:
        if parts.scheme == "https":
            socket.create_connection(address, timeout=ANSWER).close()
        else:
            connection = http.client.HTTPConnection(*address, timeout=ANSWER)
            try:
                connection.request("HEAD", "/")
                connection.getresponse()
            finally:
                connection.close()
    except (OSError, http.client.HTTPException) as error:
        raise OSError(f"nothing answers at {address[0]}:{address[1]} ({error})") from None


def _check_settings(settings: HamiltonTracker) -> None:
    lacking = [each for each in ("project_id", "username") if getattr(settings, each) is None]
    if lacking:
        raise ConfigError(
            f"adapter.hamilton_tracker lacks {' and '.join(lacking)}.",
            hint="They are those of the project in Hamilton's user interface.",
        )


def _hamilton_tracker(
    project: Project, pipeline: str, settings: HamiltonTracker
) -> tuple[Any, Callable[[], object]]:
    _check_settings(settings)
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


def _mlflow(project: Project, pipeline: str, settings: Mlflow) -> tuple[Any, Callable[[], object]]:
    for name, value in _MLFLOW_SETTINGS.items():
        os.environ.setdefault(name, value)
    place = settings.tracking_uri or os.environ.get("MLFLOW_TRACKING_URI")
    uri = _from_root(project.root, place or "sqlite:///mlflow.db")
    _check_answers(uri)
    tracking = importlib.import_module("flowerpower.run.adapters.mlflow_tracker")
    is_local = uri.startswith(("sqlite:", "file:"))
    artifacts = settings.artifact_location or ("mlartifacts" if is_local else None)
    tracker = tracking.make_tracker(
        tracking_uri=uri,
        registry_uri=settings.registry_uri and _from_root(project.root, settings.registry_uri),
        artifact_location=artifacts and _from_root(project.root, artifacts),
        experiment_name=settings.experiment_name or project.name,
        experiment_tags=dict(settings.experiment_tags) or None,
        run_name=settings.run_name or pipeline,
        run_tags=dict(settings.run_tags),
        log_system_metrics=settings.log_system_metrics,
    )
    return tracker, tracker.end


def _from_root(root: Path, uri: str) -> str:
    """A local place of MLflow's, from the project's folder and not the caller's."""
    if uri.startswith("sqlite:///") and not uri.startswith("sqlite:////"):
        return f"sqlite:///{root / uri.removeprefix('sqlite:///')}"
    if ":/" in uri or uri.startswith(("file:", "databricks")):
        return uri
    return (root / uri).as_uri()


def _opentelemetry(
    project: Project, pipeline: str, settings: OpenTelemetry
) -> tuple[Any, Callable[[], object]]:
    trace = importlib.import_module("opentelemetry.trace")
    sdk = importlib.import_module("opentelemetry.sdk.trace")
    tracking = importlib.import_module("flowerpower.run.adapters.opentelemetry_tracer")
    given = trace.get_tracer_provider()
    if isinstance(given, sdk.TracerProvider):
        # The program around has set it up, and will send what it has.
        return tracking.Tracer(given.get_tracer("flowerpower"), pipeline), lambda: None
    export = importlib.import_module("opentelemetry.sdk.trace.export")
    resources = importlib.import_module("opentelemetry.sdk.resources")
    exporter = export.ConsoleSpanExporter()
    processor = export.SimpleSpanProcessor(exporter)
    if settings.exporter == "otlp":
        exporter = tracking.OnceFailing(_otlp_exporter(settings))
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
    standard = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or os.environ.get(
        "OTEL_EXPORTER_OTLP_ENDPOINT"
    )
    _check_answers(settings.endpoint or standard or "http://localhost:4318")
    # It logs each failure, which is told by us.
    logging.getLogger("opentelemetry.exporter").setLevel(logging.CRITICAL + 1)
    return otlp.OTLPSpanExporter(
        endpoint=settings.endpoint, headers=dict(settings.headers) or None, timeout=FLUSH
    )
