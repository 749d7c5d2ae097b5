"""From configuration to Hamilton's lifecycle adapters."""

from __future__ import annotations

import contextlib
import inspect
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hamilton.lifecycle.base import LifecycleAdapterSet

from flowerpower.config.adapters import AdapterConfig, CustomAdapter
from flowerpower.config.files import Project
from flowerpower.errors import ConfigError
from flowerpower.run.adapters.node_adapters import GracefulErrorsAdapter, PrintAdapter, TypeCheck
from flowerpower.run.adapters.trackers import Tracker, check_trackers, make_trackers
from flowerpower.run.modules import import_modules
from flowerpower.run.node_events import NodeEventHook
from flowerpower.text import did_you_mean, mask, visible

OnWarning = Callable[[str], None]


def log_warning(text: str) -> None:
    """Log a warning: it goes to stderr, unless the program has set up logging."""
    logging.getLogger("flowerpower").warning("Warning: %s", mask(text))


@dataclass
class Adapters:
    """The adapters of one run.

    `node_adapters` go with the nodes to whatever process runs them; `trackers` stay in this one.
    `methods` names those that replace a node's own execution. `resources` is what `close` closes
    besides.
    """

    node_adapters: list[Any] = field(default_factory=list)
    trackers: list[Tracker] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)
    graceful_errors: GracefulErrorsAdapter | None = None
    resources: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def with_sentinels(self, value: Any) -> Any:
        """A result for the caller, with the configured sentinel for each value that is missing."""
        return value if self.graceful_errors is None else self.graceful_errors.with_sentinels(value)

    def close(self) -> None:
        """Let trackers send what they have, and close what the run has opened."""
        with self.resources:
            for tracker in self.trackers:
                tracker.close()


def make_adapters(
    project: Project,
    pipeline: str,
    config: AdapterConfig,
    node_events: NodeEventHook,
    warn: OnWarning,
) -> Adapters:
    """The adapters that are on. The progress bar is none of them: it listens to `node_events`.

    A tracker that cannot be reached is left out with a warning.

    Raises:
        ConfigError: if one lacks a setting, is not installed or does not exist.
    """
    adapters = Adapters()
    if config.graceful_errors is not None and config.graceful_errors.enabled:
        adapters.graceful_errors = GracefulErrorsAdapter(config.graceful_errors, node_events)
        adapters.node_adapters.append(adapters.graceful_errors)
        adapters.methods.append("graceful_errors")
    if (type_check := config.type_check) is not None and type_check.enabled:
        adapters.node_adapters.append(TypeCheck(type_check, node_events))
    if (printed := config.print) is not None and printed.enabled:
        adapters.node_adapters.append(PrintAdapter(printed.verbosity, _print, printed.nodes))
    for custom in config.custom:
        adapter = _make_custom(project, custom)
        adapters.node_adapters.append(adapter)
        if LifecycleAdapterSet(adapter).does_method("do_node_execute", is_async=False):
            adapters.methods.append(custom.type)
    adapters.trackers = make_trackers(project, pipeline, config, warn)
    return adapters


def check_adapters(project: Project, config: AdapterConfig) -> None:
    """Check the settings, packages and classes of the adapters that are on; none is created.

    Raises:
        ConfigError: saying which lacks what.
    """
    check_trackers(config)
    for custom in config.custom:
        _custom_class(project, custom)


def _custom_class(project: Project, config: CustomAdapter) -> Any:
    module_name, _, class_name = config.type.partition(":")
    (module,) = import_modules(project.root, [module_name])
    adapter_class = getattr(module, class_name, None)
    if adapter_class is None:
        known = [
            name
            for name, value in vars(module).items()
            if inspect.isclass(value) and value.__module__ == module_name
        ]
        rest = did_you_mean(class_name, known) or f" It has {', '.join(known) or 'no class'}."
        raise ConfigError(f"adapter.custom: {module_name} has no {class_name}.{rest}")
    return adapter_class


def _make_custom(project: Project, config: CustomAdapter) -> Any:
    adapter_class = _custom_class(project, config)
    try:
        adapter = adapter_class(**config.options)
        hooks = LifecycleAdapterSet(adapter)
    except Exception as error:  # noqa: BLE001 - a user's own class may raise anything
        raise ConfigError(
            f"adapter.custom: {config.type} cannot be created: {type(error).__name__}: {error}"
        ) from None
    hook_kinds = (hooks.sync_hooks, hooks.async_hooks, hooks.sync_methods, hooks.async_methods,
                  hooks.sync_validators)  # fmt: skip
    if not any(hook_kinds):
        raise ConfigError(
            f"adapter.custom: {config.type} is not a Hamilton adapter.",
            hint="Inherit from a class of hamilton.lifecycle, such as NodeExecutionHook.",
        )
    return adapter


def _print(text: str) -> None:
    print(visible(mask(text)))  # noqa: T201 - it is what the adapter is for
