"""How tables are read: by the functions of pandas and polars, with no more options than are given.

Hamilton's loaders (1.90) pass every argument, by the names and defaults that older versions had:
polars 1 warns of some, polars 2 and pandas 3 do not take them. Theirs for pandas make Int64 of
int64, and theirs for polars resolve a lazy table, only to describe it.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from typing import Any

_POLARS_NAMES = {
    "comment_char": "comment_prefix",
    "dtypes": "schema_overrides",
    "row_count_name": "row_index_name",
    "row_count_offset": "row_index_offset",
}
"""What polars calls options of Hamilton's."""
_POLARS_FORMATS = {"feather": "ipc", "spreadsheet": "excel"}


def reading_function(loader: Any) -> Callable[..., Any] | None:
    """The function that reads what a loader of Hamilton's does; None for other classes.

    Its first argument is the path or URL.
    """
    library = loader.__module__.removeprefix("hamilton.plugins.").removesuffix("_extensions")
    verb, format_ = "read", loader.name()
    if not loader.can_load() or not library.startswith(("pandas", "polars")):
        return None
    if library.startswith("polars"):
        format_ = _POLARS_FORMATS.get(format_, format_)
        verb = "scan" if library.endswith("lazyframe") else "read"
    module = importlib.import_module(library[: len("polars")])
    return getattr(module, f"{verb}_{format_}", None)


def option_names(function: Callable[..., Any]) -> list[str]:
    """The options that the function itself has."""
    return list(inspect.signature(function).parameters)[1:]


def read(function: Callable[..., Any], path: str, options: dict[str, Any]) -> Any:
    """The table in a file, with options by Hamilton's names or by those of the function.

    Raises:
        ValueError: if pandas finds several tables in a page, or none.
    """
    own = option_names(function)
    named = {o if o in own else _POLARS_NAMES.get(o, o): value for o, value in options.items()}
    table = function(path, **named)
    if isinstance(table, list):
        # pandas reads all tables of a web page.
        if len(table) != 1:
            raise ValueError(f"there are {len(table)} tables; choose one with `match` or `attrs`")
        return table[0]
    return table
