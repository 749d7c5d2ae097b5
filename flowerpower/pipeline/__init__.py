"""Pipelines of a project; `PipelineManager` is loaded at its first use."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

# Hamilton imports MLflow wherever it is installed, and MLflow would call home.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

if TYPE_CHECKING:
    from flowerpower.pipeline.manager import PipelineManager

__all__ = ["PipelineManager"]


def __getattr__(name: str) -> object:
    if name == "PipelineManager":
        from flowerpower.pipeline.manager import PipelineManager

        return PipelineManager
    from flowerpower.pipeline.other_names import answer_for_import

    raise answer_for_import(__name__, name)
