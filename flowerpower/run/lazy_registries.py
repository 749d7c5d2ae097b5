"""Hamilton's registries, which load its extensions when something is looked up.

An extension is loaded if its types can have been imported, so that they may be asked for; if
nothing else has what is looked up by name; or if a type is asked for that does not say of which
package it is. Who looks at a whole registry gets all of it.
"""

from __future__ import annotations

import collections
import contextlib
import importlib.util
import logging
import sys
import threading
from collections.abc import Callable, Collection, ItemsView, Iterator, KeysView, ValuesView
from typing import Any

from flowerpower.run.extensions import EXTENSIONS, may_be_of_any_package, providers

PLUGINS = "hamilton.plugins."
_ORDER = {name: number for number, name in enumerate(EXTENSIONS)}
_WITH_TABLES = [name for name, extension in EXTENSIONS.items() if extension.has_tables]
_WITH_VALIDATORS = [name for name, extension in EXTENSIONS.items() if extension.has_validators]


class ExtensionLoader:
    """Loads extensions by Hamilton's `load_extension`, once it `is_enabled`."""

    def __init__(self, load_extension: Callable[[str], None]) -> None:
        self.is_enabled = False
        self.after_load: Callable[[], None] = lambda: None
        self._load_extension = load_extension
        self._done: set[str] = set()
        self._lock = threading.RLock()
        self._is_loading = False

    def load(self, names: Collection[str], *, only_imported: bool = False) -> None:
        """Load those whose packages are installed, or only those whose types are imported."""
        if not self.is_enabled or not any(self._is_wanted(name, only_imported) for name in names):
            return
        with self._lock:
            # Extensions look things up themselves while they are loaded.
            if self._is_loading:
                return
            self._is_loading = True
            try:
                for name in EXTENSIONS:
                    if name in names and self._is_wanted(name, only_imported):
                        self.try_to_load(name)
            finally:
                self._is_loading = False
            self.after_load()

    def try_to_load(self, name: str) -> None:
        """Load an extension; if that fails, nothing happens: its package may be broken."""
        try:
            self._load_extension(name)
        except Exception as error:  # noqa: BLE001 - whatever an import of such a package raises
            logging.getLogger(__name__).debug("%s is not loaded: %s", module_name(name), error)
        self._done.add(name)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Lookups in this block find what is loaded by now; those of other threads wait."""
        with self._lock:
            before, self._is_loading = self._is_loading, True
            try:
                yield
            finally:
                self._is_loading = before

    def load_tables(self) -> None:
        """Load those with types of tables that can have been imported."""
        self.load(_WITH_TABLES, only_imported=True)

    def load_validators(self) -> None:
        """Load those with validators whose types can have been imported."""
        self.load(_WITH_VALIDATORS, only_imported=True)

    def loaded(self) -> list[str]:
        """The names of those that are loaded."""
        return [name for name in EXTENSIONS if PLUGINS + module_name(name) in sys.modules]

    def _is_wanted(self, name: str, only_imported: bool) -> bool:
        if name in self._done:
            return False
        extension = EXTENSIONS[name]
        if only_imported:
            return extension.types_in in sys.modules
        return all(map(is_installed, extension.packages))


def module_name(extension: str) -> str:
    """The module of an extension, in hamilton.plugins."""
    return f"{extension}_extensions"


def is_installed(package: str) -> bool:
    """Whether there is such a package, without importing it."""
    try:
        return package in sys.modules or importlib.util.find_spec(package) is not None
    except ValueError:
        # It is imported in a way that leaves no specification.
        return True


class AdapterClasses(list[Any]):
    """The classes for a format, as far as their extensions are loaded."""

    def __init__(self, registry: AdapterRegistry, format_: str) -> None:
        super().__init__()
        self._registry, self._format = registry, format_

    def prepare(self, type_: Any) -> None:
        """Add what may fit a type."""
        self._registry.prepare(self._format, type_)

    def __reduce__(self) -> Any:
        # Decorators are pickled with their functions for other processes: the classes are enough.
        return list, ([*self],)


class AdapterRegistry(collections.defaultdict[str, list[Any]]):
    """Hamilton's classes that load, or that save, by format."""

    def __init__(self, loader: ExtensionLoader, *, loads: bool) -> None:
        super().__init__(list)
        self._loader, self._loads = loader, loads

    def prepare(self, format_: str, type_: Any) -> None:
        """Load the extensions whose classes for a format may fit a type."""
        # Only a class that loads may be asked for by a type that is not its own: what an object of
        # such a class is saved by is looked up by its own type.
        is_any = self._loads and may_be_of_any_package(type_)
        self._loader.load(providers(format_, loads=self._loads), only_imported=not is_any)

    def classes(self, format_: str, type_: Any) -> list[Any]:
        """The classes for a format, with all that may fit a type."""
        self.prepare(format_, type_)
        return super().get(format_) or []

    def load_format(self, format_: str) -> None:
        """Load every extension that has classes for a format."""
        if not format_.startswith("_"):
            names = providers(format_, loads=self._loads)
            self._loader.load(names or ([] if super().get(format_) else EXTENSIONS))

    def sort(self) -> None:
        """Put classes into the order in which Hamilton would have registered them."""
        for classes in super().values():
            ordered = sorted(classes, key=_rank)
            if ordered != classes:
                # In one step: `sort` empties a list meanwhile, and another thread may read it.
                classes[:] = ordered

    def __missing__(self, format_: str) -> list[Any]:
        classes = self[format_] = AdapterClasses(self, format_)
        return classes

    def __getitem__(self, format_: str) -> list[Any]:
        self._loader.load(providers(format_, loads=self._loads), only_imported=True)
        return super().__getitem__(format_)

    def __contains__(self, format_: object) -> bool:
        if isinstance(format_, str):
            self._loader.load(providers(format_, loads=self._loads), only_imported=True)
            if not super().get(format_):
                self.load_format(format_)
        return super().__contains__(format_)

    def get(self, format_: str, default: Any = None) -> Any:
        return super().get(format_, default) if format_ in self else default

    def __iter__(self) -> Iterator[str]:
        self._loader.load(EXTENSIONS)
        return super().__iter__()

    def __len__(self) -> int:
        self._loader.load(EXTENSIONS)
        return super().__len__()

    def keys(self) -> KeysView[str]:  # type: ignore[override] # the view of a dict
        self._loader.load(EXTENSIONS)
        return super().keys()

    def values(self) -> ValuesView[list[Any]]:  # type: ignore[override]
        self._loader.load(EXTENSIONS)
        return super().values()

    def items(self) -> ItemsView[str, list[Any]]:  # type: ignore[override]
        self._loader.load(EXTENSIONS)
        return super().items()


def _rank(adapter: Any) -> float:
    module = adapter.__module__
    if module.startswith("hamilton.io."):
        return -1
    # polars' classes are in modules for its versions: polars_post_1_0_0_extensions.
    name = module.removeprefix(PLUGINS).partition("_extension")[0]
    name = "polars" if name.startswith(("polars_post", "polars_pre")) else name
    # What users register comes after all of Hamilton's.
    return _ORDER.get(name, len(_ORDER)) if module.startswith(PLUGINS) else len(_ORDER)


class TableTypes(dict[str, dict[str, Any]]):
    """Hamilton's types of tables and columns, by extension.

    Looking at all of them loads only what can have been imported: a type that one compares with
    them has been.
    """

    def __init__(self, loader: ExtensionLoader) -> None:
        super().__init__()
        self._loader = loader

    def __getitem__(self, name: str) -> dict[str, Any]:
        self._loader.load([name] if name in _WITH_TABLES else [])
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self._loader.load([name] if isinstance(name, str) and name in _WITH_TABLES else [])
        return super().__contains__(name)

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name, default) if name in self else default

    def __iter__(self) -> Iterator[str]:
        self._loader.load_tables()
        return super().__iter__()

    def __len__(self) -> int:
        self._loader.load_tables()
        return super().__len__()

    def keys(self) -> KeysView[str]:  # type: ignore[override] # the view of a dict
        self._loader.load_tables()
        return super().keys()

    def values(self) -> ValuesView[dict[str, Any]]:  # type: ignore[override]
        self._loader.load_tables()
        return super().values()

    def items(self) -> ItemsView[str, dict[str, Any]]:  # type: ignore[override]
        self._loader.load_tables()
        return super().items()
