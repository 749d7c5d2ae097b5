"""From configuration to Hamilton's lifecycle adapters."""

from __future__ import annotations

import contextlib
import inspect
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hamilton.lifecycle.base import LifecycleAdapterSet
from hamilton.lifecycle.default import PrintLn

from flowerpower.config.adapters import AdapterConfig, CustomAdapter
from flowerpower.config.files import Project
from flowerpower.errors import ConfigError
from flowerpower.run.adapters.graceful import Graceful
from flowerpower.run.adapters.trackers import Tracker, check_trackers, make_trackers
from flowerpower.run.adapters.type_check import TypeCheck
from flowerpower.run.modules import import_modules
from flowerpower.run.node_events import NodeEventHook
from flowerpower.text import did_you_mean, mask, visible

OnWarning = Callable[[str], None]


def log_warning(text: str) -> None:
    """Where warnings go that nobody asked for: stderr, unless logging is set up."""
    logging.getLogger("flowerpower").warning("Warning: %s", mask(text))


@dataclass
class Adapters:
    """The adapters of one run.

    `sent` go with the nodes wherever these run; `trackers` stay in this process. `methods` say by
    name which of them take the place of a node's own execution.
    """

    sent: list[Any] = field(default_factory=list)
    trackers: list[Tracker] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)
    graceful: Graceful | None = None

    def shown(self, value: Any) -> Any:
        """A result as it is handed out: with the sentinel in place of what failed."""
        return value if self.graceful is None else self.graceful.shown(value)

    def close(self) -> None:
        """Let trackers send what they have, and let go of them."""
        for tracker in self.trackers:
            tracker.close()


def make_adapters(
    project: Project,
    pipeline: str,
    config: AdapterConfig,
    recorder: NodeEventHook,
    warn: OnWarning,
) -> Adapters:
    """The adapters that are on, but for the progress bar, which is drawn from the recorder.

    A tracker that cannot be reached is left out with a warning.

    Raises:
        ConfigError: if one lacks a setting, is not installed, or is not to be found.
    """
    made = Adapters()
    if config.graceful_errors is not None and config.graceful_errors.enabled:
        made.graceful = Graceful(config.graceful_errors, recorder)
        made.sent.append(made.graceful)
        made.methods.append("graceful_errors")
    if config.type_check is not None and config.type_check.enabled:
        told = config.type_check
        made.sent.append(TypeCheck(recorder, told.check_input, told.check_output))
    if config.print is not None and config.print.enabled:
        made.sent.append(_Print(config.print.verbosity, _print, config.print.nodes))
    for each in config.custom:
        adapter = _custom(project, each)
        made.sent.append(adapter)
        if LifecycleAdapterSet(adapter).does_method("do_node_execute", is_async=False):
            made.methods.append(each.type)
    made.trackers = make_trackers(project, pipeline, config, warn)
    return made


def check_adapters(project: Project, config: AdapterConfig) -> None:
    """The adapters that are on have their settings, packages and classes; none is made.

    Raises:
        ConfigError: saying which lacks what.
    """
    check_trackers(config)
    for each in config.custom:
        _custom_class(project, each)


def _custom_class(project: Project, config: CustomAdapter) -> Any:
    module_name, _, name = config.type.partition(":")
    (module,) = import_modules(project.root, [module_name])
    found = getattr(module, name, None)
    if found is None:
        known = [
            each
            for each, value in vars(module).items()
            if inspect.isclass(value) and value.__module__ == module_name
        ]
        rest = did_you_mean(name, known) or f" It has {', '.join(known) or 'no class'}."
        raise ConfigError(f"adapter.custom: {module_name} has no {name}.{rest}")
    return found


def _custom(project: Project, config: CustomAdapter) -> Any:
    made = _custom_class(project, config)
    try:
        adapter = made(**config.options)
        hooks = LifecycleAdapterSet(adapter)
    except Exception as error:  # noqa: BLE001 - a user's own class may raise anything
        raise ConfigError(
            f"adapter.custom: {config.type} cannot be made: {type(error).__name__}: {error}"
        ) from None
    parts = (hooks.sync_hooks, hooks.async_hooks, hooks.sync_methods, hooks.async_methods,
             hooks.sync_validators)  # fmt: skip
    if not any(parts):
        raise ConfigError(
            f"adapter.custom: {config.type} is no adapter of Hamilton's.",
            hint="Let it inherit from a class of hamilton.lifecycle, such as NodeExecutionHook.",
        )
    return adapter


def _print(text: str) -> None:
    print(visible(mask(text)))  # noqa: T201 - it is what the adapter is for


class _Print(PrintLn):  # type: ignore[misc] # Hamilton has no types
    """Hamilton's adapter, which loses count where a node belongs to a task."""

    def run_after_node_execution(self, **told: Any) -> None:
        """Tell of the node."""
        with contextlib.suppress(KeyError):
            super().run_after_node_execution(**told)
