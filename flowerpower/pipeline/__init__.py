"""Pipelines of a project; `PipelineManager` is loaded at its first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flowerpower.pipeline.manager import PipelineManager

__all__ = ["PipelineManager"]


def __getattr__(name: str) -> object:
    if name == "PipelineManager":
        from flowerpower.pipeline.manager import PipelineManager

        return PipelineManager
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
