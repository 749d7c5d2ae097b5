"""The extensions of Hamilton (1.90): what each registers, for the types of which package.

Hamilton loads them all where the packages are installed; `lazy_registries` loads one when what it
registers is looked up.
"""

from __future__ import annotations

import types
from abc import ABCMeta
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin


@dataclass(frozen=True)
class Extension:
    """What an extension of Hamilton registers, and the modules that have its types.

    `types_in`: a value or an annotation can only have one of its types once this module is
    imported. `packages` must be installed. `loads` and `saves` are formats. `has_tables`: it
    registers types of tables and columns; `has_validators`: those of `@check_output`.
    """

    types_in: str
    packages: tuple[str, ...]
    loads: tuple[str, ...] = ()
    saves: tuple[str, ...] = ()
    has_tables: bool = False
    has_validators: bool = False


def _extension(types_in: str, *packages: str, **fields: Any) -> Extension:
    return Extension(types_in, packages or (types_in.partition(".")[0],), **fields)


_PANDAS = (
    "csv",
    "parquet",
    "pickle",
    "json",
    "sql",
    "xml",
    "html",
    "stata",
    "feather",
    "orc",
    "excel",
)
_POLARS = ("csv", "parquet", "feather", "avro", "json", "ndjson", "spreadsheet", "database")
EXTENSIONS = {
    "yaml": _extension("yaml", loads=("yaml",), saves=("yaml",)),
    "matplotlib": _extension("matplotlib", saves=("plt",)),
    "numpy": _extension("numpy", loads=("npy",), saves=("npy",)),
    "pandas": _extension(
        "pandas", loads=(*_PANDAS, "table", "fwf", "spss"), saves=_PANDAS, has_tables=True
    ),
    "plotly": _extension("plotly", saves=("plotly", "html")),
    "polars": _extension("polars", loads=_POLARS, saves=_POLARS, has_tables=True),
    "polars_lazyframe": _extension(
        "polars", loads=("csv", "parquet", "feather"), has_tables=True
    ),
    "pyspark_pandas": _extension("pyspark.pandas", has_tables=True),
    "spark": _extension("pyspark.sql", loads=("csv", "parquet"), has_tables=True),
    "dask": _extension("dask.dataframe", has_tables=True),
    "geopandas": _extension("geopandas", has_tables=True),
    "xgboost": _extension("xgboost", loads=("json",), saves=("json",)),
    "lightgbm": _extension("lightgbm", loads=("file",), saves=("file",)),
    "sklearn_plot": _extension("sklearn", "sklearn", "matplotlib", saves=("png",)),
    "vaex": _extension("vaex", has_tables=True),
    "ibis": _extension("ibis", has_tables=True, has_validators=True),
    "dlt": _extension("dlt", loads=("dlt",), saves=("dlt",)),
    "kedro": _extension("kedro", loads=("kedro",), saves=("kedro",)),
    "huggingface": _extension(
        "datasets", loads=("hf_dataset",), saves=("parquet", "lancedb")
    ),
    "mlflow": _extension("mlflow", loads=("mlflow",), saves=("mlflow",)),
    "pydantic": _extension("pydantic", has_validators=True),
}  # fmt: skip
"""In the order in which Hamilton loads them: of several classes that fit it takes the last one."""


def providers(format_: str, *, loads: bool) -> list[str]:
    """The extensions that have a class for a format, to load or to save."""
    return [
        name for name, one in EXTENSIONS.items() if format_ in (one.loads if loads else one.saves)
    ]


def may_be_of_any_package(annotation: Any) -> bool:
    """Whether values of a package that is not imported may fit a type: object, or a Protocol."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return any(map(may_be_of_any_package, arguments))
    if origin is Annotated:
        return may_be_of_any_package(arguments[0])
    kind = origin or annotation
    if getattr(kind, "__module__", None) == "hamilton.htypes":
        # Parallelizable and Collect stand for what is in them.
        return any(map(may_be_of_any_package, arguments))
    return kind in (Any, object) or not isinstance(kind, type) or isinstance(kind, ABCMeta)
