"""Hamilton's MLflow tracker, for every kind of result, and without secrets.

It is imported only where MLflow is installed and asked for.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
from numbers import Real
from typing import Any

import mlflow
from hamilton.plugins.h_mlflow import FIGURE_TYPES, MLFlowTracker

from flowerpower.jobs.encoding import encode_outputs
from flowerpower.text import MASK, is_secret_name, mask

LIMIT = 500
"""Characters of a parameter that MLflow shows."""
_AT_ONCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "5"}
"""How MLflow is made to ask once more a server that has failed."""


class _Tracker(MLFlowTracker):  # type: ignore[misc] # Hamilton has no types
    """Hamilton's tracker; it would write pickles into the current folder for most types."""

    def run_after_graph_construction(self, *, config: dict[str, Any], **told: Any) -> None:
        """Keep the configuration, without what sounds like secrets."""
        shown = {name: MASK if is_secret_name(name) else each for name, each in config.items()}
        super().run_after_graph_construction(config=shown, **told)

    def run_before_graph_execution(self, *, inputs: dict[str, Any], **told: Any) -> None:
        """Begin a run of MLflow's; inputs that sound like secrets are masked."""
        shown = {
            name: MASK if is_secret_name(name) else mask(repr(value))[:LIMIT]
            for name, value in (inputs or {}).items()
        }
        super().run_before_graph_execution(inputs=shown, **told)

    def run_after_node_execution(
        self,
        *,
        node_name: str,
        node_tags: dict[str, Any],
        node_return_type: Any,
        result: Any,
        success: bool = True,
        **told: Any,
    ) -> None:
        """Log what the node gave, if it is a final variable or has written a file."""
        if not success:
            return
        is_saver = node_tags.get("hamilton.data_saver") is True
        if is_saver or node_return_type in FIGURE_TYPES:
            super().run_after_node_execution(
                node_name=node_name,
                node_tags=node_tags,
                node_return_type=node_return_type,
                result=result,
                **told,
            )
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

    def run_after_graph_execution(self, *, success: bool, **told: Any) -> None:
        """End the run of MLflow's; Hamilton's own ends each as FINISHED, after all."""
        mlflow.end_run("FINISHED" if success else "FAILED")

    def end(self) -> None:
        """End a run that MLflow holds for one that goes on: it would be ended with the process."""
        active = mlflow.active_run()
        if active is None or active.info.run_id != getattr(self, "run_id", None):
            return
        before = {name: os.environ.get(name) for name in _AT_ONCE}
        os.environ.update(_AT_ONCE)
        try:
            mlflow.end_run("FAILED")
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name)
                else:
                    os.environ[name] = value


def make_tracker(**settings: Any) -> _Tracker:
    """The tracker, with its experiment made if there is none of that name.

    Raises:
        mlflow.exceptions.MlflowException: if the place cannot be used.
    """
    # Hamilton imports MLflow where it is installed, before its variables are set.
    with contextlib.suppress(ImportError, AttributeError):
        importlib.import_module("mlflow.telemetry").set_telemetry_client()
    if "MLFLOW_LOGGING_LEVEL" not in os.environ:
        logging.getLogger("mlflow").setLevel(logging.WARNING)
    mlflow.set_tracking_uri(settings["tracking_uri"])
    return _Tracker(**settings)
