"""What we change in Hamilton (1.90) while it is imported: what it imports itself, and when.

Hooks are called by `light_imports` with a module of Hamilton's and what executes it.
tests/unit/test_import_patches.py fails when such internals change. Other changes are in `patches`,
which needs Hamilton.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import Any

from flowerpower.run.extensions import EXTENSIONS
from flowerpower.run.lazy_registries import (
    AdapterClasses,
    AdapterRegistry,
    ExtensionLoader,
    TableTypes,
)
from flowerpower.run.light_imports import HookedImports, StandInNames

AUTOLOAD = "HAMILTON_AUTOLOAD_EXTENSIONS"
STAND_INS: dict[str, StandInNames] = {
    "hamilton.base": {
        "numpy": "np",
        "pandas": "pd",
        "pandas.core.indexes.extension": "pd_extension",
    },
    "hamilton.data_quality.default_validators": {"numpy": "np", "pandas": "pd", "pandera": None},
    "hamilton.driver": {"pandas": "pd"},
    "hamilton.function_modifiers.macros": {"pandas": "pd"},
    "hamilton.io.utils": {"pandas": "pd"},
    "hamilton.log_setup": {"numpy": "np"},
    "hamilton.models": {"pandas": "pd"},
}
"""What modules of Hamilton's import at their top, and use in annotations and in functions."""
extension_loader: ExtensionLoader | None = None
"""That of this process's Hamilton, if Hamilton was imported by way of this."""


def install() -> None:
    """Have the next import of Hamilton in this process do without what no run needs yet.

    Nothing if Hamilton has been imported: then it is as its user expects it.
    """
    if "hamilton.registry" in sys.modules:
        return
    hooks = {
        "hamilton.registry": load_extensions_on_need,
        "hamilton.function_modifiers.adapters": choose_adapters_on_need,
        "hamilton.io.materialization": make_materializers_on_need,
        "hamilton.data_quality.default_validators": choose_validators_on_need,
    }
    sys.meta_path.insert(0, HookedImports(STAND_INS, hooks))


def load_extensions_on_need(registry: Any, execute: Callable[[], None]) -> None:
    """Let Hamilton's `registry` (1.90) load extensions when something is looked up.

    Before any other module of Hamilton has taken its dictionaries. What would load all extensions
    enables that instead, unless its user has turned them off.
    """
    global extension_loader
    execute()
    load_all = registry.initialize
    loader = extension_loader = ExtensionLoader(registry.load_extension)
    adapters = [AdapterRegistry(loader, loads=loads) for loads in (True, False)]

    def initialize() -> None:
        if registry.INITIALIZED or os.environ.get(AUTOLOAD) == "0":
            load_all()
            return
        for name in registry.HAMILTON_EXTENSIONS:
            if name not in EXTENSIONS:
                # One of a later version of Hamilton.
                loader.try_to_load(name)
        loader.is_enabled = registry.INITIALIZED = True

    def sort() -> None:
        for one in adapters:
            one.sort()

    loader.after_load = sort
    registry.LOADER_REGISTRY, registry.SAVER_REGISTRY = adapters
    registry.DF_TYPE_AND_COLUMN_TYPES = TableTypes(loader)
    registry.initialize = initialize
    for name in ("get_column", "fill_with_scalar"):
        _dispatch_on_need(getattr(registry, name), loader)


def _dispatch_on_need(function: Any, loader: ExtensionLoader) -> None:
    """Let a function of singledispatch load what may have a variant for its argument."""
    fallback = function.dispatch(object)

    @function.register(object)  # type: ignore[untyped-decorator] # Hamilton has no types
    def load_and_dispatch(table: Any, *arguments: Any) -> Any:
        loader.load_tables()
        variant = function.dispatch(type(table))
        return (fallback if variant is load_and_dispatch else variant)(table, *arguments)


def choose_adapters_on_need(adapters: Any, execute: Callable[[], None]) -> None:
    """Let `@load_from` and `@save_to` (Hamilton 1.90) load what may fit a type.

    They copy the classes of a format when a function is decorated; its type is known later.
    """
    execute()
    choose = adapters.resolve_adapter_class

    def resolve_adapter_class(type_: Any, loader_classes: Any) -> Any:
        if isinstance(loader_classes, AdapterClasses):
            loader_classes.prepare(type_)
        return choose(type_, loader_classes)

    adapters.resolve_adapter_class = resolve_adapter_class
    for decorator in (adapters.load_from, adapters.save_to):
        decorator.decorator_factory = _without_copy(decorator.decorator_factory)


def _without_copy(decorator_factory: Callable[[Any], Callable[..., Any]]) -> Any:
    def make(classes: Any) -> Callable[..., Any]:
        create = decorator_factory(classes)
        # The first argument is the copy of the classes.
        return functools.partial(create, classes) if isinstance(classes, AdapterClasses) else create

    return staticmethod(make)


def make_materializers_on_need(materialization: Any, execute: Callable[[], None]) -> None:
    """Let `to.FORMAT` and `from_.FORMAT` (Hamilton 1.90) load what has a class for the format.

    They get attributes for all formats when Hamilton is imported, and their signatures have the
    arguments of all classes. Only a format without an attribute is looked up.
    """
    loader = _loader()
    with loader.paused():
        execute()
    set_attributes = materialization._set_materializer_attrs
    targets = {
        materialization.Materialize: materialization.SAVER_REGISTRY,
        materialization.Extract: materialization.LOADER_REGISTRY,
    }

    def set_those_loaded() -> None:
        with loader.paused():
            set_attributes()

    def look_up(target: Any, format_: str) -> Any:
        registry = next(targets[base] for base in target.__mro__ if base in targets)
        registry.load_format(format_)
        # In one step: another thread might remove the attribute before it is read.
        with loader.paused():
            value = type(target).look_up_loaded(target, format_)
            for base, formats in targets.items():
                for other in formats:
                    # Not all classes for the other ones may be loaded yet.
                    if other in vars(base) and (base not in target.__mro__ or other != format_):
                        delattr(base, other)
        return value

    materialization._set_materializer_attrs = set_those_loaded
    with loader.paused():
        for target, formats in targets.items():
            for format_ in formats:
                if format_ in vars(target):
                    delattr(target, format_)
            kind: Any = type(target)
            kind.look_up_loaded, kind.__getattr__ = kind.__getattr__, look_up


def choose_validators_on_need(default_validators: Any, execute: Callable[[], None]) -> None:
    """Let `@check_output` (Hamilton 1.90) load validators, and pandera's with them.

    The module adds those of pandera at its end; STAND_INS has it find that there is no pandera.
    """
    execute()
    loader = _loader()
    resolve = default_validators.resolve_default_validators
    add_pandera = default_validators._append_pandera_to_default_validators

    def resolve_default_validators(*arguments: Any, **named: Any) -> Any:
        nonlocal add_pandera
        loader.load_validators()
        # Who passes a schema of pandera's has imported it.
        if add_pandera is not None and "pandera" in sys.modules:
            add_pandera()
            add_pandera = None
        return resolve(*arguments, **named)

    default_validators.resolve_default_validators = resolve_default_validators


def _loader() -> ExtensionLoader:
    # The registry is imported before what uses it.
    assert extension_loader is not None
    return extension_loader
