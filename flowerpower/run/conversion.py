"""Values as the types that a DAG declares, converted from what JSON, YAML or a shell can write.

Nothing here imports Hamilton, so that a job's inputs can be checked without it.
"""

from __future__ import annotations

import collections.abc
import datetime as dt
import decimal
import enum
import functools
import inspect
import json
import re
import types
import typing
from collections.abc import Callable
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, TypeAdapter, ValidationError

from flowerpower.config.validation import explain
from flowerpower.errors import FlowerpowerError
from flowerpower.jobs.inputs import encode_input
from flowerpower.text import did_you_mean, is_secret_name, mask, one_line, shortened
from flowerpower.triggers import clock

_ANYTHING = (Any, object, inspect.Parameter.empty)
_JSON_KINDS = (type(None), bool, int, float, str, list, dict, tuple, set, frozenset)
"""Their values are looked into; any other object is judged by its class."""
_STREAMS = (
    collections.abc.Iterable, collections.abc.Iterator, collections.abc.Generator,
    collections.abc.AsyncIterable, collections.abc.AsyncIterator, collections.abc.AsyncGenerator,
)  # fmt: skip
"""Pydantic would replace a value of these by an iterator of its own."""
_PROBLEMS = {
    "missing": "it is missing.",
    "missing_argument": "it is missing.",
    "needs_python_object": "JSON has no such objects.",
    "extra_forbidden": "there is no such field.",
    "unexpected_keyword_argument": "there is no such field.",
}
_CONFIG = ConfigDict(arbitrary_types_allowed=True, extra="forbid")


def convert_value(value: Any, declared: Any, text: str | None = None) -> Any:
    """A value as the declared type; `text` is how it is written, if a shell passed it on.

    A value that fits stays what it is. Otherwise it is converted, if it is what JSON has for the
    type: text for a date, time, path, UUID or Decimal, a mapping for a model or a dataclass, the
    value (or the name) of an enum's member, a list for a set or a tuple, a whole number for a
    float. A number or a word that does not fit is taken as `text`.

    Raises:
        ValueError: if it does not fit; its text says where and why, or is empty.
    """
    return choose_and_convert(value, declared, text)[1]


def choose_and_convert(value: Any, declared: Any, text: str | None = None) -> tuple[Any, Any]:
    """The one of value and text that fits, and that as the declared type, as `convert_value`.

    Raises:
        ValueError: as `convert_value`.
    """
    candidates = [value] if text is None else [value, text]
    if decimal.Decimal in (declared, *get_args(declared)):
        # As text first: 1.10 is not 1.1, and a float has rounded it already.
        candidates.reverse()
    first_error: ValueError | None = None
    for candidate in candidates:
        try:
            return candidate, _convert(candidate, declared)
        except ValueError as error:
            first_error = first_error or error
    raise first_error or ValueError


def convert_fire_time(moment: dt.datetime, declared: Any) -> Any:
    """The nominal time of a fire as the declared type: a datetime, an ISO 8601 text or the like.

    Raises:
        ValueError: if the type cannot hold a time.
    """
    options = (declared, *get_args(declared))
    if dt.date in options and dt.datetime not in options:
        raise ValueError("a fire has a time, and its date depends on the time zone")
    return convert_value(moment, declared, clock.format_time(moment))


def takes_none(declared: Any) -> bool:
    """Whether None is a value of the type."""
    return declared in (*_ANYTHING, None, type(None)) or type(None) in get_args(declared)


def _convert(value: Any, declared: Any) -> Any:
    if type(value) is declared or any(declared is anything for anything in _ANYTHING):
        return value
    if type(value) not in _JSON_KINDS and _is_instance(value, declared):
        return value
    if _is_parallelizable(declared) and isinstance(value, list | tuple):
        declared = list[get_args(declared)]  # type: ignore[misc] # made at run time
    adapter = _adapter(declared)
    if adapter is None:
        if _is_instance(value, declared):
            return value
        raise ValueError
    try:
        return _validated(adapter, value)
    except ValidationError as error:
        raise ValueError(_reason(error)) from None
    except Exception as error:  # noqa: BLE001 - validators of the user's own models run
        raise ValueError(one_line(mask(f"{type(error).__name__}: {error}"))) from None


def _is_parallelizable(declared: Any) -> bool:
    # By its name: the class is Hamilton's.
    origin = get_origin(declared)
    name = f"{getattr(origin, '__module__', '')}.{getattr(origin, '__name__', '')}"
    return name == "hamilton.htypes.Parallelizable"


def _validated(adapter: TypeAdapter[list[Any]], value: Any) -> Any:
    try:
        return adapter.validate_python([value], strict=True)[0]
    except ValidationError:
        try:
            # Not of an object: a path would become text where text is declared.
            text = json.dumps([encode_input(value, "")]) if type(value) in _JSON_KINDS else None
        except FlowerpowerError:
            text = None
        if text is None:
            raise
    # Strict Python wants a date for a date; strict JSON, which has no dates, takes its text.
    return adapter.validate_json(text, strict=True)[0]


def _reason(error: ValidationError) -> str:
    """What pydantic found first, with the path to it: `[1].size: expected …`."""
    entry: dict[str, Any] = dict(error.errors(include_url=False)[0])
    # The value is validated as the only entry of a list. A name with brackets is not a field's, but
    # what pydantic calls a member of a union.
    steps = [step for step in entry["loc"][1:] if "[" not in str(step)]
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    if not path and entry["type"].endswith(("_type", "_of", "_from_float", "_object")):
        # The type that is declared, and what came, are said by the caller.
        return ""
    if any(is_secret_name(str(step)) for step in steps):
        return one_line(f"{path.lstrip('.')}: it does not fit.")
    value = entry["input"]
    text = _PROBLEMS.get(entry["type"]) or explain(BaseModel, entry, value)
    if entry["type"] == "enum" and isinstance(value, str):
        text += did_you_mean(value, re.findall(r"'([^']*)'", entry["ctx"]["expected"]))
    return one_line(shortened(f"{path.lstrip('.')}: {text}" if path else text, 300))


def _is_instance(value: Any, declared: Any) -> bool:
    """Whether the value's class is one that the type names; True for a type that names none."""
    origin = get_origin(declared)
    if origin in (Union, types.UnionType):
        return any(_is_instance(value, option) for option in get_args(declared))
    if origin is Annotated:
        return _is_instance(value, get_args(declared)[0])
    cls = origin or getattr(declared, "__supertype__", declared)
    if not isinstance(cls, type):
        return isinstance(declared, typing.TypeVar)
    if isinstance(value, str) and cls in _STREAMS:
        return False
    try:
        return isinstance(value, cls)
    except TypeError:
        return False


def _adapter(declared: Any) -> TypeAdapter[list[Any]] | None:
    try:
        return _cached_adapter(declared)
    except TypeError:
        # A type that cannot be hashed, such as Annotated with a list, cannot be cached.
        return _cached_adapter.__wrapped__(declared)


@functools.lru_cache(maxsize=500)
def _cached_adapter(declared: Any) -> TypeAdapter[list[Any]] | None:
    """Validates a list of one value of the type; None if pydantic has no way to."""
    if (get_origin(declared) or declared) in _STREAMS:
        return None
    try:
        # In a list, because a configuration cannot be given to a dataclass or TypedDict itself.
        return TypeAdapter(list[_readable(declared)], config=_CONFIG)  # type: ignore[misc, arg-type] # made at run time
    except Exception:  # noqa: BLE001 - types of libraries may raise anything when asked for a schema
        return None


def _readable(declared: Any) -> Any:
    """The type with our own reading of what pydantic reads too freely.

    It takes numbers, in text too, for times since 1970.
    """
    origin, arguments = get_origin(declared), get_args(declared)
    if origin is Annotated:
        return Annotated[(_readable(arguments[0]), *arguments[1:])]
    if origin in (Union, types.UnionType):
        return Union[tuple(map(_readable, arguments))]  # noqa: UP007 - of a tuple
    if origin in (
        list,
        set,
        frozenset,
        tuple,
        dict,
        collections.abc.Sequence,
        collections.abc.Mapping,
    ):
        return origin[tuple(map(_readable, arguments))]
    if typing.is_typeddict(declared):
        return _readable_typed_dict(declared)
    if not isinstance(declared, type) or origin is not None:
        return declared
    if declared in _READERS:
        return Annotated[declared, BeforeValidator(_READERS[declared])]
    if issubclass(declared, enum.Enum):
        return Annotated[declared, BeforeValidator(functools.partial(_member, declared))]
    if issubclass(declared, dt.datetime):
        return Annotated[declared, BeforeValidator(functools.partial(_subclass_time, declared))]
    return declared


def _readable_typed_dict(declared: Any) -> Any:
    # Before Python 3.12 pydantic refuses a TypedDict of `typing`, which does not know enough of
    # itself; made again by typing_extensions it is accepted.
    from typing_extensions import TypedDict

    fields: dict[str, Any] = {}
    for name, hint in typing.get_type_hints(declared, include_extras=True).items():
        mark = get_origin(hint)
        if mark in (typing.Required, typing.NotRequired):
            (hint,) = get_args(hint)
        # Where annotations are text, the class itself has not seen its own marks.
        is_required = mark is typing.Required or (
            mark is not typing.NotRequired and name in declared.__required_keys__
        )
        fields[name] = (typing.Required if is_required else typing.NotRequired)[_readable(hint)]
    return TypedDict(declared.__name__, fields)  # type: ignore[operator] # made at run time


def _member(cls: type[enum.Enum], value: Any) -> Any:
    """The member with that value or, if none has it, of that name."""
    if isinstance(value, str) and value in cls.__members__:
        return next((member for member in cls if member.value == value), cls[value])
    return value


def _subclass_time(cls: type[dt.datetime], value: Any) -> Any:
    """A time as a subclass of datetime that is made from one, such as that of pandas."""
    moment = _time(value)
    is_plain = isinstance(moment, dt.datetime) and not isinstance(moment, cls)
    return cls(moment) if is_plain else moment  # type: ignore[call-arg] # pandas takes it


def _time(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return clock.parse_time(value)
        except FlowerpowerError as error:
            raise ValueError(error.message) from None
    return _no_number(value)


def _date(value: Any) -> Any:
    if not isinstance(value, str):
        return _no_number(value)
    try:
        return dt.date.fromisoformat(value)
    except ValueError as error:
        raise ValueError(f"expected a date such as 2026-12-25: {error}") from None


def _time_of_day(value: Any) -> Any:
    if not isinstance(value, str):
        return _no_number(value)
    try:
        return dt.time.fromisoformat(value)
    except ValueError as error:
        raise ValueError(f"expected a time such as 09:30: {error}") from None


def _duration(value: Any) -> Any:
    if isinstance(value, str):
        if value.startswith(("P", "-P")):
            # What `encode_input` writes: it may be negative, and has no limit.
            return TypeAdapter(dt.timedelta).validate_python(value)
        try:
            return dt.timedelta(seconds=clock.parse_duration(value))
        except FlowerpowerError as error:
            raise ValueError(error.message) from None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return dt.timedelta(seconds=value)
    return value


def _no_number(value: Any) -> Any:
    if isinstance(value, int | float):
        raise ValueError("expected text in ISO 8601")
    return value


_READERS: dict[type, Callable[[Any], Any]] = {
    dt.datetime: _time,
    dt.date: _date,
    dt.time: _time_of_day,
    dt.timedelta: _duration,
}
