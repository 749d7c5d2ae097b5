"""What a caller may change of the `run` section of a pipeline, as plain data.

It is checked by `flowerpower.config.run`. It stands here without pydantic, because a job that is
added mostly changes nothing but inputs, and to import pydantic takes as long as all the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import MISSING, dataclass, field, fields
from operator import itemgetter
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from flowerpower.config.adapters import AdapterName
    from flowerpower.config.run import CheckedOverrides, ExecutorOverrides, RetryOverrides

_PLAIN = ("inputs", "overrides", "config", "written")
"""Mappings by text, the last one to text and the others to anything."""


@dataclass(frozen=True)
class RunOverrides:
    """What a caller may change of a pipeline's `run` section; None leaves a setting as it is.

    They are as in `flowerpower.pipeline.overrides.RunArguments`, where `adapters` may also be
    classes: here they are `custom_adapters`, which no job may name (see `names_code`).

    `written` is how values in `inputs` and `overrides` were written, by name, where a shell passed
    them on as text: that counts if the DAG declares text.

    `declared` names an entry under `schedule` in the pipeline's YAML (empty: the only one, which
    has no id), whose `run` is read there when the job runs. So a job of a declared schedule stores
    nothing of it, and no secret that a placeholder there stands for.

    Raises pydantic's ValidationError, a ValueError, if a value is not valid.
    """

    not_for_files: ClassVar[tuple[str, ...]] = ("declared", "written")

    inputs: dict[str, Any] = field(default_factory=dict)
    overrides: dict[str, Any] = field(default_factory=dict)
    final_vars: list[str] | None = None
    config: dict[str, Any] = field(default_factory=dict)
    load: dict[str, str] = field(default_factory=dict)
    save: dict[str, str] = field(default_factory=dict)
    executor: ExecutorOverrides | None = None
    cache: bool | None = None
    recompute: list[str] | None = None
    progressbar: bool | None = None
    adapters: list[AdapterName] = field(default_factory=list)
    custom_adapters: list[str] = field(default_factory=list)
    timeout: float | None = None
    retry: RetryOverrides | None = None
    written: dict[str, str] = field(default_factory=dict)
    declared: str | None = None

    def __post_init__(self) -> None:
        # Not by `object.__setattr__`, nor field by field: most jobs change little or nothing.
        values = vars(self)
        for name, default in _COLLECTIONS.items():
            if values[name] is None:
                values[name] = copy(default)
        for name in _PLAIN:
            # A caller's own mapping may change later.
            if type(values[name]) is dict:
                values[name] = values[name].copy()
        if not self._is_plain():
            from flowerpower.config.run import CheckedOverrides

            checked = CheckedOverrides.model_validate({**values})
            values.update(vars(RunOverrides.of_checked(checked)))

    def _is_plain(self) -> bool:
        """Whether it sets nothing but values by name, which need no check."""
        values = vars(self)
        for name in _PLAIN:
            value = values[name]
            if type(value) is not dict or (value and not all(type(key) is str for key in value)):
                return False
        if self.written and not all(type(text) is str for text in self.written.values()):
            return False
        if self.declared is not None and type(self.declared) is not str:
            return False
        return bool(_checked_values(values) == _CHECKED_DEFAULTS)

    @classmethod
    def model_validate(cls, data: Mapping[str, Any]) -> RunOverrides:
        """The overrides in data such as JSON or YAML has.

        Raises:
            ValueError: saying what is not valid, also of keys that there are not.
        """
        if isinstance(data, Mapping) and data.keys() <= _DEFAULTS.keys():
            return cls(**data)
        from flowerpower.config.run import CheckedOverrides

        return RunOverrides.of_checked(CheckedOverrides.model_validate(data))

    @staticmethod
    def of_checked(checked: CheckedOverrides) -> RunOverrides:
        """The same as plain data."""
        has_retry = bool(checked.retry.model_dump(exclude_none=True))
        retry = checked.retry if has_retry else None
        return RunOverrides().with_changes(**{**vars(checked), "retry": retry})

    @property
    def settings(self) -> dict[str, Any]:
        """What it changes, by name, as plain data."""
        values = vars(self)
        is_plain = _checked_values(values) == _CHECKED_DEFAULTS
        names = (*_PLAIN, "declared") if is_plain else _DEFAULTS
        changed = {name: values[name] for name in names if values[name] != _DEFAULTS[name]}
        for name in {"executor", "retry"} & changed.keys():
            changed[name] = changed[name].model_dump(exclude_defaults=True)
        return changed

    @property
    def sets_inputs_alone(self) -> bool:
        """Whether all else is as the pipeline has it."""
        return bool(_others(vars(self)) == _OTHER_DEFAULTS)

    @property
    def retry_settings(self) -> dict[str, Any]:
        """What it changes of the retry policy, by name."""
        return {} if self.retry is None else self.retry.model_dump(exclude_none=True)

    @property
    def names_code(self) -> str | None:
        """The class that it names, if any: a record in a queue must not say what to import."""
        return self.custom_adapters[0] if self.custom_adapters else None

    def with_changes(self, **changes: Any) -> RunOverrides:
        """The same with other values of these fields, which need no check."""
        changed = object.__new__(RunOverrides)
        vars(changed).update({**vars(self), **changes})
        return changed


_DEFAULTS: dict[str, Any] = {
    one.name: None if one.default_factory is MISSING else one.default_factory()
    for one in fields(RunOverrides)
}
_COLLECTIONS = {name: default for name, default in _DEFAULTS.items() if default is not None}
_checked_values = itemgetter(*(_DEFAULTS.keys() - {*_PLAIN, "declared"}))
"""Gives what pydantic checks where it is set."""
_CHECKED_DEFAULTS = _checked_values(_DEFAULTS)
_others = itemgetter(*(_DEFAULTS.keys() - {"inputs", "written"}))
_OTHER_DEFAULTS = _others(_DEFAULTS)
