"""Adapters of an upstream project: its settings in two files, and what turns each on."""

from __future__ import annotations

from typing import Any

from flowerpower.pipeline.upstream.old_file import IN_PLAIN_TEXT, Section
from flowerpower.pipeline.upstream.report import Row

_API_URL, _UI_URL = "http://localhost:8241", "http://localhost:8242"
_NOT_CAPTURED = "Hamilton's tracker reads it from the environment, as HAMILTON_{}."
_JAEGER = (
    "spans go over OTLP/HTTP, not to Jaeger's agent: set adapter.opentelemetry.endpoint, such as "
    "http://localhost:4318"
)
_RAY = "set run.executor: {type: ray, address: HOST:PORT} in each pipeline."


def convert_project_adapters(old: Section) -> tuple[dict[str, Any], list[Row]]:
    """Our project's `adapter`: settings only, as each pipeline turns its adapters on."""
    data: dict[str, Any] = {}
    tracker = old.section("hamilton_tracker")
    settings: dict[str, Any] = {}
    for key, default in (
        ("username", None),
        ("api_url", _API_URL),
        ("ui_url", _UI_URL),
        ("api_key", None),
    ):
        settings |= _setting(tracker, key, "adapter.hamilton_tracker", default)
    tracker.left_out("verify", "certificates are checked as Python's requests does.", default=False)
    mlflow = old.section("mlflow")
    places: dict[str, Any] = {}
    for key in ("tracking_uri", "registry_uri", "artifact_location"):
        places |= _setting(mlflow, key, "adapter.mlflow")
    for name, values in (("hamilton_tracker", settings), ("mlflow", places)):
        if values:
            data[name] = {"enabled": False, **values}
    ray = old.section("ray")
    ray.left_out("ray_init_config", _RAY)
    ray.not_needed("shutdown_ray_on_completion")
    telemetry = old.section("opentelemetry")
    telemetry.left_out("host", _JAEGER, default="localhost")
    telemetry.left_out("port", _JAEGER, default=6831)
    rows = old.close()
    for section in (tracker, mlflow, ray, telemetry):
        rows += section.close()
    return data, rows


def convert_pipeline_adapters(
    settings: Section, switches: Section
) -> tuple[dict[str, Any], str | None, list[Row]]:
    """Our `run.adapter`, and the executor that stands for an adapter.

    `settings` is the pipeline's `adapter`, and `switches` its `run.with_adapter`.
    """
    to = "run.adapter"
    on = {key: bool(switches.take(key)) for key in ("hamilton_tracker", "mlflow", "opentelemetry")}
    data: dict[str, Any] = {}
    tracker, mlflow = settings.section("hamilton_tracker"), settings.section("mlflow")
    found = {"hamilton_tracker": _tracker(tracker), "mlflow": _mlflow(mlflow), "opentelemetry": {}}
    for name, is_on in on.items():
        switches.say(name, "converted" if is_on else "not_needed", f"{to}.{name}" if is_on else "")
        if is_on:
            data[name] = found[name] or True
        elif found[name]:
            data[name] = {"enabled": False, **found[name]}
    if switches.take("progressbar"):
        data["progressbar"] = True
        switches.say("progressbar", "converted", f"{to}.progressbar")
    else:
        switches.say("progressbar", "not_needed")
    executor = _executor(switches)
    rows = [*settings.close(), *switches.close(), *tracker.close(), *mlflow.close()]
    return data, executor, rows


def _executor(switches: Section) -> str | None:
    executor = None
    for key, kind in (("future", "future"), ("ray", "ray")):
        if switches.take(key):
            executor = kind
            switches.say(key, "converted", "run.executor.type")
        else:
            switches.say(key, "not_needed")
    return executor


def _tracker(old: Section) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for key in ("project_id", "dag_name", "tags"):
        data |= _setting(old, key, "run.adapter.hamilton_tracker")
    for key, default in (
        ("capture_data_statistics", True),
        ("max_list_length_capture", 50),
        ("max_dict_length_capture", 10),
    ):
        old.left_out(key, _NOT_CAPTURED.format(key.upper()), default=default)
    return data


def _mlflow(old: Section) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for key in ("experiment_name", "experiment_tags", "run_name", "run_tags"):
        data |= _setting(old, key, "run.adapter.mlflow")
    for key in ("experiment_description", "run_description"):
        old.left_out(
            key, "write it as the tag mlflow.note.content, in experiment_tags or run_tags."
        )
    old.left_out("run_id", "each run here is a new one of MLflow.")
    return data


def _setting(old: Section, key: str, to: str, default: Any = None) -> dict[str, Any]:
    value = old.take(key)
    if value is None or value in ({}, default):
        old.say(key, "not_needed")
        return {}
    old.say(key, "converted", f"{to}.{key}", IN_PLAIN_TEXT if key == "api_key" else "")
    return {key: value}
