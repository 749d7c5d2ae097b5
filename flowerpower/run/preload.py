"""Packages that a fork server imports before it forks, because the project's pipelines do.

Only these, which Hamilton itself would import there: their import before a fork is known to do no
harm. Who imports none of them has no use for their memory.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
from collections.abc import Collection

from flowerpower.files.project_code import is_installed
from flowerpower.run import import_patches
from flowerpower.run.extensions import EXTENSIONS
from flowerpower.run.lazy_registries import PLUGINS, module_name

MODULES = (
    "numpy", "pandas", "pyarrow", "pyarrow.fs", "polars", "matplotlib.figure", "matplotlib.pyplot",
    "plotly.graph_objects", "sklearn.metrics", "sklearn.inspection", "sklearn.model_selection",
    "xgboost", "lightgbm", "dask.dataframe", "geopandas", "pyspark.sql", "pyspark.pandas", "vaex",
    "ibis", "dlt", "kedro.io", "datasets", "mlflow", "pandera",
)  # fmt: skip
# Those of yaml and pydantic, which we import ourselves, are too small to be worth it.
_PLUGINS = {
    PLUGINS + module_name(name): name for name in EXTENSIONS if name not in ("yaml", "pydantic")
}
_news = {*MODULES, *_PLUGINS}
"""Those that would be news to the worker of this process."""


def imported() -> list[str]:
    """Those that this process has imported, with the extensions of Hamilton's that are loaded."""
    names = [name for name in (*MODULES, *_PLUGINS) if name in sys.modules]
    # A project may have a module of such a name.
    return [
        name for name in names if is_installed(getattr(sys.modules[name], "__file__", None) or "")
    ]


def newly_imported() -> list[str]:
    """Those that were imported since `preload`, or the last call."""
    if sys.modules.keys().isdisjoint(_news):
        return []
    names = [name for name in imported() if name in _news]
    _news.difference_update(names)
    return names


def preload(names: Collection[str]) -> None:
    """Import those of `MODULES`, and load the extensions, that are named and can be imported."""
    for name in MODULES:
        if name in names and _is_of_package(name):
            # A broken package fails the job that imports it, and says why there.
            with contextlib.suppress(Exception):
                importlib.import_module(name)
    loader = import_patches.extension_loader
    if loader is not None:
        loader.load([extension for module, extension in _PLUGINS.items() if module in names])
    _news.difference_update(imported())


def _is_of_package(name: str) -> bool:
    """Whether the module is an installed package's, and none of a folder that is on the path."""
    try:
        spec = importlib.util.find_spec(name.partition(".")[0])
    except (ImportError, ValueError):
        return False
    return spec is not None and spec.origin is not None and is_installed(spec.origin)
