"""Trackers: services that are told of a run. One that is down warns, and the run goes on."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hamilton.lifecycle.base import LifecycleAdapterSet

from flowerpower.adapter_config import AdapterConfig, HamiltonTracker, Mlflow, OpenTelemetry
from flowerpower.config_files import Project
from flowerpower.errors import ConfigError

ANSWER = 5
"""Seconds in which a tracker's server must take a connection."""
FLUSH = 5
"""Seconds that spans which are not sent yet are waited for at the end of a run."""
_PORTS = {"http": 80, "https": 443}
_PACKAGES = {
    "hamilton_tracker": "hamilton_sdk",
    "mlflow": "mlflow",
    "opentelemetry": "opentelemetry",
}


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
        setattr(adapter, _MARK, name)
        hooks = LifecycleAdapterSet(adapter)
        for hook in hooks.sync_hooks:
            setattr(adapter, hook, self._guarded(getattr(adapter, hook)))

    def close(self) -> None:
        """Let it send what it has."""
        self._guarded(self._close)()

    def _guarded(self, function: Callable[..., object]) -> Callable[..., None]:
        def call(**told: Any) -> None:
            if self._is_broken:
                return
            try:
                function(**told)
            except Exception as error:  # noqa: BLE001 - a service's client may raise anything
                self._is_broken = True
                self._warn(f"{self.name} has failed and is told no more: {_told(error)}")

        return call


def check_trackers(config: AdapterConfig) -> None:
    """The trackers that are on have their settings and packages; none is reached for.

    Raises:
        ConfigError: saying which lacks what.
    """
    for name, package in _PACKAGES.items():
        settings = getattr(config, name)
        if settings is None or not settings.enabled:
            continue
        if isinstance(settings, HamiltonTracker):
            _check_settings(settings)
        if importlib.util.find_spec(package) is None:
            raise _not_installed(name, f"there is no module {package!r}")


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
    """Raise OSError if nothing takes connections at an http(s) URL: clients try for minutes."""
    parts = urlsplit(url or "")
    if parts.scheme in _PORTS and parts.hostname:
        address = parts.hostname, parts.port or _PORTS[parts.scheme]
        try:
            socket.create_connection(address, timeout=ANSWER).close()
        except OSError as error:
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
    sdk = importlib.import_module("hamilton_sdk.adapters")
    constants = importlib.import_module("hamilton_sdk.tracking.constants")
    api_url = settings.api_url or os.environ.get("HAMILTON_API_URL") or _api_url(constants)
    _check_answers(api_url)
    tracker = sdk.HamiltonTracker(
        project_id=settings.project_id,
        username=settings.username,
        dag_name=settings.dag_name or pipeline,
        tags={"project": project.name, **settings.tags},
        api_key=settings.api_key,
        hamilton_api_url=api_url,
        **({"hamilton_ui_url": settings.ui_url} if settings.ui_url else {}),
    )
    return tracker, tracker.stop


def _api_url(constants: Any) -> str:
    return str(constants.HAMILTON_API_URL)


def _mlflow(project: Project, pipeline: str, settings: Mlflow) -> tuple[Any, Callable[[], object]]:
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    place = settings.tracking_uri or os.environ.get("MLFLOW_TRACKING_URI")
    uri = _from_root(project.root, place or "sqlite:///mlflow.db")
    _check_answers(uri)
    tracking = importlib.import_module("flowerpower.pipeline.mlflow_tracking")
    return tracking.make_tracker(
        tracking_uri=uri,
        registry_uri=settings.registry_uri,
        artifact_location=settings.artifact_location
        or (None if "://" in uri and not uri.startswith("sqlite") else _artifacts(project.root)),
        experiment_name=settings.experiment_name or project.name,
        experiment_tags=dict(settings.experiment_tags) or None,
        run_name=settings.run_name or pipeline,
        run_tags=dict(settings.run_tags),
        log_system_metrics=settings.log_system_metrics,
    ), lambda: None


def _artifacts(root: Path) -> str:
    return (root / "mlartifacts").as_uri()


def _from_root(root: Path, uri: str) -> str:
    """A local place of MLflow's, from the project's folder and not the caller's."""
    if uri.startswith("sqlite:///") and not uri.startswith("sqlite:////"):
        return f"sqlite:///{root / uri.removeprefix('sqlite:///')}"
    return uri if "://" in uri or uri.startswith("file:") else (root / uri).as_uri()


def _opentelemetry(
    project: Project, _pipeline: str, settings: OpenTelemetry
) -> tuple[Any, Callable[[], object]]:
    trace = importlib.import_module("opentelemetry.trace")
    sdk = importlib.import_module("opentelemetry.sdk.trace")
    plugin = importlib.import_module("hamilton.plugins.h_opentelemetry")
    given = trace.get_tracer_provider()
    if isinstance(given, sdk.TracerProvider):
        # The program around has set it up, and will send what it has.
        return plugin.OpenTelemetryTracer(tracer=given.get_tracer("flowerpower")), lambda: None
    export = importlib.import_module("opentelemetry.sdk.trace.export")
    resources = importlib.import_module("opentelemetry.sdk.resources")
    if settings.exporter == "console":
        processor = export.SimpleSpanProcessor(export.ConsoleSpanExporter())
    else:
        otlp = importlib.import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
        endpoint = settings.endpoint
        standard = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or os.environ.get(
            "OTEL_EXPORTER_OTLP_ENDPOINT"
        )
        _check_answers(endpoint or standard or "http://localhost:4318")
        processor = export.BatchSpanProcessor(
            otlp.OTLPSpanExporter(
                endpoint=endpoint, headers=dict(settings.headers) or None, timeout=FLUSH
            )
        )
    name = settings.service_name or os.environ.get("OTEL_SERVICE_NAME") or project.name
    provider = sdk.TracerProvider(
        resource=resources.Resource.create({"service.name": name}), shutdown_on_exit=False
    )
    provider.add_span_processor(processor)

    def close() -> None:
        provider.force_flush(FLUSH * 1000)
        with contextlib.suppress(Exception):
            provider.shutdown()

    return plugin.OpenTelemetryTracer(tracer=provider.get_tracer("flowerpower")), close
