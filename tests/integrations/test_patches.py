"""Internals of Ray, Dask, Hamilton's SDK and MLflow that flowerpower/run/patches.py relies on."""

from __future__ import annotations

import importlib
import inspect
import logging
import os
import re
from typing import Any

import pytest

from flowerpower.run import patches


def test_ray_decides_by_a_constant_whether_it_listens_to_others() -> None:
    """The constant exists, is false while the patch lasts, and comes back."""
    import ray

    constants = ray._private.ray_constants
    before = constants.ENABLE_RAY_CLUSTER
    with patches.local_ray_only(ray):
        assert constants.ENABLE_RAY_CLUSTER is False
    assert before == constants.ENABLE_RAY_CLUSTER
    services = inspect.getsource(importlib.import_module("ray._private.services"))
    assert "ENABLE_RAY_CLUSTER" in services


def test_dask_logs_tasks_that_are_given_up_by_the_logger_that_is_silenced() -> None:
    """The logger of a worker's state machine has the name that the patch sets the level of."""
    logger = importlib.import_module("distributed.worker_state_machine").logger
    before = logger.level
    try:
        assert patches.quiet_dask_worker() == os.getpid()
        assert logger.level == logging.ERROR
    finally:
        logger.setLevel(before)


def test_hamiltons_sdk_sends_requests_through_a_global_of_its_module(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its module `clients` finds `requests` in its own globals, where the patch puts another."""
    import requests
    from hamilton_sdk.api import clients

    monkeypatch.setattr(clients, "requests", requests)
    timeouts: list[Any] = []
    monkeypatch.setattr(requests, "get", lambda *_, **options: timeouts.append(options["timeout"]))
    patches.limit_hamilton_sdk_requests(clients, (1, 2))
    clients.requests.get("http://localhost")
    assert timeouts == [(1, 2)]
    verbs = {*re.findall(r"\brequests\.(\w+)\(", inspect.getsource(clients))}
    assert verbs
    assert verbs <= {"get", "post", "put"}


def test_mlflow_reads_its_settings_again() -> None:
    """Telemetry can be set up again; the variables of requests are read at each of them."""
    telemetry = importlib.import_module("mlflow.telemetry")
    assert callable(telemetry.set_telemetry_client)
    variables = importlib.import_module("mlflow.environment_variables")
    with patches.mlflow_without_retries():
        assert variables.MLFLOW_HTTP_REQUEST_MAX_RETRIES.get() == 0
        assert variables.MLFLOW_HTTP_REQUEST_TIMEOUT.get() == 5
    assert variables.MLFLOW_HTTP_REQUEST_MAX_RETRIES.get() > 0
