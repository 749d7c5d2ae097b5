"""What Hamilton's registries answer, in a process of its own: `python -m … hamilton|flowerpower`.

With `hamilton` it has loaded every extension, as it does by itself. With `flowerpower` it loads
them when something is looked up; each lookup is made in a fork, where nothing else was looked up.
Every answer is printed as a line of JSON.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

if len(sys.argv) > 1 and sys.argv[1] == "flowerpower":
    import flowerpower.run  # noqa: F401 - it prepares the import of Hamilton

from hamilton import registry
from hamilton.data_quality import default_validators
from hamilton.function_modifiers import adapters, load_from
from hamilton.io.materialization import from_, to

from flowerpower.run.extensions import EXTENSIONS

TYPES = (
    "numpy.ndarray", "pandas.DataFrame", "pandas.Series", "polars.DataFrame", "polars.LazyFrame",
    "polars.Series", "matplotlib.figure.Figure", "plotly.graph_objects.Figure",
    "sklearn.metrics.RocCurveDisplay", "lightgbm.Booster", "xgboost.Booster", "pyarrow.Table",
    "dask.dataframe.DataFrame",
)  # fmt: skip
"""Types that a node may have, by name; those of packages that are not installed are left out."""
PLAIN: dict[str, Any] = {
    "Any": Any, "object": object, "Iterable": Iterable, "int": int, "str": str, "dict": dict,
    "list": list[dict[str, int]], "bytes": bytes, "int or str": int | str,
    "object or None": object | None,
}  # fmt: skip
ROLES = ("LOADER_REGISTRY", "SAVER_REGISTRY")
SLOW = {"mlflow"}
"""Packages that are left to the last questions: each import takes seconds."""


def _named(adapter: Any) -> str | None:
    return None if adapter is None else f"{adapter.__module__}.{adapter.__qualname__}"


def _chosen(type_: Any, package: str = "") -> dict[str, str | None]:
    """By role and format, the class that Hamilton takes for a type.

    Of a type of a package, for formats of that package and those that everything has a class for.
    """
    chosen = {}
    for role in ROLES:
        formats = {"json", "file", "pickle"}
        for extension in EXTENSIONS.values():
            if package in ("", *extension.packages) and not {*extension.packages} & SLOW:
                formats.update(extension.loads if role == ROLES[0] else extension.saves)
        registered = getattr(registry, role)
        for format_ in sorted(formats):
            if format_ in registered:
                adapter = adapters.resolve_adapter_class(type_, registered[format_])
                chosen[f"{role} {format_}"] = _named(adapter)
    return chosen


def _table_types(type_: Any) -> list[Any]:
    try:
        column = registry.get_column_type_from_df_type(type_).__qualname__
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the same one
        column = type(error).__name__
    types = registry.get_registered_dataframe_types()
    return [column, sorted(name for name, one in types.items() if one is type_)]


def _whole() -> dict[str, Any]:
    """Everything that is registered, in its order."""
    answer: dict[str, Any] = {
        role: {
            format_: list(map(_named, classes))
            for format_, classes in sorted(getattr(registry, role).items())
            if classes
        }
        for role in ROLES
    }
    tables = registry.DF_TYPE_AND_COLUMN_TYPES
    answer["tables"] = sorted(name for name in EXTENSIONS if name in tables)
    default_validators.resolve_default_validators(int, "warn", range=(0, 1))
    answer["validators"] = list(map(_named, default_validators.AVAILABLE_DEFAULT_VALIDATORS))
    return answer


def _factories() -> dict[str, list[str]]:
    """By format, the arguments that `to` and `from_` take."""
    return {
        f"{role} {format_}": sorted(inspect.signature(getattr(source, format_)).parameters)
        for role, source in zip(ROLES, (from_, to), strict=True)
        for format_ in sorted(getattr(registry, role))
        if getattr(registry, role)[format_]
    }


def _one_factory() -> list[Any]:
    """One that is looked up before anything else was, and what there is not."""
    answer: list[Any] = [sorted(inspect.signature(from_.csv).parameters)]
    answer.append(sorted(inspect.signature(to.json).parameters))
    for missing in (lambda: to.no_such, lambda: from_.no_such, lambda: load_from.no_such):
        try:
            answer.append(repr(missing()))
        except AttributeError as error:
            answer.append(sorted(str(error).replace("'", " ").split()))
    return answer


def _type(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


def _asked(question: Callable[[Any], Any], type_: Callable[[], Any]) -> Any:
    return question(type_())


def cases() -> Iterable[tuple[str, Callable[[], Any]]]:
    """What is asked, by name."""
    for name in TYPES:
        module, _, attribute = name.rpartition(".")
        try:
            is_there = importlib.util.find_spec(module.partition(".")[0]) is not None
        except ModuleNotFoundError:
            is_there = False
        if is_there:
            type_ = partial(_type, module, attribute)
            package = module.partition(".")[0]
            yield f"adapters of {name}", partial(_asked, partial(_chosen, package=package), type_)
            yield f"tables of {name}", partial(_asked, _table_types, type_)
    yield (
        "adapters of pandas.Series or None",
        partial(
            _asked,
            lambda type_: _chosen(type_ | None, "pandas"),
            partial(_type, "pandas", "Series"),
        ),
    )
    for name, plain in PLAIN.items():
        yield f"adapters of {name}", partial(_chosen, plain)
    yield "tables of dict", partial(_table_types, dict)
    yield "everything", _whole
    yield "arguments", _factories
    yield "one format's arguments", _one_factory


def _print_answer(name: str, question: Callable[[], Any]) -> None:
    print(json.dumps([name, question()]), flush=True)


def main() -> None:
    """Print every answer."""
    for name, question in cases():
        if sys.argv[1] == "hamilton":
            _print_answer(name, question)
        elif (pid := os.fork()) == 0:
            try:
                _print_answer(name, question)
            finally:
                os._exit(0)
        else:
            os.waitpid(pid, 0)


def answers(mode: str) -> dict[str, Any]:
    """All answers of a new process, by name."""
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", __name__, mode],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return dict(json.loads(line) for line in run.stdout.splitlines())


if __name__ == "__main__":
    main()
