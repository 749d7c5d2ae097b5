"""Run Hamilton pipelines now, in the background, or on a schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flowerpower.jobs.log_context import log_fields
    from flowerpower.pipeline.manager import PipelineManager

__version__ = "0.1.0"
__all__ = ["PipelineManager", "log_fields"]


def __getattr__(name: str) -> object:
    # At its first use: every command imports this package, and few need the manager.
    if name == "PipelineManager":
        from flowerpower.pipeline.manager import PipelineManager

        return PipelineManager
    if name == "log_fields":
        from flowerpower.jobs.log_context import log_fields

        return log_fields
    from flowerpower.pipeline.other_names import answer_for_import

    raise answer_for_import(__name__, name)
