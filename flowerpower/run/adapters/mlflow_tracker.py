"""Hamilton's MLflow tracker, for every type of result, and without secrets.

Imported only if it is configured, as it needs MLflow.
"""

from __future__ import annotations

import logging
import os
from numbers import Real
from typing import Any

import mlflow
from hamilton.plugins.h_mlflow import FIGURE_TYPES, MLFlowTracker

from flowerpower.jobs.encoding import encode_outputs
from flowerpower.run.patches import apply_mlflow_telemetry_setting, mlflow_without_retries
from flowerpower.run.urls import is_url
from flowerpower.text import MASK, is_secret_name, mask

MAX_PARAMETER = 500
"""Characters of a parameter that MLflow shows."""


class _Tracker(MLFlowTracker):  # type: ignore[misc] # Hamilton has no types
    """Hamilton's tracker, without the pickles it writes into the current folder for most types."""

    def run_after_graph_construction(self, *, config: dict[str, Any], **arguments: Any) -> None:
        """Keep the configuration; values whose names sound like secrets are masked."""
        masked = {name: MASK if is_secret_name(name) else value for name, value in config.items()}
        super().run_after_graph_construction(config=masked, **arguments)

    def run_before_graph_execution(self, *, inputs: dict[str, Any], **arguments: Any) -> None:
        """Begin an MLflow run; inputs whose names sound like secrets are masked."""
        masked = {
            name: MASK if is_secret_name(name) else mask(repr(value))[:MAX_PARAMETER]
            for name, value in (inputs or {}).items()
        }
        super().run_before_graph_execution(inputs=masked, **arguments)

    def run_after_node_execution(
        self, *, node_name: str, result: Any, success: bool = True, **arguments: Any
    ) -> None:
        """Log the node's value, if it is a final variable or the node has written a file."""
        if not success:
            return
        is_saver = arguments["node_tags"].get("hamilton.data_saver") is True
        if is_saver and isinstance(result, dict) and is_url(str(result.get("path"))):
            # MLflow can only take a file of this machine as an artifact.
            self._log(node_name, result)
        elif is_saver or arguments["node_return_type"] in FIGURE_TYPES:
            super().run_after_node_execution(node_name=node_name, result=result, **arguments)
        elif node_name in self.final_vars:
            self._log(node_name, result)

    def _log(self, name: str, value: Any) -> None:
        if isinstance(value, Real) and not isinstance(value, bool):
            self.client.log_metric(self.run_id, key=name, value=float(value))
        elif isinstance(value, str):
            self.client.log_text(self.run_id, value, f"{name}.txt")
        else:
            outputs, _ = encode_outputs({name: value})
            self.client.log_dict(self.run_id, outputs, f"{name}.json")

    def run_after_graph_execution(self, *, success: bool, **arguments: Any) -> None:
        """End the MLflow run; Hamilton's tracker would end a failed one as FINISHED."""
        mlflow.end_run("FINISHED" if success else "FAILED")

    def end(self) -> None:
        """End a run that is still active, as FAILED: at exit MLflow would end it as FINISHED."""
        active = mlflow.active_run()
        if active is None or active.info.run_id != getattr(self, "run_id", None):
            return
        # Something has failed already; a server that is down is not waited for once more.
        with mlflow_without_retries():
            mlflow.end_run("FAILED")


def make_tracker(**settings: Any) -> _Tracker:
    """The tracker; its experiment is created if there is none of that name."""
    apply_mlflow_telemetry_setting()
    if "MLFLOW_LOGGING_LEVEL" not in os.environ:
        logging.getLogger("mlflow").setLevel(logging.WARNING)
    mlflow.set_tracking_uri(settings["tracking_uri"])
    return _Tracker(**settings)
