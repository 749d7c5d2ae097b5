"""Run Hamilton pipelines now, in the background, or on a schedule."""

__version__ = "0.1.0"
