"""From configuration to Hamilton's lifecycle adapters."""

from __future__ import annotations

import contextlib
import functools
import inspect
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from hamilton.lifecycle.base import LifecycleAdapterSet
from hamilton.lifecycle.default import (
    FunctionInputOutputTypeChecker,
    GracefulErrorAdapter,
    PrintLn,
)

from flowerpower.adapter_config import AdapterConfig, CustomAdapter, GracefulErrors
from flowerpower.config_files import Project
from flowerpower.errors import ConfigError
from flowerpower.names import did_you_mean
from flowerpower.pipeline.modules import import_modules
from flowerpower.pipeline.recorder import NodeRecorder
from flowerpower.pipeline.trackers import Tracker, check_trackers, make_trackers
from flowerpower.retries import names_of
from flowerpower.safe_text import mask

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

    def close(self) -> None:
        """Let trackers send what they have, and let go of them."""
        for tracker in self.trackers:
            tracker.close()


def make_adapters(
    project: Project,
    pipeline: str,
    config: AdapterConfig,
    recorder: NodeRecorder,
    warn: OnWarning,
) -> Adapters:
    """The adapters that are on, but for the progress bar, which is drawn from the recorder.

    A tracker that cannot be reached is left out with a warning.

    Raises:
        ConfigError: if one lacks a setting, is not installed, or is not to be found.
    """
    made = Adapters()
    if config.graceful_errors is not None and config.graceful_errors.enabled:
        made.sent.append(_Graceful(config.graceful_errors, recorder))
        made.methods.append("graceful_errors")
    if config.type_check is not None and config.type_check.enabled:
        told = config.type_check
        made.sent.append(_TypeCheck(recorder, told.check_input, told.check_output))
    if config.print is not None and config.print.enabled:
        made.sent.append(_Print(config.print.verbosity, node_filter=config.print.nodes))
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


class _CaughtError(Exception):
    """A node's failure that the run is to survive."""


class _Graceful(GracefulErrorAdapter):  # type: ignore[misc] # Hamilton has no types
    """Hamilton's adapter, for exceptions known by name, and with each failure recorded."""

    def __init__(self, config: GracefulErrors, recorder: NodeRecorder) -> None:
        super().__init__(_CaughtError, config.sentinel, config.try_all_parallel)
        self._names = set(config.errors)
        self._recorder = recorder

    def run_to_execute_node(
        self,
        *,
        node_name: str,
        node_callable: Any,
        is_expand: bool,
        task_id: str | None,
        **future_kwargs: Any,
    ) -> Any:
        """The node's value, or the sentinel if it fails or what it takes has."""

        @contextlib.contextmanager
        def caught() -> Iterator[None]:
            try:
                yield
            except Exception as error:
                if self._names.isdisjoint(names_of(type(error))):
                    raise
                self._recorder.went_wrong(node_name, task_id, error)
                raise _CaughtError from error

        def call(**given: Any) -> Any:
            with caught():
                return node_callable(**given)

        def items(**given: Any) -> Iterator[Any]:
            with caught():
                yield from node_callable.keywords["_callable"](**given)

        guarded: Any = call
        if is_expand:
            guarded = functools.partial(_listed, _callable=items)
        return super().run_to_execute_node(
            node_name=node_name,
            node_callable=guarded,
            is_expand=is_expand,
            task_id=task_id,
            **future_kwargs,
        )


def _listed(_callable: Callable[..., Iterator[Any]], **given: Any) -> list[Any]:
    return list(_callable(**given))


class _TypeCheck(FunctionInputOutputTypeChecker):  # type: ignore[misc] # Hamilton has no types
    """Hamilton's adapter; the node whose types are wrong is the one that failed."""

    def __init__(self, recorder: NodeRecorder, check_input: bool, check_output: bool) -> None:
        super().__init__(check_input, check_output)
        self._recorder = recorder

    def run_before_node_execution(self, node_name: str, **told: Any) -> None:
        """Check what the node takes."""
        with self._blamed(node_name):
            super().run_before_node_execution(node_name=node_name, **told)

    def run_after_node_execution(self, node_name: str, success: bool, **told: Any) -> None:
        """Check what it gives, if it gave something."""
        if success:
            with self._blamed(node_name):
                super().run_after_node_execution(node_name=node_name, success=success, **told)

    @contextlib.contextmanager
    def _blamed(self, node_name: str) -> Iterator[None]:
        try:
            yield
        except TypeError:
            self._recorder.blame(node_name)
            raise


class _Print(PrintLn):  # type: ignore[misc] # Hamilton has no types
    """Hamilton's adapter, which loses count where a node belongs to a task."""

    def run_after_node_execution(self, **told: Any) -> None:
        """Tell of the node."""
        with contextlib.suppress(KeyError):
            super().run_after_node_execution(**told)
